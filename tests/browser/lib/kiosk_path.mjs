// kiosk_path.mjs - the way through a ticket machine's menu, whatever the site has made of it.

/** The keys of the kiosk's menu that lead to a category: of its groups, then its own. Null: it is not in there. */
function pathTo(site, category, menu = site.menu ?? site.categories.map(({ id }) => ({ category: id }))) {
    for (const item of menu) {
        if (item.category === category) {
            return [`c${category}`];
        }
        const group = site.groups?.find((each) => each.id === item.group);
        const inside = group && pathTo(site, category, group.items);
        if (inside) {
            return [`g${group.id}`, ...inside];
        }
    }
    return null;
}

/** At the kiosk page: from its first screen to the look before #take. */
export async function walkTo(kiosk, site, category) {
    for (const key of pathTo(site, category)) {
        await kiosk.locator("body[data-listens=true]").waitFor();
        await kiosk.locator(`[data-key="${key}"] .category`).click();
    }
    await kiosk.locator("#confirm_title").waitFor({ state: "visible" });
    await kiosk.locator("body[data-listens=true]").waitFor();
}
