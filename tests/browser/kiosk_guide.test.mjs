// The ticket machine by ear and keys alone (音声案内), and its staff mode. The office is a double; what is said is what
// the page gives to the browser's voice, or which clips of a pack it plays.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { AT_ONCE, assertAccessible, shot, startBrowser, until } from "./lib/browser.mjs";
import { SITE, categoriesOf, flatSite } from "./lib/kiosk_site.mjs";
import {
    LYING,
    UPRIGHT,
    createStage,
    listens,
    overflowsOf,
    showsNumber,
    takeNumber,
} from "./lib/kiosk_stage.mjs";

/** A browser's voice that says nothing, at once, and writes down what it was given. */
const LISTEN = () => {
    globalThis.heard = [];
    const silent = {
        speak(utterance) {
            globalThis.heard.push({
                text: utterance.text,
                lang: utterance.lang,
                volume: utterance.volume,
            });
            queueMicrotask(() => utterance.onend?.());
        },
        cancel() {},
    };
    Object.defineProperty(globalThis, "speechSynthesis", { value: silent });
    document.addEventListener("toban-say", ({ detail }) => {
        globalThis.told ??= [];
        globalThis.told.push(detail);
    });
};
const LEAST_STAFF_PX = 60;

let browser;
before(async () => {
    browser = await startBrowser();
});
after(() => browser.close());
const atKiosk = createStage(() => browser);
const withSite =
    (site, more = () => {}) =>
    (office) => {
        office.site = site;
        office.categories = categoriesOf(site);
        office.voice = null; // the browser's own voice says all
        more(office);
    };

