// kiosk_arrive.js - who registered before arrival is here: the number is typed (a reader of codes types as well), and
// the wait begins. A dialogue over the machine's screens, which it does not touch; it closes by itself.

import { newKey, post, problemText } from "./api.js";
import { byId, el, setAttribute, setText } from "./dom.js";
import { say } from "./kiosk_texts.js";
import { LANGUAGES, estimateText } from "./texts.js";

const STAY_MS = 30000; // untouched for so long: it closes (WCAG 2.2.1: 20 s and more, any press begins it anew)
const NUMBER = /^0*([1-9][0-9]{0,3})([A-HJ-NP-Z][A-HJ-NP-Z0-9]*)?$/;
/** What a reader types of the code on a telephone: an address that ends with the ticket's id. */
const CODE = /([0-9a-f]{32})$/i;
const TYPED_MAX = 8;
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
const LETTERS = [..."ABCDEFGHJKLMNPQRSTUVWXYZ"];

/** kiosk: the machine's state. Returns {draw(screen), isOpen()}. */
export function createArrival(kiosk) {
    const dialog = byId("arrival");
    const field = byId("arrival_number");
    let stay_until_ms = 0;
    let told = null; // {ja, en, done}
    let press = null; // {typed, key}: the same number, asked again, is the same press
    let is_busy = false;

    const stay = () => {
        stay_until_ms = performance.now() + STAY_MS;
    };
    const language = () => LANGUAGES.find((each) => each.id === kiosk.language);
    const words = () => (told === null ? "" : language().html === "ja" ? told.ja : told.en);

    function drawDialog() {
        setText(byId("arrival_told"), words());
        setAttribute(byId("arrival_told"), "data-done", Boolean(told?.done));
        byId("arrival_keys").hidden = Boolean(told?.done);
        byId("arrival_letters").hidden = Boolean(told?.done);
        byId("arrival_line").hidden = Boolean(told?.done);
        setAttribute(byId("arrival_do"), "aria-busy", is_busy ? "true" : null);
    }

    function open() {
        told = null;
        press = null;
        field.value = "";
        stay();
        drawDialog();
        dialog.showModal();
        field.focus();
    }

    function close() {
        if (dialog.open) {
            dialog.close();
        }
    }

    function type(letter) {
        stay();
        if (field.value.length < TYPED_MAX) {
            field.value += letter;
        }
        told = null;
        drawDialog();
        field.focus();
    }

    async function arrive(event) {
        event.preventDefault();
        stay();
        const typed = field.value.normalize("NFKC").trim();
        const [, id] = CODE.exec(typed) ?? [];
        const match = NUMBER.exec(typed.toUpperCase());
        if (is_busy) {
            return;
        }
        if (!match && !id) {
            told = { ja: say("arrival_wrong", kiosk.language), en: say("arrival_wrong", kiosk.language), done: false };
            drawDialog();
            return;
        }
        press = press?.typed === typed ? press : { typed, key: newKey() };
        is_busy = true;
        drawDialog();
        const how = { key: press.key, go_on: () => dialog.open };
        const answer = id
            ? await post(`/api/v1/tickets/${id.toLowerCase()}/arrive`, null, how)
            : await post("/api/v1/arrivals", { number: Number(match[1]), series: match[2] ?? "" }, how);
        is_busy = false;
        stay();
        if (answer?.status === 200) {
            const { ticket } = answer.body;
            const text = say("arrival_done", kiosk.language, {
                display: ticket.display,
                n: ticket.waiting_ahead,
                wait: estimateText(ticket.estimated_wait_s, kiosk.language),
            });
            told = { ja: text, en: text, done: true };
        } else if (answer) {
            press = null; // refused: what is pressed next is another press
            told = { ...problemText(answer), done: false };
        }
        drawDialog();
        byId(told?.done ? "arrival_close" : "arrival_number").focus();
    }

    const keyOf = (letter) =>
        el("button", { type: "button", class: "arrival-key", onclick: () => type(letter) }, letter);
    byId("arrival_keys").append(...DIGITS.map(keyOf));
    byId("arrival_letters").append(...LETTERS.map(keyOf));
    byId("arrival_erase").addEventListener("click", () => {
        field.value = field.value.slice(0, -1);
        told = null;
        type("");
    });
    byId("arrival_form").addEventListener("submit", arrive);
    byId("arrival_close").addEventListener("click", close);
    byId("arrive").addEventListener("click", open);
    field.addEventListener("input", stay);

    return {
        isOpen: () => dialog.open,
        draw(screen) {
            const offered = (kiosk.queue?.categories ?? []).some((each) => each.registration);
            const day = kiosk.queue?.service_day;
            // Also while no new number is given: whoever has one may still arrive (ADR 15).
            const is_open = day?.state === "OPEN" && day.accepting !== false;
            byId("arrive").hidden =
                !offered || !(screen === "choose" || (screen === "closed" && is_open));
            if (dialog.open && performance.now() > stay_until_ms && !is_busy) {
                close();
            }
        },
    };
}
