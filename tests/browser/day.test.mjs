// One office day through the pages alone, in one office of its own: Chromium is there before any unit is on, its pages find
// the office by themselves and none is loaded anew until the next morning. Visitors tap, staff use keys, the unit on duty
// loses power under a finger, the manager closes early, the night takes what was recorded. Then both disks are judged by the
// demo's checker against what the pages sent and were told. What is said aloud is listened to around the cut; at other
// times the board speaks sixteen times as fast, which is the only thing that is not as in an office.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { analyse, imageOf, judge } from "../../tools/office/demo/checker.mjs";
import { readDisk, sha256 } from "../../tools/office/demo/ledger.mjs";
import { nowMs } from "../../tools/office/demo/common.mjs";
import { Office } from "../../tools/office/demo/office.mjs";
import { closePage, cookieOf, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { announcements, isListening, listenTo, whatWasHeard } from "./lib/heard.mjs";
import { createJournal } from "./lib/journal.mjs";
import { walkTo } from "./lib/kiosk_path.mjs";

const WEB = new URL("../../appliance/gateway/web/", import.meta.url);
const { announcement } = await import(new URL("assets/readings.js", WEB));
const { qrPath } = await import(new URL("assets/qr.js", WEB));

const ROOT = new URL("../../", import.meta.url).pathname;
const BASE = "https://10.90.0.10";
const [DAY, NEXT] = ["2026-11-24", "2026-11-25"];
const OFF_MS = 20000;
const PAIRED_MS = 30000;
const OPENS_MS = 10000;
const GUARD_MS = 600; // a second press of the main key is believed after half a second
const REACHES_MS = 5000; // "close now", on every page
const PROMISE_ERASED = 15;

const has_all = ["toban-office", "toband", "toban-web"].every((each) => existsSync(join(ROOT, "build/bin", each)));
const SKIP = has_all && process.getuid() === 0 ? false : "no office: build its programs and run as root";

const office = new Office(`day${process.pid}`, join(ROOT, "build/bin"), () => {});
const journal = createJournal();
const folder = mkdtempSync(join(tmpdir(), "toban-day-"));
const pages = {};
const called = []; // as the board began to say it
const nights = [];
let browser;
let site;

/** Sixteen times as fast while nobody listens. */
function hurry() {
    globalThis.sound_rate = 16;
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (...given) {
        this.playbackRate.value = globalThis.sound_rate;
        return start.apply(this, given);
    };
}

async function openOne(name, path, role, options = {}) {
    const cookies = role ? [cookieOf(role, office.info.credentials[role], BASE)] : [];
    const page = await openPage(browser, "about:blank", { ...options, cookies });
    pages[name] = page;
    journal.follow(page, name);
    if (name === "board") {
        await page.exposeFunction("hear", (call) => {
            called.push(call);
            journal.hear(call);
        });
        await page.addInitScript(() => document.addEventListener("toban-call", ({ detail }) => globalThis.hear(detail)));
        await page.addInitScript(hurry);
        await listenTo(page);
    }
    await page.goto(new URL(`start.html#${BASE}/${path}`, WEB).href);
}

const textOf = (page, selector) => page.locator(selector).textContent();
const waiting = async () => (await textOf(pages.counter1, "#waiting_count")) || "0";

// ---- a visitor

/** Takes a number as a visitor does; gives what is on the screen, and the ticket as the kiosk was told it. */
async function take(category, { language = null, button = "#take" } = {}) {
    const { kiosk } = pages;
    await kiosk.locator("#choose_title").waitFor({ state: "visible" });
    if (language) {
        await kiosk.locator(".language", { hasText: new RegExp(`^${language}$`) }).tap();
    }
    await walkTo(kiosk, site, category);
    const before_count = given().length;
    await kiosk.locator(button).tap();
    const display = await numberOf(kiosk);
    await until(() => given().length > before_count, "the kiosk was told of it");
    return { display, ...given().at(-1).reply };
}

const given = () => journal.requests.filter((each) => each.path === "/api/v1/tickets" && each.status === 201);

async function numberOf(kiosk) {
    await kiosk.locator("#number").waitFor({ state: "visible", timeout: 20000 });
    await kiosk.locator("#keep", { hasNotText: /印刷しています|being printed|正在打印|인쇄하고|いんさつ/ }).waitFor();
    return textOf(kiosk, "#number");
}

async function goOn() {
    await pages.kiosk.locator("body[data-listens=true]").waitFor();
    await pages.kiosk.locator("#back").tap();
    await pages.kiosk.locator("#choose_title").waitFor({ state: "visible" });
}

// ---- a clerk

const deskHas = (desk, display, state) =>
    until(
        async () =>
            (await textOf(desk, "#current_number")) === display &&
            (await desk.locator(".current").getAttribute("data-state")) === state,
        `the counter has ${display} ${state}`,
        20000,
    );

async function press(desk, key, action = null) {
    await desk.locator(`#main${action ? `[data-action=${action}]` : ""}:not([aria-busy])`).waitFor();
    await desk.waitForTimeout(GUARD_MS);
    await desk.keyboard.press(key);
    await desk.locator("#main:not([aria-busy])").waitFor();
}

/** A button of the page, by the keyboard too. */
async function pressOn(desk, button) {
    await desk.locator("#main:not([aria-busy])").waitFor();
    await desk.waitForTimeout(GUARD_MS);
    await button.press("Enter");
}

/** The next visitor, by the one key; said by the board before anything else is done with it. */
async function callNext(desk, display) {
    const before_count = called.length;
    await press(desk, "Space", "call-next");
    await deskHas(desk, display, "CALLED");
    await until(() => called.slice(before_count).some((call) => call.display === display), `the board says ${display}`);
}

async function complete(desk) {
    await press(desk, "Space", "complete");
    await until(async () => (await desk.locator(".current").getAttribute("data-state")) === "FREE", "the counter is free");
}

const isQuiet = () => until(async () => (await pages.board.locator("[data-speaking]").count()) === 0, "the board is quiet", 60000);

/** The parts of a day, one after the other: what follows one that failed says nothing, unless the day goes on without it. */
let is_over = SKIP;
const part = (name, does, { goes_on = false } = {}) =>
    it(name, async (context) => {
        if (is_over) {
            context.skip(SKIP || "an earlier part failed");
            return;
        }
        is_over = !goes_on;
        const began_ms = nowMs();
        try {
            await does(context);
        } catch (error) {
            await Promise.all(Object.entries(pages).map(([each, page]) => shot(page, `day-failed-${each}`).catch(() => {})));
            throw error;
        }
        is_over = false;
        context.diagnostic(`${Math.round(nowMs() - began_ms)} ms`);
    });

async function breaker() {
    await Promise.all([1, 2].map((unit) => office.fault("power", unit).catch(() => {})));
    await office.untilOff(OFF_MS);
}

describe("an office day", () => {
    before(async () => {
        if (SKIP) {
            return;
        }
        // One that was set up the day before, and is switched off.
        await office.up("--at", `${DAY}T08:15`, "--disk", "directory");
        office.watch();
        await breaker();
    });
    after(async () => {
        await browser?.close();
        await office.end();
        rmSync(folder, { recursive: true, force: true });
    });

    part("screens_that_are_on_before_the_units_find_the_office_by_themselves", async () => {
        browser = await startBrowser({
            authority: readFileSync(office.info.ca_file),
            network: `${office.name}-lan`,
            args: ["--autoplay-policy=no-user-gesture-required"],
        });
        const wall = { width: 1920, height: 1080, bypassCSP: true };
        await Promise.all([
            openOne("kiosk", "kiosk", "kiosk", { width: 1080, height: 1920, hasTouch: true }),
            openOne("board", "board", "board", wall),
            openOne("counter1", "counter?n=1", "counter"),
            openOne("counter2", "counter?n=2", "counter"),
        ]);
        for (const page of Object.values(pages)) {
            assert.match(page.url(), /^file:/);
        }
        await office.heal();
        await office.untilPaired(PAIRED_MS);
        await Promise.all(Object.values(pages).map((page) => page.waitForURL(`${BASE}/**`)));
        for (const page of Object.values(pages)) {
            await page.evaluate(() => {
                globalThis.never_reloaded = true;
            });
        }
        await until(() => isListening(pages.board), "the recorder runs");
        await pages.kiosk.locator("#closed_title", { hasText: "受付開始までお待ちください" }).waitFor();
    });

    part("the_day_opens_by_itself_at_half_past_eight", async () => {
        await office.timePassesTo(`${DAY}T08:29:58`);
        await pages.kiosk.locator("#choose_title").waitFor({ state: "visible", timeout: OPENS_MS });
        site = await pages.kiosk.evaluate(async () => (await fetch("/api/v1/site")).json());
        for (const desk of [pages.counter1, pages.counter2]) {
            await press(desk, "Space", "open");
            await desk.locator("#main[data-action=call-next]").waitFor();
        }
        await openOne("manager", "manager", "manager");
        await pages.manager.waitForURL(`${BASE}/manager`);
    });

    part("a_board_that_can_be_heard_is_counted", async () => {
        const status = () => JSON.parse(execFileSync(join(ROOT, "build/bin/toban"), ["--name", office.name, "status", "--json"]));
        await until(() => status().boards.on === 1, "toban status counts it");
    });

    part("visitors_take_numbers_in_five_languages_one_of_them_without_paper", async () => {
        assert.equal((await take(1)).display, "101");
        await goOn();
        assert.equal((await take(1, { language: "English" })).display, "102");
        await goOn();
        assert.equal((await take(2, { language: "やさしい日本語" })).display, "201");
        await goOn();
        assert.equal((await take(5, { language: "한국어" })).display, "501");
        await goOn();
        const own = await take(6, { language: "中文", button: "#take_screen" });
        const { visitor_url } = await pages.kiosk.evaluate(async () => (await fetch("/api/v1/queue")).json());
        const url = `${visitor_url}${own.id}`;
        assert.equal(await pages.kiosk.locator("#code_path").getAttribute("d"), qrPath(url).path, "the code is the way to it");
        await shot(pages.kiosk, "day-paperless");
        const phone = await openPage(browser, url, { width: 390, height: 844 });
        pages.phone = phone;
        await phone.locator("#own_number", { hasText: own.display }).waitFor();
        await phone.locator("#own_ahead", { hasText: /^0/ }).waitFor();
        await pages.kiosk.locator("body[data-listens=true]").waitFor();
        await pages.kiosk.locator("#back").tap();
    });

    part("staff_serve_them_by_keys_alone", async () => {
        const { counter1: one, counter2: two } = pages;
        await callNext(one, "101");
        const first_ms = nowMs();
        await callNext(two, "102");
        await press(two, "F6");
        await pressOn(two, two.locator("#absent li", { hasText: "102" }).getByRole("button", { name: "列へ" }));
        await deskHas(two, "102", "FREE"); // returned at once: the old place
        await callNext(two, "102");
        await press(two, "F8");
        await pressOn(two, two.locator("#held li", { hasText: "102" }).getByRole("button", { name: "呼ぶ" }));
        await deskHas(two, "102", "CALLED");
        await press(two, "F4");
        await deskHas(two, "102", "SERVING");
        await press(two, "F9");
        await pressOn(two, two.locator("#transfer_list button", { hasText: "街づくりの相談" }));
        await until(async () => (await two.locator(".current").getAttribute("data-state")) === "FREE", "it is transferred");
        await one.waitForTimeout(Math.max(0, 5200 - (nowMs() - first_ms))); // a recall so soon would be refused
        await press(one, "F2");
        await until(() => called.filter((call) => call.display === "101").length === 2, "the recall is said");
        await press(one, "F4");
        await deskHas(one, "101", "SERVING");
        await press(one, "F1");
        await pressOn(one, one.locator("#more_plan button", { hasText: "土地取引の届出" }));
        await one.locator("#current_marks", { hasText: "このあと" }).waitFor();
        await complete(one); // and waits for what comes after
        await callNext(one, "201");
        await press(one, "F10");
        await deskHas(one, "201", "FREE");
        await callNext(two, "201"); // was given back, and is called elsewhere
        await complete(two);
        await callNext(two, "101"); // the second service; older than 501
        await complete(two);
    });

    part("a_visitor_with_a_telephone_is_called_on_it", async () => {
        const { counter1: desk, phone } = pages;
        await desk.keyboard.type("601");
        await desk.keyboard.press("Enter");
        await deskHas(desk, "601", "CALLED");
        await phone.locator("#own_state", { hasText: "1" }).waitFor();
        await phone.locator(".own[data-state=CALLED], #own[data-state=CALLED]").waitFor();
        await shot(phone, "day-phone");
        await complete(desk);
        await phone.locator("#own").waitFor({ state: "hidden" });
    });

    part(
        "the_managers_words_reach_the_board",
        async () => {
            const { manager, board } = pages;
            await manager.locator("#tab_day").click();
            await manager.locator("#notice_ja").fill("駐車場は満車です。");
            await manager.locator("#notice_en").fill("The car park is full.");
            await manager.locator("#notice_form button[type=submit]").click();
            await manager.locator("#notice_now[data-on=true]").waitFor();
            await shot(manager, "day-manager");
            await board.locator("#running", { hasText: "駐車場は満車です。" }).waitFor({ timeout: REACHES_MS });
        },
        { goes_on: true },
    );

    part("a_limit_that_the_manager_sets_is_told_before_it_is_touched", async () => {
        const { manager, kiosk } = pages;
        await manager.locator("#tab_now").click();
        await manager.locator("#categories li", { hasText: "景観の届出" }).getByRole("button", { name: "上限" }).click();
        await manager.locator("#limit_count").fill("1");
        await manager.keyboard.press("Enter");
        await manager.locator("#limit").waitFor({ state: "hidden" });
        assert.equal((await take(9)).display, "901");
        await goOn();
        const listens = kiosk.locator("body[data-listens=true]");
        await listens.waitFor();
        await kiosk.locator('[data-key="g3"] .category').tap();
        await kiosk.locator('[data-key="c9"] .category', { hasText: "本日" }).waitFor({ timeout: REACHES_MS });
        await listens.waitFor();
        await kiosk.locator("#up").tap();
        await kiosk.locator('[data-key="g3"]').waitFor();
    });

    part("power_fails_under_a_finger_and_each_press_counts_once", async () => {
        const { kiosk, counter1: desk, board } = pages;
        const before_cut = await take(1);
        await goOn();
        await isQuiet();
        const heard_from = called.length;
        await board.evaluate(() => {
            globalThis.sound_rate = 1;
            globalThis.heard_sound.blocks.length = 0;
        });
        await walkTo(kiosk, site, 1);
        const given_count = given().length;
        await desk.locator("#main[data-action=call-next]:not([aria-busy])").waitFor();
        await desk.waitForTimeout(GUARD_MS);
        const dark = office.duty();
        await Promise.all([
            office.fault("power", dark),
            kiosk.locator("#take").tap(),
            desk.keyboard.press("Space"),
        ]);
        await deskHas(desk, before_cut.display, "CALLED");
        const touched = await numberOf(kiosk);
        await until(() => given().length > given_count, "the kiosk was told of it");
        assert.equal(new Set(given().map(({ reply }) => reply.id)).size, given_count + 1, "one touch, one number");
        await goOn();
        const behind = await take(1);
        assert.match(behind.display, /^\d+[A-Z]/);
        await kiosk.locator("#letter").waitFor({ state: "visible" });
        await shot(kiosk, "day-letter");
        await goOn();
        await desk.locator("#takeover", { hasText: "操作は不要です" }).waitFor();
        await desk.locator("#takeover", { hasText: "番号に英字が付くことがあります" }).waitFor();
        await complete(desk);
        await callNext(desk, touched);
        await shot(desk, "day-alone");
        await board.locator("#stale").waitFor({ state: "hidden" });
        await isQuiet();
        const said = called.slice(heard_from);
        assert.deepEqual(said.map(({ display }) => display), [before_cut.display, touched]);
        assert.deepEqual(
            announcements(await whatWasHeard(board)),
            said.map((call) => announcement(call).map(({ id }) => id).filter(Boolean)),
            "what was heard is what was called, in order, each once",
        );
        await board.evaluate(() => {
            globalThis.sound_rate = 16;
        });
        await complete(desk);
        await callNext(desk, behind.display);
        await complete(desk);
        await office.heal(dark);
        await office.untilPaired(PAIRED_MS);
        await desk.locator("#takeover", { hasText: "2台に戻りました" }).waitFor();
        assert.match((await take(1)).display, /^\d+$/, "plain again");
        await goOn();
    });

    part("whoever_waits_is_told_when_the_manager_closes_early", async () => {
        await isQuiet();
        const { manager } = pages;
        await take(2);
        await goOn();
        const says = {
            kiosk: /ただいまの時間は受付していません|本日の受付は終了しました|本日は閉庁/,
            board: /ただいまの時間は受付していません/,
            phone: /现在不受理/, // it speaks the language of its ticket
            counter1: /閉鎖中 Closed/,
        };
        for (const [name, { source }] of Object.entries(says)) {
            await pages[name].evaluate((wanted) => {
                const timer = setInterval(() => {
                    if (new RegExp(wanted).test(document.body.innerText)) {
                        globalThis.closed_ms = Date.now();
                        clearInterval(timer);
                    }
                }, 100);
            }, source);
        }
        await manager.locator("#tab_day").click();
        await manager.locator("#close_now").click();
        await manager.locator("#preview_effects", { hasText: /すべて終了/ }).waitFor();
        const asked_ms = Date.now();
        await manager.locator("#preview_yes").click();
        for (const name of Object.keys(says)) {
            const told_ms = await until(() => pages[name].evaluate(() => globalThis.closed_ms), `${name} says that it is closed`, 30000);
            assert.ok(told_ms - asked_ms < REACHES_MS, `${name}: ${told_ms - asked_ms} ms`);
        }
        const papers = () =>
            readdirSync(`${office.info.dir}/printer1`)
                .filter((each) => /\.jsonl?$/.test(each))
                .map((each) => readFileSync(`${office.info.dir}/printer1/${each}`, "utf8"))
                .join("");
        await until(() => papers().includes("日計票"), "the slip is printed", 20000);
        assert.equal(papers().split("日計票 DAY SLIP").length - 1, 1);
        await closePage(manager);
        await closePage(pages.phone);
        delete pages.manager;
        delete pages.phone;
    });

    part("the_night_takes_what_was_recorded_and_the_morning_begins_empty", async () => {
        await office.timePassesTo(`${DAY}T19:30:00`);
        await office.untilEqual(OPENS_MS);
        await breaker();
        office.keepDisks(join(folder, "night"));
        nights.push({ day: 20261124, disks: { 1: readDisk(join(folder, "night/u1")), 2: readDisk(join(folder, "night/u2")) } });
        await office.timePassesTo(`${NEXT}T08:15:00`);
        await office.heal();
        await office.untilPaired(PAIRED_MS);
        await until(() => office.certified(DAY), "both units certify it", OPENS_MS);
        assert.deepEqual(office.keysOnDisk(DAY), []);
        await pages.kiosk.locator("#closed_title", { hasText: "受付開始までお待ちください" }).waitFor();
        const paper = await openPage(browser, `${BASE}/certificate`, {
            cookies: [cookieOf("administrator", office.info.credentials.administrator, BASE)],
        });
        await until(async () => (await paper.locator("#units li").count()) === 2, "both units are on it");
        assert.match(await textOf(paper, "#facts"), new RegExp(DAY));
        for (const text of await paper.locator("#units li").allTextContents()) {
            assert.match(text, /消去を確認.*残った鍵 left 0$/);
        }
        await shot(paper, "day-certificate");
        await closePage(paper);
        await office.timePassesTo(`${NEXT}T08:29:58`);
        await pages.kiosk.locator("#choose_title").waitFor({ state: "visible", timeout: OPENS_MS });
        assert.equal(await pages.board.locator("#newest").isVisible(), false);
        assert.equal(await pages.board.locator("#last li").count(), 0);
        assert.equal(await pages.board.locator("#running", { hasText: "満車" }).count(), 0);
        for (const list of ["waiting", "held", "absent"]) {
            assert.equal(await pages.counter1.locator(`#${list} li`).count(), 0, list);
        }
        assert.equal(await waiting(), "0");
        await press(pages.counter1, "Space", "open");
        assert.equal((await take(1)).display, "101");
        await goOn();
        await callNext(pages.counter1, "101");
        await complete(pages.counter1);
    });

    part("no_page_was_loaded_anew_and_the_board_said_each_call_once", async () => {
        await isQuiet();
        await journal.settled();
        for (const [name, page] of Object.entries(pages)) {
            assert.ok(await page.evaluate(() => globalThis.never_reloaded), name);
        }
        const said = called.map((call) => call.call_id);
        assert.equal(new Set(said).size, said.length, "nothing was said twice");
        const calls = journal.requests.filter(({ path, status }) => /(call-next|call|recall)$/.test(path) && status === 200);
        assert.deepEqual(said.toSorted(), [...new Set(calls.map(({ reply }) => reply.ticket.call_id))].toSorted());
        await Promise.all(Object.values(pages).map(closePage));
    });

    part("both_ledgers_hold_what_the_pages_were_told", async (context) => {
        await office.untilEqual(OPENS_MS);
        await breaker();
        office.keepDisks(join(folder, "final"));
        const units = [1, 2].map((unit) => join(folder, `final/u${unit}`));
        const images = units.map((dir) => {
            const bytes = readFileSync(join(dir, "ledger/data.mdb"));
            return imageOf(dir, [[bytes, 0]], bytes.length);
        });
        const evidence = {
            requests: journal.requests.toSorted((a, b) => a.sent - b.sent),
            board: journal.board,
            nights,
            final: { 1: readDisk(units[0]), 2: readDisk(units[1]) },
            wipes: [],
            images,
        };
        const { verdicts } = judge(evidence);
        assert.ok(verdicts.some(({ promise }) => promise === PROMISE_ERASED));
        for (const one of verdicts) {
            assert.ok(one.ok, `promise ${one.promise}: ${one.en}: ${one.problems.slice(0, 5).join("; ")} (${one.checked} checked)`);
        }
        // One touch has one key, however often it was sent, and nothing is in the ledger that nobody was told of.
        const touches = journal.requests.filter(({ path }) => path === "/api/v1/tickets");
        const told = new Set(given().map(({ key }) => sha256(key).subarray(0, 16).toString("hex")));
        assert.equal(new Set(touches.map(({ key }) => key)).size, told.size);
        const { tickets } = analyse(evidence).final[0].fold;
        assert.deepEqual([...tickets.values()].filter((row) => !told.has(row.requestKey)).map(({ number }) => number), []);
        context.diagnostic(`${touches.length - told.size} times a touch was sent again`);
    });
});
