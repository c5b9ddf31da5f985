// admin.js - who may use this office: people, devices, and who is signed in now.
//
// Whatever takes a right away is done at once and asked about first; what grants one is refused by the office while one
// unit is alone, and says so. First passwords are drawn here and shown once; nobody else gets to know them.

import { get, post, problemText } from "./api.js";
import { byId, el, keepRows, setText } from "./dom.js";
import { formatDateJa, formatShortClock } from "./time.js";
import { onWho } from "./who.js";

const LOOK_MS = 10000;
const PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"; // none that looks like another
const PASSWORD_GROUPS = 5;
const PASSWORD_GROUP = 4;

let people = { accounts: [], devices: [], sessions: [] };
let may_change = false;

/** 31^20: 99 bits. Each letter as likely as every other. */
function drawPassword() {
    const letters = [];
    while (letters.length < PASSWORD_GROUPS * PASSWORD_GROUP) {
        const [byte] = crypto.getRandomValues(new Uint8Array(1));
        if (byte < PASSWORD_LETTERS.length * Math.floor(256 / PASSWORD_LETTERS.length)) {
            letters.push(PASSWORD_LETTERS[byte % PASSWORD_LETTERS.length]);
        }
    }
    return letters.join("").match(new RegExp(`.{${PASSWORD_GROUP}}`, "g")).join("-");
}

function tell(id, ja = "", en = "") {
    for (const other of ["said", "problem"]) {
        byId(other).hidden = other !== id || ja === "";
    }
    setText(byId(id).children[0], ja);
    setText(byId(id).children[1], en);
}

/** One press. True: it is done, and the lists are as they are now. */
async function press(path, members, ja, en) {
    const answer = await post(`/api/v1/${path}`, members);
    if (answer.status >= 300) {
        const said = problemText(answer);
        tell("problem", said.ja, said.en);
        return false;
    }
    tell("said", ja, en);
    await look();
    return true;
}

function showSecret(title, password) {
    setText(byId("secret_title"), `${title} さんの最初のパスワード　First password of ${title}`);
    setText(byId("secret_text"), password);
    byId("secret").hidden = false;
    byId("secret_title").focus();
}

