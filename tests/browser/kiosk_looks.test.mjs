// Every screen of the ticket machine, in its five languages, upright and lying: nothing is cut off, nothing is missing,
// every button is large enough, axe-core has no complaint, and everything is where it was (lib/golden.mjs: boxes, not pixels).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { assertAccessible, shot, startBrowser } from "./lib/browser.mjs";
import { openGolden } from "./lib/golden.mjs";
import { SITE, categoriesOf, flatSite } from "./lib/kiosk_site.mjs";
import {
    LANGUAGES,
    LYING,
    UPRIGHT,
    buttonsOf,
    createStage,
    listens,
    overflowsOf,
} from "./lib/kiosk_stage.mjs";

const WEB = new URL("../../appliance/gateway/web/", import.meta.url);
const { KIOSK_TEXTS, STAFF_TEXTS } = await import(new URL("assets/kiosk_texts.js", WEB));
const { LANGUAGES: OFFERED, TEXTS } = await import(new URL("assets/texts.js", WEB));
const LEAST_PX = 60;
/** What is looked at, and the screen that it is on. */
const SCREENS = [
    [["choose", "page-2", "tree", "group"], "choose"],
    [["confirm", "refused"], "confirm"],
    [["number"], "ticket"],
    [["stopped", "closed"], "closed"],
    [["switching"], "wait"],
];

