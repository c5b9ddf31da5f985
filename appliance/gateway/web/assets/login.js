// login.js - signing in, and what has to be done first: a password of one's own, the second factor, its codes.
//
// What was typed is forgotten as soon as it was sent. The session is a cookie that scripts cannot read: this page asks
// who it is and shows that.

import { get, post, problemText } from "./api.js";
import { byId, el, setText, showScreen, wayBack } from "./dom.js";
import { WAYS } from "./ways.js";

let totp_key = "";
let signed_in_here = false; // since this page was opened: who comes back to it is not sent away again

function tell(ja, en) {
    const problem = byId("problem");
    problem.hidden = !ja;
    setText(problem.children[0], ja ?? "");
    setText(problem.children[1], en ?? "");
}

function tellProblem(answer) {
    const said = problemText(answer);
    tell(said.ja, said.en);
}

/** One at a time, told to whoever cannot see it; the button is not taken away from the keyboard. */
function onSubmit(id, act) {
    const form = byId(id);
    let busy = false;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (busy) {
            return;
        }
        busy = true;
        form.querySelector("button").setAttribute("aria-busy", "true");
        tell();
        try {
            await act();
        } finally {
            busy = false;
            form.querySelector("button").removeAttribute("aria-busy");
        }
    });
}

function take(id) {
    const value = byId(id).value;
    byId(id).value = "";
    return value;
}

function show(name, focus) {
    showScreen(name);
    if (focus) {
        byId(focus).focus();
    }
}

async function showWho(who) {
    if (who.first === "password") {
        show("password", "old");
    } else if (who.first === "second_factor") {
        await beginSecondFactor();
    } else if (signed_in_here && wayBack()) {
        location.replace(wayBack());
    } else {
        setText(byId("who"), `${who.title || who.name || ""}　${who.role_ja}（${who.role}）`);
        byId("ways").replaceChildren(
            ...(WAYS[who.role] ?? []).map(([path, ja, en]) =>
                el("li", {}, el("a", { href: path }, ja, " ", el("span", { class: "beside", lang: "en" }, en))),
            ),
        );
        byId("pin_form").hidden = !["operator", "supervisor"].includes(who.role);
        show("in", "sign_out");
    }
}

async function beginSecondFactor() {
    const answer = await post("/api/v1/session/second-factor", {});
    if (answer.status !== 200) {
        tellProblem(answer);
        return;
    }
    totp_key = answer.body.key;
    setText(byId("key"), totp_key.match(/.{1,4}/g).join(" "));
    show("second_factor", "first_code");
}

onSubmit("sign_in", async () => {
    const members = { name: byId("name").value, password: byId("password").value };
    const code = take("code");
    if (code) {
        members.code = code;
    }
    const answer = await post("/api/v1/session", members);
    if (answer.body.code === "CODE_WANTED" && !code) {
        byId("code_part").hidden = false;
        byId("code").focus();
        return;
    }
    take("password");
    byId("code_part").hidden = true;
    if (answer.status === 200) {
        signed_in_here = true;
        await showWho(answer.body);
    } else {
        tellProblem(answer);
        byId("password").focus();
    }
});

onSubmit("new_password", async () => {
    const members = { password: take("old"), new_password: take("fresh") };
    if (take("again") !== members.new_password) {
        tell("2回入力した新しいパスワードが一致しません。もう一度入力してください。", "The two new passwords differ. Enter them again.");
        byId("old").focus();
        return;
    }
    const answer = await post("/api/v1/session/password", members);
    if (answer.status === 200) {
        await start();
    } else {
        tellProblem(answer);
        byId("old").focus();
    }
});

onSubmit("second_factor", async () => {
    const answer = await post("/api/v1/session/second-factor/confirm", { key: totp_key, code: take("first_code") });
    if (answer.status !== 200) {
        tellProblem(answer);
        byId("first_code").focus();
        return;
    }
    totp_key = "";
    setText(byId("key"), "");
    byId("codes").replaceChildren(
        ...answer.body.codes.map((code) => el("li", {}, `${code.slice(0, 5)}-${code.slice(5)}`)),
    );
    show("codes", "print");
});

onSubmit("pin_form", async () => {
    const answer = await post("/api/v1/session/pin", { pin: take("pin") });
    if (answer.status === 200) {
        setText(byId("pin_done"), "登録しました。 The PIN is set.");
    } else {
        tellProblem(answer);
    }
});

byId("print").addEventListener("click", () => window.print());
byId("codes_done").addEventListener("click", async () => {
    byId("codes").replaceChildren();
    await start();
});
byId("sign_out").addEventListener("click", async () => {
    await post("/api/v1/session/end", {});
    show("sign-in", "name");
});

async function start() {
    const answer = await get("/api/v1/session");
    if (answer.status === 200 && answer.body.name) {
        await showWho(answer.body);
    } else {
        show("sign-in", "name");
    }
}

await start();
