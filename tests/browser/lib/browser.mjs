// browser.mjs - one Chromium for a test file, a fresh context per page, and what every page is held to.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const SHOTS_DIR =
    process.env.TOBAN_SHOTS ?? new URL("../../../build/browser/", import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** The pages live at a plain http address that is not localhost: no secure context, as in the office. */
export const OFFICE_HOST = "office.test";
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** For files whose cases share nothing but the browser, each with an office and a page of its own: they mostly wait, for a screen
 * to be old enough or for an answer to be late, and may as well wait together. */
export const AT_ONCE = { concurrency: Number(process.env.TOBAN_AT_ONCE ?? 3) };
const UPRIGHT_PX = 450;
const LYING_PX = 1280;
/** The pictures of docs/manual: what a test calls a screen -> what the manual does, and how wide. */
export const PICTURES = Object.fromEntries(
    [
        ["looks-upright-tree-0", "kiosk-choose", UPRIGHT_PX],
        ["looks-upright-confirm-0", "kiosk-confirm", UPRIGHT_PX],
        ["looks-upright-number-0", "kiosk-number", UPRIGHT_PX],
        ["kiosk-staff", "kiosk-staff", UPRIGHT_PX],
        ["counter-called", "counter-called", LYING_PX],
        ["counter-more", "counter-more", LYING_PX],
        ["counter-keys", "counter-keys", LYING_PX],
        ["counter-takeover", "counter-takeover", LYING_PX],
        ["manager-now", "manager-now", LYING_PX],
        ["manager-serves", "manager-serves", LYING_PX],
        ["day-manager", "manager-day", LYING_PX],
        ["manager-close", "manager-close", LYING_PX],
        ["manager-paper", "manager-paper", LYING_PX],
        ["board", "board", LYING_PX],
        ["board-stale-falls_silent", "board-stale", LYING_PX],
        ["board-blocked", "board-blocked", LYING_PX],
        ["board-picture", "board-silent", LYING_PX],
    ].map(([shown, name, width]) => [shown, { name, width }]),
);

/** Chromium as an office sets it up: its policy (CACertificates) names the site's own authority. The policy is seen by this
 * browser alone: it lies in a mount of its own. network: the namespace that it stands in. */
function managed(chromium_path, folder, authority, network) {
    const wrapper = join(folder, "chromium");
    const policy = join(folder, "policy.json");
    const der = authority.toString().replace(/-----[^-]+-----|\s/g, "");
    const enter = network ? `ip netns exec ${network} ` : "";
    writeFileSync(policy, JSON.stringify({ CACertificates: [der] }));
    writeFileSync(
        wrapper,
        `#!/bin/sh
exec ${enter}unshare --mount sh -c '
    mount -t tmpfs none /etc/chromium && mkdir -p /etc/chromium/policies/managed &&
    cp "${policy}" /etc/chromium/policies/managed/ && exec "${chromium_path}" "$@"' chromium "$@"
`,
    );
    chmodSync(wrapper, 0o755);
    return wrapper;
}

export async function startBrowser({ authority = null, network = "", args = [] } = {}) {
    const chromium_path = process.env.TOBAN_CHROMIUM ?? "/usr/bin/chromium";
    assert.ok(existsSync(chromium_path), `no browser at ${chromium_path}: apt install chromium`);
    mkdirSync(SHOTS_DIR, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), "toban-browser-"));
    const browser = await chromium.launch({
        executablePath: authority ? managed(chromium_path, folder, authority, network) : chromium_path,
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            `--host-resolver-rules=MAP ${OFFICE_HOST} 127.0.0.1`,
            ...args,
        ],
    });
    browser.on("disconnected", () => rmSync(folder, { recursive: true, force: true }));
    return browser;
}

/** A page with its own storage, and the cookies it has from the beginning. page.complaints: script errors, and whatever the CSP refused. */
export async function openPage(
    browser,
    url,
    { width = 1280, height = 800, reducedMotion = "no-preference", hasTouch = false, bypassCSP = false, cookies = [] } = {},
) {
    const context = await browser.newContext({
        viewport: { width, height },
        reducedMotion,
        hasTouch,
        bypassCSP, // only for a test that brings scripts of its own
        locale: "ja-JP",
    });
    await context.addCookies(cookies);
    const page = await context.newPage();
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (message) => {
        // A connection that fails is a fault that a test made; a script that fails is not.
        if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) {
            page.complaints.push(message.text());
        }
    });
    await page.goto(url);
    return page;
}

/** What a browser holds that is a device of this role, or in which such a person is signed in. */
export function cookieOf(role, value, url) {
    const device = ["kiosk", "board", "counter", "noc"].includes(role);
    const name = device ? "__Host-toban-device" : "__Host-toban";
    return { name, value, url, secure: true, httpOnly: true, sameSite: "Strict" };
}

export async function closePage(page) {
    assert.deepEqual(
        page.complaints,
        [],
        "the page's scripts and the content security policy have no complaint",
    );
    await page.context().close();
}

/** A screen as it is, for who looks after a test; and for the manuals, when `make manual-pictures` says where to. */
export async function shot(page, name) {
    const bytes = await page.screenshot({ path: `${SHOTS_DIR}/${name}.png` });
    const picture = process.env.TOBAN_PICTURES && PICTURES[name];
    if (!picture) {
        return;
    }
    const paper = await page.context().newPage();
    const { width, height } = page.viewportSize();
    const size = { width: picture.width, height: Math.round((height * picture.width) / width) };
    await paper.setViewportSize(size);
    await paper.setContent(`<style>body{margin:0}img{display:block;width:${size.width}px}</style><img src="data:image/png;base64,${bytes.toString("base64")}">`);
    await paper.locator("img").evaluate((image) => image.decode());
    await paper.screenshot({ path: join(process.env.TOBAN_PICTURES, `${picture.name}.png`) });
    await paper.close();
}

export async function assertAccessible(page) {
    // evaluate, not a script element: the page's content security policy stays as it is.
    if (!(await page.evaluate(() => "axe" in globalThis))) {
        await page.evaluate(AXE);
    }
    const found = await page.evaluate(
        (tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }),
        WCAG,
    );
    assert.deepEqual(
        found.violations.map(
            (each) =>
                `${each.id}: ${each.nodes.map((node) => `${node.target} ${node.any?.[0]?.message ?? ""}`).join("; ")}`,
        ),
        [],
    );
}

/** Waits until look() gives something true, and gives it back. */
export async function until(look, what, limit_ms = 10000) {
    const end_ms = Date.now() + limit_ms;
    for (;;) {
        const seen = await look();
        if (seen) {
            return seen;
        }
        assert.ok(Date.now() < end_ms, `within ${limit_ms} ms: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 40));
    }
}
