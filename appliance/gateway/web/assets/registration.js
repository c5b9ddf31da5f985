// registration.js - a number before arrival, on a visitor's telephone. It shows nothing where the office takes no
// registrations, where the connection is not encrypted, and on a relay, which has no settings of the office.
//
// One choice is one Idempotency-Key, kept until it is answered: a page that is loaded anew meanwhile asks with the same.

import { get, newKey, post } from "./api.js";
import { byId, el, keepRows, setAttribute, setText } from "./dom.js";

const PENDING = "toban-registration";
const PENDING_MS_MAX = 120000; // an older touch is nobody's any more

function keep(pending) {
    try {
        if (pending) {
            sessionStorage.setItem(PENDING, JSON.stringify(pending));
        } else {
            sessionStorage.removeItem(PENDING);
        }
    } catch {
        // A browser without storage: only a reload in that very moment is worse off.
    }
}

function kept() {
    try {
        const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
        return pending && Math.abs(Date.now() - pending.at_ms) < PENDING_MS_MAX ? pending : null;
    } catch {
        return null;
    }
}

/**
 * say(key, values) in the language now; languageNow(); has(): there is a number already; on_number(id) once one is
 * given; on_problem(answer). Returns {draw(queue), mayArrive()}.
 */
export function offerRegistration({ say, languageNow, has, on_number, on_problem }) {
    const is_encrypted = location.protocol === "https:";
    let site = null; // registration of GET /site; null: there is none, or it is not known
    let site_version; // of the newest queue
    let chosen = null; // the category that is asked about
    let pending = null;

    async function ask(mine) {
        pending = mine;
        keep(mine);
        redraw();
        const { key, category, language } = mine;
        const answer = await post("/api/v1/registrations", { category, language }, { key });
        keep(null);
        pending = null;
        chosen = null;
        if (answer.status === 201) {
            on_number(answer.body.id);
        } else {
            on_problem(answer);
        }
        redraw();
    }

    function choose(category) {
        if (!pending) {
            chosen = category;
            redraw();
            byId("register_yes").focus();
        }
    }

    byId("register_yes").addEventListener("click", () => {
        if (!pending && chosen !== null) {
            ask({ key: newKey(), category: chosen, language: languageNow(), at_ms: Date.now() });
        }
    });
    byId("register_no").addEventListener("click", () => {
        if (!pending) {
            chosen = null;
            redraw();
            byId("register_title").focus();
        }
    });

    let queue = null;
    let nameOf = () => "";
    function redraw() {
        const offered = (queue?.categories ?? []).filter(
            (each) => each.registration && site?.categories.includes(each.id),
        );
        const shown = is_encrypted && site !== null && offered.length > 0 && !has();
        byId("register").hidden = !shown;
        if (!shown) {
            return;
        }
        keepRows(
            byId("register_list"),
            offered,
            (each) => each.id,
            (each) =>
                el(
                    "li",
                    {},
                    el("button", { type: "button", class: "quiet-button", onclick: () => choose(each.id) }),
                    el("span", { class: "refusal" }),
                ),
            (row, each) => {
                const [button, why] = row.children;
                const { accepting, refusal } = each.registration;
                setText(button, nameOf(each));
                button.disabled = !accepting;
                setAttribute(button, "aria-pressed", String(chosen === each.id));
                const full = ["REGISTRATION_FULL", "LIMIT_REACHED"].includes(refusal);
                setText(why, accepting ? "" : say(full ? "register_full" : "register_not_now"));
            },
        );
        const one = offered.find((each) => each.id === chosen);
        byId("register_confirm").hidden = !one;
        setText(byId("register_sure"), one ? say("register_sure", { name: nameOf(one) }) : "");
        setAttribute(byId("register_yes"), "aria-busy", pending ? "true" : null);
    }

    /** Asked for when the office's settings changed, and once: an office without them, or a relay, has none. */
    async function readSite() {
        const answer = await get("/api/v1/site", { anonymous: true });
        site = answer?.status === 200 ? (answer.body.registration ?? null) : null;
        redraw();
    }

    const left = kept();
    if (is_encrypted && left) {
        ask(left);
    }
    return {
        draw(snapshot, named) {
            queue = snapshot;
            nameOf = named;
            if (is_encrypted && snapshot.site_version !== undefined && site_version !== snapshot.site_version) {
                site_version = snapshot.site_version;
                readSite();
            }
            redraw();
        },
        mayArrive: () => Boolean(site?.own_arrival),
    };
}
