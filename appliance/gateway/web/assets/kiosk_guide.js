// kiosk_guide.js - 音声案内: the ticket machine by ear and four keys. 8 the item before, 2 the next one, 5 choose,
// 0 back; beside them * repeats, + and - change the volume, / ends it. 5 starts it; on a keypad the 5 has the dot.
// Arrows, Enter and Escape do the same on a keyboard. Whatever has the focus is spoken, and every new screen.
//
// Decides where the focus goes and what is said. What a press does is the button's own: it is pressed as by a finger.

import { byId } from "./dom.js";
import { refusalText, say } from "./kiosk_texts.js";
import { keepText, liveOf, pagesOf, refusalOf, refusalOfItem, waitingFor } from "./kiosk_view.js";
import { itemsAt, leavesOf, nameOf } from "./site.js";
import { LANGUAGES } from "./texts.js";

const KEYS = {
    8: "before",
    ArrowUp: "before",
    2: "next",
    ArrowDown: "next",
    5: "choose",
    Enter: "choose",
    0: "back",
    Escape: "back",
    "*": "repeat",
    "+": "louder",
    "-": "quieter",
    "/": "end",
};
const MINUTES_MAX = 60;
const ROUND_S = 300;

/** {id, text}: a sentence of this page. */
const sentence = (key, language, values) => ({ id: key, text: say(key, language, values) });
const plain = (text) => ({ id: "", text });

function numberSentence(ticket, language) {
    const { number, series, display } = ticket;
    const text = {
        ja: `${series ? `${series}の` : ""}${number}番です。`,
        en: `${series ? `letter ${[...series].join(" ")}, ` : ""}${[...String(number)].join(" ")}.`,
        zh: `${display}号。`,
        ko: `${display}번입니다.`,
    }[language === "ja-easy" ? "ja" : language];
    return { number, series, text };
}

function waitSentences(live, language) {
    const minutes = Math.ceil((live.estimated_wait_s ?? 0) / ROUND_S) * (ROUND_S / 60);
    const people =
        live.waiting === 0
            ? sentence("say_waiting_none", language)
            : sentence("say_waiting", language, { n: live.waiting });
    if (!live.estimated_wait_s) {
        return [people];
    }
    return [
        people,
        minutes > MINUTES_MAX
            ? sentence("say_estimate_many", language)
            : sentence("say_estimate", language, { n: minutes }),
    ];
}

function itemSentences(kiosk, item) {
    const { language } = kiosk;
    const refusal = refusalOfItem(kiosk, item);
    const name = plain(nameOf(item.names, language));
    if (refusal) {
        return [name, sentence("say_refused", language), plain(refusalText(refusal, language))];
    }
    return item.category === 0
        ? [name, sentence("say_opens_group", language)]
        : [name, ...waitSentences(liveOf(kiosk, item.category), language)];
}

/** What a new screen says before its first item. */
function screenSentences(kiosk, screen) {
    const { language } = kiosk;
    const it = (key) => sentence(key, language);
    switch (screen) {
        case "still":
            return [it("still_title")];
        case "ticket":
            return [
                it("say_your_number"),
                numberSentence(kiosk.ticket, language),
                it("until_called"),
                it(keepText(kiosk.ticket)),
                it("say_hear_again"),
            ];
        case "confirm": {
            const item = leavesOf(kiosk.site.items).find(
                (each) => each.category === kiosk.visit.category,
            );
            const live = liveOf(kiosk, kiosk.visit.category);
            const refusal = refusalOf(kiosk, kiosk.visit.category);
            return [
                it("confirm_title"),
                plain(nameOf(item?.names, language)),
                ...(refusal
                    ? [plain(refusalText(refusal, language))]
                    : waitSentences(live, language)),
            ];
        }
        case "choose":
            return [
                kiosk.path.length > 0
                    ? plain(byId("choose_title").textContent)
                    : it("choose_title"),
                ...(pagesOf(kiosk) > 1 ? [plain(byId("page_label").textContent)] : []),
            ];
        case "wait":
            return {
                pressed: [it("say_issuing")],
                offline: [it("offline_title"), it("offline_detail")],
                switching: [it("switching_title")],
                starting: [it("wait_title")],
            }[waitingFor(kiosk)];
        case "message":
            return [plain(language.startsWith("ja") ? kiosk.message.ja : kiosk.message.en)];
        default:
            return ["closed_title", "closed_why", "opening"]
                .filter((id) => !byId(id).hidden && byId(id).textContent)
                .map((id) => plain(byId(id).textContent.trim()));
    }
}

