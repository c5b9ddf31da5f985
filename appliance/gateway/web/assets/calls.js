// calls.js - which calls this board still has to announce, and which it has. Pure: times are given.
//
// A call is announced once, by its call_id, whichever unit tells of it and however often: after a takeover
// the other unit tells the same calls again. It counts as announced when its announcement begins, so that
// a page that is loaded anew in the middle says it no second time, and those that waited behind it are not
// lost. Memory is of one service day.
//
// Announced late, too, are visitors who came meanwhile, or were called absent: each call is announced once
// (DESIGN 2, promise 7). Not announced: a call that was taken back (put back, undone, cancelled), because
// nobody expects the visitor there; what is over and older than a minute; and anything older than a minute
// by a board that has just been switched on and knows nothing.

export const FLASH_MS = 60000;
/** More than a snapshot tells (10): reached only while announcements stand still. */
export const PENDING_MAX = 20;
const REMEMBERED_MAX = 500;
const SHOWN_STATES = ["CALLED", "SERVING", "DONE", "ABSENT", "NO_SHOW"];

export const isShown = (call) => SHOWN_STATES.includes(call.state);

/** stored: what toStore() gave, or null. */
export function createCallBook(stored = null) {
    let day = stored?.day ?? null;
    let announced = new Map(Array.isArray(stored?.announced) ? stored.announced : []);
    let pending = []; // oldest first
    let dropped_count = 0;
    let is_first = true;

    function beginDay(date) {
        // A day that cannot be told is no new day.
        if (date && day !== date) {
            announced = day === null ? announced : new Map();
            pending = [];
            day = date;
        }
    }

    function isPast(call, knew_nothing, now_ms) {
        const age_ms = now_ms - Date.parse(call.called_at);
        return (knew_nothing || call.state !== "CALLED") && age_ms > FLASH_MS;
    }

    return {
        /** A snapshot: its new calls wait for their announcement. */
        take(queue, now_ms) {
            beginDay(queue.service_day?.date);
            const knew_nothing = is_first && announced.size === 0;
            is_first = false;
            const known = new Map(queue.calls.map((call) => [call.call_id, call]));
            pending = pending.map((call) => known.get(call.call_id) ?? call);
            for (const call of [...queue.calls].reverse()) {
                if (
                    announced.has(call.call_id) ||
                    !isShown(call) ||
                    pending.some((each) => each.call_id === call.call_id)
                ) {
                    continue;
                }
                if (isPast(call, knew_nothing, now_ms)) {
                    announced.set(call.call_id, 0);
                } else {
                    pending.push(call);
                }
            }
            while (pending.length > PENDING_MAX) {
                announced.set(pending.shift().call_id, 0);
                dropped_count++;
            }
        },

        /** The next to announce, which from now on counts as announced; null when there is none. */
        next(now_ms) {
            while (pending.length > 0) {
                const call = pending.shift();
                if (isShown(call)) {
                    announced.set(call.call_id, now_ms);
                    return call;
                }
            }
            return null;
        },

        /** New to who looks: until a minute after its announcement began. */
        isFlashing(call, now_ms) {
            return (
                call.state === "CALLED" &&
                (pending.some((each) => each.call_id === call.call_id) ||
                    now_ms - (announced.get(call.call_id) ?? 0) < FLASH_MS)
            );
        },

        pendingCount: () => pending.length,
        droppedCount: () => dropped_count,
        toStore: () => ({ day, announced: [...announced].slice(-REMEMBERED_MAX) }),
    };
}
