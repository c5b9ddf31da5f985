// The public page on a telephone: how busy is the office, and the own number. The office behind it is a double.

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
import { openGolden } from "./lib/golden.mjs";
import { startOfficeDouble } from "./lib/office_double.mjs";
import { SITE } from "./lib/kiosk_site.mjs";
import { STATUS_TEXTS, languageFor } from "../../appliance/gateway/web/assets/status_texts.js";
import { LANGUAGES } from "../../appliance/gateway/web/assets/texts.js";

const TELEPHONE = { width: 360, height: 740 };
const UPRIGHT = { width: 1080, height: 1920 };
const LYING = { width: 1280, height: 800 };

describe("the public page", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    const golden = openGolden("status");
    after(async () => {
        golden.save();
        await browser.close();
    });

    /** story({office, link, page, told}): told lists each call that was announced, shaken counts vibrations. */
    async function onTelephone(story, { prepare = () => {}, address = () => "/status" } = {}) {
        const office = await startOfficeDouble();
        const link = await layLink(office.port);
        prepare(office);
        const page = await openPage(browser, "about:blank", TELEPHONE);
        const told = [];
        await page.exposeFunction("told", (what) => told.push(what));
        await page.addInitScript(() => {
            navigator.vibrate = () => globalThis.told("shaken");
            document.addEventListener("toban-called", (event) => globalThis.told(event.detail));
        });
        const url = `http://${OFFICE_HOST}:${link.port}${address(office)}`;
        await page.goto(url);
        try {
            await story({ office, link, page, told, url });
            await closePage(page);
        } finally {
            await page.context().close();
            await link.remove();
            await office.stop();
        }
    }

    const says = (page, selector, pattern) =>
        until(async () => pattern.test(await page.locator(selector).textContent()), `${selector} says ${pattern}`);
    const isGone = (page) => page.locator("#own").waitFor({ state: "hidden" });

    async function fits(page) {
        const { scroll, width } = await page.evaluate(() => ({
            scroll: document.documentElement.scrollWidth,
            width: innerWidth,
        }));
        assert.ok(scroll <= width, "no sideways scrolling on a telephone");
    }

    /** A visitor with number 102, one person before him. */
    const mine = {
        prepare(office) {
            office.addTicket(1);
            office.mine = office.addTicket(1);
        },
        address: (office) => `/status?ticket=${office.mine.id}`,
    };

    it("tells_the_public_how_busy_the_office_is", () =>
        onTelephone(
            async ({ office, page }) => {
                await says(page, "#categories li:first-child", /都市計画の相談.*空いています.*2人待ち.*目安 約10分/);
                await says(page, "#day", /受付しています/);
                office.call(3, office.addTicket(1));
                await says(page, "#calls", /104.*3番窓口/);
                await says(page, "#counters li:nth-child(4)", /休止中/);
                assert.equal(await page.locator("#own").isVisible(), false);
                await assertAccessible(page);
                await shot(page, "status-telephone");
                await fits(page);
            },
            {
                prepare: (office) => {
                    office.addTicket(1);
                    office.addTicket(1);
                    office.call(1, office.addTicket(1));
                },
            },
        ));

    it("shows_a_managers_text_in_the_language_that_has_it_until_it_is_taken_away", () =>
        onTelephone(
            async ({ office, page }) => {
                await says(page, "#notice", /駐車場は満車です。/);
                await page.getByRole("button", { name: "한국어" }).click();
                await says(page, "#notice", /The car park is full./);
                assert.equal(await page.locator("#notice").getAttribute("lang"), "en");
                await assertAccessible(page);
                office.notice = null;
                office.changed();
                await page.locator("#notice").waitFor({ state: "hidden" });
            },
            {
                prepare(office) {
                    office.notice = { ja: "駐車場は満車です。", en: "The car park is full." };
                },
            },
        ));

    it("says_congestion_in_words_and_shapes_not_by_colour_alone", () =>
        onTelephone(
            async ({ office, page }) => {
                await says(page, "#categories li:nth-child(1)", /■混んでいます/);
                await says(page, "#categories li:nth-child(2)", /△やや混んでいます/);
                await says(page, "#categories li:nth-child(3)", /○空いています/);
                await says(page, "#categories li:nth-child(4)", /×受付停止中/);
                await assertAccessible(page);
                await shot(page, "status-congestion");
                office.counters.forEach((each) => Object.assign(each, { open: false }));
                office.changed();
                await says(page, "#categories li:nth-child(3)", /—目安なし/);
            },
            {
                prepare(office) {
                    for (let i = 0; i < 9; i++) {
                        office.addTicket(1);
                    }
                    for (let i = 0; i < 5; i++) {
                        office.addTicket(2);
                    }
                    office.categories[3].suspended = true;
                },
            },
        ));

    it("follows_the_own_number_until_it_is_called_and_tells_the_call_once", () =>
        onTelephone(async ({ office, page, told }) => {
            await says(page, "#own_number", /^102$/);
            await says(page, "#own_ahead", /1人/);
            assert.equal(new URL(page.url()).search, "", "the id is in no request for a page any more");
            await assertAccessible(page);
            await shot(page, "status-own-waiting");
            office.call(2, office.mine);
            await says(page, "#own_state", /2番窓口へお越しください/);
            await says(page, "#announced", /102.*2番窓口/);
            await assertAccessible(page);
            await fits(page);
            await shot(page, "status-own-called");
            office.changed();
            await page.reload();
            await says(page, "#own_state", /2番窓口へお越しください/);
            assert.deepEqual(told, ["shaken", office.mine.call_id]);
            office.changeCounter(office.counters[1], "recall", {});
            await until(() => told.length === 4, "a recall is told again");
        }, mine));

    it("tells_no_call_again_when_another_unit_takes_over", () =>
        onTelephone(async ({ office, link, page, told }) => {
            await says(page, "#own_number", /^102$/);
            office.call(2, office.mine);
            await until(() => told.length === 2, "the call is told");
            link.cut();
            office.series = "B";
            setTimeout(link.heal, 600);
            await until(() => office.streams.size === 1 && !link.is_cut, "it is connected again");
            office.changed();
            await says(page, "#own_state", /2番窓口/);
            await page.waitForTimeout(500);
            assert.equal(told.length, 2);
        }, mine));

    for (const [state, pattern] of [
        ["DONE", /102 の手続きは終わりました/],
        ["NO_SHOW", /102 は終了しました/],
    ]) {
        it(`ends_clean_when_the_ticket_is_${state}`, () =>
            onTelephone(async ({ office, page, url }) => {
                await says(page, "#own_number", /^102$/);
                office.call(2, office.mine);
                await says(page, "#own_state", /2番窓口/);
                office.mine.state = state;
                office.counters[1].ticket = null;
                office.changed();
                await says(page, "#own_ended", pattern);
                await isGone(page);
                assert.equal(new URL(page.url()).hash, "");
                const kept = await page.evaluate(() => Object.keys(localStorage));
                assert.deepEqual(kept, []);
                assert.ok(url.includes(office.mine.id));
            }, mine));
    }

    it("says_that_nothing_is_kept_of_an_erased_ticket", () =>
        onTelephone(async ({ page }) => {
            await says(page, "#own_ended", /情報はもうありません/);
            assert.equal(await page.locator("#own").isVisible(), false);
        }, { address: () => "/status#00112233445566778899aabbccddeeff" }));

    it("cancels_only_when_that_is_said_twice", () =>
        onTelephone(async ({ office, page }) => {
            await page.locator("#own_cancel").click();
            await assertAccessible(page);
            await shot(page, "status-own-cancel");
            await page.locator("#own_no").click();
            assert.equal(office.posts.length, 0);
            await page.locator("#own_cancel").click();
            await page.locator("#own_yes").click();
            await says(page, "#own_ended", /102 は取り消しました/);
            assert.equal(office.posts.length, 1);
            assert.equal(office.mine.state, "CANCELLED");
        }, mine));

    it("says_why_a_number_could_not_be_cancelled", () =>
        onTelephone(async ({ office, page }) => {
            office.refuse = { status: 409, body: { status: 409, code: "WRONG_STATE", title: "Not now.", title_ja: "いまは取り消せません。" } };
            await page.locator("#own_cancel").click();
            await page.locator("#own_yes").click();
            await says(page, "#own_problem", /いまは取り消せません/);
            assert.equal(await page.locator("#own").isVisible(), true);
        }, mine));

    it("tells_an_absent_visitor_what_to_do", () =>
        onTelephone(async ({ office, page }) => {
            await says(page, "#own_number", /^102$/);
            office.call(1, office.mine);
            office.changeCounter(office.counters[0], "absent", {});
            await says(page, "#own_state", /窓口の係員に番号をお見せください/);
            await assertAccessible(page);
        }, mine));

    it("is_marked_stale_with_its_time_when_nothing_comes_and_offline_when_there_is_no_network", () =>
        onTelephone(async ({ link, page }) => {
            await says(page, "#own_number", /^102$/);
            link.cut();
            await page.locator("#stale").waitFor({ state: "visible", timeout: 10000 });
            await says(page, "#stale", /情報が古い可能性があります（\d\d:\d\d から）/);
            await page.context().setOffline(true);
            await says(page, "#stale", /通信できません/);
            await page.context().setOffline(false);
            link.heal();
            await page.locator("#stale").waitFor({ state: "hidden", timeout: 10000 });
            assert.equal(await page.locator("#own_number").textContent(), "102");
        }, mine));

    it("says_when_the_office_opens_next", () =>
        onTelephone(async ({ page }) => {
            await says(page, "#day", /ただいまの時間は受付していません/);
            await says(page, "#opening", /次の受付開始 11月25日\(水\) 08:30/);
            await says(page, "#categories li:nth-child(1)", /×受付停止中/);
            await shot(page, "status-closed");
        }, { prepare: (office) => Object.assign(office.day, { state: "CLOSED", accepting: false }) }));

    it("speaks_five_languages_on_the_narrowest_telephone", () =>
        onTelephone(async ({ office, page }) => {
            office.call(2, office.mine);
            await says(page, "#own_state", /2/);
            const differs = [];
            for (const { id } of LANGUAGES) {
                await page.locator(`[data-language="${id}"]`).click();
                await says(page, "h1", new RegExp(STATUS_TEXTS.title[id].slice(0, 5)));
                await fits(page);
                await assertAccessible(page);
                await shot(page, `status-${id}`);
                for (const [name, size] of Object.entries({ upright: UPRIGHT, lying: LYING, telephone: TELEPHONE })) {
                    await page.setViewportSize(size);
                    await fits(page);
                    differs.push(...(await golden.look(page, `status ${name} ${id}`)));
                }
            }
            assert.deepEqual(differs, []);
            await page.reload();
            await says(page, "h1", new RegExp(STATUS_TEXTS.title.ko));
        }, mine));

    it("names_categories_in_the_readers_own_language_where_the_settings_are_to_be_had", () =>
        onTelephone(async ({ office, page }) => {
            const first = page.locator("#categories h3").first();
            const named = (language) => SITE.categories[0].name[language];
            for (const id of ["zh", "ja-easy", "ko", "en", "zh"]) {
                await page.locator(`[data-language="${id}"]`).click();
                if (id !== "en") {
                    await first.filter({ hasText: named(id) }).waitFor();
                }
            }
            office.site = { ...SITE, version: 4, categories: [{ id: 1, name: { ...SITE.categories[0].name, zh: "新的名称" } }] };
            office.changed();
            await first.filter({ hasText: "新的名称" }).waitFor();
        }, { prepare: (office) => Object.assign(office, { site: SITE }) }));

    it("has_every_sentence_in_every_language_and_knows_a_telephones_own", () => {
        for (const [key, entry] of Object.entries(STATUS_TEXTS)) {
            for (const { id } of LANGUAGES) {
                assert.ok(entry[id], `${key} in ${id}`);
                assert.deepEqual(entry[id].match(/\{\w+\}/g), entry.ja.match(/\{\w+\}/g), `${key} in ${id}`);
            }
        }
        assert.equal(languageFor("zh-CN"), "zh");
        assert.equal(languageFor("ja-JP"), "ja");
        assert.equal(languageFor("fr"), "en");
        assert.equal(languageFor(undefined), "ja");
    });
});
