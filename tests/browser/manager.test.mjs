// What whoever leads the floor sees and does. The office behind it is a double (manager_office.test.mjs has the real one).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { OFFICE_HOST, assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { layLink } from "./lib/faulty_link.mjs";
import { startManagerDouble } from "./lib/manager_double.mjs";

const BEYOND_CHROMIUM = 8;
const PHONE = { width: 390, height: 844 };

describe("the manager's page", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    after(() => browser.close());

    async function atDesk(story, { size = { width: 1440, height: 900 }, prepare = () => {} } = {}) {
        const office = await startManagerDouble();
        const link = await layLink(office.port);
        office.addTicket(1);
        office.addTicket(1);
        office.call(3, office.addTicket(2));
        prepare(office);
        const page = await openPage(browser, `http://${OFFICE_HOST}:${link.port}/manager`, size);
        try {
            await page.locator("#categories li").first().waitFor();
            await story({ office, link, page });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    }

    const card = (page, id) => page.locator(`#categories li[data-category="${id}"]`);
    const said = (page, pattern) =>
        until(async () => pattern.test(await page.locator("#said").textContent()), `it says ${pattern}`);
    const posted = (office, ending) => office.posts.filter(({ path }) => path.endsWith(ending));
    const noSideways = async (page) =>
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth));

    it("says_by_word_shape_and_colour_who_waits_over_the_target", () =>
        atDesk(async ({ page }) => {
            assert.match(await card(page, 1).locator(".alert-mark").textContent(), /▲ 目標超過/);
            assert.match(await card(page, 2).locator(".alert-mark").textContent(), /△ まもなく/);
            assert.match(await card(page, 3).locator(".alert-mark").textContent(), /○ 目標内/);
            assert.match(await page.locator("#alerts").textContent(), /最長 25分（目標 20分、今日の超過 12%）/);
            assert.match(await page.locator("#counters").textContent(), /佐藤 · 08:31から/);
            await assertAccessible(page);
            await shot(page, "manager-now");
        }));

    it("sounds_once_for_a_new_alert_and_only_when_it_is_switched_on", () =>
        atDesk(async ({ office, page }) => {
            await page.evaluate(() => {
                globalThis.rung = 0;
                document.addEventListener("toban-alert", () => globalThis.rung++);
            });
            office.longest_wait_s.set(3, 1300);
            office.changed();
            await card(page, 3).locator(".alert-mark", { hasText: "目標超過" }).waitFor();
            assert.equal(await page.evaluate(() => globalThis.rung), 0);
            await page.locator("#sound").click(); // a sample, so that one knows it
            assert.equal(await page.evaluate(() => globalThis.rung), 1);
            office.longest_wait_s.set(4, 1300);
            office.changed();
            await until(() => page.evaluate(() => globalThis.rung === 2), "the new alert sounds");
            office.changed();
            await card(page, 4).locator(".alert-mark", { hasText: "目標超過" }).waitFor();
            assert.equal(await page.evaluate(() => globalThis.rung), 2);
        }));

    it("stops_and_resumes_acceptance_once_also_when_the_answer_is_lost", () =>
        atDesk(async ({ office, link, page }) => {
            link.loseAnswers(BEYOND_CHROMIUM);
            await card(page, 1).getByRole("button", { name: "受付を止める" }).click();
            await card(page, 1).locator(".refusal", { hasText: "受付停止中" }).waitFor({ timeout: 20000 });
            assert.equal(new Set(posted(office, "/categories/1/suspend").map(({ key }) => key)).size, 1);
            await said(page, /止めました/);
            await card(page, 1).getByRole("button", { name: "受付を再開" }).click();
            await until(() => !office.categories[0].suspended, "it is resumed");
            await said(page, /再開しました/);
            await page.locator("#all_stop").click();
            await until(() => office.suspended_all, "all are stopped");
            await until(async () => /全体の受付停止中/.test(await page.locator("#day_state").textContent()), "it says so");
        }));

    it("sets_todays_limit", () =>
        atDesk(async ({ office, page }) => {
            await card(page, 2).getByRole("button", { name: "上限" }).click();
            await page.locator("#limit[open]").waitFor();
            await assertAccessible(page);
            await page.locator("#limit_count").fill("30");
            await page.keyboard.press("Enter");
            await until(() => office.limits.get(2) === 30, "the limit is set");
            await until(async () => /／30/.test(await card(page, 2).locator("dl").textContent()), "it is shown");
        }));

    it("sets_a_target_of_waiting_with_a_reason_and_says_how_many_waited_longer", () =>
        atDesk(async ({ office, page }) => {
            assert.match(await card(page, 1).locator("dl").textContent(), /12%（5／41人）/);
            await card(page, 2).getByRole("button", { name: "目標" }).click();
            await page.locator("#target[open]").waitFor();
            await assertAccessible(page);
            await shot(page, "manager-target");
            await page.locator("#target_minutes").fill("601");
            await page.keyboard.press("Enter");
            assert.equal(posted(office, "/target").length, 0); // beyond the site file's range
            await page.locator("#target_minutes").fill("25");
            await page.locator("#target_note").fill("月末のため");
            await page.keyboard.press("Enter");
            await said(page, /目標を25分にしました（設定 第4版）/);
            assert.deepEqual(posted(office, "/target")[0].members, { minutes: 25, base_version: 3, note: "月末のため" });
            await until(async () => /／25分/.test(await card(page, 2).locator("dl").textContent()), "it is shown");
        }));

    it("of_two_targets_set_at_once_the_second_is_told_that_somebody_was_first", () =>
        atDesk(async ({ office, page }) => {
            await card(page, 2).getByRole("button", { name: "目標" }).click();
            await page.locator("#target[open]").waitFor();
            office.site_file_version++; // somebody else, meanwhile
            office.changed();
            await page.locator("#target_minutes").fill("25");
            await page.keyboard.press("Enter");
            await said(page, /ほかの方が先に変えました/);
            assert.equal(office.targets.size, 0);
            await card(page, 2).getByRole("button", { name: "目標" }).click();
            await page.locator("#target_minutes").fill("25");
            await page.keyboard.press("Enter");
            await until(() => office.targets.get(2) === 25, "read again, it is set");
        }));

    it("leads_by_keyboard_to_the_other_pages_that_one_may_open", () =>
        atDesk(
            async ({ page }) => {
                await page.locator("#menu summary").waitFor();
                await page.locator("#sound").focus();
                await page.keyboard.press("Tab");
                await page.keyboard.press("Enter");
                assert.deepEqual(
                    await page.locator("#menu a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
                    ["/counter", "/manager", "/statistics", "/status", "/login"],
                );
                assert.equal(await page.locator("#menu a[aria-current=page]").getAttribute("href"), "/manager");
                await assertAccessible(page);
                await shot(page, "manager-menu");
                await page.keyboard.press("Tab");
                await page.keyboard.press("Escape");
                assert.equal(await page.locator("#menu nav").isVisible(), false);
                assert.ok(await page.locator("#menu summary").evaluate((each) => each === document.activeElement));
                await page.keyboard.press("Enter");
                await page.locator("#menu a[href='/statistics']").click();
                await page.waitForURL("**/statistics");
                await page.locator("#menu summary").waitFor();
            },
            {
                prepare(office) {
                    office.clerk = { role: "supervisor", role_ja: "窓口責任者", name: "sato", title: "佐藤" };
                },
            },
        ));

    it("changes_what_a_counter_serves_by_keys_and_takes_it_back", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_now").focus();
            await page.keyboard.press("ArrowRight");
            await page.locator("#grid .tier").first().waitFor();
            await page.keyboard.press("Tab");
            await page.locator("#grid .tier").first().focus();
            await page.keyboard.press("ArrowDown");
            await page.keyboard.press("ArrowDown");
            await page.keyboard.press("ArrowRight");
            await page.keyboard.press("3"); // category 3 at counter 2
            await until(() => office.serves.get(2).some((each) => each.category === 3 && each.tier === 3), "it is served");
            await page.locator("#grid th[data-changed=true]").waitFor();
            await said(page, /順位3で扱います/);
            await assertAccessible(page);
            await shot(page, "manager-serves");
            await page.locator("#serves_undo").click();
            await until(() => office.serves.get(2).length === 2, "it is taken back");
            await page.locator("#serves_undo").waitFor({ state: "hidden" });
        }));

    it("adds_a_service_to_a_counter_by_dragging_it_there", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_serves").click();
            await page.locator("#grid th[scope=row]").nth(3).dragTo(page.locator("#grid th[scope=col]").nth(1));
            await until(() => office.serves.get(1).some((each) => each.category === 4 && each.tier === 1), "it is served");
        }));

    it("keeps_the_last_service_of_a_counter", () =>
        atDesk(
            async ({ office, page }) => {
                await page.locator("#tab_serves").click();
                await page.locator("#grid .tier").first().focus();
                await page.keyboard.press("0");
                await said(page, /一つ以上/);
                assert.equal(posted(office, "/serves").length, 0);
            },
            { prepare: (office) => office.serves.set(1, [{ category: 1, tier: 1 }]) },
        ));

    it("shows_a_text_and_takes_it_away", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_day").click();
            await page.locator("#notice_ja").fill("駐車場は満車です。");
            await page.locator("#notice_en").fill("The car park is full.");
            await page.locator("#notice_form button[type=submit]").click();
            await page.locator("#notice_now[data-on=true]").waitFor();
            assert.deepEqual(office.notice, { ja: "駐車場は満車です。", en: "The car park is full." });
            await assertAccessible(page);
            await shot(page, "manager-day");
            await page.locator("#notice_clear").click();
            await until(() => office.notice === null, "it is gone");
        }));

    it("closes_only_after_it_was_shown_what_that_means", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_day").click();
            await page.locator("#close_now").click();
            await page.locator("#preview[open]").waitFor();
            assert.match(await page.locator("#preview_effects").textContent(), /いまいる 3人.*すべて終了/s);
            assert.match(await page.locator("#preview_effects").textContent(), /次の開庁.*11月25日/s);
            await assertAccessible(page);
            await shot(page, "manager-close");
            await page.keyboard.press("Escape");
            assert.equal(office.day.state, "OPEN");
            await page.locator("#close_now").click();
            await page.locator("#preview_yes").click();
            await until(() => office.day.state === "CLOSED", "the day is closed");
            await said(page, /閉庁しました/);
            await page.locator("#open_again").waitFor();
        }));

    it("a_day_that_somebody_else_has_closed_meanwhile_is_closed_and_no_mistake", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_day").click();
            await page.locator("#close_now").click();
            await page.locator("#preview[open]").waitFor();
            office.day.state = "CLOSED";
            await page.locator("#preview_yes").click();
            await said(page, /閉庁しました/);
        }));

    it("changes_another_days_hours_with_a_reason_and_takes_them_back", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_day").click();
            await page.locator("#hours_date").fill("2026-12-28");
            await page.locator("input[value=open]").check();
            await page.locator("#hours_to").fill("12:00");
            await page.locator("#hours_ja").fill("御用納めのため");
            await page.locator("#hours_form button[type=submit]").click();
            await page.locator("#preview_yes").click();
            await until(() => posted(office, "/day/hours").length === 2, "asked, then said");
            assert.deepEqual(posted(office, "/day/hours")[1].members, {
                date: "2026-12-28",
                hours: "08:30-12:00",
                text_ja: "御用納めのため",
            });
            await page.locator("#hours_list li button").click();
            await page.locator("#preview_yes").click();
            await until(() => office.hours.length === 0, "as usual again");
        }));

    it("prints_numbers_to_tear_off_and_their_register_on_a4", () =>
        atDesk(async ({ page }) => {
            await page.evaluate(() => {
                globalThis.print = () => {
                    globalThis.printed = true;
                };
            });
            await page.locator("#tab_paper").click();
            await page.locator("#kit_form button").click();
            assert.ok(await page.evaluate(() => globalThis.printed));
            await page.emulateMedia({ media: "print" });
            assert.equal(await page.locator(".kit-ticket").count(), 10);
            assert.equal(await page.locator(".kit-number").first().textContent(), "910");
            assert.equal(await page.locator(".top").isVisible(), false);
            const high_mm = await page.locator(".kit-number").first().evaluate((each) => (each.getBoundingClientRect().height / 96) * 25.4);
            assert.ok(high_mm >= 18, `${high_mm} mm`);
            await page.setViewportSize({ width: 718, height: 1046 }); // A4 less its margins, at 96 dpi
            await shot(page, "manager-kit");
            await page.emulateMedia({ media: "screen" });
        }));

    it("enters_used_numbers_once_and_says_which_were_there_already", () =>
        atDesk(async ({ office, page }) => {
            await page.locator("#tab_paper").click();
            await page.locator("#used_numbers").fill("910-911 913");
            await page.locator("#used_counter").selectOption("2");
            await page.locator("#used_form button").click();
            await said(page, /3枚を入れました/);
            assert.deepEqual(office.entered.map((each) => [each.number, each.result, each.counter]), [[910, "served", 2], [911, "served", 2], [913, "served", 2]]);
            await shot(page, "manager-paper");
            await page.locator("#used_numbers").fill("911");
            await page.locator("#used_form button").click();
            await said(page, /0枚を入れました。 911：この手書きの番号はすでに/);
            await page.locator("#used_numbers").fill("x");
            await page.locator("#used_form button").click();
            await said(page, /901-904/);
            await page.locator("#slip_print").click();
            await said(page, /日計票を印刷しました/);
            await assertAccessible(page);
        }));

    it("fits_a_phone", () =>
        atDesk(
            async ({ page }) => {
                for (const tab of ["now", "serves", "day", "paper"]) {
                    await page.locator(`#tab_${tab}`).click();
                    await noSideways(page);
                    await shot(page, `manager-phone-${tab}`);
                }
                await assertAccessible(page);
            },
            { size: PHONE },
        ));

    it("says_since_when_it_may_be_old_and_that_a_unit_serves_alone", () =>
        atDesk(async ({ office, link, page }) => {
            office.series = "B";
            office.takeover = { what: "OTHER_FAILED", number: "20261124-7-1", unit: 2, at: new Date().toISOString(), gap_ms: 420, over: false };
            office.changed();
            await page.locator("#mode").waitFor();
            await until(async () => /20261124-7-1/.test(await page.locator("#alerts").textContent()), "the changeover is told");
            link.freeze();
            await page.locator("#stale").waitFor({ timeout: 10000 });
            link.heal();
            await page.locator("#stale").waitFor({ state: "hidden", timeout: 10000 });
        }));
});
