// menu.js - from one page to the others that whoever is signed in may open, and to signing out. Pages for staff have a
// <details class="menu" id="menu" hidden>; a device by itself has one page, and no menu.

import { byId, el } from "./dom.js";
import { onWho } from "./who.js";
import { WAYS } from "./ways.js";

const menu = byId("menu");

function close() {
    menu.open = false;
}

onWho((session) => {
    const ways = session.name ? (WAYS[session.role] ?? []) : [];
    menu.hidden = ways.length === 0;
    menu.replaceChildren(
        el("summary", {}, "画面 ", el("span", { lang: "en" }, "Pages")),
        el(
            "nav",
            { "aria-label": "ほかの画面 Other pages" },
            el(
                "ul",
                {},
                ...[...ways, ["/login", "ログイン・ログアウト", "Sign in or out"]].map(([path, ja, en]) =>
                    el(
                        "li",
                        {},
                        el(
                            "a",
                            { href: path, "aria-current": path === location.pathname ? "page" : null },
                            ja,
                            " ",
                            el("span", { lang: "en" }, en),
                        ),
                    ),
                ),
            ),
        ),
    );
});

menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
        event.stopPropagation(); // a page's own keys mean something else
        close();
        menu.querySelector("summary").focus();
    }
});
document.addEventListener("pointerdown", (event) => menu.contains(event.target) || close());
menu.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !menu.contains(relatedTarget) && close());