describe("what the ticket machine shows", () => {
    let browser;
    before(async () => {
        browser = await startBrowser();
    });
    const golden = openGolden("kiosk");
    after(async () => {
        golden.save();
        await browser.close();
    });
    const atKiosk = createStage(() => browser);
    const withSite =
        (site, more = () => {}) =>
        (office) => {
            office.site = site;
            office.categories = categoriesOf(site);
            more(office);
        };
    const busy = (office) => {
        for (let times = 0; times < 14; times++) {
            office.addTicket(2);
        }
        office.categories[0].refusal = "NUMBERS_USED_UP";
        office.categories[6].refusal = "NOT_AT_THIS_HOUR";
        office.categories[11].refusal = "ACCEPTANCE_OVER";
        office.categories[13].refusal = "LIMIT_REACHED";
        office.categories[14].refusal = "ALL_SUSPENDED";
        office.series = "B2";
    };

    it("has_every_sentence_in_every_language_with_the_same_gaps", () => {
        const gaps = (said) => [...new Set(said.match(/\{\w+\}/g) ?? [])].sort().join();
        for (const [key, entry] of Object.entries(KIOSK_TEXTS)) {
            assert.ok(!(key in TEXTS), `${key} is said in one place`);
            for (const { id } of OFFERED) {
                assert.ok(entry[id], `${key} is said in ${id}`);
                assert.equal(gaps(entry[id]), gaps(entry.ja), `${key} in ${id}`);
            }
            // Plain Japanese for who reads no kanji; numbers and borrowed words stay.
            assert.doesNotMatch(
                entry["ja-easy"],
                /[\u4e00-\u9fff]/,
                `${key} in plain Japanese has no kanji`,
            );
        }
        for (const [key, entry] of Object.entries(STAFF_TEXTS)) {
            assert.equal(gaps(entry[0]), gaps(entry[1]), key);
        }
    });

    it("lists_for_the_voice_pack_what_the_page_says", () => {
        const list = readFileSync(
            new URL("../../tools/voice/clips.tsv", import.meta.url),
            "utf8",
        );
        const all = { ...TEXTS, ...KIOSK_TEXTS };
        const lines = list.split("\n").filter((line) => /^\w+\.kiosk\./.test(line));
        assert.ok(lines.length > 100);
        for (const line of lines) {
            const [id, text, said] = line.split("\t");
            const [, language, key, number] =
                /^(ja|en)\.kiosk\.([\w-]+?)(?:\.(\d+))?$/.exec(id) ?? [];
            assert.ok(text && said, line);
            if (all[key]) {
                assert.equal(text, all[key][language].replace("{n}", number), id);
            } else {
                assert.match(id, /\.(number_end|language\.)/, `${id} is a sentence of the page`);
            }
        }
    });

    /** The screen as it is now, in each language. What axe-core judges is the same upright and lying: half of the languages
     * each (`judged`), all of them where a screen is looked at once. */
    async function lookAt(page, name, problems, judged = LANGUAGES) {
        const screen = SCREENS.find(([names]) => names.some((each) => name.endsWith(each)))[1];
        for (const label of LANGUAGES) {
            // On a slow machine the office may not be heard for a moment: that is another screen.
            await page.locator(`body[data-now="${screen}"]`).waitFor();
            await page.locator(".language", { hasText: new RegExp(`^${label}$`) }).click();
            const found = await overflowsOf(page);
            problems.push(...found.map((each) => `${name} ${label}: ${each}`));
            problems.push(...(await golden.look(page, `${name} ${LANGUAGES.indexOf(label)}`)));
            const small = (await buttonsOf(page)).filter(
                ({ width, height }) => Math.min(width, height) < LEAST_PX,
            );
            problems.push(...small.map((each) => `${name} ${label}: ${each.name} is small`));
            if (judged.includes(label)) {
                await assertAccessible(page).catch((error) =>
                    problems.push(`${name} ${label}: ${JSON.stringify(error.actual ?? error)}`),
                );
                await shot(page, `looks-${name}-${LANGUAGES.indexOf(label)}`);
            }
        }
    }

    for (const [shape, size] of [
        ["upright", UPRIGHT],
        ["lying", LYING],
    ]) {
        it(`nothing_is_cut_off_or_too_small_in_five_languages_${shape}`, () =>
            atKiosk(
                async ({ office, page }) => {
                    const problems = [];
                    const judged = LANGUAGES.filter(
                        (_, at) => (at % 2 === 0) === (size === UPRIGHT),
                    );
                    const look = (name) => lookAt(page, `${shape}-${name}`, problems, judged);
                    /** Made of nothing that another screen has not: only whether it fits. */
                    const glance = (name) => lookAt(page, `${shape}-${name}`, problems, []);
                    await page.locator(".category").first().waitFor();
                    await look("choose");
                    await page.locator("#page_next").click();
                    await listens(page);
                    await glance("page-2");
                    office.site = structuredClone(SITE);
                    await page.reload();
                    await page.locator(".category", { hasText: "開発・土地" }).waitFor();
                    await look("tree");
                    await page.locator(".category[data-group]").first().click();
                    await listens(page);
                    await glance("group");
                    await page.locator("#up").click();
                    await listens(page);
                    await page.locator(".category").nth(3).click();
                    await page.locator("#take_screen").waitFor({ state: "visible" });
                    await look("confirm");
                    office.categories[3].refusal = "NUMBERS_USED_UP";
                    office.printing = { paper: false, code: "PAPER_END", near_end: true };
                    office.changed();
                    await page.locator("#confirm_refusal").waitFor({ state: "visible" });
                    await glance("refused");
                    office.categories[3].refusal = null;
                    office.changed();
                    await page.locator("#confirm_refusal").waitFor({ state: "hidden" });
                    await listens(page);
                    await page.locator("#take").click();
                    await page.locator("#number").waitFor({ state: "visible" });
                    await look("number");
                    assert.deepEqual(problems, []);
                },
                {
                    size,
                    prepare: withSite(flatSite(), (office) => {
                        busy(office);
                        office.printing = { paper: true, code: "READY", near_end: false };
                    }),
                },
            ));
    }

    it("the_quiet_screens_fit_in_five_languages", () =>
        atKiosk(
            async ({ office, page }) => {
                const problems = [];
                await page.locator("#choose_title").waitFor({ state: "visible" });
                for (const each of office.categories) {
                    each.refusal = "ALL_SUSPENDED";
                }
                office.changed();
                await page.locator("#closed_title").waitFor({ state: "visible" });
                await lookAt(page, "stopped", problems);
                office.day = {
                    ...office.day,
                    state: "CLOSED",
                    level: "CLOSED_DAY",
                    reason_ja: "台風のため臨時閉庁します",
                    reason_en: "Closed because of the typhoon",
                };
                office.changed();
                await page.locator("#opening").waitFor({ state: "visible" });
                await lookAt(page, "closed", problems);
                office.day = { ...office.day, state: "OPEN", level: "OPEN" };
                office.changed();
                await page.locator("#opening").waitFor({ state: "hidden" });
                office.setServing(false, "TAKEOVER");
                await page.locator("#wait_title").waitFor({ state: "visible" });
                await lookAt(page, "switching", problems);
                assert.deepEqual(problems, []);
            },
            { size: LYING, prepare: withSite(SITE) },
        ));
});
