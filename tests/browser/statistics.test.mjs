// Statistics on their page. The answers are the engine's own (tests/unit/engine_statistics_request_test.c writes and checks the
// sample); who serves the page is a double. With a real office beside: asked of it, opened as it comes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { OFFICE_HOST, assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { startOfficeDouble } from "./lib/office_double.mjs";

const SAMPLE = JSON.parse(readFileSync(new URL("./lib/statistics.json", import.meta.url), "utf8"));
const OFFICE = process.env.TOBAN_URL;

describe("the statistics", () => {
    let browser;
    let office;
    before(async () => {
        browser = await startBrowser();
        office = await startOfficeDouble();
    });
    after(async () => {
        await browser.close();
        await office.stop();
    });

    async function atPage(story, { size = {}, answer = null } = {}) {
        const page = await openPage(browser, "about:blank", size);
        const asked = [];
        await page.route("**/api/v1/statistics?*", (route) => {
            const url = new URL(route.request().url());
            asked.push(url.search);
            const given = answer?.(url, asked.length) ?? {
                status: 200,
                json: SAMPLE[url.searchParams.get("by")],
            };
            return route.fulfill(given);
        });
        await page.goto(`http://${OFFICE_HOST}:${office.port}/statistics`);
        try {
            await story({ page, asked });
            await closePage(page);
        } finally {
            await page.context().close();
        }
    }

    const drawn = (page) => page.locator("#tables").waitFor({ state: "visible" });

    it("shows_pictures_first_and_the_same_numbers_as_tables", () =>
        atPage(async ({ page }) => {
            await drawn(page);
            assert.equal(await page.locator("section svg[role=img]").count(), 5);
            for (const picture of await page.locator("section svg[role=img]").all()) {
                assert.ok((await picture.locator("title").textContent()).length > 5);
                assert.ok((await picture.locator("desc").textContent()).length > 5);
            }
            const hours = SAMPLE.hour.rows.filter((row) => !row.few);
            assert.equal(await page.locator("#hours svg[role=img] rect").count(), hours.length);
            await page.locator("#hours summary").click();
            const first = page.locator("#hours tbody tr").first();
            assert.equal(await first.locator("th").textContent(), `${hours[0].hour}時`);
            assert.equal(await first.locator("td").first().textContent(), String(hours[0].arrived));
            assert.match(await page.locator("#sum").textContent(), new RegExp(`来庁 Arrived${SAMPLE.hour.total.arrived}`));
            await shot(page, "statistics");
            await assertAccessible(page);
            await page.setViewportSize({ width: 1280, height: 2600 });
            await shot(page, "statistics-whole");
        }));

    it("fits_a_phone_and_is_accessible_there", () =>
        atPage(
            async ({ page }) => {
                await drawn(page);
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                assert.ok(wide <= 390, `${wide} px`);
                const letters = await page.locator("#waits svg text").first().evaluate((text) => text.getBoundingClientRect().height);
                assert.ok(letters >= 12, `letters of a chart are ${letters} px high`);
                await assertAccessible(page);
                await page.locator("#waits").scrollIntoViewIfNeeded();
                await shot(page, "statistics-phone");
            },
            { size: { width: 390, height: 844 } },
        ));

    it("asks_for_the_days_that_are_entered_and_links_their_files", () =>
        atPage(async ({ page, asked }) => {
            await drawn(page);
            await page.locator("#from").fill("2026-11-02");
            await page.locator("#to").fill("2026-11-30");
            asked.length = 0;
            await page.locator("#period button[type=submit]").click();
            await until(() => asked.length === 3, "three tables are asked for");
            assert.ok(asked.every((search) => search.startsWith("?from=2026-11-02&to=2026-11-30&by=")));
            await drawn(page);
            const links = await page.locator("#files a").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
            assert.equal(links.length, 3);
            assert.ok(links.every((href) => href.startsWith("/api/v1/statistics.csv?from=")));
        }));

    it("rows_of_single_visits_are_offered_where_they_are_kept_and_nowhere_else", async () => {
        const kept = (visits) => ({
            answer: (url) => {
                const by = url.searchParams.get("by");
                return SAMPLE[by] ? { status: 200, json: { ...SAMPLE[by], visits } } : null;
            },
        });
        assert.equal(SAMPLE.category.visits.kept, false);
        await atPage(async ({ page }) => {
            await drawn(page);
            assert.ok(await page.locator("#visits").isHidden());
        });
        await atPage(async ({ page }) => {
            await drawn(page);
            assert.match(await page.locator("#visits_kept").textContent(), /400 日間.*2026-10-01 から 2026-11-24 まで/);
            assert.match(await page.locator("#visits").textContent(), /番号、番号札のID、言語、メモ/);
            assert.equal(
                await page.locator("#visits_file").getAttribute("href"),
                `/api/v1/statistics/visits.csv?from=${SAMPLE.category.from}&to=${SAMPLE.category.to}`,
            );
            await assertAccessible(page);
            await page.locator("#visits").scrollIntoViewIfNeeded();
            await shot(page, "statistics-visits");
        }, kept({ kept: true, days: 400, from: "2026-10-01", newest: "2026-11-24" }));
    });

    it("says_what_is_wrong_and_asks_again_while_another_table_is_made", () =>
        atPage(
            async ({ page, asked }) => {
                await drawn(page);
                assert.ok(asked.length > 3); // the 503 was asked again and never shown
                await page.locator("#from").fill("2026-11-30");
                await page.locator("#to").fill("2026-11-02");
                await page.locator("#period button[type=submit]").click();
                await until(async () => (await page.locator("#said.wrong").count()) === 1, "a sentence");
                assert.match(await page.locator("#said").textContent(), /期間は/);
                assert.ok(await page.locator("#tables").isHidden());
                await assertAccessible(page);
            },
            {
                answer: (url, times) =>
                    times === 2
                        ? { status: 503, json: {} }
                        : url.searchParams.get("from") > url.searchParams.get("to")
                          ? { status: 422, json: { code: "BAD_PERIOD", title_ja: "期間は 2026-11-01 から。", title: "Give dates." } }
                          : null,
            },
        ));

    it("a_real_office_answers_the_page_and_gives_the_file", { skip: OFFICE ? false : "no office" }, async () => {
        const page = await openPage(browser, `${OFFICE}/statistics`);
        await drawn(page);
        assert.match(await page.locator("#said").textContent(), /開庁日/);
        const file = await fetch(`${OFFICE}/api/v1/statistics.csv?by=day,category`);
        assert.equal(file.status, 200);
        assert.match(file.headers.get("content-type"), /^text\/csv/);
        assert.match(file.headers.get("content-disposition"), /attachment/);
        const bytes = new Uint8Array(await file.arrayBuffer());
        assert.deepEqual([...bytes.slice(0, 3)], [0xef, 0xbb, 0xbf]);
        const lines = new TextDecoder().decode(bytes).split("\r\n");
        assert.match(lines[0], /^開庁日 day,業務番号 category/);
        assert.ok(lines.some((line) => line.startsWith("用語 column")));
        assert.equal((await fetch(`${OFFICE}/api/v1/statistics?by=colour`)).status, 422);
        const visits = await fetch(`${OFFICE}/api/v1/statistics/visits.csv`);
        assert.equal(visits.status, 200);
        assert.match(visits.headers.get("content-disposition"), /toban-visits\.csv/);
        assert.match(await visits.text(), /残す日数 days kept,0,/); // this site keeps none
        assert.equal((await fetch(`${OFFICE}/api/v1/statistics?from=%00`)).status, 422);
        await closePage(page);
    });
});