const isThere = (node) => !node.disabled && node.checkVisibility({ visibilityProperty: true });

/** The items of the screen, in the order in which they are read. */
function stopsOf(screen) {
    const within = (id) => [...byId(id).querySelectorAll("button")];
    const section = document.querySelector(`[data-screen="${screen}"]`);
    const all =
        screen === "still"
            ? [byId("still_go_on"), byId("still_end")]
            : [
                  ...(section ? section.querySelectorAll("button") : []),
                  ...(screen === "choose" ? within("languages") : []),
              ];
    return all.filter(isThere);
}

/** Where the finger would go first. */
function firstOf(screen, stops) {
    const wanted = { confirm: "take", ticket: "back", message: "message_back", wait: "give_up" }[
        screen
    ];
    return Math.max(
        0,
        stops.findIndex((each) => each.id === wanted),
    );
}

/** actions: {begin, back, end}; screen(): the name of what is shown now. */
export function createGuide({ kiosk, speech, screen, actions }) {
    let at = 0;
    let spoken = ""; // the screen that was told last

    const stopSentences = (node) => {
        const { language } = kiosk;
        if (node.classList.contains("category")) {
            const key = node.parentElement.dataset.key;
            const item = itemsAt(kiosk.site, kiosk.path)?.find((each) => each.key === key);
            return item ? itemSentences(kiosk, item) : [];
        }
        if (node.classList.contains("language")) {
            const { id, label } = LANGUAGES.find((each) => each.label === node.textContent);
            return [{ id: `language.${id}`, text: label, language: id }];
        }
        if (node.id === "take" && node.getAttribute("aria-disabled") !== "true") {
            return [plain(node.textContent), sentence("say_take", language)];
        }
        return [
            node.dataset.text ? sentence(node.dataset.text, language) : plain(node.textContent),
        ];
    };

    function tell(sentences) {
        actions.began();
        return speech.say(sentences, kiosk.language).then((whole) => whole && actions.began());
    }

    function tellScreen(before = []) {
        const now = screen();
        const stops = stopsOf(now);
        at = firstOf(now, stops);
        stops[at]?.focus({ preventScroll: true });
        const own = screenSentences(kiosk, now);
        // A ticket's own words end with what its keys do; the rest names the item that has the focus.
        const stop = stops[at] && now !== "ticket" ? stopSentences(stops[at]) : [];
        tell([...before, ...own, ...stop]);
    }

    function move(by) {
        const stops = stopsOf(screen());
        if (stops.length === 0) {
            tellScreen();
            return;
        }
        const here = stops.indexOf(document.activeElement);
        at = ((here >= 0 ? here : at) + by + stops.length) % stops.length;
        stops[at].focus({ preventScroll: true });
        tell(stopSentences(stops[at]));
    }

    function choose() {
        const stops = stopsOf(screen());
        const node = stops.includes(document.activeElement) ? document.activeElement : stops[at];
        if (!node) {
            tellScreen();
        } else if (node.getAttribute("aria-disabled") === "true") {
            tell(stopSentences(node));
        } else {
            node.click();
        }
    }

    function change(by) {
        speech.change(by);
        tell([sentence(by > 0 ? "say_louder" : "say_quieter", kiosk.language)]);
    }

    const doings = {
        before: () => move(-1),
        next: () => move(1),
        choose,
        back: () => (actions.back() ? null : tellScreen([sentence("say_welcome", kiosk.language)])),
        repeat: () => {
            actions.began();
            speech.repeat();
        },
        louder: () => change(1),
        quieter: () => change(-1),
        end: () => actions.end(),
    };

    return {
        /** The screen may have changed: a new one is told. `name` says which, with what makes it another one. */
        follow(name) {
            if (kiosk.guided && name !== spoken) {
                spoken = name;
                tellScreen();
            } else if (!kiosk.guided) {
                spoken = name;
            }
        },
        begin() {
            spoken = actions.screenName();
            tellScreen([
                sentence("say_welcome", kiosk.language),
                sentence("say_more_keys", kiosk.language),
            ]);
        },
        end(aloud) {
            speech.silence();
            speech.reset();
            if (aloud) {
                speech.say([sentence("say_ended", kiosk.language)], kiosk.language);
            }
        },
        /** True: the key was the guide's. */
        press(key) {
            const doing = KEYS[key];
            if (!kiosk.guided) {
                if (key !== "5") {
                    return false;
                }
                actions.begin();
                return true;
            }
            if (!doing) {
                return false;
            }
            doings[doing]();
            return true;
        },
    };
}
