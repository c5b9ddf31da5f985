// What is heard from the lobby board. The office behind it is a double; the sound is what the page sends to the
// loudspeakers, read back sample by sample (lib/heard.mjs).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { assertAccessible, closePage, openPage, shot, startBrowser, until } from "./lib/browser.mjs";
import { announcements, isListening, listenTo, whatWasHeard } from "./lib/heard.mjs";
import { BUILT_IN_CLIPS, startOfficeDouble } from "./lib/office_double.mjs";

const WALL = { width: 1920, height: 1080 };
const SAID_106B_AT_3 = [
    "chime",
    "ja.of.B",
    ...["ja.n.100", "ja.n.6", "ja.ticket", "ja.n.3", "ja.counter"],
    ...["en.letter.B", "en.number", "en.n.1", "en.n.0", "en.n.6", "en.go", "en.n.3"],
];
const SAID_801_AT_2 = [
    "chime",
    ...["ja.n.800", "ja.n.1", "ja.ticket", "ja.n.2", "ja.counter"],
    ...["en.number", "en.n.8", "en.n.0", "en.n.1", "en.go", "en.n.2"],
];

describe("the voice of the board", () => {
    let browser;
    before(async () => {
        browser = await startBrowser({
            args: ["--autoplay-policy=document-user-activation-required"],
        });
    });
    after(() => browser.close());

    async function atBoard(story, { query = "", prepare = () => {}, init = null, size = WALL } = {}) {
        const office = await startOfficeDouble();
        prepare(office);
        const page = await openPage(browser, "about:blank", { ...size, bypassCSP: true });
        const logged = [];
        page.on("console", (message) => logged.push(message.text()));
        if (init) {
            await page.addInitScript(init);
        }
        await listenTo(page);
        await page.addInitScript(() => {
            globalThis.announced_count = 0;
            document.addEventListener("toban-call", () => globalThis.announced_count++);
        });
        await page.goto(`http://127.0.0.1:${office.port}/board${query}`);
        try {
            await story({ office, page, logged });
            await closePage(page);
        } finally {
            await page.context().close();
            await office.stop();
        }
    }

    const hasSound = (page, sound) =>
        until(
            async () => (await page.locator("body").getAttribute("data-sound")) === sound,
            `the board's sound is ${sound}`,
        );
    /** As a person does who switches the board on. */
    async function touch(page, sound = "on") {
        await until(() => isListening(page), "the recorder runs");
        await page.mouse.click(960, 500);
        await hasSound(page, sound);
        await page.locator(`body[data-voice=${sound === "on" ? "ready" : "none"}]`).waitFor();
    }
    /** Waits until so many calls were announced and the last one is over. Cheap: hearing is not to slow playing. */
    const hasAnnounced = (page, count) =>
        until(
            () =>
                page.evaluate(
                    (wanted) =>
                        globalThis.announced_count === wanted &&
                        document.querySelector("[data-speaking]") === null,
                    count,
                ),
            `${count} calls are announced`,
            60000,
        );
    const call = (office, counter, number, series = "") =>
        office.call(counter, office.addTicket(1, { number, series, display: `${number}${series}` }));

    it("says_two_calls_made_at_once_one_after_the_other_each_with_the_right_clips_once", () =>
        atBoard(async ({ office, page }) => {
            await touch(page);
            call(office, 3, 106, "B");
            call(office, 2, 801);
            office.changed();
            await page.locator("#newest[data-flash], #last [data-speaking]").first().waitFor();
            await shot(page, "board-speaking");
            await hasAnnounced(page, 2);
            const heard = await whatWasHeard(page);
            assert.deepEqual(announcements(heard), [SAID_106B_AT_3, SAID_801_AT_2]);
            heard.forEach(({ at_ms }, index) =>
                assert.ok(index === 0 || at_ms >= heard[index - 1].end_ms, "one at a time"),
            );
        }));

    // The browser's own rule. Whatever a test evaluates in a page counts as a person's touch, so until the touch of the
    // story the page is only listened to: it writes to its console what it shows.
    const tellsWhatItShows = () =>
        addEventListener("DOMContentLoaded", () => {
            const tell = () =>
                console.log(
                    ["blocked", "picture"].filter((id) => !document.getElementById(id).hidden).join(),
                    document.getElementById("picture_number").textContent,
                );
            new MutationObserver(tell).observe(document.body, {
                subtree: true,
                attributeFilter: ["hidden"],
            });
        });

    it("says_on_its_screen_and_to_the_office_that_the_browser_keeps_it_silent_until_it_is_touched", () =>
        atBoard(
            async ({ office, page, logged }) => {
                const shows = (text) => until(() => logged.at(-1) === text, `it shows ${text}`);
                await until(() => office.sounds.at(-1) === "blocked", "the office hears of it");
                await shows("blocked ");
                call(office, 3, 106);
                await shows("blocked,picture 106");
                await shot(page, "board-blocked");
                await touch(page);
                await page.locator("#blocked").waitFor({ state: "hidden" });
                await page.locator("#picture").waitFor({ state: "hidden" });
                await until(() => office.sounds.at(-1) === "on", "the office hears of that, too");
                call(office, 2, 801);
                await hasAnnounced(page, 2);
                assert.deepEqual(
                    announcements(await whatWasHeard(page)),
                    [SAID_801_AT_2],
                    "what was shown is not said afterwards",
                );
            },
            { init: tellsWhatItShows },
        ));

    it("shows_pictures_instead_of_sound_in_a_silent_branch", () =>
        atBoard(
            async ({ office, page }) => {
                await hasSound(page, "off");
                await until(() => isListening(page), "the recorder runs");
                await page.mouse.click(960, 500);
                await shot(page, "board-silent");
                call(office, 3, 106, "B");
                await page.locator("#picture").waitFor({ state: "visible" });
                assert.equal(await page.locator("#picture_number").textContent(), "106B");
                assert.equal(await page.locator("#picture_counter").textContent(), "3");
                await assertAccessible(page);
                await shot(page, "board-picture");
                assert.equal(await page.locator("#blocked").isVisible(), false);
                assert.deepEqual(await whatWasHeard(page), []);
                assert.equal(office.sounds.at(-1), "off");
            },
            { prepare: (office) => Object.assign(office, { site: { silent_branch: true } }) },
        ));

    /** A browser with a voice of its own; what it is asked to say is kept. */
    const withOwnVoice = () => {
        globalThis.spoken = [];
        const voice = { lang: "ja-JP", name: "test" };
        Object.defineProperty(globalThis, "speechSynthesis", {
            value: {
                getVoices: () => [voice],
                cancel() {},
                addEventListener() {},
                speak(utterance) {
                    globalThis.spoken.push(utterance.text);
                    setTimeout(() => utterance.dispatchEvent(new Event("end")), 10);
                },
            },
        });
    };
    const spoken = (page) => page.evaluate(() => globalThis.spoken);

    it("speaks_with_the_browsers_own_voice_only_when_there_is_no_pack", () =>
        atBoard(
            async ({ office, page }) => {
                await touch(page, "speech");
                await until(() => office.sounds.at(-1) === "speech", "the office hears of it");
                call(office, 3, 106, "B");
                await until(async () => (await spoken(page)).length === 2, "two languages");
                assert.deepEqual(await spoken(page), [
                    "Bの106番の番号札をお持ちの方、3番窓口へお越しください。",
                    "Letter B, number 1 0 6, please go to counter 3.",
                ]);
                office.voice = BUILT_IN_CLIPS; // for whoever compares
                assert.deepEqual(announcements(await whatWasHeard(page)), [["chime"]]);
            },
            { prepare: (office) => Object.assign(office, { voice: null }), init: withOwnVoice },
        ));

    it("leaves_the_browsers_own_voice_alone_while_there_is_a_pack", () =>
        atBoard(
            async ({ office, page }) => {
                await touch(page);
                call(office, 3, 106);
                await hasAnnounced(page, 1);
                assert.equal(announcements(await whatWasHeard(page)).length, 1);
                assert.deepEqual(await spoken(page), []);
            },
            { init: withOwnVoice },
        ));
});
