// dom.js - the little of a view library that these pages need.
//
// Every snapshot of the office is drawn whole ("level"), so what is already right must not be touched:
// a live region that is rewritten is read out again, a row that is replaced loses the keyboard's focus.

/** A new element. Attributes: a function is a listener ("onclick"), true/false/null a bare attribute. */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === "function") {
            node.addEventListener(name.slice(2), value);
        } else {
            setAttribute(node, name, value);
        }
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) {
        node.removeAttribute(name);
        return;
    }
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) {
        node.setAttribute(name, text);
    }
}

export function setText(node, text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

/** The element with that id; a page without it is broken and says so at once. */
export function byId(id) {
    const node = document.getElementById(id);
    if (!node) {
        throw new Error(`the page has no #${id}`);
    }
    return node;
}

/**
 * Makes parent's children stand for items, in their order: rows are kept by key, so that focus and
 * animations live through an update. create(item) makes a row, update(row, item) brings it up to date.
 */
export function keepRows(parent, items, keyOf, create, update) {
    const old = new Map([...parent.children].map((row) => [row.dataset.key, row]));
    let place = parent.firstElementChild;
    for (const item of items) {
        const key = String(keyOf(item));
        let row = old.get(key);
        if (row) {
            old.delete(key);
        } else {
            row = create(item);
            row.dataset.key = key;
        }
        update(row, item);
        if (row === place) {
            place = place.nextElementSibling;
        } else {
            parent.insertBefore(row, place);
        }
    }
    for (const row of old.values()) {
        row.remove();
    }
}

/** Where a page that was left for this one wants to be come back to (?to=/counter); null: nowhere, or not in this office. */
export function wayBack() {
    const to = new URLSearchParams(location.search).get("to");
    return to && /^\/[a-z]+(\?[a-z0-9=&]*)?$/.test(to) ? to : null;
}

/** Shows one of the page's screens (elements with data-screen) and hides the others. True: it changed. */
export function showScreen(name) {
    let changed = false;
    for (const screen of document.querySelectorAll("[data-screen]")) {
        const hide = screen.dataset.screen !== name;
        changed ||= screen.hidden !== hide;
        screen.hidden = hide;
    }
    return changed;
}
