// manager_double.mjs - NOT the office: what the office double answers to the manager's page, and to nobody else.

import { startOfficeDouble } from "./office_double.mjs";
import { previewOf } from "./preview_double.mjs";

const totals = (issued, served) => ({
    issued,
    served,
    no_show: 1,
    cancelled: 0,
    expired: 0,
    voided: 0,
    transferred: 0,
    doubtful: 0,
});

export async function startManagerDouble() {
    const office = await startOfficeDouble();
    Object.assign(office, {
        suspended_all: false,
        limits: new Map(),
        targets: new Map(),
        site_file_version: 3,
        longest_wait_s: new Map([[1, 1500], [2, 950]]),
        serves: new Map(office.counters.map((each) => [each.id, [{ category: 1, tier: 1 }, { category: 2, tier: 2 }]])),
        notice: null,
        hours: [],
        entered: [],
        paper: "NONE",
        takeover: null,
    });
    const { answer, read, change } = office;
    office.answer = (request, response) => {
        if (request.url.split("?")[0] === "/manager") {
            request.url = "/manager.html";
        }
        answer.call(office, request, response);
    };
    office.read = (path) =>
        path === "/api/v1/manager"
            ? { status: 200, body: viewOf(office) }
            : read.call(office, path);
    office.change = (path, members) => changeOf(office, path, members) ?? change.call(office, path, members);
    return office;
}

function viewOf(office) {
    const alertOf = (id) => {
        const longest_s = office.longest_wait_s.get(id) ?? -1;
        return longest_s > 1200 ? "OVER" : longest_s > 900 ? "NEAR" : "NONE";
    };
    const queue = office.queue();
    return {
        ...queue,
        hours: office.hours,
        site_version: office.site_file_version,
        site_in_force: true,
        suspended: office.suspended_all,
        categories: office.categories.map((each) => ({
            id: each.id,
            name_ja: each.name_ja,
            name_en: each.name_en,
            waiting: office.waiting(each.id).length,
            longest_wait_s: office.longest_wait_s.get(each.id) ?? null,
            estimated_wait_s: 600,
            target_s: (office.targets.get(each.id) ?? 20) * 60,
            target_minutes: office.targets.get(each.id) ?? null,
            waited: { all: 41, over: each.id === 1 ? 5 : 0 },
            alert: alertOf(each.id),
            open_counters: 2,
            suspended: each.suspended,
            accepting: !each.suspended && !office.suspended_all,
            refusal: each.suspended ? "CATEGORY_SUSPENDED" : office.suspended_all ? "ALL_SUSPENDED" : null,
            limit: office.limits.get(each.id) ?? null,
            limit_usual: null,
            today: totals(12, 9),
            hand_written: each.id > 2 ? null : { first: 900 + each.id * 10, last: 909 + each.id * 10, entered: office.entered.filter((ticket) => ticket.category === each.id) },
        })),
        counters: office.counters.map(({ id, name_ja, name_en, open, ticket }) => ({
            id,
            name_ja,
            name_en,
            open,
            since: open ? "2026-11-24T08:31:00.000+09:00" : null,
            by: open ? "佐藤" : "",
            ticket: ticket && { display: ticket.display, category: ticket.category, state: ticket.state },
            serves: office.serves.get(id),
            changed: office.changed_counter === id,
        })),
        slip: {
            site_ja: queue.site_ja,
            site_en: queue.site_en,
            date: "2026-11-24",
            final: office.day.state === "CLOSED",
            paper: office.paper,
            opened_at: "2026-11-24T08:30:00.000+09:00",
            closed_at: null,
            categories: office.categories.map((each) => ({ id: each.id, name_ja: each.name_ja, name_en: each.name_en, totals: totals(12, 9) })),
            all: { ...totals(72, 54), no_show: 6 },
            lsn: 4711,
            chain: "9f".repeat(32),
            term: 7,
            unit: 1,
        },
    };
}

const done = { status: 200, body: { action: "DONE", ticket: null } };

/** null: not the manager's. */
function changeOf(office, path, members) {
    const counter = /\/counters\/(\d+)\/serves$/.exec(path);
    const target = /\/categories\/(\d+)\/target$/.exec(path);
    const category = /\/categories\/(\d+)\/(suspend|resume|limit)$/.exec(path);
    if (members.preview) {
        return { status: 200, body: previewOf(path.endsWith("close") ? "CLOSE" : "HOURS", path.endsWith("close") ? "NOW" : "SERVED", { total: 3, waiting: 2, called: 1 }) };
    }
    if (target && members.base_version !== office.site_file_version) {
        return {
            status: 412,
            body: { status: 412, code: "OTHER_VERSION", title: "Somebody else was first.", title_ja: "ほかの方が先に変えました（いまは版 4）。" },
        };
    }
    if (target) {
        office.targets.set(Number(target[1]), members.minutes);
        office.site_file_version++;
        office.changed();
        return { status: 201, body: { version: office.site_file_version, in_force: true, changes: [], notices: [] } };
    }
    if (counter) {
        office.serves.set(Number(counter[1]), members.serves);
        office.changed_counter = Number(counter[1]);
    } else if (category) {
        const found = office.categories.find((each) => each.id === Number(category[1]));
        found.suspended = category[2] === "limit" ? found.suspended : category[2] === "suspend";
        if (category[2] === "limit") {
            office.limits.set(found.id, members.limit);
        }
    } else if (path.includes("/acceptance/")) {
        office.suspended_all = path.endsWith("suspend");
    } else if (path.endsWith("/notice")) {
        office.notice = members.text_ja ? { ja: members.text_ja, en: members.text_en ?? "" } : null;
    } else if (path.endsWith("/day/hours")) {
        office.hours = members.hours === "usual" ? [] : [{ date: members.date, kind: "closed", reason_ja: members.text_ja ?? "", reason_en: "" }];
    } else if (path.endsWith("/day/close")) {
        if (office.day.state !== "OPEN") {
            return { status: 409, body: { status: 409, code: "DAY_NOT_OPEN", title: "closed", title_ja: "開庁していません" } };
        }
        Object.assign(office.day, { state: "CLOSED", accepting: false });
    } else if (path.endsWith("/tickets/hand-written")) {
        if (office.entered.some((each) => each.number === members.number)) {
            return { status: 409, body: { status: 409, code: "NUMBER_TAKEN", title: "taken", title_ja: "この手書きの番号はすでに入力されています。" } };
        }
        office.entered.push({ ...members, state: "DONE", counter: members.to_counter ?? null });
    } else if (path.endsWith("/day/slip")) {
        office.paper = "PRINTED";
    } else {
        return null;
    }
    office.changed();
    return done;
}
