// What whoever leads the floor does, on a real office: what is said on the manager's page is on every other page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { SKIP_FAULT, ask, ca, cookiesOf, doToOffice, office, read, send, toban } from "./lib/office.mjs";

describe("a real office that is led", { skip: SKIP_FAULT }, () => {
    let browser;
    const base = office?.host_url.replace(/\/$/, "");
    /** Each page as its own device or person; the phone as nobody. */
    const open = (path, role, size = {}) =>
        openPage(browser, `${base}/${path}`, { ...size, cookies: role ? cookiesOf(role, base) : [] });
    const says = (page, selector, pattern) =>
        until(async () => pattern.test(await page.locator(selector).textContent()), `${selector} says ${pattern}`);

    before(async () => {
        browser = await startBrowser({ authority: ca });
    });
    after(() => browser?.close());

    it("a_managers_text_is_on_the_board_and_on_the_phone_until_it_is_taken_away", async () => {
        const board = await open("board", "board", { width: 1920, height: 1080 });
        const phone = await open("status", null, { width: 390, height: 844 });
        const desk = await open("manager", "manager");
        const usual = (await read("site")).running_text.ja;
        await says(board, "#running_line", new RegExp(usual.slice(0, 8)));
        await desk.locator("#tab_day").click();
        await desk.locator("#notice_ja").fill("駐車場は満車です。");
        await desk.locator("#notice_en").fill("The car park is full.");
        await desk.locator("#notice_form button[type=submit]").click();
        await says(board, "#running_line", /駐車場は満車です。.*The car park is full\./);
        await says(phone, "#notice", /駐車場は満車です。/);
        await shot(board, "office-notice-board");
        await shot(phone, "office-notice-phone");
        await desk.locator("#notice_clear").click();
        await says(board, "#running_line", new RegExp(usual.slice(0, 8)));
        await phone.locator("#notice").waitFor({ state: "hidden" });
        await Promise.all([board, phone, desk].map(closePage));
    });

    it("a_target_of_waiting_becomes_a_version_of_the_site_file_and_the_second_of_two_is_told", async () => {
        const [desk, other] = await Promise.all([open("manager", "manager"), open("manager", "manager")]);
        const card = (page) => page.locator('#categories li[data-category="2"]');
        const before = JSON.parse(toban("config", "show", "--json"));
        for (const [page, minutes] of [[desk, "25"], [other, "35"]]) {
            await card(page).getByRole("button", { name: "目標" }).click();
            await page.locator("#target[open]").waitFor();
            await page.locator("#target_minutes").fill(minutes);
        }
        await desk.locator("#target_note").fill("月末のため");
        await desk.locator("#target_form button[type=submit]").click();
        await says(desk, "#said", /目標を25分にしました/);
        await says(desk, "#categories li[data-category='2'] dl", /／25分/);
        await other.locator("#target_form button[type=submit]").click();
        await says(other, "#said", /ほかの方が先に変えました/);
        const after = JSON.parse(toban("config", "show", "--json"));
        assert.equal(after.version, before.version + 1);
        const changed = after.text.split("\n").flatMap((line, i) => (line === before.text.split("\n")[i] ? [] : [line]));
        assert.deepEqual(changed, ["    wait_limit_minutes: 25"]);
        const [newest] = JSON.parse(toban("config", "history", "--json")).versions;
        assert.equal(newest.note, "月末のため");
        assert.notEqual(newest.by, "");
        await Promise.all([desk, other].map(closePage));
    });

    it("a_clerk_at_the_ticket_machine_cancels_a_number_that_another_gave", async () => {
        const [pin, password] = ["271828", "gull above the ferry 9"];
        const first = JSON.parse(toban("user", "add", "kuroda", "--role", "supervisor", "--json")).password;
        const { body } = await send("session", { name: "kuroda", password: first, token: true });
        assert.equal((await send("session/password", { password: first, new_password: password }, body.token)).status, 200);
        assert.equal((await send("session/pin", { pin }, body.token)).status, 200);
        const issued = JSON.parse(toban("ticket", "issue", "1", "--json"));
        const { display } = issued.ticket ?? issued;
        const kiosk = await open("kiosk", "kiosk", { width: 1080, height: 1920 });
        await kiosk.locator("#choose_title").waitFor({ state: "visible" });
        const box = await kiosk.locator("#corner").boundingBox();
        await kiosk.mouse.move(box.x + 20, box.y + 20);
        await kiosk.mouse.down();
        await kiosk.locator("#staff_name").waitFor();
        await kiosk.mouse.up();
        await kiosk.locator("#staff_name").fill("kuroda");
        await kiosk.locator("#staff_pin").fill(pin);
        await kiosk.locator("#staff_enter").click();
        await kiosk.locator("#staff_who").waitFor();
        for (const digit of display.match(/\d+/)[0]) {
            await kiosk.locator(".staff-digit", { hasText: new RegExp(`^${digit}$`) }).click();
        }
        const row = kiosk.locator(".staff-ticket", { hasText: display });
        await row.getByRole("button", { name: "取消" }).click();
        await kiosk.locator("#staff_yes").click();
        await says(kiosk, "#staff_ticket_list", /取消済み/);
        await kiosk.locator("#staff_close").click();
        await says(kiosk, "#staff_effects", /来庁者.*窓口.*次の開庁/s);
        await shot(kiosk, "office-kiosk-staff-close");
        await kiosk.locator("#staff_no").click();
        assert.equal(JSON.parse(toban("day", "--json")).state, "OPEN");
        await kiosk.locator("#staff_leave").click();
        await kiosk.locator("#choose_title").waitFor({ state: "visible" });
        await closePage(kiosk);
    });

    it("a_machine_by_itself_may_not_look_for_numbers", async () => {
        for (const role of ["kiosk", "board", ""]) {
            assert.ok([401, 403].includes((await ask("api/v1/tickets?number=101", role)).status), role);
        }
        assert.equal((await ask("api/v1/tickets?number=101", "manager")).status, 200);
        assert.equal((await ask("api/v1/tickets?number=x", "manager")).status, 422);
    });

    it("holidays_are_shown_before_they_count_and_a_torn_list_is_refused_by_its_line", async () => {
        const page = await open("admin", "administrator");
        await page.locator("#holidays_form").waitFor();
        const csv = readFileSync(new URL("../lib/data/syukujitsu.csv", import.meta.url));
        const give = (buffer) => page.locator("#holidays_file").setInputFiles({ name: "syukujitsu.csv", mimeType: "text/csv", buffer });
        const look = () => page.locator("#holidays_form button").click();
        const torn = Buffer.from(csv.toString("latin1").replace("1955/1/15,", "1955/13/15,"), "latin1");
        await give(torn);
        await look();
        await says(page, "#holidays_problem", /^3行目：/);
        await shot(page, "office-holidays-refused");
        const day = "2027/8/13,\x92\x86\x89\x9b\x82\xcc\x93\xfa\r\n"; // 中央の日 in CP932
        await give(Buffer.from(csv.toString("latin1").replace("2027/9/20,", `${day}2027/9/20,`), "latin1"));
        await look();
        await page.locator("#holidays_changes").waitFor();
        await says(page, "#holidays_rows", /2027-08-13＋ 祝日になる.*中央の日/);
        await assertAccessible(page);
        await shot(page, "office-holidays");
        assert.equal(JSON.parse(toban("config", "history", "--json")).holidays, 0);
        await page.locator("#holidays_yes").click();
        await says(page, "#holidays_said", /取り込みました.*第1版/);
        assert.equal(JSON.parse(toban("config", "history", "--json")).holidays, 1);
        await closePage(page);
    });

    it("each_staff_page_has_a_menu_of_those_that_its_reader_may_open", async () => {
        for (const [path, role, ways] of [
            ["manager", "manager", ["/counter", "/manager", "/statistics", "/status", "/login"]],
            ["counter", "manager", ["/counter", "/manager", "/statistics", "/status", "/login"]],
            ["statistics", "auditor", ["/statistics", "/admin", "/status", "/login"]],
            ["admin", "administrator", ["/manager", "/statistics", "/admin", "/status", "/login"]],
        ]) {
            const page = await open(path, role);
            await page.locator("#menu summary").press("Enter");
            assert.deepEqual(await page.locator("#menu a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))), ways, path);
            await assertAccessible(page);
            await shot(page, `office-menu-${path}`);
            await closePage(page);
        }
        const terminal = await open("counter?n=1", "counter");
        await terminal.locator("#main").waitFor();
        assert.equal(await terminal.locator("#menu").isVisible(), false);
        await closePage(terminal);
    });

    it("an_account_whose_answer_was_lost_in_a_takeover_is_told_as_added_and_is_there_once", async () => {
        const members = { name: "lost", role: "operator", password: "plover under the pier 3" };
        const ask_again = (key) =>
            until(
                async () => {
                    try {
                        const answer = await send("accounts", members, office.credentials.administrator, key);
                        return answer.status !== 503 && answer;
                    } catch {
                        return null; // cut off: the same again, under the same key
                    }
                },
                "it is answered",
                20000,
            );
        // A read that the moving address cuts off is asked again, as the pages do.
        const look = () => until(() => read("queue").catch(() => null), "the queue is read", 20000);
        const first = await ask_again("press-of-add");
        assert.equal(first.status, 200);
        const on_duty = (await look()).unit;
        doToOffice("fault", "power", String(on_duty));
        const again = await ask_again("press-of-add");
        assert.equal(again.status, 200, JSON.stringify(again.body));
        assert.equal(again.body.id, first.body.id);
        assert.equal(again.body.repeated, true);
        assert.notEqual((await look()).unit, on_duty);
        assert.equal((await ask_again("press-of-somebody")).body.code, "NOT_ALONE");
        doToOffice("heal", String(on_duty));
        await until(async () => (await look()).mode === "PAIRED", "both serve again", 60000);
        assert.equal((await ask_again("press-of-somebody")).body.code, "NAME_TAKEN");
    });
});