function sure(ja, en) {
    const dialog = byId("sure");
    setText(byId("sure_ja"), ja);
    setText(byId("sure_en"), en);
    dialog.returnValue = "no";
    dialog.showModal();
    byId("sure_no").focus();
    return new Promise((resolve) => {
        dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
}

function when(text) {
    const ms = Date.parse(text ?? "");
    return Number.isNaN(ms) ? "—" : `${formatDateJa(ms)} ${formatShortClock(ms)}`;
}

const both = (ja, en) => [ja, " ", el("span", { class: "beside", lang: "en" }, en)];

function button(ja, en, act, grave = false) {
    return el("button", { type: "button", class: grave ? "grave" : null, onclick: act }, ...both(ja, en));
}

/** A table's row is made anew only when what it says has changed: the keyboard's focus stays where it is. */
function drawRows(id, items, keyOf, cellsOf) {
    const labels = [...byId(id).parentElement.querySelectorAll("th")].map((each) => each.firstChild.textContent.trim());
    keepRows(
        byId(id),
        items.map((item) => ({ item, key: keyOf(item), says: JSON.stringify([item, may_change]) })),
        (row) => `${row.key} ${row.says}`,
        ({ item }) => el("tr", {}, ...cellsOf(item).map((cell, i) => el("td", { "data-label": labels[i] }, ...[cell].flat()))),
        () => {},
    );
}

async function revokeDevice(device) {
    const name = device.title || device.kind_ja;
    if (await sure(`「${name}」の登録を取り消しますか。すぐに使えなくなります。`, `Revoke "${name}"? It can do nothing from then on.`)) {
        await press("devices/revoke", { id: device.id }, `「${name}」を取り消しました。`, `"${name}" is revoked.`);
    }
}

function deviceCells(device) {
    const counter = device.kind === "counter" ? (device.counter === 0 ? "（全窓口）" : `（${device.counter}番窓口）`) : "";
    return [
        both(`${device.kind_ja}${counter}`, device.kind),
        device.title || "—",
        when(device.paired_at),
        device.open ? both("使用中", "in use") : both("取消済み", "revoked"),
        may_change && device.open ? [button("取り消す", "Revoke", () => revokeDevice(device), true)] : [],
    ];
}

async function resetPassword(account) {
    if (await sure(`${account.name} さんのパスワードを作り直しますか。第二要素とPINも消えます。`, `A new first password for ${account.name}? The second factor and the PIN go.`)) {
        const password = drawPassword();
        if (await press("accounts/reset", { name: account.name, password }, "作り直しました。", "It is made anew.")) {
            showSecret(account.name, password);
        }
    }
}

async function revokeAccount(account) {
    if (await sure(`${account.name} さんを使用停止にしますか。ログイン中の画面もすぐに終わります。`, `Close ${account.name}'s account? Whatever is open ends at once.`)) {
        await press("accounts/revoke", { name: account.name }, "使用停止にしました。", "The account is closed.");
    }
}

const restoreAccount = (account) =>
    press("accounts/restore", { name: account.name }, "使用を再開しました。", "The account is open again.");

async function changeRole(account, select) {
    const role_ja = select.selectedOptions[0].textContent;
    if (!(await sure(`${account.name} さんの役割を「${role_ja}」に変えますか。`, `Change the role of ${account.name}?`)) ||
        !(await press("accounts/change", { name: account.name, role: select.value }, "役割を変えました。", "The role is changed."))) {
        select.value = account.role;
    }
}

function roleCell(account) {
    if (!may_change || !account.open) {
        return both(account.role_ja, account.role);
    }
    const select = byId("add_role").cloneNode(true);
    select.removeAttribute("id");
    select.setAttribute("aria-label", `${account.name} の役割 Role of ${account.name}`);
    select.value = account.role;
    select.addEventListener("change", () => changeRole(account, select));
    return select;
}

function accountCells(account) {
    const marks = [
        account.open ? null : both("停止中", "closed"),
        account.password_to_change ? both("初回の変更待ち", "first password") : null,
        account.second_factor ? both(`第二要素（残り${account.codes_left}）`, `second factor, ${account.codes_left} codes left`) : null,
        account.pin ? both("PINあり", "has a PIN") : null,
    ].filter(Boolean);
    const actions = account.open
        ? [
              button("パスワードを作り直す", "New password", () => resetPassword(account)),
              button("使用停止", "Close", () => revokeAccount(account), true),
          ]
        : [button("使用を再開", "Open again", () => restoreAccount(account))];
    return [
        [el("strong", {}, account.name), " ", account.title],
        roleCell(account),
        marks.length === 0 ? both("使用中", "in use") : marks.map((mark) => el("span", { class: "mark" }, ...mark)),
        when(account.signed_in_at),
        may_change ? actions : [],
    ];
}

async function endSession(session) {
    if (await sure(`${session.name} さんのログインを終わらせますか。`, `End this session of ${session.name}?`)) {
        await press("sessions/revoke", { session: session.id }, "終わらせました。", "It is ended.");
    }
}

function sessionCells(session) {
    const device = people.devices.find((each) => each.id === session.device);
    const where = session.program ? both("プログラム", "program") : device ? device.title || device.kind_ja : both("ブラウザー", "browser");
    return [
        session.name,
        where,
        when(session.began_at),
        when(session.seen_at),
        may_change ? [button("終わらせる", "End", () => endSession(session), true)] : [],
    ];
}

function draw() {
    for (const form of document.querySelectorAll("[data-changes]")) {
        form.hidden = !may_change;
    }
    drawRows("devices", [...people.devices].sort((a, b) => Number(b.open) - Number(a.open) || a.id - b.id), (each) => each.id, deviceCells);
    drawRows("accounts", people.accounts, (each) => each.id, accountCells);
    drawRows("sessions", people.sessions, (each) => each.id, sessionCells);
}

async function look() {
    const answer = await get("/api/v1/people");
    if (answer.status === 200) {
        people = answer.body;
        draw();
    }
}

async function fillCounters() {
    const answer = await get("/api/v1/queue");
    if (answer.status === 200) {
        byId("pair_counter").replaceChildren(
            el("option", { value: "0" }, "全窓口 every counter"),
            ...answer.body.counters.map((each) => el("option", { value: each.id }, `${each.name_ja} ${each.name_en}`)),
        );
    }
}

byId("pair_kind").addEventListener("change", () => {
    byId("pair_counter_part").hidden = byId("pair_kind").value !== "counter";
});
byId("pair").addEventListener("submit", async (event) => {
    event.preventDefault();
    const kind = byId("pair_kind").value;
    const members = { code: byId("pair_code").value.toUpperCase(), kind, title: byId("pair_title").value };
    if (kind === "counter") {
        members.counter = Number(byId("pair_counter").value);
    }
    if (await press("devices", members, "端末を登録しました。端末の画面が自動で切り替わります。", "Registered: the device goes on by itself.")) {
        byId("pair_code").value = "";
        byId("pair_title").value = "";
    }
    byId("pair_code").focus();
});
byId("add").addEventListener("submit", async (event) => {
    event.preventDefault();
    const password = drawPassword();
    const name = byId("add_name").value;
    const members = { name, role: byId("add_role").value, title: byId("add_title").value, password };
    if (await press("accounts", members, `${name} さんを加えました。`, `${name} is added.`)) {
        byId("add_name").value = "";
        byId("add_title").value = "";
        showSecret(name, password);
    }
});
byId("secret_done").addEventListener("click", () => {
    setText(byId("secret_text"), "");
    byId("secret").hidden = true;
    byId("add_name").focus();
});
onWho((session) => {
    setText(byId("me"), `${session.title || session.name || ""} ${session.role_ja}`);
    may_change = session.role === "administrator";
    draw();
    look();
    fillCounters();
});

setInterval(() => document.hidden || look(), LOOK_MS);
