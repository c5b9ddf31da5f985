// site.js - what the site's settings say to visitors: names in five languages, the tree of purposes, what may be
// chosen. From GET /api/v1/site; an office that does not give it has what a queue snapshot says: a flat list.

import { get } from "./api.js";

const RETRY_MS = 60000;

const inTwo = (ja, en) => ({ ja, "ja-easy": ja, en: en || ja, zh: en || ja, ko: en || ja });

/** A button of the menu: {key, category, names, note, items}; category 0: it opens `items`. */
function itemsOf(body, menu, depth = 0) {
    const groups = new Map((body.groups ?? []).map((each) => [each.id, each]));
    const categories = new Map((body.categories ?? []).map((each) => [each.id, each]));
    return menu
        .map((item) => {
            const group = groups.get(item.group);
            const found = group ?? categories.get(item.category);
            // A group within itself would never end: the office refuses such a file, this page survives it.
            if (!found || depth > groups.size) {
                return null;
            }
            return {
                key: group ? `g${group.id}` : `c${found.id}`,
                category: group ? 0 : found.id,
                names: found.name,
                note: found.note ?? null,
                items: group ? itemsOf(body, group.items ?? [], depth + 1) : [],
            };
        })
        .filter((item) => item && (item.category !== 0 || item.items.length > 0));
}

/** body: of GET /api/v1/site. */
export function siteFrom(body) {
    return {
        names: body.name,
        items: itemsOf(
            body,
            body.menu ?? (body.categories ?? []).map(({ id }) => ({ category: id })),
        ),
        languages: body.languages ?? [],
        paper: body.delivery ? body.delivery.includes("paper") : true,
        paperless: body.delivery ? body.delivery.includes("paperless") : false,
        priorities: (body.priorities ?? []).map(({ level, name }) => ({ level, names: name })),
    };
}

/** What a snapshot of the queue alone says. */
export function siteFromQueue(queue) {
    return {
        names: inTwo(queue.site_ja, queue.site_en),
        items: queue.categories.map(({ id, name_ja, name_en }) => ({
            key: `c${id}`,
            category: id,
            names: inTwo(name_ja, name_en),
            note: null,
            items: [],
        })),
        languages: [],
        paper: true,
        paperless: false,
        priorities: [],
    };
}

/** The menu's own page: the item that a path of keys leads to has these items. Null: it is not there any more. */
export function itemsAt(site, path) {
    let items = site.items;
    for (const key of path) {
        items = items.find((each) => each.key === key && each.category === 0)?.items;
        if (!items) {
            return null;
        }
    }
    return items;
}

/** Every category of the menu once, at any depth. */
export const leavesOf = (items) =>
    items.flatMap((each) => (each.category === 0 ? leavesOf(each.items) : [each]));

export const nameOf = (names, language) => names?.[language] || names?.en || names?.ja || "";

/**
 * Follows the settings: on_site(site) at first and whenever they changed, on_none() when this office gives none;
 * look() asks again, now.
 */
export function connectSite({ on_site, on_none }) {
    let told = "";
    let asking = false;
    async function look() {
        if (asking) {
            return;
        }
        asking = true;
        const answer = await get("/api/v1/site");
        asking = false;
        const text = answer?.status === 200 ? JSON.stringify(answer.body) : "";
        if (text && text !== told && Array.isArray(answer.body.categories)) {
            told = text;
            on_site(siteFrom(answer.body));
        } else if (!told) {
            on_none();
        }
    }
    setInterval(look, RETRY_MS);
    look();
    return { look };
}
