// What a visitor meets at the ticket machine. The office behind it is a double (lib/office_double.mjs), so
// that closed, slow and lettered are at hand; office.test.mjs does the main path against the real one.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AT_ONCE, assertAccessible, shot, startBrowser, until } from "./lib/browser.mjs";
import { categoriesOf, flatSite, SITE } from "./lib/kiosk_site.mjs";
import {
    CATEGORY,
    LYING,
    buttonsOf,
    createStage,
    keysOf,
    listens,
    showsNumber,
    takeNumber,
} from "./lib/kiosk_stage.mjs";

/** Chromium itself resends what was lost on one of its (at most 6) kept connections: lose more than that. */
const BEYOND_CHROMIUM = 8;
const LEAST_PX = 80;

describe("the ticket machine", AT_ONCE, () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    after(() => browser.close());
    const atKiosk = createStage(() => browser);
    const number = (page) => page.locator("#number");
    const purpose = (page, name) => page.locator(CATEGORY, { hasText: name });

    const withPaper = (office) => {
        office.printing = { paper: true, code: "READY", near_end: false };
    };

    /** The office of a tree of purposes, or of two pages of them. */
    const withSite =
        (site, more = () => {}) =>
        (office) => {
            office.site = site;
            office.categories = categoriesOf(site);
            more(office);
        };

    it("shows_each_business_with_how_many_wait_and_about_how_long", () =>
        atKiosk(
            async ({ office, page }) => {
                await page.locator(CATEGORY).first().waitFor();
                assert.equal(await page.locator(CATEGORY).count(), office.categories.length);
                const first = page.locator(CATEGORY).first();
                assert.match(
                    await first.textContent(),
                    /都市計画の相談.*City planning advice.*待ち 2人.*目安 約10分/,
                );
                office.addTicket(1);
                await until(
                    async () => /待ち 3人/.test(await first.textContent()),
                    "the count follows the office",
                );
                await assertAccessible(page);
                await shot(page, "kiosk-upright");
                const least = Math.min(
                    ...(await buttonsOf(page)).map(({ width, height }) => Math.min(width, height)),
                );
                assert.ok(least >= LEAST_PX, `every button is at least ${LEAST_PX} px: ${least}`);
            },
            {
                prepare: (office) => {
                    office.addTicket(1);
                    office.addTicket(1);
                },
            },
        ));

    it("gives_a_number_to_a_touch_and_goes_back_when_asked", () =>
        atKiosk(async ({ office, page }) => {
            await takeNumber(page, page.locator(CATEGORY).nth(2));
            await showsNumber(page, "301");
            assert.match(await page.locator(".ticket").textContent(), /証明書の発行.*0人/s);
            assert.deepEqual(
                office.posts.map(({ members }) => members),
                [{ category: 3, language: "ja" }],
            );
            await assertAccessible(page);
            await shot(page, "kiosk-number-upright");
            await listens(page);
            await page.locator("#back").tap();
            await page.locator("#choose_title").waitFor({ state: "visible" });
        }));

    it("a_paper_is_followed_until_the_printer_has_said_what_became_of_it", () =>
        atKiosk(
            async ({ office, page }) => {
                const keep = (words) => page.locator("#keep", { hasText: words }).waitFor();
                const take = async () => {
                    await takeNumber(page);
                    await number(page).waitFor({ state: "visible" });
                };
                await take();
                assert.equal(office.posts[0].members.delivery, "paper");
                await keep("印刷しています");
                office.tickets.at(-1).state = "WAITING";
                await keep("番号札をお取りください");
                await shot(page, "kiosk-paper");
                await listens(page);
                await page.locator("#back").tap();
                await take();
                Object.assign(office.tickets.at(-1), { state: "WAITING", undelivered: true });
                await keep("番号札が出ないときは");
                await listens(page);
                await page.locator("#back").tap();
                office.issue_as = {
                    delivery: "screen",
                    delivery_reason: "NO_PRINTER",
                    state: "WAITING",
                };
                await take();
                await keep("番号札は印刷できません");
            },
            {
                prepare: (office) => {
                    office.printing = { paper: true, code: "READY", near_end: false };
                },
            },
        ));

    it("an_empty_roll_shows_staff_how_to_change_it_and_visitors_get_their_number", () =>
        atKiosk(
            async ({ office, page }) => {
                await page.locator("#paper_out summary").tap();
                await page.locator(".roll img").last().waitFor();
                await page.waitForFunction(() =>
                    [...document.querySelectorAll(".roll img")].every(
                        (each) => each.naturalWidth > 0,
                    ),
                );
                await assertAccessible(page);
                await shot(page, "kiosk-paper-out");
                await listens(page);
                await takeNumber(page);
                await showsNumber(page, "101");
                assert.equal(office.posts[0].members.delivery, undefined);
            },
            {
                prepare: (office) => {
                    office.printing = { paper: false, code: "PAPER_END", near_end: true };
                },
            },
        ));

    it("gives_one_number_when_its_answer_is_lost_in_a_takeover", () =>
        atKiosk(async ({ office, link, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            link.loseAnswers(BEYOND_CHROMIUM);
            await takeNumber(page);
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
            assert.ok(office.posts.length >= 2, "the request came again");
            assert.equal(keysOf(office, "/api/v1/tickets"), 1, "under the same key");
        }));

    it("never_shows_that_the_office_is_busy_with_itself", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            office.refuse = { status: 503, body: { status: 503, code: "OVERLOAD", title: "Busy" } };
            await takeNumber(page);
            await page.locator("#wait_title").waitFor({ state: "visible" });
            await until(() => office.posts.length >= 4, "it is asked again and again");
            office.refuse = null;
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
            assert.equal(keysOf(office, "/api/v1/tickets"), 1);
        }));

    it("waits_out_a_dead_unit_with_the_press_kept", () =>
        atKiosk(async ({ office, link, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            link.cut();
            await takeNumber(page);
            await page.locator("#wait_title").waitFor({ state: "visible" });
            await assertAccessible(page);
            await shot(page, "kiosk-one-moment");
            // A visitor who is impatient touches on: nothing more may come of it.
            await page.touchscreen.tap(540, 900);
            link.heal();
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
        }));

    it("holds_on_while_the_office_is_not_serving_and_comes_back_by_itself", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            await page.evaluate(() => {
                globalThis.never_reloaded = true;
            });
            office.setServing(false, "TAKEOVER");
            await page.locator("#wait_title").waitFor({ state: "visible" });
            office.setServing(true);
            office.changed();
            await page.locator("#choose_title").waitFor({ state: "visible" });
            assert.ok(await page.evaluate(() => globalThis.never_reloaded));
        }));

    it("cancels_the_number_of_a_visitor_who_gave_up", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            office.answer_delay_ms = 3000;
            await takeNumber(page);
            await page.locator("#give_up").waitFor({ state: "visible" });
            await listens(page);
            await page.locator("#give_up").tap();
            await page.locator("#choose_title").waitFor({ state: "visible" });
            await until(
                () => office.tickets[0]?.state === "CANCELLED",
                "the unwanted number is cancelled",
            );
        }));

    it("says_when_it_opens_again_and_opens_by_itself", () =>
        atKiosk(
            async ({ office, page }) => {
                await page.locator("#closed_title").waitFor({ state: "visible" });
                await until(
                    async () =>
                        /11月25日.*08:30/.test(await page.locator("#next_opening").textContent()),
                    "the next opening is named",
                );
                assert.match(await page.locator("#closed_title").textContent(), /終了しました/);
                await assertAccessible(page);
                await shot(page, "kiosk-closed");
                office.day = { ...office.day, state: "OPEN" };
                office.changed();
                await page.locator("#choose_title").waitFor({ state: "visible" });
            },
            {
                prepare: (office) => {
                    office.day = { ...office.day, state: "CLOSED", level: "AFTER_CLOSING" };
                },
            },
        ));

    it("names_the_holiday_in_the_visitors_language", () =>
        atKiosk(
            async ({ page }) => {
                await until(
                    async () =>
                        (await page.locator("#closed_why").textContent()) === "勤労感謝の日",
                    "the holiday is named",
                );
                await page.getByRole("button", { name: "English" }).tap();
                assert.equal(
                    await page.locator("#closed_why").textContent(),
                    "Labor Thanksgiving Day",
                );
            },
            {
                prepare: (office) => {
                    office.day = {
                        ...office.day,
                        state: "NONE",
                        level: "CLOSED_DAY",
                        reason_ja: "勤労感謝の日",
                        reason_en: "Labor Thanksgiving Day",
                    };
                },
            },
        ));

    it("is_closed_after_hours_although_the_day_is_still_open_for_who_waits", () =>
        atKiosk(
            async ({ page }) => {
                await page.locator("#closed_title").waitFor({ state: "visible" });
                assert.match(await page.locator("#closed_title").textContent(), /終了しました/);
            },
            {
                prepare: (office) => {
                    office.day = { ...office.day, accepting: false, level: "AFTER_CLOSING" };
                },
            },
        ));

    it("is_closed_not_waiting_while_a_unit_alone_sleeps_through_the_night", () =>
        atKiosk(
            async ({ office, page }) => {
                await page.locator("#closed_title").waitFor({ state: "visible" });
                await until(
                    async () =>
                        /11月25日.*08:30/.test(await page.locator("#next_opening").textContent()),
                    "the next opening is named",
                );
                office.day = { ...office.day, state: "OPEN", level: "OPEN" };
                office.setServing(true);
                office.changed();
                await page.locator("#choose_title").waitFor({ state: "visible" });
            },
            {
                prepare: (office) => {
                    office.day = { ...office.day, state: "CLOSED", level: "AFTER_CLOSING" };
                    office.serving = false;
                },
            },
        ));

    it("tells_a_refusal_in_two_languages_and_lets_go", () =>
        atKiosk(
            async ({ page }) => {
                await takeNumber(page);
                await page.locator("#message_ja").waitFor({ state: "visible" });
                assert.equal(
                    await page.locator("#message_ja").textContent(),
                    "番号がなくなりました。 係員にお声がけください。",
                );
                assert.equal(
                    await page.locator("#message_en").textContent(),
                    "No numbers are left. Please ask a member of staff.",
                );
                await assertAccessible(page);
                await listens(page);
                await page.locator("#message_back").tap();
                await page.locator("#choose_title").waitFor({ state: "visible" });
            },
            {
                prepare: (office) => {
                    office.refuse = {
                        status: 409,
                        body: {
                            status: 409,
                            code: "NUMBERS_USED_UP",
                            title: "No numbers are left.",
                            detail: "Please ask a member of staff.",
                            title_ja: "番号がなくなりました。",
                            detail_ja: "係員にお声がけください。",
                        },
                    };
                },
            },
        ));

    it("explains_the_letter_of_a_number_from_a_unit_alone", () =>
        atKiosk(
            async ({ page }) => {
                await takeNumber(page);
                await showsNumber(page, "101B2");
                assert.match(await page.locator("#letter").textContent(), /「B2」も番号の一部です/);
                await assertAccessible(page);
                await shot(page, "kiosk-number-lying-lettered");
                const { scroll, width } = await page.evaluate(() => ({
                    scroll: document.documentElement.scrollWidth,
                    width: innerWidth,
                }));
                assert.ok(scroll <= width, "nothing sticks out");
            },
            {
                size: LYING,
                prepare: (office) => {
                    office.series = "B2";
                },
            },
        ));

    it("goes_back_by_itself_and_to_japanese_and_shows_the_number_longer_to_who_asks", () =>
        atKiosk(
            async ({ page }) => {
                await page.getByRole("button", { name: "English" }).tap();
                await takeNumber(page);
                await showsNumber(page, "101");
                assert.match(await page.locator("#back_in").textContent(), /in 20 seconds/);
                await page.clock.runFor(15000);
                await page.locator("#longer").tap();
                await page.clock.runFor(28000);
                await showsNumber(page, "101");
                await page.clock.runFor(4000);
                await page.locator("#choose_title").waitFor({ state: "visible" });
                assert.equal(
                    await page.locator("#choose_title").textContent(),
                    "ご用件を選んでください",
                );
            },
            { clock: true, prepare: withPaper },
        ));

    it("a_number_without_a_paper_stays_until_it_is_noted_and_its_code_leads_to_its_own_page", () =>
        atKiosk(
            async ({ page }) => {
                await takeNumber(page);
                await showsNumber(page, "101");
                await page.locator("#code").waitFor({ state: "visible" });
                await page.clock.runFor(40000);
                await showsNumber(page, "101");
                assert.equal(await page.locator("#longer").isVisible(), false);
                await shot(page, "kiosk-number-on-screen");
                await page.locator("#back", { hasText: "番号を控えました" }).tap();
                await page.locator("#choose_title").waitFor({ state: "visible" });
            },
            { clock: true },
        ));

    it("asks_before_it_forgets_who_reads_slowly_and_waits_as_often_as_wished", () =>
        atKiosk(
            async ({ page }) => {
                const still = page.locator("#still");
                await page.getByRole("button", { name: "中文" }).tap();
                await page.clock.runFor(40000);
                assert.equal(await still.isVisible(), false);
                await page.clock.runFor(6000);
                await still.waitFor({ state: "visible" });
                assert.match(await page.locator("#still_detail").textContent(), /秒/);
                await page.locator("#still_go_on").tap();
                await still.waitFor({ state: "hidden" });
                await page.clock.runFor(40000);
                assert.equal(await page.locator("html").getAttribute("lang"), "zh-Hans");
                await page.clock.runFor(6000);
                await still.waitFor({ state: "visible" });
                await assertAccessible(page);
                await shot(page, "kiosk-more-time");
                await page.clock.runFor(21000);
                await still.waitFor({ state: "hidden" });
                assert.equal(await page.locator("html").getAttribute("lang"), "ja");
            },
            { clock: true },
        ));

    it("takes_one_number_for_a_double_touch_of_either_button", () =>
        atKiosk(async ({ office, page }) => {
            const tapOften = async (selector) => {
                const box = await page.locator(selector).first().boundingBox();
                for (let touch = 0; touch < 4; touch++) {
                    await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
                }
            };
            await tapOften(CATEGORY);
            await page.locator("#confirm_title").waitFor({ state: "visible" });
            await listens(page);
            office.answer_delay_ms = 300;
            await tapOften("#take");
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
            assert.equal(office.posts.length, 1);
        }));

    it("a_double_touch_on_the_way_back_takes_no_number", () =>
        atKiosk(async ({ office, page }) => {
            await takeNumber(page);
            await showsNumber(page, "101");
            await listens(page);
            const box = await page.locator("#back").boundingBox();
            for (let touch = 0; touch < 3; touch++) {
                await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
            }
            await page.locator("#choose_title").waitFor({ state: "visible" });
            assert.equal(office.posts.length, 1);
        }));

    it("looking_at_a_purpose_takes_nothing_and_leads_back_to_where_it_was", () =>
        atKiosk(
            async ({ office, page }) => {
                await purpose(page, "建築・道路").tap();
                await page.locator("#choose_title", { hasText: "建築・道路" }).waitFor();
                assert.deepEqual(await page.locator(`${CATEGORY} .name`).allTextContents(), [
                    "建築確認の申請",
                    "建築計画概要書の閲覧",
                    "道路の幅員・種別の照会",
                    "道路位置指定・狭あい道路の協議",
                    "中高層建築物の紛争調整・ご相談",
                ]);
                await shot(page, "kiosk-group");
                await listens(page);
                await purpose(page, "道路の幅員").tap();
                await page
                    .locator("#confirm_name", { hasText: "道路の幅員・種別の照会" })
                    .waitFor();
                assert.match(await page.locator(".confirm").textContent(), /1人.*約5分/s);
                office.addTicket(10);
                await page.locator("#confirm_waiting", { hasText: "2人" }).waitFor();
                await listens(page);
                await page.locator("#change").tap();
                await page.locator("#choose_title", { hasText: "建築・道路" }).waitFor();
                await listens(page);
                await page.locator("#up").tap();
                await page
                    .locator("#choose_title", { hasText: "ご用件を選んでください" })
                    .waitFor();
                assert.equal(office.posts.length, 0);
            },
            { prepare: withSite(SITE, (office) => office.addTicket(10)) },
        ));

    it("pages_of_purposes_keep_their_places_whatever_the_office_says_meanwhile", () =>
        atKiosk(
            async ({ office, page }) => {
                const boxes = async () =>
                    (await buttonsOf(page)).map(({ x, y, width, height }) =>
                        [x, y, width, height].join(),
                    );
                await page.locator(CATEGORY).first().waitFor();
                assert.equal(await page.locator(CATEGORY).count(), 10);
                assert.equal(await page.locator("#page_label").textContent(), "1 / 2 ページ");
                const places = await boxes();
                for (let times = 0; times < 12; times++) {
                    office.addTicket(1 + (times % 5));
                }
                office.categories[2].refusal = "LIMIT_REACHED";
                office.changed();
                await purpose(page, "本日の受付数に達しました").waitFor();
                assert.deepEqual(await boxes(), places);
                // A second touch of a double press finds the next page, and it does not listen.
                await page.evaluate(() => {
                    document.getElementById("page_next").click();
                    document.querySelector(".category").click();
                });
                await purpose(page, "証明書の発行").waitFor();
                assert.equal(await page.locator("#confirm_title").isVisible(), false);
                assert.equal(await page.locator(CATEGORY).count(), 6);
                const second = await boxes();
                assert.ok(
                    second.every((box) => places.includes(box)),
                    "each button is where one was",
                );
                await listens(page);
                assert.equal(await page.locator("#page_next").isDisabled(), true);
                await takeNumber(page, purpose(page, "証明書の発行"));
                await showsNumber(page, "1401");
            },
            { prepare: withSite(flatSite()) },
        ));

    it("says_of_each_purpose_why_it_cannot_be_chosen_and_takes_no_number_of_it", () =>
        atKiosk(
            async ({ office, page }) => {
                const reasons = [
                    /受付を停止/,
                    /時間は受付していません/,
                    /受付は終了/,
                    /受付数に達し/,
                    /番号がなくなり/,
                ];
                for (const [at, reason] of reasons.entries()) {
                    const button = page.locator(CATEGORY).nth(at);
                    await until(
                        async () => reason.test(await button.textContent()),
                        `${reason} is said`,
                    );
                    assert.equal(await button.getAttribute("aria-disabled"), "true");
                    await button.tap({ force: true });
                }
                await assertAccessible(page);
                await shot(page, "kiosk-refusals");
                await takeNumber(page, page.locator(CATEGORY).nth(5));
                await showsNumber(page, "601");
                assert.equal(office.posts.length, 1);
            },
            {
                prepare: (office) => {
                    const codes = [
                        "CATEGORY_SUSPENDED",
                        "NOT_AT_THIS_HOUR",
                        "ACCEPTANCE_OVER",
                        "LIMIT_REACHED",
                        "NUMBERS_USED_UP",
                    ];
                    codes.forEach((code, at) => {
                        office.categories[at].refusal = code;
                    });
                },
            },
        ));

    it("a_purpose_that_closes_while_it_is_looked_at_says_so_and_takes_no_number", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().tap();
            await page.locator("#confirm_title").waitFor({ state: "visible" });
            office.categories[0].refusal = "LIMIT_REACHED";
            office.changed();
            await page
                .locator("#confirm_refusal", { hasText: "本日の受付数に達しました" })
                .waitFor();
            await listens(page);
            await page.locator("#take").tap({ force: true });
            await page.locator("#change").tap();
            await page.locator("#choose_title").waitFor({ state: "visible" });
            assert.equal(office.posts.length, 0);
        }));

    it("paper_or_none_and_priority_as_the_visitor_chooses_where_the_site_allows_it", () =>
        atKiosk(
            async ({ office, page }) => {
                await takeNumber(page, purpose(page, "証明書の発行"), "#take_screen");
                await page.locator("#code").waitFor({ state: "visible" });
                await listens(page);
                await page.locator("#back").tap();
                await listens(page);
                await purpose(page, "証明書の発行").tap();
                await page.locator(".priority", { hasText: "お体の不自由な方" }).tap();
                await assertAccessible(page);
                await shot(page, "kiosk-confirm-upright");
                await listens(page);
                await page.locator("#take", { hasText: "紙の番号札を取る" }).tap();
                await number(page).waitFor({ state: "visible" });
                assert.deepEqual(
                    office.posts.map(({ members }) => members),
                    [
                        { category: 14, language: "ja" },
                        { category: 14, language: "ja", delivery: "paper", priority: 1 },
                    ],
                );
            },
            { prepare: withSite(SITE, withPaper) },
        ));

    it("a_page_that_is_loaded_anew_while_a_press_is_on_its_way_shows_that_very_number", () =>
        atKiosk(async ({ office, page }) => {
            office.answer_delay_ms = 1500;
            await takeNumber(page);
            await until(() => office.posts.length === 1, "the press is there");
            await page.reload();
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
            assert.equal(keysOf(office, "/api/v1/tickets"), 1);
        }));

    it("says_that_it_is_switching_over_then_that_staff_help_and_goes_on_by_itself", () =>
        atKiosk(
            async ({ office, link, page }) => {
                const title = page.locator("#wait_title");
                await page.locator(CATEGORY).first().tap();
                await page.locator("#confirm_title").waitFor({ state: "visible" });
                link.cut();
                await page.clock.runFor(6000);
                await title
                    .filter({ hasText: "切り替えています。そのままお待ちください" })
                    .waitFor();
                await shot(page, "kiosk-switching");
                await page.clock.runFor(21000);
                await title.filter({ hasText: "ただいま番号をお取りできません" }).waitFor();
                assert.match(await page.locator("#wait_detail").textContent(), /係員/);
                await assertAccessible(page);
                await shot(page, "kiosk-offline");
                link.heal();
                await page.clock.runFor(3000);
                await page.locator("#confirm_title").waitFor({ state: "visible" });
                assert.equal(office.posts.length, 0);
            },
            { clock: true },
        ));

    it("says_what_each_kind_of_closed_is", () =>
        atKiosk(async ({ office, page }) => {
            const says = async (title, more) => {
                office.changed();
                await page
                    .locator("#closed_title", { hasText: title })
                    .waitFor({ state: "visible" });
                await until(
                    async () =>
                        more.test(await page.locator('[data-screen="closed"]').textContent()),
                    `${title}: ${more}`,
                );
            };
            const day = { ...office.day };
            Object.assign(office, {
                day: {
                    ...day,
                    state: "CLOSED",
                    level: "CLOSED_DAY",
                    reason_ja: "台風のため臨時閉庁",
                },
            });
            await says("本日は閉庁しています", /台風のため臨時閉庁.*次の受付開始.*11月25日/s);
            await shot(page, "kiosk-closed-today");
            office.day = {
                ...day,
                state: "NONE",
                level: "BEFORE_OPENING",
                next_opening: "2026-11-24T08:30:00.000+09:00",
            };
            office.now = "2026-11-24T08:00:00.000+09:00";
            await says("受付開始までお待ちください", /08:30/);
            Object.assign(office, { day });
            for (const each of office.categories) {
                each.refusal = "ACCEPTANCE_OVER";
            }
            await says("本日の受付は終了しました", /番号札をお持ちの方は、そのままお待ちください/);
            for (const each of office.categories) {
                each.refusal = "ALL_SUSPENDED";
            }
            await says("ただいま受付を停止しています", /再開すると自動で/);
            assert.equal(await page.locator("#opening").isVisible(), false);
            await assertAccessible(page);
            for (const each of office.categories) {
                each.refusal = null;
            }
            office.changed();
            await page.locator("#choose_title").waitFor({ state: "visible" });
        }));

    it("can_be_used_with_the_keyboard_alone_and_a_held_key_takes_nothing", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            for (let press = 0; press < 20; press++) {
                await page.keyboard.press("Tab");
                if (await page.evaluate(() => document.activeElement.matches(".category"))) {
                    break;
                }
            }
            await page.keyboard.press("Tab");
            await page.keyboard.down("Enter");
            await page.locator("#confirm_title").waitFor({ state: "visible" });
            await page.locator("#take").focus();
            await listens(page);
            await page.keyboard.down("Enter"); // again without an up between: the key repeats
            await page.keyboard.up("Enter");
            assert.equal(office.posts.length, 0);
            await page.keyboard.press("Enter");
            await showsNumber(page, "201");
            await listens(page);
            assert.equal(
                await page.evaluate(() => document.activeElement.id),
                "back",
                "the way back has the focus",
            );
            await page.keyboard.press("Enter");
            await page.locator("#choose_title").waitFor({ state: "visible" });
        }));

    it("a_new_version_of_the_site_is_on_the_screen_without_a_reload", () =>
        atKiosk(
            async ({ office, page }) => {
                await purpose(page, "証明書の発行").waitFor();
                office.site = { ...structuredClone(SITE), version: SITE.version + 1 };
                office.site.categories[13].name.ja = "証明書・写しの発行";
                office.changed();
                await purpose(page, "証明書・写しの発行").waitFor();
            },
            { prepare: withSite(SITE) },
        ));
});
