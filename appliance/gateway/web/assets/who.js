// who.js - what a page says when the office does not let it in, and what to do about it.
//
// Every page loads this. It asks once who stands before it, and hears from api.js and live.js what was refused and what
// was let in since. <body data-for>: "device" pages (kiosk, board) pair themselves by the code of /pair; "person" pages
// ask for signing in; "public" ones need neither, where the site shows them. Nothing is reloaded by itself, and what is
// let in again, after a takeover or a new sign-in in another window, goes on where it was.

import { get, post, problemText } from "./api.js";
import { el } from "./dom.js";

const PAIR_DELAY_MS = 1500; // long enough to be read, short enough to be no work
const LOOK_MS = 3000;

const page_is_for = document.body.dataset.for ?? "person";
const here = encodeURIComponent(location.pathname + location.search);
const refusals = new Map(); // path -> answer: what is refused now
const listeners = [];
let known = null; // the newest answer to "who am I"
let panel = null;
let leaves = null;

const WORDS = {
    device: {
        ja: "この端末は、まだ登録されていないか、登録が取り消されました。登録の画面へ移ります。",
        en: "This device is not registered, or not any more. It goes on to the page where it is.",
        ways: [[`/pair?to=${here}`, "端末を登録する", "Register this device"]],
    },
    person: {
        ja: "この画面を使うには、ログインか端末の登録が必要です。前のログインは、終わったか取り消されました。",
        en: "To use this page, sign in or register this device. A session from before has ended, or somebody ended it.",
        ways: [
            [`/login?to=${here}`, "ログイン", "Sign in"],
            [`/pair?to=${here}`, "この端末を登録する", "Register this device"],
        ],
    },
    public: {
        ja: "この事務所では、待ち状況を公開していません。窓口の表示盤をご覧ください。",
        en: "This office does not show its queue here. Please look at the board in the lobby.",
        ways: [],
    },
};
/** Somebody is known, and may not do this here. */
const OTHERS = [
    [`/login?to=${here}`, "ほかの人でログイン", "Sign in as somebody else"],
    ["/login", "使える画面を見る", "What you may use"],
];

function draw() {
    const answers = [...refusals.values()];
    const answer = answers.find((each) => each.status === 401) ?? answers[0];
    if (!answer) {
        panel?.remove();
        panel = null;
        clearTimeout(leaves);
        leaves = null;
        return;
    }
    const unknown = answer.status === 401;
    const words = unknown ? WORDS[page_is_for] : { ...problemText(answer), ways: OTHERS };
    const says = `${answer.status} ${words.ja}`;
    if (panel?.dataset.says !== says) {
        const next = el(
            "section",
            { class: "refused", role: "alertdialog", "aria-labelledby": "refused_title", "data-says": says },
            el(
                "div",
                { class: "refused-card" },
                el("h2", { id: "refused_title", tabindex: "-1" }, words.ja),
                el("p", { lang: "en" }, words.en),
                ...words.ways.map(([path, ja, en]) =>
                    el("a", { href: path }, ja, " ", el("span", { lang: "en" }, en)),
                ),
            ),
        );
        panel?.remove();
        panel = next;
        document.body.append(panel);
        panel.querySelector("a, h2").focus();
    }
    if (unknown && page_is_for === "device") {
        leaves ??= setTimeout(() => location.assign(`/pair?to=${here}`), PAIR_DELAY_MS);
    }
}

document.addEventListener("toban-refused", ({ detail }) => {
    refusals.set(detail.path, detail);
    draw();
});
document.addEventListener("toban-admitted", ({ detail }) => {
    if (refusals.delete(detail.path)) {
        draw();
    }
});

/** tell(session) now, if it is known who this is, and each time that it is asked again: the answer may come before the page's own script. */
export function onWho(tell) {
    listeners.push(tell);
    if (known) {
        tell(known);
    }
}

/** Who is it? Asked at the beginning, and again for as long as something is refused. */
export async function askWho() {
    const path = "/api/v1/session";
    let answer = await get(path);
    if (answer.status === 401) { // what a browser still holds of an ended session hides its device's own credential
        await post("/api/v1/session/end", {});
        answer = await get(path);
    }
    const name = answer.status === 401 ? "toban-refused" : "toban-admitted";
    document.dispatchEvent(new CustomEvent(name, { detail: { path, ...answer } }));
    if (answer.status === 200) {
        known = answer.body;
        listeners.forEach((tell) => tell(known));
        for (const [refused, old] of refusals) {
            if (old.status === 401) {
                refusals.delete(refused); // it asks again, and says so if it is refused still
            }
        }
        draw();
    }
}

if (page_is_for !== "public") {
    askWho();
    setInterval(() => refusals.size > 0 && askWho(), LOOK_MS);
}
