// manager_targets.js - how long somebody may wait: a target for each service, and how many of today's waits were longer.
//
// A target is one number of the site file. What is set here becomes a new version of it, founded on the version that was
// shown: of two who change at once one is told that the other was first.

import { byId, setText } from "./dom.js";

const NOTE_BYTES_MAX = 95;
const PERCENT = 100;

/** Of {all, over}; nobody has waited yet: a dash. */
export const percentText = ({ all, over }) => (all === 0 ? "—" : `${Math.round((over / all) * PERCENT)}%`);

/** The same with its numbers: "12%（5／41人）". */
export const shareText = (waited) => `${percentText(waited)}${waited.all === 0 ? "" : `（${waited.over}／${waited.all}人）`}`;

/** As much of a text as its bytes allow. */
function shortened(text) {
    let kept = text.trim();
    while (new TextEncoder().encode(kept).length > NOTE_BYTES_MAX) {
        kept = [...kept].slice(0, -1).join("");
    }
    return kept;
}

/** categoryOf(id), versionOf(): of the newest view; send(path, members, done): the page's own. */
export function createTargets({ categoryOf, send, versionOf }) {
    let chosen = null; // {id, version}: what was shown when the dialog was opened

    function set(minutes) {
        const { id, version } = chosen;
        const { name_ja, name_en } = categoryOf(id);
        const note = shortened(byId("target_note").value);
        byId("target").close();
        send(`/categories/${id}/target`, { minutes, base_version: version, ...(note ? { note } : {}) }, ({ in_force, version: now }) => {
            const ja = minutes === 0 ? `「${name_ja}」の目標をなくしました` : `「${name_ja}」の目標を${minutes}分にしました`;
            const en = minutes === 0 ? `${name_en} has no target of its own` : `The target of ${name_en} is ${minutes} min`;
            return in_force
                ? [`${ja}（設定 第${now}版）。`, `${en}, version ${now}.`]
                : [`${ja}。次の開庁から有効です（設定 第${now}版）。`, `${en} from the next opening on, version ${now}.`];
        });
    }

    byId("target_form").addEventListener("submit", (event) => {
        event.preventDefault();
        set(Number(byId("target_minutes").value));
    });
    byId("target_none").addEventListener("click", () => set(0));
    byId("target_no").addEventListener("click", () => byId("target").close());

    return {
        open(id) {
            chosen = { id, version: versionOf() };
            const { name_ja, target_minutes } = categoryOf(id);
            setText(byId("target_title"), `${name_ja} の待ちの目標`);
            byId("target_minutes").value = target_minutes ?? "";
            byId("target_note").value = "";
            byId("target").showModal();
        },
    };
}
