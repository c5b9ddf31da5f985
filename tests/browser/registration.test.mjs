// Registration before arrival on a real office, by TLS: from the telephone to the counter. The site file opens it here and
// closes it again; a relay and a listener without TLS offer none of it (tests/unit/gateway_registration_test.c).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { SKIP_FAULT, ca, cookiesOf, office, read, send, toban } from "./lib/office.mjs";

const PHONE = { width: 360, height: 740 };
const PLACES = 4;

describe("visitors who register before arrival", { skip: SKIP_FAULT }, () => {
    let browser;
    let folder;
    let category;
    const base = office?.host_url.replace(/\/$/, "");
    const open = (path, role, size = {}) =>
        openPage(browser, `${base}/${path}`, { ...size, cookies: role ? cookiesOf(role, base) : [] });
    const waitingOf = async () => (await read("queue")).categories.find(({ id }) => id === category).waiting;

    function applySite(change) {
        const path = join(folder, "site.yaml");
        const now = toban("config", "show").replace(/\nregistration:\n( .*\n)*/, "\n");
        writeFileSync(path, change(now));
        toban("config", "apply", path, "--yes", "--note", "来庁前の受付");
    }
    const opened = (text, own_arrival) =>
        `${text.trimEnd()}\nregistration:\n  open: on\n  own_arrival: ${own_arrival}\n  categories:\n` +
        `    - category: ${category}\n      places: ${PLACES}\n`;

    before(async () => {
        browser = await startBrowser({ authority: ca });
        folder = mkdtempSync(join(tmpdir(), "toban-registration-"));
        const { categories } = await read("counters/1", "counter");
        category = categories[0];
    });
    after(async () => {
        await browser?.close();
        if (!SKIP_FAULT) {
            applySite((text) => text);
            rmSync(folder, { recursive: true });
        }
    });

    it("an_office_that_takes_none_shows_nothing_of_it_and_refuses", async () => {
        const phone = await open("status", null, PHONE);
        await phone.locator("#categories li").first().waitFor();
        assert.equal(await phone.locator("#register").isVisible(), false);
        const answer = await send("registrations", { category });
        assert.equal(answer.status, 409);
        assert.equal(answer.body.code, "NO_REGISTRATION");
        applySite((text) => opened(text, "off"));
        await phone.locator("#register").waitFor({ state: "visible" }); // without being loaded anew
        await closePage(phone);
    });

    it("a_number_taken_on_the_telephone_waits_from_the_arrival_at_the_ticket_machine_and_is_served", async () => {
        const phone = await open("status", null, PHONE);
        const kiosk = await open("kiosk", "kiosk", { width: 1280, height: 800 });
        const desk = await open("counter?n=1", "counter");
        await phone.locator("#register_list button").first().click();
        await assertAccessible(phone);
        await shot(phone, "registration_choose");
        await phone.locator("#register_yes").dblclick(); // one touch too many is one number
        await phone.locator("#own[data-state=EXPECTED]").waitFor();
        const display = await phone.locator("#own_number").textContent();
        const first = await waitingOf();
        assert.equal(await phone.locator("#register").isVisible(), false);
        assert.equal(await phone.locator("#own_arrive").isVisible(), false, "not from home");
        await assertAccessible(phone);
        await shot(phone, "registration_expected");
        const id = new URL(phone.url()).hash.slice(1);
        assert.ok(await phone.locator("#own_code").isVisible(), "a code for a reader");
        const early = await send(`tickets/${id}/arrive`, {});
        assert.equal(early.body.code, "ARRIVE_HERE");

        await desk.locator("#main[data-action]").waitFor();
        if ((await desk.locator("#main").getAttribute("data-action")) === "open") {
            await desk.locator("#main").click();
        }
        await desk.locator("#expected li", { hasText: display }).waitFor();
        assert.equal(await desk.locator("#waiting li", { hasText: display }).count(), 0);
        await shot(desk, "registration_counter");

        await kiosk.locator("#arrive").click();
        for (const letter of display) {
            await kiosk.locator(".arrival-key", { hasText: new RegExp(`^${letter}$`) }).click();
        }
        await assertAccessible(kiosk);
        await shot(kiosk, "registration_kiosk");
        await kiosk.locator("#arrival_do").click();
        await kiosk.locator("#arrival_told[data-done]", { hasText: display }).waitFor();
        await shot(kiosk, "registration_arrived");
        await kiosk.locator("#arrival_close").click();
        assert.equal(await waitingOf(), first + 1);

        await phone.locator("#own[data-state=WAITING]").waitFor({ timeout: 30000 });
        await desk.locator("#main[data-action=call-next]:not([aria-disabled])").waitFor();
        await until(async () => {
            await desk.locator("#main").click();
            const called = await desk.locator("#current_number").textContent();
            if (called !== display) {
                toban("counter", "1", "complete");
            }
            return called === display;
        }, `${display} is called`);
        await phone.locator("#own[data-state=CALLED]").waitFor({ timeout: 15000 });
        toban("counter", "1", "complete");
        await phone.locator("#own_ended").waitFor({ state: "visible", timeout: 30000 });
        for (const page of [phone, kiosk, desk]) {
            await closePage(page);
        }
    });

    it("where_the_site_allows_it_the_own_page_says_that_its_visitor_is_here_and_places_end", async () => {
        applySite((text) => opened(text, "on"));
        const phone = await open("status", null, PHONE);
        await phone.locator("#register_list button").first().click();
        await phone.locator("#register_yes").click();
        await phone.locator("#own[data-state=EXPECTED]").waitFor();
        await phone.locator("#own_arrive").click();
        await phone.locator("#own[data-state=WAITING]").waitFor();
        await closePage(phone);
        // At a counter by its number, which a list of fifty need not show.
        const second = await send("registrations", { category });
        const desk = await open("counter?n=1", "counter");
        await desk.locator("#expected li", { hasText: second.body.display }).waitFor();
        await desk.locator("#arrived_text").fill("無い");
        await desk.locator("#arrived_text").press("Enter");
        await desk.locator("#said[data-kind=refused]").waitFor();
        await desk.locator("#arrived_text").fill(second.body.display);
        await desk.locator("#arrived_text").press("Enter");
        await desk.locator("#said[data-kind=done]", { hasText: `${second.body.display} の来庁` }).waitFor();
        await desk.locator("#waiting li", { hasText: second.body.display }).waitFor();
        await assertAccessible(desk);
        await closePage(desk);
        // A reader at the ticket machine types the code of a telephone.
        const third = await send("registrations", { category });
        assert.equal(third.status, 201);
        const kiosk = await open("kiosk", "kiosk", { width: 1080, height: 1920 });
        await kiosk.locator("#arrive").click();
        await kiosk.keyboard.type(`https://office.test/status#${third.body.id}`);
        await kiosk.keyboard.press("Enter");
        await kiosk.locator("#arrival_told[data-done]", { hasText: third.body.display }).waitFor();
        await shot(kiosk, "registration_upright");
        await closePage(kiosk);
        const full = await send("registrations", { category });
        assert.equal(full.body.code, "REGISTRATION_FULL");
        const other = await open("status", null, PHONE);
        await other.locator("#register_list button[disabled]").waitFor();
        await shot(other, "registration_full");
        await closePage(other);
    });
});
