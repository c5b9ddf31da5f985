// Signing in and pairing against a real office, by TLS at its floating address: the browser stands in the office's own
// network, as a terminal does (run.sh starts an office; without one these say SKIP).

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { SKIP, ca, cookiesOf, info, office, toban } from "./lib/office.mjs";

const BASE = "https://10.90.0.10";
const PASSWORD = "pelican rain over 44";

/** As a phone makes it, at the office's time. */
function totp(key_text) {
    const bits = [...key_text].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0"));
    const key = Buffer.from(bits.join("").match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor((Date.now() + info().clock_offset_ms) / 30_000)));
    const mac = createHmac("sha1", key).update(counter).digest();
    const at = mac[19] & 15;
    return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

describe("signing in", { skip: SKIP }, () => {
    let browser;
    before(async () => {
        browser = await startBrowser({ authority: ca, network: office.namespaces.lan });
    });
    after(() => browser?.close());

    const open = (path, options) => openPage(browser, `${BASE}${path}`, options);
    const close = closePage;
    const visible = (page, selector) => page.locator(selector).waitFor({ state: "visible" });

    it("an_administrator_signs_in_by_keyboard_alone_and_does_first_what_comes_first", async () => {
        const first = JSON.parse(toban("user", "add", "hanako", "--role", "administrator", "--json")).password;
        const page = await open("/login");
        await visible(page, "#sign_in");
        await assertAccessible(page);
        await shot(page, "login");
        await page.keyboard.type("hanako");
        await page.keyboard.press("Tab");
        await page.keyboard.type("not my password");
        await page.keyboard.press("Enter");
        await visible(page, "#problem");
        assert.match(await page.locator("#problem").textContent(), /確認できませんでした/);
        await page.keyboard.type(first); // the focus is where it is typed again
        await page.keyboard.press("Enter");

        await visible(page, "#new_password");
        await assertAccessible(page);
        for (const text of [first, PASSWORD, PASSWORD]) {
            await page.keyboard.type(text);
            await page.keyboard.press("Tab");
        }
        await page.keyboard.press("Enter");
        await visible(page, "#second_factor");
        await assertAccessible(page);
        await shot(page, "login-second-factor");
        await page.keyboard.type(totp((await page.locator("#key").textContent()).replaceAll(" ", "")));
        await page.keyboard.press("Enter");
        await visible(page, "#codes");
        await assertAccessible(page);
        const codes = await page.locator("#codes li").allTextContents();
        assert.equal(new Set(codes).size, 10);
        await page.locator("#codes_done").click();
        await visible(page, "#sign_out");
        assert.match(await page.locator("#who").textContent(), /管理者/);
        assert.equal(await page.evaluate(() => document.cookie), ""); // no script reads it
        await page.keyboard.press("Enter");

        await visible(page, "#sign_in");
        await page.locator("#name").fill("hanako");
        await page.locator("#password").fill(PASSWORD);
        await page.keyboard.press("Enter");
        await visible(page, "#code_part");
        await page.keyboard.type(codes[6].toLowerCase());
        await page.keyboard.press("Enter");
        await visible(page, "#sign_out");
        await assertAccessible(page);
        await page.reload();
        await visible(page, "#sign_out");
        await close(page);
    });

    it("the_pages_of_signing_in_fit_a_phone", async () => {
        for (const path of ["/login", "/pair"]) {
            const page = await open(path, { width: 320, height: 640 });
            await page.locator("h1").waitFor();
            await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth);
            await assertAccessible(page);
            await close(page);
        }
    });

    it("a_device_shows_a_code_and_becomes_what_the_administrator_says", async () => {
        const page = await open("/pair");
        await page.waitForFunction(() => /^[2-9A-Z]{7}$/.test(document.getElementById("code").textContent));
        await assertAccessible(page);
        await shot(page, "pair");
        toban("device", "pair", "kiosk", await page.locator("#code").textContent());
        await page.waitForURL(`${BASE}/kiosk`);
        await close(page);
    });
});
