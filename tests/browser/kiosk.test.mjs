// What a visitor meets at the ticket machine. The office behind it is a double (lib/office_double.mjs), so
// that closed, slow and lettered are at hand; office.test.mjs does the main path against the real one.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
    OFFICE_HOST,
    assertAccessible,
    closePage,
    openPage,
    shot,
    startBrowser,
    until,
} from "./lib/browser.mjs";
import { layLink } from "./lib/faulty_link.mjs";
import { startOfficeDouble } from "./lib/office_double.mjs";

const UPRIGHT = { width: 1080, height: 1920, hasTouch: true };
const LYING = { width: 1920, height: 1080, hasTouch: true };
const CATEGORY = ".category";

/** Chromium itself resends what was lost on one of its (at most 6) kept connections: lose more than that. */
const BEYOND_CHROMIUM = 8;

describe("the ticket machine", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    after(() => browser.close());

    /** Runs one story: a fresh office, a link to it, the page. */
    async function atKiosk(story, { size = UPRIGHT, prepare = () => {} } = {}) {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        await prepare(office, link);
        const page = await openPage(browser, `http://${OFFICE_HOST}:${link.port}/kiosk`, size);
        try {
            await story({ office, link, page });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    }

    const number = (page) => page.locator("#number");
    const showsNumber = async (page, display) => {
        await number(page).waitFor({ state: "visible" });
        assert.equal(await number(page).textContent(), display);
    };
    const listens = (page) => page.locator("body[data-listens=true]").waitFor();
    const keysOf = (office, path) =>
        new Set(office.posts.filter((each) => each.path === path).map((each) => each.key)).size;

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
                const sizes = await page
                    .locator("button:visible")
                    .evaluateAll((all) =>
                        all
                            .map((each) => each.getBoundingClientRect())
                            .map(({ width, height }) => Math.min(width, height)),
                    );
                assert.ok(
                    Math.min(...sizes) >= 80,
                    `every button is at least 80 px: ${Math.min(...sizes)}`,
                );
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
            await page.locator(CATEGORY).nth(2).tap();
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

    it("goes_back_by_itself_and_to_japanese", () =>
        atKiosk(async ({ page }) => {
            await page.getByRole("button", { name: "English" }).tap();
            await page.locator(CATEGORY).first().tap();
            await showsNumber(page, "101");
            assert.match(await page.locator("#back_in").textContent(), /seconds/);
            await page.locator("#choose_title").waitFor({ state: "visible", timeout: 20000 });
            assert.equal(
                await page.locator("#choose_title").textContent(),
                "ご用件を選んでください",
            );
        }));

    it("takes_one_number_for_a_double_touch", () =>
        atKiosk(async ({ office, page }) => {
            const box = await page.locator(CATEGORY).first().boundingBox();
            for (let touch = 0; touch < 4; touch++) {
                await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
            }
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
        }));

    it("a_double_touch_on_the_way_back_takes_no_number", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().tap();
            await showsNumber(page, "101");
            await listens(page);
            const box = await page.locator("#back").boundingBox();
            for (let touch = 0; touch < 3; touch++) {
                await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
            }
            await page.locator("#choose_title").waitFor({ state: "visible" });
            assert.equal(office.posts.length, 1);
        }));

    it("a_paper_is_followed_until_the_printer_has_said_what_became_of_it", () =>
        atKiosk(
            async ({ office, page }) => {
                const keep = (words) => page.locator("#keep", { hasText: words }).waitFor();
                const take = async () => {
                    await listens(page);
                    await page.locator(CATEGORY).first().tap();
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
                office.issue_as = { delivery: "screen", delivery_reason: "NO_PRINTER", state: "WAITING" };
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
                    [...document.querySelectorAll(".roll img")].every((each) => each.naturalWidth > 0),
                );
                await assertAccessible(page);
                await shot(page, "kiosk-paper-out");
                await listens(page);
                await page.locator(CATEGORY).first().tap();
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
            await page.locator(CATEGORY).first().tap();
            await showsNumber(page, "101");
            assert.equal(office.tickets.length, 1);
            assert.ok(office.posts.length >= 2, "the request came again");
            assert.equal(keysOf(office, "/api/v1/tickets"), 1, "under the same key");
        }));

    it("never_shows_that_the_office_is_busy_with_itself", () =>
        atKiosk(async ({ office, page }) => {
            await page.locator(CATEGORY).first().waitFor();
            office.refuse = { status: 503, body: { status: 503, code: "OVERLOAD", title: "Busy" } };
            await page.locator(CATEGORY).first().tap();
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
            await page.locator(CATEGORY).first().tap();
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
            await page.locator(CATEGORY).first().tap();
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
                assert.match(await page.locator("#closed_why").textContent(), /終了しました/);
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
                assert.match(await page.locator("#closed_why").textContent(), /終了しました/);
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

    it("takes_no_number_of_a_suspended_business", () =>
        atKiosk(
            async ({ office, page }) => {
                const button = page.locator(CATEGORY).nth(4);
                await until(
                    async () => /受付を停止/.test(await button.textContent()),
                    "it says that it is suspended",
                );
                await button.tap({ force: true });
                await page.locator(CATEGORY).first().tap();
                await showsNumber(page, "101");
                assert.equal(office.posts.length, 1);
            },
            {
                prepare: (office) => {
                    office.categories[4].suspended = true;
                },
            },
        ));

    it("tells_a_refusal_in_two_languages_and_lets_go", () =>
        atKiosk(
            async ({ page }) => {
                await page.locator(CATEGORY).first().tap();
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
                await page.locator(CATEGORY).first().tap();
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

    it("speaks_the_language_that_the_visitor_chose", () =>
        atKiosk(async ({ office, page }) => {
            const titles = {
                English: "Please choose your business",
                中文: "请选择您要办理的业务",
                한국어: "용건을 선택해 주세요",
                やさしい日本語: "ようじ を えらんで ください",
            };
            for (const [name, title] of Object.entries(titles)) {
                await page.getByRole("button", { name }).tap();
                assert.equal(await page.locator("#choose_title").textContent(), title);
                await shot(
                    page,
                    `kiosk-${await page.locator("html").getAttribute("lang")}${name === "やさしい日本語" ? "-easy" : ""}`,
                );
            }
            await page.getByRole("button", { name: "한국어" }).tap();
            assert.equal(await page.locator("html").getAttribute("lang"), "ko");
            await page.locator(CATEGORY).first().tap();
            await showsNumber(page, "101");
            assert.equal(office.posts[0].members.language, "ko");
            await assertAccessible(page);
        }));

    it("can_be_used_with_the_keyboard_alone", () =>
        atKiosk(async ({ page }) => {
            await page.locator(CATEGORY).first().waitFor();
            for (let press = 0; press < 20; press++) {
                await page.keyboard.press("Tab");
                if (await page.evaluate(() => document.activeElement.matches(".category"))) {
                    break;
                }
            }
            await page.keyboard.press("Tab");
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

    for (const count of [1, 10, 32]) {
        it(`offers_${count}_businesses_without_hiding_one`, () =>
            atKiosk(
                async ({ page }) => {
                    await page.locator(CATEGORY).first().waitFor();
                    assert.equal(await page.locator(CATEGORY).count(), count);
                    await page.locator(CATEGORY).last().scrollIntoViewIfNeeded();
                    await page.locator(CATEGORY).last().tap();
                    await number(page).waitFor({ state: "visible" });
                },
                {
                    size: LYING,
                    prepare: (office) => {
                        office.categories = Array.from({ length: count }, (_, index) => ({
                            id: index + 1,
                            name_ja: `用件その${index + 1}`,
                            name_en: `Business ${index + 1}`,
                            next: index * 100 + 101,
                            suspended: false,
                        }));
                    },
                },
            ));
    }
});
