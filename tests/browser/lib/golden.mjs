// golden.mjs - where everything stood when people last looked at it: a committed list of boxes for each screen, shape and
// language (tests/browser/golden/*.json), compared with a tolerance. UPDATE=1 writes the lists anew, to be looked at in the
// difference; a screen that differs leaves its picture in build/browser/golden-*.png.
//
// Not pixels: they change with every Chromium, every font package and every machine's way of smoothing, and whoever is
// shown a hundred red pictures for nothing looks at none. Boxes change with fonts, too, so a list says which it was made
// with (how wide and high a few words are); where others are installed, there is nothing to compare, and a line says so.
// What is cut off or sticks out is no matter of goldens: that fails everywhere (overflowsOf).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { shot } from "./browser.mjs";

const FOLDER = new URL("../golden/", import.meta.url);
const ROUND_PX = 8;
const TOLERANCE_PX = 16;
const SHOWN = 5; // of what differs

/** What has a name and is seen: {name: [x, y, width, height]}. */
const boxesOf = (page) =>
    page.evaluate((round) => {
        const boxes = {};
        for (const each of document.querySelectorAll("body [id], body [data-key]")) {
            const { x, y, width, height } = each.getBoundingClientRect();
            if (each.closest("svg, .only-read, dialog:not([open])") || !each.checkVisibility({ visibilityProperty: true }) || width * height === 0) {
                continue;
            }
            // Rows by their place: their keys are other ones every time.
            const row = () => `#${each.parentElement.closest("[id]")?.id}:${[...each.parentElement.children].indexOf(each)}`;
            boxes[each.id ? `#${each.id}` : row()] = [x, y + scrollY, width, height].map((value) => Math.round(value / round) * round);
        }
        return boxes;
    }, ROUND_PX);

/** How wide and high words of each script are: the same fonts, or others. */
const fontsOf = (page) =>
    page.evaluate(() =>
        ["ja 番号札をお取りください", "en Please take a ticket 0123", "zh-CN 请取号码票", "ko 번호표를 뽑아 주십시오"].map((words) => {
            const probe = document.createElement("span");
            const [lang] = words.split(" ", 1);
            probe.lang = lang;
            probe.textContent = words.slice(lang.length + 1);
            probe.style.cssText = "position:absolute;visibility:hidden;white-space:nowrap;font-size:40px;font-weight:700";
            document.body.append(probe);
            const { width, height } = probe.getBoundingClientRect();
            probe.remove();
            return `${lang} ${Math.round(width)}x${Math.round(height)}`;
        }),
    );

/** name: of the list. look(page, screen) gives what differs from it, as sentences; save() at the end. */
export function openGolden(name) {
    const path = new URL(`${name}.json`, FOLDER);
    const updates = process.env.UPDATE === "1";
    const kept = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { fonts: null, screens: {} };
    let fonts = null;
    let is_told = false;
    return {
        async look(page, screen) {
            const boxes = await boxesOf(page);
            fonts ??= await fontsOf(page);
            if (updates) {
                kept.screens[screen] = boxes;
                return [];
            }
            if (JSON.stringify(fonts) !== JSON.stringify(kept.fonts)) {
                if (!is_told) {
                    console.log(`# ${name}: made with other fonts (${kept.fonts}), here ${fonts}: not compared`);
                    is_told = true;
                }
                return [];
            }
            const before = kept.screens[screen] ?? {};
            const differs = [
                ...Object.keys(before).filter((each) => !boxes[each]).map((each) => `${each} is gone`),
                ...Object.keys(boxes).filter((each) => !before[each]).map((each) => `${each} is new`),
                ...Object.entries(boxes)
                    .filter(([each, box]) => before[each]?.some((value, index) => Math.abs(value - box[index]) > TOLERANCE_PX))
                    .map(([each, box]) => `${each} was at ${before[each]}, is at ${box}`),
            ];
            if (differs.length > 0) {
                await shot(page, `golden-${screen.replaceAll(" ", "-")}`);
            }
            const more = differs.length > SHOWN ? [`${differs.length - SHOWN} more`] : [];
            return [...differs.slice(0, SHOWN), ...more].map((each) => `golden ${screen}: ${each}`);
        },
        save() {
            if (!updates || !fonts) {
                return;
            }
            mkdirSync(FOLDER, { recursive: true });
            const screens = Object.entries(kept.screens).map(([screen, boxes]) => `  ${JSON.stringify(screen)}: ${JSON.stringify(boxes)}`);
            writeFileSync(path, `{\n "fonts": ${JSON.stringify(fonts)},\n "screens": {\n${screens.join(",\n")}\n }\n}\n`);
        },
    };
}
