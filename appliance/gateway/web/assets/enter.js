// enter.js - a link carries a credential behind its #, which no server sees: this browser becomes its holder.
//
// For screens without a keyboard and for trying an office out. It asks before it does so: whoever follows somebody
// else's link must not work under somebody else's name unawares.

import { post, problemText } from "./api.js";
import { byId, setText, wayBack } from "./dom.js";

const credential = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search); // it stays in no history

byId("enter").addEventListener("click", async () => {
    byId("enter").setAttribute("aria-busy", "true");
    const answer = await post("/api/v1/session/enter", { credential });
    byId("enter").removeAttribute("aria-busy");
    if (answer.status === 200) {
        location.replace(wayBack() ?? "/login");
        return;
    }
    const { ja, en } = problemText(answer);
    byId("problem").hidden = false;
    setText(byId("problem").children[0], ja);
    setText(byId("problem").children[1], en);
});
