// pair.js - a device shows its code until somebody who may says what it is; then it goes to its own page.
//
// The unit on duty remembers codes; after a takeover it knows none, and this page asks for another one.

import { get, pause, post, problemText } from "./api.js";
import { byId, setText, wayBack } from "./dom.js";

const LOOK_MS = 2000;
const to = wayBack();
const PAGES = { kiosk: () => "/kiosk", board: () => "/board", counter: (who) => `/counter?n=${who.counter || 1}` };

function tell(answer) {
    const problem = byId("problem");
    const said = answer ? problemText(answer) : { ja: "", en: "" };
    problem.hidden = !answer;
    setText(problem.children[0], said.ja);
    setText(problem.children[1], said.en);
}

async function showCode() {
    const answer = await post("/api/v1/pairings", {});
    tell(answer.status === 201 ? null : answer);
    if (answer.status === 201) {
        setText(byId("code"), answer.body.code);
        setText(byId("how"), `toban device pair kiosk ${answer.body.code}`);
        const minutes = Math.round(answer.body.expires_in_s / 60);
        setText(byId("expires"), `${minutes}分ごとに変わります。 It changes every ${minutes} minutes.`);
    }
}

for (;;) {
    const who = await get("/api/v1/session");
    const page = who.status === 200 ? PAGES[who.body.role] : null;
    if (page) {
        const own = page(who.body);
        location.replace(to?.split("?")[0] === own.split("?")[0] ? to : own);
        break;
    }
    await showCode();
    await pause(LOOK_MS);
}
