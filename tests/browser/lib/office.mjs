// office.mjs - the real office that run.sh has started, or was told of: where it is, whom a browser of it believes, and
// with which credentials each role comes. Without one its tests say SKIP.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import https from "node:https";
import { cookieOf } from "./browser.mjs";
import { walkTo } from "./kiosk_path.mjs";

const name = process.env.TOBAN_OFFICE_NAME;
const program = process.env.TOBAN_OFFICE;

export const SKIP =
    name && program
        ? false
        : "no real office: build toban-office, toband and toban-web and run as root, or name one";
/** One that ran already is left whole. */
export const SKIP_FAULT = SKIP || (process.env.TOBAN_OFFICE_OWN ? false : "not an office of our own to break");

export const info = () => JSON.parse(execFileSync(program, ["info", "--name", name, "--json"]));
/** toban-office WORDS... of this office. */
export const doToOffice = (...words) => execFileSync(program, [...words, "--name", name]);
/** toban WORDS... as root on the unit on duty. */
export const toban = (...words) =>
    execFileSync(program.replace("toban-office", "toban"), ["--name", name, ...words], { encoding: "utf8" });

export const office = SKIP ? null : info();
export const ca = office ? readFileSync(office.ca_file) : null;

/** GET /api/v1/PATH as one of the roles, "" nobody in particular: {status, headers, body}. */
export function ask(path, role = "administrator", origin = office.host_url) {
    const headers = role ? { Authorization: `Bearer ${office.credentials[role]}` } : {};
    return new Promise((resolve, reject) => {
        https
            .get(`${origin}/${path}`, { ca, headers, agent: false }, (response) => {
                let text = "";
                response.setEncoding("utf8");
                response.on("data", (piece) => {
                    text += piece;
                });
                response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
                response.on("error", reject);
            })
            .on("error", reject);
    });
}
export const read = async (path, role) => JSON.parse((await ask(`api/v1/${path}`, role)).text);

/** At the kiosk page: through the menu to this category, or to one that is taken now, as far as the look before #take. */
export async function lookAt(kiosk, category = null) {
    const wanted = category ?? (await read("queue")).categories.find((each) => each.accepting).id;
    await walkTo(kiosk, await read("site"), wanted);
}

/** POST /api/v1/PATH with this token, "" none: {status, body}. */
export function send(path, members, token = "", key = `b${Math.random()}`) {
    const body = JSON.stringify(members);
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key, "Content-Length": Buffer.byteLength(body) };
    if (token) {
        headers.Authorization = `Bearer ${token}`;
    }
    return new Promise((resolve, reject) => {
        const request = https.request(`${office.host_url}/api/v1/${path}`, { ca, headers, agent: false, method: "POST" }, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (piece) => {
                text += piece;
            });
            response.on("end", () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
            response.on("error", reject);
        });
        request.on("error", reject);
        request.end(body);
    });
}

export const cookiesOf = (role, url) => [cookieOf(role, office.credentials[role], url)];
