// own_ticket.js - one visitor's own number on his telephone: where it stands, and its call, told once.
//
// The ticket's id is the credential. It comes behind the page's address (?ticket= from paper, or #) and is
// moved behind # at once, so that no later request for a page carries it. Calls that were told are kept by
// the name that the office gives each call: a reload, or another unit that says it again, tells it to nobody
// twice. When the ticket ends, or its day is erased, nothing of it is kept here.

import { get, post, newKey } from "./api.js";

const READ_MS_MIN = 10000; // a thousand telephones: the office is asked a hundred times a second at most
const READ_MS_MAX = 30000;
const TOLD = "toban-told";
const ENDED = ["DONE", "CANCELLED", "NO_SHOW", "EXPIRED", "VOID"];
const VIBRATION_MS = [400, 200, 400, 200, 800];

function idFromAddress() {
    const asked = new URLSearchParams(location.search).get("ticket") ?? location.hash.slice(1);
    if (!/^[\w-]{1,64}$/.test(asked)) {
        return null;
    }
    if (location.search) {
        history.replaceState(null, "", `${location.pathname}#${asked}`);
    }
    return asked;
}

/** Told calls of this very ticket; storage may be refused: then a reload tells once more. */
function readTold(id) {
    try {
        const kept = JSON.parse(localStorage.getItem(TOLD));
        return kept?.id === id ? kept.calls : [];
    } catch {
        return [];
    }
}

function keepTold(id, calls) {
    try {
        localStorage.setItem(TOLD, JSON.stringify({ id, calls }));
    } catch {
        // A private window: what was told is known until it is closed.
    }
}

/**
 * on_ticket(ticket) whenever it changed; null: there is none (any more). on_called(ticket) once for each
 * call. Returns {look(queue), cancel(), arrive(), follow(id)}; look is called with every snapshot of the queue; follow: a
 * number was given on this page.
 */
export function followTicket({ on_ticket, on_called, on_ended }) {
    let id = idFromAddress();
    let told = id ? readTold(id) : [];
    let ticket = null;
    let known = ""; // what the queue said of it when it was read last
    let read_ms = -Infinity;
    let due_ms = READ_MS_MIN;
    let is_reading = false;
    let seen_lsn = null;
    let is_over = id === null;

    function end(last) {
        is_over = true;
        ticket = null;
        try {
            localStorage.removeItem(TOLD);
        } catch {
            // Nothing was kept.
        }
        history.replaceState(null, "", location.pathname);
        on_ticket(null);
        on_ended(last);
    }

    function take(answer) {
        if (answer.status === 404 || answer.status === 410) {
            end(ticket);
            return;
        }
        if (answer.status !== 200) {
            return;
        }
        ticket = answer.body;
        if (ENDED.includes(ticket.state)) {
            end(ticket);
            return;
        }
        on_ticket(ticket);
        if (ticket.state === "CALLED" && ticket.call_id && !told.includes(ticket.call_id)) {
            told = [...told.slice(-9), ticket.call_id];
            keepTold(id, told);
            navigator.vibrate?.(VIBRATION_MS);
            on_called(ticket);
        }
    }

    async function read() {
        is_reading = true;
        read_ms = performance.now();
        // Not all at the same moment, when one call changes the queue for everybody.
        due_ms = READ_MS_MIN * (1 + Math.random() / 2);
        const answer = await get(`/api/v1/tickets/${id}`, { go_on: () => !is_over });
        is_reading = false;
        if (answer && !is_over) {
            take(answer);
        }
    }

    /** Whatever the queue itself says of this number is looked into at once; the rest can wait. */
    function saidOf(queue) {
        const at = queue.counters.find((each) => each.ticket?.display === ticket?.display);
        const call = queue.calls.find((each) => each.display === ticket?.display);
        return ticket ? `${at?.id} ${at?.ticket.state} ${call?.call_id} ${call?.state}` : "";
    }

    return {
        has: () => !is_over,
        look(queue) {
            const age_ms = performance.now() - read_ms;
            const says = saidOf(queue);
            if (is_over || is_reading) {
                return;
            }
            if (ticket === null ? age_ms > 1000 : says !== known || age_ms > READ_MS_MAX) {
                known = says;
                read();
            } else if (age_ms > due_ms && seen_lsn !== queue.lsn) {
                read();
            } else {
                return;
            }
            seen_lsn = queue.lsn;
        },
        follow(given) {
            id = given;
            told = readTold(id);
            ticket = null;
            known = "";
            read_ms = -Infinity;
            is_over = false;
            history.replaceState(null, "", `${location.pathname}#${id}`);
        },
        /** The visitor is in the office, and says so here, where the site allows it. Resolves to what was answered. */
        async arrive() {
            const mine = id;
            const answer = await post(`/api/v1/tickets/${mine}/arrive`, null, {
                key: newKey(),
                go_on: () => !is_over,
            });
            if (answer?.status === 200 && !is_over && mine === id) {
                read();
            }
            return answer;
        },
        /** Resolves to what was answered; null: it ended meanwhile. */
        async cancel() {
            const answer = await post(`/api/v1/tickets/${id}/cancel`, null, {
                key: newKey(),
                go_on: () => !is_over,
            });
            if (answer && answer.status === 200 && !is_over) {
                end({ ...ticket, ...answer.body });
            }
            return answer;
        },
    };
}
