// journal.mjs - what pages sent and were answered, as the checker of a demo day reads it (tools/office/demo/checker.mjs).

import { nowMs } from "../../../tools/office/demo/common.mjs";

/** {requests, board, settled()}: follow(page, who) before the page is opened. */
export function createJournal() {
    const requests = [];
    const board = [];
    const pending = new Set();
    const tries = new Map(); // key -> how often it was sent
    const began = new Map();

    async function answered(request, record) {
        try {
            const response = await request.response();
            record.received = nowMs();
            record.status = response?.status() ?? 0;
            record.reply = response ? await response.json() : null;
        } catch {
            record.status = 0; // the page went on without it
        }
    }

    return {
        requests,
        board,
        follow(page, who) {
            page.on("request", (request) => {
                const path = new URL(request.url()).pathname;
                if (request.method() !== "POST" || !path.startsWith("/api/v1/")) {
                    return;
                }
                const key = request.headers()["idempotency-key"];
                tries.set(key, (tries.get(key) ?? 0) + 1);
                const record = { kind: "request", side: "lan", who, what: path.split("/").pop(), key, path, try: tries.get(key), sent: nowMs(), status: 0 };
                requests.push(record);
                began.set(request, record);
            });
            for (const event of ["requestfinished", "requestfailed"]) {
                page.on(event, (request) => {
                    const record = began.get(request);
                    began.delete(request);
                    if (record) {
                        record.received = nowMs();
                        const work = event === "requestfailed" ? Promise.resolve() : answered(request, record);
                        pending.add(work);
                        work.finally(() => pending.delete(work));
                    }
                });
            }
        },
        /** A call that a board has begun to say. */
        hear: ({ call_id, display, counter }) =>
            board.push({ kind: "board", t: nowMs(), calls: [{ id: call_id, display, counter }] }),
        settled: () => Promise.all(pending),
    };
}
