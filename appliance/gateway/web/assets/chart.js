// chart.js - bars as inline SVG, each with a title, a description, and the same numbers as a table beneath.
//
// The second bar of a row is striped: the two are told apart without colour, on paper as well.

import { el } from "/assets/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH_MAX = 720;
const WIDTH_MIN = 280;
/** Below it labels and numbers get less room, so that letters stay as large as they are. */
const NARROW = 500;
const EDGES = 66;
const BAR = 16;
const GAP = 6;
const COLUMNS_HEIGHT = 200;
/** Half a full-width letter. */
const UNIT = 7;

let charts = 0;

function svg(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) {
        node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
}

/** A picture is drawn as wide as it will stand there: on a phone it is narrow, not small. */
function measures() {
    const there = document.querySelector("main").clientWidth - EDGES;
    const width = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, there));
    return width < NARROW
        ? { width, label: 96, number: 84 }
        : { width, label: 190, number: 130 };
}

function shortened(text, wide) {
    let units = 0;
    let kept = "";
    for (const letter of text) {
        units += letter.codePointAt(0) > 0xff ? 2 : 1;
        if (units * UNIT > wide) {
            return `${kept}…`;
        }
        kept += letter;
    }
    return kept;
}

function picture(width, height, title, desc) {
    const id = `chart${++charts}`;
    return svg(
        "svg",
        {
            viewBox: `0 0 ${width} ${height}`,
            role: "img",
            "aria-labelledby": `${id}t`,
            "aria-describedby": `${id}d`,
        },
        svg("title", { id: `${id}t` }, title),
        svg("desc", { id: `${id}d` }, desc),
    );
}

const largest = (rows, series) =>
    Math.max(0, ...rows.flatMap((row) => series.map((each) => Math.abs(each.value(row) ?? 0))));

/** Rows downwards, a bar for each series. A negative value goes to the left of the axis. */
export function barsAcross(rows, series, label, title, desc) {
    const tall = series.length * BAR + GAP * 2;
    const room = measures();
    const drawing = picture(room.width, rows.length * tall + GAP, title, desc);
    const most = largest(rows, series);
    const signed = rows.some((row) => series.some((each) => (each.value(row) ?? 0) < 0));
    const bars = room.width - room.label - room.number;
    const zero = room.label + (signed ? bars / 2 : 0);
    const scale = most === 0 ? 0 : (signed ? bars / 2 : bars) / most;
    rows.forEach((row, index) => {
        const top = index * tall + GAP;
        drawing.append(
            svg(
                "text",
                { x: 0, y: top + (series.length * BAR) / 2 + 5 },
                shortened(label(row), room.label),
            ),
        );
        series.forEach((each, at) => {
            const value = each.value(row);
            const y = top + at * BAR;
            const wide = Math.abs(value ?? 0) * scale;
            const x = (value ?? 0) < 0 ? zero - wide : zero;
            drawing.append(
                svg("rect", { class: "under", x, y: y + 1, width: wide, height: BAR - 3 }),
                svg("rect", { class: each.mark, x, y: y + 1, width: wide, height: BAR - 3 }),
                svg(
                    "text",
                    { x: Math.max(x + wide, zero) + 6, y: y + BAR - 4 },
                    each.text(row),
                ),
            );
        });
    });
    drawing.append(
        svg("line", { class: "axis", x1: zero, x2: zero, y1: 0, y2: rows.length * tall }),
    );
    return drawing;
}

/** Columns side by side: hours. */
export function columns(rows, one, label, title, desc) {
    const { width } = measures();
    const drawing = picture(width, COLUMNS_HEIGHT + 44, title, desc);
    const most = largest(rows, [one]);
    const step = width / Math.max(rows.length, 1);
    const wide = Math.min(step * 0.7, 60);
    rows.forEach((row, index) => {
        const value = one.value(row) ?? 0;
        const tall = most === 0 ? 0 : (value / most) * COLUMNS_HEIGHT;
        const x = index * step + step / 2;
        const y = COLUMNS_HEIGHT + 20 - tall;
        drawing.append(
            svg("rect", { class: one.mark, x: x - wide / 2, y, width: wide, height: tall }),
            svg("text", { x, y: y - 4, "text-anchor": "middle" }, one.text(row)),
            svg(
                "text",
                { x, y: COLUMNS_HEIGHT + 38, "text-anchor": "middle" },
                label(row),
            ),
        );
    });
    drawing.append(
        svg("line", {
            class: "axis",
            x1: 0,
            x2: width,
            y1: COLUMNS_HEIGHT + 20,
            y2: COLUMNS_HEIGHT + 20,
        }),
    );
    return drawing;
}

function keyOf(series) {
    const key = el("p", { class: "key" });
    for (const each of series) {
        key.append(
            el(
                "span",
                {},
                svg(
                    "svg",
                    { viewBox: "0 0 32 16", "aria-hidden": "true" },
                    svg("rect", { class: "under", x: 1, y: 2, width: 30, height: 12 }),
                    svg("rect", { class: each.mark, x: 1, y: 2, width: 30, height: 12 }),
                ),
                ` ${each.name}`,
            ),
        );
    }
    return key;
}

/** The same numbers for whoever does not see the picture, or wants to read them off. */
export function table(rows, label, heading, cells, caption) {
    const head = el("tr", {}, el("th", { scope: "col" }, heading));
    for (const cell of cells) {
        head.append(el("th", { scope: "col" }, cell.name));
    }
    const body = el("tbody");
    for (const row of rows) {
        const line = el("tr", {}, el("th", { scope: "row" }, label(row)));
        for (const cell of cells) {
            line.append(el("td", {}, cell.text(row)));
        }
        body.append(line);
    }
    return el(
        "details",
        {},
        el("summary", {}, "表で見る ", el("span", { lang: "en" }, "As a table")),
        el(
            "div",
            { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
            el("table", {}, el("caption", {}, caption), el("thead", {}, head), body),
        ),
    );
}

/** Fills a section: heading, picture, key, table. */
export function fillSection(section, { ja, en, drawing, series, rows, label, heading, cells }) {
    const id = `${section.id}_title`;
    section.setAttribute("aria-labelledby", id);
    section.replaceChildren(
        el("h2", { id }, `${ja} `, el("span", { class: "beside", lang: "en" }, en)),
    );
    if (rows.length === 0) {
        section.append(el("p", {}, "この期間の数はありません。 ", el("span", { class: "beside", lang: "en" }, "Nothing in these days.")));
        return;
    }
    section.append(el("figure", {}, drawing));
    if (series.length > 1) {
        section.append(keyOf(series));
    }
    section.append(table(rows, label, heading, cells, `${ja} ${en}`));
}

/** Stripes for every second bar of the page. */
export function patterns() {
    return svg(
        "svg",
        { width: 0, height: 0, "aria-hidden": "true", focusable: "false" },
        svg(
            "defs",
            {},
            svg(
                "pattern",
                {
                    id: "stripes",
                    width: 6,
                    height: 6,
                    patternUnits: "userSpaceOnUse",
                    patternTransform: "rotate(45)",
                },
                svg("line", { class: "stripe", x1: 0, y1: 0, x2: 0, y2: 6 }),
            ),
        ),
    );
}
