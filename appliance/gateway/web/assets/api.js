// api.js - asks the office, and does not give up while a unit is being relieved by the other.
//
// One press is one Idempotency-Key, kept through every retry: whichever unit answers, and however often
// it is asked, one press changes the office once (DESIGN 2, promise 6). A takeover resets connections or
// answers 503; both are retried here and never shown as an error.

const RETRY_DELAYS_MS = [0, 150, 300, 600];
const RETRY_DELAY_MS_MAX = 1000;
/** A gateway holds a request up to 3 s while duty moves; an attempt older than this will not be answered. */
const ATTEMPT_MS_MAX = 4500;

/** 32 hexadecimal digits. crypto.randomUUID does not exist on plain http, getRandomValues does. */
export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const pause = (delay_ms) => new Promise((resolve) => setTimeout(resolve, delay_ms));

async function attempt(path, init) {
    const given_up = new AbortController();
    const timer = setTimeout(() => given_up.abort(), ATTEMPT_MS_MAX);
    try {
        const response = await fetch(path, { ...init, cache: "no-store", signal: given_up.signal });
        const text = await response.text();
        return { status: response.status, body: parse(text) };
    } finally {
        clearTimeout(timer);
    }
}

function parse(text) {
    try {
        const body = JSON.parse(text);
        return body && typeof body === "object" ? body : {};
    } catch {
        return {};
    }
}

/** What is refused to whoever this is, and what is not any more: who.js says it to people. */
function tellRefusal(path, init, answer) {
    if (path === "/api/v1/session" || path.startsWith("/api/v1/session/")) {
        return; // the pages of signing in, and who.js itself
    }
    const reads = init.method !== "POST";
    if (answer.status === 401 || (answer.status === 403 && (reads || answer.body.code === "CHANGE_FIRST"))) {
        document.dispatchEvent(new CustomEvent("toban-refused", { detail: { path, ...answer } }));
    } else if (answer.status < 400) {
        document.dispatchEvent(new CustomEvent("toban-admitted", { detail: { path } }));
    }
}

async function untilAnswered(path, init, go_on) {
    for (let tries = 0; ; tries++) {
        if (tries > 0) {
            await pause(RETRY_DELAYS_MS[tries - 1] ?? RETRY_DELAY_MS_MAX);
        }
        if (!go_on()) {
            return null;
        }
        try {
            const answer = await attempt(path, init);
            // 502 and 504: a proxy in front of the gateway; 503: the gateway itself, or the office.
            if (![502, 503, 504].includes(answer.status)) {
                tellRefusal(path, init, answer);
                return answer;
            }
        } catch {
            // Refused, reset or timed out: the same request goes out again under the same key.
        }
    }
}

/** A press. Resolves to {status, body}; retries as long as go_on() says, then null. Never rejects. */
export function post(path, members = null, { key = newKey(), go_on = () => true } = {}) {
    const headers = { "Idempotency-Key": key, Accept: "application/json" };
    if (members !== null) {
        headers["Content-Type"] = "application/json";
    }
    const body = members === null ? undefined : JSON.stringify(members);
    return untilAnswered(path, { method: "POST", headers, body }, go_on);
}

/** A look. Same answer, same retries. anonymous: as anybody may, whoever is signed in here. */
export function get(path, { go_on = () => true, anonymous = false } = {}) {
    const credentials = anonymous ? "omit" : "same-origin";
    return untilAnswered(path, { headers: { Accept: "application/json" }, credentials }, go_on);
}

/** What a problem document (RFC 9457) says to people. */
export function problemText(answer) {
    const { title, detail, title_ja, detail_ja, code } = answer.body;
    return {
        code: code ?? String(answer.status),
        ja:
            [title_ja, detail_ja].filter(Boolean).join(" ") ||
            "受け付けられませんでした。もう一度お試しください。",
        en: [title, detail].filter(Boolean).join(" ") || "This was not accepted. Please try again.",
    };
}
