// start.html lies on the screen's own disk: it bridges the time until the office answers.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
    OFFICE_HOST,
    assertAccessible,
    closePage,
    openPage,
    shot,
    startBrowser,
} from "./lib/browser.mjs";
import { layLink } from "./lib/faulty_link.mjs";
import { startOfficeDouble } from "./lib/office_double.mjs";

const START = new URL("../../appliance/gateway/web/start.html", import.meta.url).href;

describe("the start page", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    after(() => browser.close());

    it("waits_for_an_office_switched_on_later_and_goes_there", async () => {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        link.cut();
        const page = await openPage(browser, `${START}#http://${OFFICE_HOST}:${link.port}/kiosk`, {
            width: 1080,
            height: 1920,
        });
        try {
            // Some looks fail first.
            await page.waitForTimeout(1500);
            assert.match(await page.locator("h1").textContent(), /少々お待ちください/);
            await assertAccessible(page);
            await shot(page, "start");
            link.heal();
            await page.waitForURL(/\/kiosk$/);
            await page.locator(".category").first().waitFor();
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    });

    for (const wrong of ["", "#", "#javascript:alert(1)", "#file:///etc/passwd", "#kiosk"]) {
        it(`says_that_the_address_${JSON.stringify(wrong)}_is_wrong_and_goes_nowhere`, async () => {
            const page = await openPage(browser, START + wrong);
            await page.locator("#wrong").waitFor({ state: "visible" });
            assert.ok(page.url().startsWith("file:"));
            await closePage(page);
        });
    }
});
