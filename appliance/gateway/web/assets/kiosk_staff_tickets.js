// kiosk_staff_tickets.js - any of today's tickets, for the clerk who stands at the ticket machine: those that live, the
// newest first, or those with a number that is typed. Which they are the office says, and only to staff.

import { get } from "./api.js";
import { byId, el, keepRows, setAttribute, setText } from "./dom.js";
import { staffText } from "./kiosk_texts.js";
import { leavesOf, nameOf } from "./site.js";
import { formatShortClock } from "./time.js";

const LOOK_MS = 5000;
const DIGITS = "1234567890";
const NUMBER_DIGITS_MAX = 4;
const LIVE = ["ISSUING", "WAITING", "CALLED", "SERVING", "HELD", "ABSENT"];
const MAY_BE_CANCELLED = ["EXPECTED", "ISSUING", "WAITING", "HELD", "ABSENT"]; // who is called or served, the counter ends

/** kiosk: its state; two(), button(), card(), ask(), question(): of staff mode; is_here(): somebody is signed in. */
export function createStaffTickets({ kiosk, two, button, card, ask, question, is_here }) {
    let typed = "";
    let answer = null; // the newest {tickets, found, shown}
    let asked = 0;
    let looked_ms = -Infinity;

    async function look() {
        const mine = ++asked;
        const number = typed;
        looked_ms = performance.now();
        const given = await get(`/api/v1/tickets${number ? `?number=${number}` : ""}`, {
            go_on: () => is_here() && mine === asked,
        });
        if (given?.status === 200 && mine === asked && is_here()) {
            answer = given.body;
            draw();
        }
    }

    function type(next) {
        typed = next;
        answer = null;
        draw();
        look();
    }

    /** Pressed: asked once more afterwards, so that what is shown is what is. */
    async function press(ticket, verb, done_key) {
        await ask(`/api/v1/tickets/${encodeURIComponent(ticket.id)}/${verb}`, {}, done_key);
        look();
    }

    const key = (label, onclick, more = {}) =>
        el("button", { type: "button", class: "staff-digit", onclick, ...more }, label);

    function create() {
        return card(
            "staff_tickets",
            "tickets",
            el(
                "div",
                { class: "staff-find", role: "group", "aria-label": staffText("find", "ja") },
                el(
                    "p",
                    { class: "staff-find-number" },
                    el("span", {}, ...two("find")),
                    el("output", { id: "staff_number", class: "digits", "aria-live": "polite" }),
                ),
                el(
                    "div",
                    { class: "staff-digits" },
                    ...[...DIGITS].map((digit) =>
                        key(digit, () => typed.length < NUMBER_DIGITS_MAX && `${typed}${digit}` !== "0" && type(`${typed}${digit}`)),
                    ),
                    key(staffText("erase", "ja"), () => type(typed.slice(0, -1)), { id: "staff_number_erase", class: "staff-digit wide" }),
                    key(staffText("all", "ja"), () => type(""), { id: "staff_number_all", class: "staff-digit wide" }),
                ),
            ),
            el("p", { id: "staff_tickets_said", class: "detail", role: "status" }, el("span", { lang: "ja" }), " ", el("span", { class: "beside", lang: "en" })),
            el("ul", { id: "staff_ticket_list" }),
        );
    }

    function createRow(each) {
        return el(
            "li",
            { class: "staff-ticket" },
            el("strong", { class: "digits" }, each.display),
            el("time", {}, formatShortClock(Date.parse(each.issued_at))),
            el("span", {}, el("span"), " ", el("em")),
            button("reprint", "quiet-button", () => press(each, "reprint", "reprinted"), { "aria-label": `${each.display} ${staffText("reprint", "ja")} ${staffText("reprint", "en")}` }),
            button(
                "cancel_ticket",
                "quiet-button alarming",
                () => question("cancel_question", { display: each.display }, "cancel_yes", () => press(each, "cancel", "done")),
                { "aria-label": `${each.display} ${staffText("cancel_ticket", "ja")} ${staffText("cancel_ticket", "en")}` },
            ),
        );
    }

    function updateRow(row, each) {
        const item = leavesOf(kiosk.site?.items ?? []).find(({ category }) => category === each.category);
        const [, , what, reprint, cancel] = row.children;
        setText(what.children[0], nameOf(item?.names, "ja"));
        setText(what.children[1], `${staffText(`state_${each.state}`, "ja")} ${staffText(`state_${each.state}`, "en")}`);
        setAttribute(row, "data-state", each.state);
        reprint.hidden = !LIVE.includes(each.state);
        cancel.hidden = !MAY_BE_CANCELLED.includes(each.state);
    }

    function said() {
        if (!answer) {
            return ["looking", {}];
        }
        const { found, shown } = answer;
        if (found === 0) {
            return [typed ? "number_none" : "tickets_none", { n: typed }];
        }
        return [shown < found ? "tickets_some" : "tickets_all", { n: found, shown }];
    }

    function draw() {
        if (!document.getElementById("staff_ticket_list")) {
            return;
        }
        setText(byId("staff_number"), typed || "—");
        const [text_key, values] = said();
        const node = byId("staff_tickets_said");
        setText(node.children[0], staffText(text_key, "ja", values));
        setText(node.children[1], staffText(text_key, "en", values));
        keepRows(byId("staff_ticket_list"), answer?.tickets ?? [], (each) => each.id, createRow, updateRow);
    }

    return {
        create,
        look,
        draw() {
            draw();
            if (performance.now() - looked_ms > LOOK_MS) {
                look();
            }
        },
        /** Whoever comes next begins with all of them. */
        forget() {
            typed = "";
            answer = null;
            asked++;
            looked_ms = -Infinity;
        },
    };
}