describe("the audio guide", AT_ONCE, () => {
    const heard = (page) =>
        page.evaluate(() => globalThis.heard.splice(0).map((each) => each.text));
    /** Everything said from now on until a sentence that fits; the rest stays for later. */
    async function hears(page, ...wanted) {
        const all = [];
        for (const each of wanted) {
            await until(
                async () => {
                    all.push(...(await heard(page)));
                    return all.some((text) => each.test(text));
                },
                `"${each}" is said; heard: ${all.join(" / ")}`,
            );
        }
        return all;
    }
    const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());
    const press = (page, key) => page.keyboard.press(key);
    const begin = async (page) => {
        await page.locator(".category").first().waitFor();
        await press(page, "5");
        await hears(page, /音声案内を始めます/, /ご用件を選んでください/);
    };

    it("leads_from_the_start_to_a_number_by_four_keys_and_says_whatever_has_the_focus", () =>
        atKiosk(
            async ({ office, page }) => {
                await begin(page);
                await hears(page, /^都市計画図の閲覧・交付$/, /お待ちの方は2人です/, /およそ10分/);
                assert.match(await focused(page), /^都市計画図の閲覧・交付/);
                await press(page, "2");
                await hears(
                    page,
                    /^用途地域・都市計画制限の照会$/,
                    /選べません/,
                    /受付を停止しています/,
                );
                await press(page, "5"); // said again, and nothing else
                await hears(page, /選べません/);
                await press(page, "8");
                await hears(page, /^都市計画図の閲覧・交付$/);
                for (let times = 0; times < 5; times++) {
                    await press(page, "2");
                }
                await hears(page, /^建築・道路$/, /5のキーで中の項目へ/);
                await press(page, "5");
                await hears(page, /^建築・道路$/, /^建築確認の申請$/, /お待ちの方はいません/);
                await listens(page);
                await press(page, "0"); // back, and in again
                await hears(page, /ご用件を選んでください/);
                for (let times = 0; times < 5; times++) {
                    await press(page, "2");
                }
                await listens(page);
                await press(page, "5");
                await hears(page, /^建築確認の申請$/);
                await press(page, "2");
                await press(page, "2");
                await hears(page, /^道路の幅員・種別の照会$/);
                await listens(page);
                await press(page, "5");
                await hears(
                    page,
                    /この用件でよろしいですか/,
                    /^道路の幅員・種別の照会$/,
                    /番号札を取るには、5のキー/,
                );
                assert.match(await focused(page), /番号札を取る/);
                await listens(page);
                await assertAccessible(page);
                await shot(page, "kiosk-guide");
                await press(page, "5");
                await hears(
                    page,
                    /あなたの番号は/,
                    /^1001番です。$/,
                    /お呼びするまでお待ちください/,
                    /もう一度聞くときは星印/,
                );
                await showsNumber(page, "1001");
                await press(page, "*");
                await hears(page, /^1001番です。$/);
                assert.deepEqual(
                    office.posts.map(({ members }) => members),
                    [{ category: 10, language: "ja" }],
                );
                await listens(page);
                await press(page, "5");
                await page.locator("#choose_title").waitFor({ state: "visible" });
                assert.equal(
                    await page.locator("#guide_help").isVisible(),
                    false,
                    "the next visitor finds it silent",
                );
            },
            {
                script: LISTEN,
                prepare: withSite(SITE, (office) => {
                    office.addTicket(1);
                    office.addTicket(1);
                    office.categories[1].refusal = "CATEGORY_SUSPENDED";
                }),
            },
        ));

    it("goes_on_by_itself_through_a_takeover_between_press_and_answer_and_gives_one_number", () =>
        atKiosk(
            async ({ office, link, page }) => {
                await begin(page);
                await press(page, "5");
                await hears(page, /この用件でよろしいですか/);
                await listens(page);
                link.loseAnswers(8);
                await press(page, "5");
                await until(
                    () => office.tickets.length === 1,
                    "the number is given, its answer is lost",
                );
                link.cut();
                await press(page, "5"); // an impatient second press
                await hears(page, /番号をお取りしています/);
                link.heal();
                await hears(page, /^101番です。$/);
                assert.equal(office.tickets.length, 1);
                assert.equal(new Set(office.posts.map(({ key }) => key)).size, 1);
            },
            { script: LISTEN, prepare: withSite(SITE) },
        ));

    it("turns_pages_and_says_letters_of_a_number_and_the_language_that_was_chosen", () =>
        atKiosk(
            async ({ page }) => {
                await begin(page);
                await press(page, "8"); // over the top: the last item
                await hears(page, /한국어/);
                for (const label of [/中文/, /English/]) {
                    await press(page, "8");
                    await hears(page, label);
                }
                await press(page, "5");
                await hears(
                    page,
                    /Audio guide\. Press 8/,
                    /City planning maps/,
                    /Nobody is waiting/,
                );
                for (let times = 0; times < 10; times++) {
                    await press(page, "2");
                }
                await hears(page, /^Next$/);
                await listens(page);
                await press(page, "5");
                await hears(page, /Page 2 of 2/, /Road designation/);
                await listens(page);
                await press(page, "5");
                await hears(page, /Press 5 to take a ticket/);
                await listens(page);
                await press(page, "5");
                await hears(page, /letter B, 1 1 0 1\./, /Please wait until your number is called/);
                await showsNumber(page, "1101B");
            },
            {
                script: LISTEN,
                size: LYING,
                prepare: withSite(flatSite(), (office) => {
                    office.series = "B";
                }),
            },
        ));

    it("louder_quieter_and_stop_are_keys_and_a_button_does_the_same_as_the_key", () =>
        atKiosk(
            async ({ page }) => {
                await page.locator("#guide").tap();
                await hears(page, /音声案内を始めます/);
                const volume = () => page.evaluate(() => globalThis.heard.at(-1)?.volume);
                await press(page, "+");
                await until(async () => (await volume()) === 1, "as loud as it gets");
                await press(page, "-");
                await until(async () => (await volume()) === 0.75, "a step quieter");
                await press(page, "/");
                await hears(page, /音声案内を終わります/);
                await press(page, "2");
                assert.equal(await page.locator("#guide").getAttribute("aria-pressed"), "false");
                assert.deepEqual(await heard(page), []);
            },
            { script: LISTEN, prepare: withSite(SITE) },
        ));

    it("asks_for_more_time_aloud_and_5_goes_on", () =>
        atKiosk(
            async ({ office, page }) => {
                await begin(page);
                await hears(page, /お待ちの方はいません/);
                // The office is heard all the while: without a word from it this would be a takeover.
                for (
                    let second = 0;
                    second < 94 && !(await page.locator("#still").isVisible());
                    second += 2
                ) {
                    office.changed();
                    await page.clock.runFor(2000);
                }
                await page.locator("#still").waitFor({ state: "visible" });
                await hears(page, /操作を続けますか/);
                await press(page, "5");
                await page.locator("#still").waitFor({ state: "hidden" });
                assert.equal(await page.locator("#guide").getAttribute("aria-pressed"), "true");
            },
            { script: LISTEN, clock: true, prepare: withSite(SITE) },
        ));

    const NO_VOICE = existsSync(
        new URL("../../appliance/gateway/web/assets/voice.js", import.meta.url),
    )
        ? false
        : "this tree has no voice pack yet";
    it(
        "plays_the_clips_of_the_offices_voice_pack_and_says_itself_what_the_pack_lacks",
        { skip: NO_VOICE },
        () =>
            atKiosk(
                async ({ page }) => {
                    const told = () => page.evaluate(() => globalThis.told ?? []);
                    const clipsOf = async (text) =>
                        (await told()).find((each) => text.test(each.text))?.clips;
                    const all = [];
                    const tells = async (text) => {
                        await until(
                            async () => (await told()).some((each) => text.test(each.text)),
                            `${text} is said`,
                        );
                        all.push(...(await heard(page)));
                        return clipsOf(text);
                    };
                    await page.locator(".category").first().waitFor();
                    await press(page, "5");
                    assert.deepEqual(await tells(/音声案内を始めます/), ["ja.kiosk.say_welcome"]);
                    assert.equal(await tells(/ご用件を選んで/), null);
                    assert.deepEqual(await tells(/お待ちの方は2人/), ["ja.kiosk.say_waiting.2"]);
                    await until(
                        () => page.evaluate(() => globalThis.sounded >= 2),
                        "both clips sounded to their end",
                    );
                    await listens(page);
                    await press(page, "5");
                    await tells(/番号札を取るには/);
                    await listens(page);
                    await press(page, "5");
                    assert.deepEqual(await tells(/^Bの103番です/), [
                        "ja.of.B",
                        "ja.n.100",
                        "ja.n.3",
                        "ja.kiosk.number_end",
                    ]);
                    await until(
                        () => page.evaluate(() => globalThis.sounded >= 6),
                        "the number sounded",
                    );
                    await tells(/お呼びするまで/);
                    all.push(...(await heard(page)));
                    assert.ok(
                        all.some((text) => /ご用件を選んで/.test(text)),
                        "the browser's voice says the rest",
                    );
                    assert.ok(
                        !all.some((text) => /音声案内を始めます|お待ちの方は2人|103番/.test(text)),
                        "and nothing twice",
                    );
                },
                {
                    script: [
                        LISTEN,
                        () => {
                            globalThis.sounded = 0;
                            const start = AudioBufferSourceNode.prototype.start;
                            AudioBufferSourceNode.prototype.start = function (...rest) {
                                this.addEventListener("ended", () => globalThis.sounded++);
                                return start.apply(this, rest);
                            };
                        },
                    ],
                    prepare: withSite(SITE, (office) => {
                        office.addTicket(1);
                        office.addTicket(1);
                        office.series = "B";
                        office.voice = [
                            ["ja.kiosk.say_welcome", "音声案内"],
                            ["ja.kiosk.say_waiting.2", "お待ちの方は2人です。"],
                            ["ja.of.B", "ビーの"],
                            ["ja.n.100", "ひゃく"],
                            ["ja.n.3", "さん"],
                            ["ja.kiosk.number_end", "番です。"],
                        ];
                    }),
                },
            ),
    );
});

