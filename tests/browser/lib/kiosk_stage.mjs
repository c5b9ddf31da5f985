// kiosk_stage.mjs - one story at the ticket machine: a fresh double of the office, a link to it, the page.

import assert from "node:assert/strict";
import { OFFICE_HOST, closePage, openPage } from "./browser.mjs";
import { layLink } from "./faulty_link.mjs";
import { startOfficeDouble } from "./office_double.mjs";

export const UPRIGHT = { width: 1080, height: 1920, hasTouch: true };
export const LYING = { width: 1280, height: 800, hasTouch: true };
export const LANGUAGES = ["日本語", "やさしい日本語", "English", "中文", "한국어"];
export const CATEGORY = ".category";

/** prepare(office, link) before, open(context) before the page's first script. clock: time goes by order alone. */
export function createStage(browserNow) {
    return async function atKiosk(
        story,
        { size = UPRIGHT, prepare = () => {}, clock = false, script = null } = {},
    ) {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        await prepare(office, link);
        const page = await openPage(browserNow(), "about:blank", size);
        try {
            if (clock) {
                await page.clock.install();
            }
            for (const each of [script].flat().filter(Boolean)) {
                await page.addInitScript(each);
            }
            await page.goto(`http://${OFFICE_HOST}:${link.port}/kiosk`);
            await story({ office, link, page });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    };
}

export const listens = (page) => page.locator("body[data-listens=true]").waitFor();

export async function showsNumber(page, display) {
    await page.locator("#number").waitFor({ state: "visible" });
    assert.equal(await page.locator("#number").textContent(), display);
}

/** A visitor looks at a purpose and takes its number. */
export async function takeNumber(page, purpose = page.locator(CATEGORY).first(), take = "#take") {
    await listens(page);
    await purpose.tap();
    await page.locator("#confirm_title").waitFor({ state: "visible" });
    await listens(page);
    await page.locator(take).tap();
}

export const keysOf = (office, path) =>
    new Set(office.posts.filter((each) => each.path === path).map((each) => each.key)).size;

/** Whatever a finger can press now, with its box. */
export const buttonsOf = (page) =>
    page.locator("button:visible, summary:visible, input:visible").evaluateAll((all) =>
        all.map((each) => {
            const { x, y, width, height } = each.getBoundingClientRect();
            return { name: each.id || each.textContent.slice(0, 20), x, y, width, height };
        }),
    );

/** What sticks out of its box, of its button or of the screen. */
export const overflowsOf = (page) =>
    page.evaluate(() => {
        const shown = [...document.querySelectorAll("body *")].filter(
            (each) =>
                each.checkVisibility({ visibilityProperty: true }) &&
                !each.closest("svg, .only-read") &&
                !["PROGRESS", "INPUT"].includes(each.tagName),
        );
        const found = [];
        for (const each of shown) {
            const name = `${each.tagName.toLowerCase()}#${each.id}.${each.className} "${each.textContent.trim().slice(0, 24)}"`;
            if (each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1) {
                found.push(`${name} is ${each.scrollWidth - each.clientWidth} px too wide`);
            }
            const scrolls = each.matches(".staff");
            const clips = each.matches(
                "button, .category-names, .screen, main, .over-card, .slip, .foot, .top",
            );
            if (
                clips &&
                !scrolls &&
                each.clientHeight > 0 &&
                each.scrollHeight > each.clientHeight + 4
            ) {
                found.push(`${name} is ${each.scrollHeight - each.clientHeight} px too high`);
            }
            const { left, right, top, bottom } = each.getBoundingClientRect();
            const inside =
                left >= -1 && right <= innerWidth + 1 && top >= -1 && bottom <= innerHeight + 1;
            if (!inside && !each.closest(".staff")) {
                found.push(`${name} is outside the screen`);
            }
        }
        return found;
    });
