// clerk.js - who works at this terminal, and the change of clerks there: a name and a PIN, in a few seconds.
//
// The terminal by itself may press its counter's buttons; signing in puts a name to them. Who was signed in here before
// is signed out by it (docs/ACCESS.md). Names that were used here are offered again; a PIN never is.

import { post, problemText } from "./api.js";
import { byId, el, setText } from "./dom.js";
import { askWho, onWho } from "./who.js";

const NAMES_STORE = "toban-clerks";
const NAMES_MAX = 12;
const KEY = "F3";

const dialog = byId("clerk_dialog");
let busy = false;

function readNames() {
    try {
        const stored = JSON.parse(localStorage.getItem(NAMES_STORE) ?? "[]");
        return Array.isArray(stored) ? stored.filter((each) => typeof each === "string") : [];
    } catch {
        return [];
    }
}

function keepName(name) {
    const names = [name, ...readNames().filter((each) => each !== name)].slice(0, NAMES_MAX);
    try {
        localStorage.setItem(NAMES_STORE, JSON.stringify(names));
    } catch {
        // A full or forbidden store: names are typed out.
    }
}

function tell(ja = "", en = "") {
    const problem = byId("clerk_problem");
    problem.hidden = ja === "";
    setText(problem.children[0], ja);
    setText(problem.children[1], en);
}

function openDialog() {
    if (dialog.open || document.querySelector("dialog[open]")) {
        return;
    }
    byId("clerk_names").replaceChildren(...readNames().map((value) => el("option", { value })));
    byId("clerk_pin").value = "";
    tell();
    dialog.showModal();
    byId("clerk_name_text").focus();
    byId("clerk_name_text").select();
}

async function change(path, members) {
    if (busy) {
        return;
    }
    busy = true;
    byId("clerk_form").setAttribute("aria-busy", "true");
    const answer = await post(path, members);
    byId("clerk_form").removeAttribute("aria-busy");
    busy = false;
    if (answer.status >= 300 && path === "/api/v1/session") {
        const said = problemText(answer);
        tell(said.ja, said.en);
        byId("clerk_pin").value = "";
        byId("clerk_pin").focus();
        return;
    }
    if (members.name) {
        keepName(members.name);
    }
    dialog.close();
    await askWho();
}

onWho((session) => {
    const name = session.name ? session.title || session.name : "";
    setText(byId("clerk_ja"), name ? `係員 ${name}` : "係員を登録");
    setText(byId("clerk_en"), name ? "Clerk" : "Sign in");
    byId("clerk_end").hidden = !name;
    byId("clerk").dataset.name = session.name ?? "";
    byId("clerk").hidden = false;
});
byId("clerk").addEventListener("click", openDialog);
byId("clerk_cancel").addEventListener("click", () => dialog.close());
byId("clerk_end").addEventListener("click", () => change("/api/v1/session/end", {}));
byId("clerk_form").addEventListener("submit", (event) => {
    event.preventDefault();
    const [name, pin] = [byId("clerk_name_text").value.trim(), byId("clerk_pin").value];
    byId("clerk_pin").value = "";
    change("/api/v1/session", { name, pin });
});
document.addEventListener("keydown", (event) => {
    if (event.key === KEY) {
        event.preventDefault();
        openDialog();
    }
});