describe("staff mode", AT_ONCE, () => {
    const CLERKS = {
        sato: { pin: "271828", role: "operator", role_ja: "係員", title: "佐藤" },
        suzuki: { pin: "314159", role: "supervisor", role_ja: "窓口責任者", title: "鈴木" },
    };
    const prepare = (more = () => {}) =>
        withSite(SITE, (office) => {
            office.clerks = CLERKS;
            office.printers = [
                {
                    id: 1,
                    name_ja: "発券機プリンター",
                    name_en: "Kiosk printer",
                    condition: "READY",
                    text_ja: "印字できます。",
                    text_en: "Ready.",
                    roll: { tickets_left: 420 },
                },
            ];
            more(office);
        });

    async function hold(page) {
        const box = await page.locator("#corner").boundingBox();
        await page.mouse.move(box.x + 20, box.y + 20);
        await page.mouse.down();
        await page.clock.runFor(2100);
        await page.mouse.up();
    }
    async function enter(page, name) {
        await hold(page);
        await page.locator("#staff_enter").waitFor();
        for (const letter of name) {
            await page.locator(".staff-key", { hasText: new RegExp(`^${letter}$`) }).tap();
        }
        await page.locator("#staff_pin").tap();
        for (const digit of CLERKS[name].pin) {
            await page.locator(".staff-key", { hasText: new RegExp(`^${digit}$`) }).tap();
        }
        await page.locator("#staff_enter").tap();
        await page.locator("#staff_who").waitFor();
    }
    const done = (page) => page.locator("#staff_notice", { hasText: "行いました" }).waitFor();
    const paths = (office) =>
        office.posts.map(({ path }) => path.replace("/api/v1", "").replace(/t[0-9]+-/, ""));

    it("opens_by_a_held_corner_and_a_pin_cancels_and_reprints_any_ticket_and_closes_behind_itself", () =>
        atKiosk(
            async ({ office, page }) => {
                await takeNumber(page);
                await showsNumber(page, "101");
                await hold(page);
                await page.locator("#staff_name").waitFor();
                await assertAccessible(page);
                await shot(page, "kiosk-staff-sign-in");
                assert.deepEqual(await overflowsOf(page), []);
                await page.locator("#staff_name").fill("sato");
                await page.locator("#staff_pin").fill("111111");
                await page.locator("#staff_enter").tap();
                await page.locator("#staff_notice", { hasText: "確認できませんでした" }).waitFor();
                await page.locator("#staff_cancel").tap();
                await page.locator("#choose_title").waitFor({ state: "visible" });
                await enter(page, "sato");
                assert.match(await page.locator("#staff_who").textContent(), /佐藤（係員）/);
                await page.locator(".staff-ticket", { hasText: "101" }).waitFor();
                await page.locator(".staff-printer", { hasText: "あと約420枚" }).waitFor();
                await assertAccessible(page);
                await shot(page, "kiosk-staff");
                await page.locator(".staff-ticket", { hasText: "101" }).getByRole("button", { name: "再発券" }).tap();
                await page.locator("#staff_notice", { hasText: "再発券しました" }).waitFor();
                // 201 came from somewhere else; whoever is called is the counter's.
                assert.equal(await page.locator(".staff-ticket", { hasText: "202" }).getByRole("button", { name: "取消" }).count(), 0);
                for (const digit of "201") {
                    await page.locator(".staff-digit", { hasText: new RegExp(`^${digit}$`) }).tap();
                }
                await page.locator("#staff_tickets_said", { hasText: "1枚" }).waitFor();
                await page.locator(".staff-ticket", { hasText: "201" }).getByRole("button", { name: "取消" }).tap();
                await page.locator("#staff_yes").tap();
                await done(page);
                assert.equal(office.tickets[0].state, "CANCELLED");
                await page.locator(".staff-ticket", { hasText: "取消済み" }).waitFor();
                await page.locator("#staff_number_erase").tap();
                await page.locator("#staff_tickets_said", { hasText: "20番の番号札は、きょうはありません" }).waitFor();
                await page.locator("#staff_number_all").tap();
                await page.locator("#staff_tickets_said", { hasText: "2枚" }).waitFor();
                await page.locator(".staff-printer button", { hasText: "試し刷り" }).tap();
                await done(page);
                await page.locator(".staff-printer button", { hasText: "用紙を交換した" }).tap();
                await until(
                    () => paths(office).includes("/printers/1/roll"),
                    "the new roll is noted",
                );
                await page.locator("#staff_stop_all").tap({ force: true });
                await page.locator("#staff_notice", { hasText: "窓口責任者のPIN" }).waitFor();
                await page.locator("#staff_leave").tap();
                await page.locator("#choose_title").waitFor({ state: "visible" });
                await until(() => office.clerk === null, "the clerk is signed out");
                assert.deepEqual(paths(office), [
                    "/tickets",
                    "/session",
                    "/session",
                    "/tickets/101/reprint",
                    "/tickets/201/cancel",
                    "/printers/1/test",
                    "/printers/1/roll",
                    "/session/end",
                ]);
            },
            {
                clock: true,
                prepare: prepare((office) => {
                    office.addTicket(2);
                    office.call(1, office.addTicket(2));
                }),
            },
        ));

    it("a_supervisor_stops_and_resumes_acceptance_and_closes_for_today_after_a_question", () =>
        atKiosk(
            async ({ office, page }) => {
                await enter(page, "suzuki");
                const row = page.locator("#staff_rows tr", { hasText: "地区計画の届出" });
                await row.getByRole("button").tap();
                await row.filter({ hasText: "停止中" }).waitFor();
                await shot(page, "kiosk-staff-lying");
                await assertAccessible(page);
                await row.getByRole("button", { name: "再開" }).tap();
                await row.filter({ hasText: "受付中" }).waitFor();
                await page.locator("#staff_stop_all").tap();
                await until(
                    () => office.categories[0].refusal === "ALL_SUSPENDED",
                    "nobody is taken",
                );
                await done(page);
                await page.locator("#staff_go_on_all").tap();
                await until(() => office.categories[0].refusal === null, "it goes on");
                await page.locator("#staff_close").tap();
                await page
                    .locator("#staff_question", { hasText: "お待ちの1人の番号札は無効になり、対応中・呼出中の1窓口も終わります" })
                    .waitFor();
                assert.match(await page.locator("#staff_effects").textContent(), /次の開庁.*11月25日/s);
                assert.match(await page.locator("#staff_effects").textContent(), /窓口 Counters.*1窓口の対応も/s);
                await assertAccessible(page);
                await shot(page, "kiosk-staff-close");
                await page.locator("#staff_no").tap();
                assert.equal(office.day.state, "OPEN");
                await page.locator("#staff_close").tap();
                await page.locator("#staff_yes").tap();
                await until(() => office.day.state === "CLOSED", "the day is closed");
                await page.locator("#staff_leave").tap();
                await page
                    .locator("#closed_title", { hasText: "本日の受付は終了しました" })
                    .waitFor();
            },
            { clock: true, size: LYING, prepare: prepare((office) => {
                office.addTicket(3);
                office.call(2, office.addTicket(3));
            }) },
        ));

    it("ends_by_itself_after_a_minute_and_nobody_stays_signed_in_over_a_reload", () =>
        atKiosk(
            async ({ office, page }) => {
                await enter(page, "sato");
                await page.clock.runFor(50000);
                await page.locator("#staff_title").tap();
                await page.clock.runFor(50000);
                assert.ok(await page.locator("#staff_leave").isVisible(), "who works stays");
                await page.clock.runFor(11000);
                await page.locator("#choose_title").waitFor({ state: "visible" });
                await until(() => office.clerk === null, "the clerk is signed out");
                await enter(page, "sato");
                assert.ok(office.clerk);
                await page.reload();
                await page.locator("#choose_title").waitFor({ state: "visible" });
                await until(() => office.clerk === null, "the clerk is signed out");
            },
            { clock: true, size: UPRIGHT, prepare: prepare() },
        ));
});
