// What a clerk does at a counter. The office behind it is a double.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
    AT_ONCE,
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

/** Chromium itself resends what was lost on one of its (at most 6) kept connections: lose more than that. */
const BEYOND_CHROMIUM = 8;

describe("a counter", AT_ONCE, () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    after(() => browser.close());

    async function atCounter(
        story,
        { path = "/counter?n=3", waiting = 3, prepare = () => {} } = {},
    ) {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        for (let ticket = 0; ticket < waiting; ticket++) {
            office.addTicket(1 + ticket);
        }
        prepare(office);
        const page = await openPage(browser, `http://${OFFICE_HOST}:${link.port}${path}`);
        try {
            await story({ office, link, page });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    }

    /** As it is in the middle of a morning: more who wait, one who fetches a paper, one who was not there. */
    function fillDesk(office) {
        const ago = (minutes) => new Date(Date.now() + 9 * 3600_000 - minutes * 60_000).toISOString().replace("Z", "+09:00");
        office.tickets.forEach((ticket, index) => Object.assign(ticket, { issued_at: ago(14 - 3 * index) }));
        office.addTicket(1, { issued_at: ago(6), language: "en" });
        office.addTicket(2, { issued_at: ago(38), state: "HELD", hold: { reason: "DOCUMENT", until: null } });
        office.addTicket(3, { issued_at: ago(25), state: "ABSENT" });
        const { counterView } = office;
        const today = { served: 14, no_show: 1, transferred: 2, mean_service_s: 365 };
        office.counterView = (counter) => ({ ...counterView.call(office, counter), today });
        office.changed();
    }
    const main = (page, action) =>
        page.locator(`#main[data-action="${action}"]:not([aria-busy])`).waitFor();
    const has = (page, display, state) =>
        until(
            async () =>
                (await page.locator("#current_number").textContent()) === display &&
                (await page.locator(".current").getAttribute("data-state")) === state,
            `the counter has ${display} ${state}`,
        );
    const said = (page) => page.locator("#said").textContent();
    /** What was done may be seen before its answer has come. */
    const hasSaid = (page, what) => until(async () => what.test(await said(page)), `it says ${what}`);
    /** A second press of the main key is only believed after a moment. */
    const ready = async (page, action) => {
        await main(page, action);
        await page.waitForTimeout(600);
    };

    it("serves_a_visitor_with_the_keyboard_alone", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await has(page, "101", "FREE");
            await page.keyboard.press("Space");
            await has(page, "101", "CALLED");
            assert.match(await page.locator("#current_category").textContent(), /都市計画の相談/);
            fillDesk(office);
            await page.locator("#absent li").waitFor();
            await assertAccessible(page);
            await shot(page, "counter-called");
            await ready(page, "complete");
            await page.keyboard.press("F4");
            await has(page, "101", "SERVING");
            await ready(page, "complete");
            await page.keyboard.press("Space");
            await has(page, "201", "FREE");
            assert.equal(office.tickets[0].state, "DONE");
            await hasSaid(page, /101 の対応を完了しました/);
        }));

    it("counts_a_double_press_of_the_main_key_once", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.keyboard.press("Space");
            await page.keyboard.press("Space");
            await has(page, "101", "CALLED");
            assert.equal(office.posts.length, 1);
        }));

    it("calls_one_visitor_when_the_answer_is_lost_in_a_takeover", () =>
        atCounter(async ({ office, link, page }) => {
            await ready(page, "call-next");
            link.loseAnswers(BEYOND_CHROMIUM);
            await page.locator("#main").click();
            await has(page, "101", "CALLED");
            assert.equal(office.calls.length, 1);
            assert.equal(new Set(office.posts.map(({ key }) => key)).size, 1);
            assert.ok(office.posts.length >= 2);
        }));

    it("recalls_marks_absent_and_takes_the_visitor_back_into_the_queue", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#main").click();
            await ready(page, "complete");
            await page.keyboard.press("F2");
            await until(() => office.calls.length === 2, "the recall is a call");
            await ready(page, "complete");
            await page.keyboard.press("F6");
            await until(
                async () => /101/.test(await page.locator("#absent").textContent()),
                "101 is in the list of the absent",
            );
            await ready(page, "call-next");
            await page.getByRole("button", { name: "101 列へ Return" }).click();
            await until(() => office.tickets[0].state === "WAITING", "101 waits again");
        }));

    it("puts_on_hold_and_calls_from_there", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#main").click();
            await ready(page, "complete");
            await page.keyboard.press("F8");
            await until(
                async () => /101/.test(await page.locator("#held").textContent()),
                "101 is on hold",
            );
            await ready(page, "call-next");
            await page.getByRole("button", { name: "101 呼ぶ Call" }).click();
            await has(page, "101", "CALLED");
            assert.equal(office.tickets[0].state, "CALLED");
        }));

    it("transfers_to_the_business_chosen_from_a_menu", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#main").click();
            await ready(page, "complete");
            await page.keyboard.press("F9");
            await page.locator("#transfer[open]").waitFor();
            await assertAccessible(page);
            await shot(page, "counter-transfer");
            await page.keyboard.press("Escape");
            assert.equal(await page.locator("#transfer[open]").count(), 0);
            assert.equal(office.posts.length, 1, "nothing was sent");
            await page.keyboard.press("F9");
            await page
                .locator("#transfer[open]")
                .getByRole("button", { name: "証明書の発行" })
                .click();
            await until(() => office.tickets[0].category === 3, "101 has another business");
            assert.equal(office.tickets[0].state, "WAITING");
        }));

    it("undoes_a_slip_within_the_time_that_it_counts_down", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#main").click();
            await ready(page, "complete");
            assert.match(
                await page.locator("#undo").textContent(),
                /「呼出」を取り消す（あと(30|29|28)秒）/,
            );
            await page.keyboard.press("F10");
            await until(() => office.tickets[0].state === "WAITING", "101 waits again");
            await page.locator("#undo").waitFor({ state: "hidden" });
        }));

    it("calls_a_number_that_was_typed_also_in_full_width", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#by_number_text").fill("２０１");
            await page.keyboard.press("Enter");
            await has(page, "201", "CALLED");
            assert.deepEqual(office.posts[0].members, { number: 201 });
        }));

    it("holds_with_a_reason_adds_a_service_and_leaves_a_note", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.keyboard.press("Space");
            await has(page, "101", "CALLED");
            await ready(page, "complete");
            await page.keyboard.press("F1");
            await page.locator("#more_note_text").fill("委任状あり");
            await page.locator("#more_assist").check();
            await assertAccessible(page);
            await page.locator("#more").evaluate((dialog) => dialog.scrollTo(0, 0));
            await shot(page, "counter-more");
            await page.keyboard.press("Enter");
            await until(
                async () => /委任状あり/.test(await page.locator("#current_marks").textContent()),
                "the note is shown",
            );
            assert.match(await page.locator("#current_marks").textContent(), /係員がお迎えに行く/);
            await ready(page, "complete");
            await page.keyboard.press("F1");
            await page.locator("#more_plan button").nth(1).click();
            await until(
                async () => /このあと/.test(await page.locator("#current_marks").textContent()),
                "the service is shown",
            );
            await ready(page, "complete");
            await page.keyboard.press("F1");
            await page.locator("#more_minutes").selectOption("10");
            await page.locator("#more_hold button").first().click();
            await until(
                async () => /書類に記入中/.test(await page.locator("#held").textContent()),
                "it is on hold, with the reason",
            );
            assert.deepEqual(office.posts.slice(1).map((each) => [each.path, each.members]), [
                ["/api/v1/counters/3/note", { note: "委任状あり", staff_will_come: true }],
                ["/api/v1/counters/3/plan", { services: [2] }],
                ["/api/v1/counters/3/hold", { reason: "form", minutes: 10 }],
            ]);
        }));

    it("transfers_to_a_counter_behind_some_and_gives_an_absent_visitor_up", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.keyboard.press("Space");
            await has(page, "101", "CALLED");
            await ready(page, "complete");
            await page.keyboard.press("F9");
            await page.locator("#transfer_place").selectOption("after");
            await assertAccessible(page);
            await page.locator("#transfer_list button").last().click();
            await until(() => office.posts.length === 2, "it is sent");
            assert.equal(office.posts[1].path, "/api/v1/counters/3/transfer");
            assert.equal(office.posts[1].members.place, "after");
            assert.equal(office.posts[1].members.after, 2);
            assert.ok(office.posts[1].members.to_counter > 0);
            await ready(page, "call-next");
            await page.keyboard.press("Space");
            await ready(page, "complete");
            await page.keyboard.press("F6");
            await until(
                async () => (await page.locator("#absent_count").textContent()) === "1",
                "one is absent",
            );
            await page.waitForTimeout(600);
            await page.getByRole("button", { name: "終了 No show" }).click();
            await until(() => office.tickets.some((each) => each.state === "NO_SHOW"), "given up");
            await until(async () => /「不在終了」/.test(await page.locator("#undo").textContent()), "the page knows it");
            await page.waitForTimeout(600); // a press right behind another one is not believed
            await page.keyboard.press("F10");
            await until(() => office.tickets.some((each) => each.state === "ABSENT"), "taken back");
        }));

    it("calls_a_lettered_number_that_was_typed", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.locator("#by_number_text").fill("106b2");
            await page.keyboard.press("Enter");
            await until(() => office.posts.length === 1, "it is asked");
            assert.deepEqual(office.posts[0].members, { number: 106, series: "B2" });
            await until(
                async () => /その番号の方はいません/.test(await said(page)),
                "the refusal is told",
            );
            assert.equal(await page.locator("#said").getAttribute("data-kind"), "refused");
        }));

    it("says_what_is_wrong_instead_of_doing_nothing", () =>
        atCounter(
            async ({ office, page }) => {
                await ready(page, "call-next");
                await page.keyboard.press("F6");
                await hasSaid(page, /呼び出し中の方がいません.*Nobody is called here/);
                await page.locator("#by_number_text").fill("abc");
                await page.keyboard.press("Enter");
                await hasSaid(page, /番号を入れてください/);
                await page.locator("#main").focus();
                await page.keyboard.press("Enter");
                await until(
                    async () => /お待ちの方はいません/.test(await said(page)),
                    "nobody is waiting",
                );
                assert.equal(office.posts.length, 0);
            },
            { waiting: 0 },
        ));

    it("tells_a_refusal_of_the_office_in_two_languages", () =>
        atCounter(
            async ({ page }) => {
                await ready(page, "call-next");
                await page.locator("#main").click();
                await until(
                    async () =>
                        /窓口が閉まっています。.*This counter is closed\./.test(await said(page)),
                    "the problem document is told",
                );
            },
            {
                prepare: (office) => {
                    office.refuse = {
                        status: 409,
                        body: {
                            code: "COUNTER_CLOSED",
                            title: "This counter is closed.",
                            title_ja: "窓口が閉まっています。",
                        },
                    };
                },
            },
        ));

    it("opens_and_closes", () =>
        atCounter(
            async ({ office, page }) => {
                await ready(page, "open");
                await assertAccessible(page);
                await page.keyboard.press("Space");
                await until(() => office.counters[3].open, "it is open");
                await ready(page, "call-next");
                await page.locator("#open_close").click();
                await until(() => !office.counters[3].open, "it is closed");
            },
            { path: "/counter?n=4" },
        ));

    it("follows_what_other_counters_do", () =>
        atCounter(async ({ office, page }) => {
            await main(page, "call-next");
            await has(page, "101", "FREE");
            office.call(1, office.tickets[0]);
            await has(page, "201", "FREE");
            office.addTicket(2);
            await until(
                async () => (await page.locator("#waiting li").count()) === 3,
                "a new visitor is listed",
            );
        }));

    it("names_the_next_visitor_by_the_office_rule_not_by_arrival", () =>
        atCounter(
            async ({ page }) => {
                await has(page, "301", "FREE");
                assert.match(await page.locator("#current_category").textContent(), /証明書の発行/);
            },
            {
                prepare: (office) => {
                    office.next = office.tickets[2];
                },
            },
        ));

    it("lets_a_clerk_choose_the_counter_first", () =>
        atCounter(
            async ({ page }) => {
                await page.locator("#pick_list a").first().waitFor();
                await assertAccessible(page);
                await shot(page, "counter-choose");
                // Before the counters comes who works here: this terminal is a paired one.
                await page.locator("#clerk").waitFor();
                for (const focused of ["#clerk", "[href='/counter?n=1']", "[href='/counter?n=2']"]) {
                    await page.keyboard.press("Tab");
                    assert.equal(await page.locator(`${focused}:focus`).count(), 1, focused);
                }
                await page.keyboard.press("Enter");
                await page.waitForURL(/counter\?n=2/);
                await main(page, "call-next");
            },
            { path: "/counter" },
        ));

    it("says_that_a_counter_does_not_exist", () =>
        atCounter(
            async ({ page }) => {
                await page.locator("#pick_wrong").waitFor({ state: "visible" });
                await assertAccessible(page);
            },
            { path: "/counter?n=77" },
        ));

    it("warns_when_its_picture_is_old_and_goes_on_with_the_press", () =>
        atCounter(async ({ office, link, page }) => {
            await ready(page, "call-next");
            await shot(page, "counter-next");
            link.cut();
            await page.locator("#main").click();
            await page.locator("#stale").waitFor({ state: "visible", timeout: 10000 });
            await hasSaid(page, /少々お待ちください/);
            await assertAccessible(page);
            link.heal();
            await has(page, "101", "CALLED");
            await page.locator("#stale").waitFor({ state: "hidden" });
            assert.equal(office.calls.length, 1);
        }));

    it("goes_on_from_call_to_end_with_a_numeric_keypad_alone", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.keyboard.press("Enter");
            await has(page, "101", "CALLED");
            await ready(page, "complete");
            await page.keyboard.press("+");
            await until(() => office.calls.length === 2, "it was recalled");
            await ready(page, "complete");
            await page.keyboard.press("*");
            await has(page, "201", "FREE");
            await ready(page, "call-next");
            await page.keyboard.type("301");
            await page.keyboard.press("Enter");
            await has(page, "301", "CALLED");
            await ready(page, "complete");
            await page.keyboard.press(".");
            await until(() => office.tickets[2].state === "WAITING", "the call is undone");
            await ready(page, "call-next");
            await page.keyboard.type("301");
            await page.keyboard.press("Enter");
            await has(page, "301", "CALLED");
            await ready(page, "complete");
            await page.keyboard.press("-");
            await until(() => office.tickets[2].state === "ABSENT", "301 is absent");
        }));

    it("reaches_every_button_by_the_tab_key_and_shows_what_keys_do", () =>
        atCounter(async ({ page }) => {
            await ready(page, "call-next");
            await page.keyboard.press("Space");
            await has(page, "101", "CALLED");
            const wanted = await page.locator("button:visible:not([aria-disabled]), a:visible, input:visible").count();
            const reached = new Set();
            for (let press = 0; press < wanted + 10; press++) {
                await page.keyboard.press("Tab");
                reached.add(
                    await page.evaluate(() => {
                        const all = [...document.querySelectorAll("button, a, input")];
                        const at = all.indexOf(document.activeElement);
                        return at < 0 || all[at].getAttribute("aria-disabled") ? -1 : at;
                    }),
                );
            }
            reached.delete(-1);
            assert.ok(reached.size >= wanted, `${reached.size} of ${wanted}`);
            await page.locator("#main").focus();
            await page.keyboard.press("?");
            await page.locator("#keys[open]").waitFor();
            assert.match(await page.locator("#keys_list").textContent(), /F6・-.*不在にする/s);
            await assertAccessible(page);
            await shot(page, "counter-keys");
            await page.keyboard.press("Escape");
            assert.equal(await page.locator("#keys[open]").count(), 0);
        }));

    it("tells_of_a_changeover_without_a_click_and_what_this_counter_did_today", () =>
        atCounter(
            async ({ office, page }) => {
                await ready(page, "call-next");
                const banner = page.locator("#takeover");
                await banner.waitFor();
                const text = await banner.textContent();
                for (const wanted of [/自動で切り替わりました/, /操作は不要です/, /中断 0.4秒/, /20261124-7-1/, /連絡先/]) {
                    assert.match(text, wanted);
                }
                await assertAccessible(page);
                await shot(page, "counter-takeover");
                assert.match(await page.locator("#own_day").textContent(), /対応.*14.*平均.*6分5秒.*不在終了.*1/s);
                assert.equal(office.posts.length, 0);
            },
            {
                prepare: (office) => {
                    fillDesk(office);
                    const { queue } = office;
                    office.queue = () => ({
                        ...queue.call(office),
                        takeover: { what: "OTHER_FAILED", number: "20261124-7-1", unit: 2, at: new Date().toISOString(), gap_ms: 420, over: false },
                    });
                },
            },
        ));

    // Two at one counter pressed "call next" together: the second press met "complete", and ended the visit just called.
    it("does_not_take_a_press_for_what_the_key_has_just_become_by_somebody_else", () =>
        atCounter(async ({ office, page }) => {
            await ready(page, "call-next");
            await page.evaluate(() => {
                const key = document.getElementById("main");
                new MutationObserver((_, observer) => {
                    if (key.dataset.action === "complete") {
                        observer.disconnect();
                        key.click(); // the press that was under way
                    }
                }).observe(key, { attributes: true });
            });
            office.call(3, office.tickets[0]);
            await until(async () => /ほかの端末/.test(await said(page)), "it says why");
            assert.equal(office.tickets[0].state, "CALLED");
            await page.waitForTimeout(1100);
            await page.locator("#main").click();
            await until(() => office.tickets[0].state === "DONE", "looked at and pressed again, it is done");
        }));
});
