// time.js - the office's clock on a screen whose own clock may be wrong.
//
// as_of in a snapshot was read from the office's clock before the snapshot came here, so it can be late
// but never early: of all samples the one that is furthest ahead is the best. Between samples the
// browser's monotonic clock counts.

const ZONE = "Asia/Tokyo";
const CLOCK = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE,
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
});
const SHORT_CLOCK = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
});
const DATE_PARTS = { timeZone: ZONE, month: "long", day: "numeric", weekday: "short" };
const DATE_JA = new Intl.DateTimeFormat("ja-JP", DATE_PARTS);
const DATE_EN = new Intl.DateTimeFormat("en-GB", {
    timeZone: ZONE,
    day: "numeric",
    month: "long",
    weekday: "short",
});
/** The office's clock was set back by more than this: forget the samples from before. */
const STEP_BACK_MS = 10 * 60 * 1000;

export function createOfficeClock() {
    let offset_ms = null;
    return {
        /** A snapshot came: its as_of (ISO 8601). */
        sample(as_of) {
            const at_ms = Date.parse(as_of);
            if (Number.isNaN(at_ms)) {
                return;
            }
            const sample_ms = at_ms - performance.now();
            if (
                offset_ms === null ||
                sample_ms > offset_ms ||
                offset_ms - sample_ms > STEP_BACK_MS
            ) {
                offset_ms = sample_ms;
            }
        },
        now_ms() {
            return offset_ms === null ? Date.now() : offset_ms + performance.now();
        },
    };
}

export const formatClock = (at_ms) => CLOCK.format(at_ms);
export const formatShortClock = (at_ms) => SHORT_CLOCK.format(at_ms);
export const formatDateJa = (at_ms) => DATE_JA.format(at_ms);
export const formatDateEn = (at_ms) => DATE_EN.format(at_ms);

const DATES = { zh: "zh-CN", ko: "ko-KR" };

/** A date as readers of a language of the ticket machine write it. */
export function formatDateIn(language, at_ms) {
    if (language.startsWith("ja")) {
        return formatDateJa(at_ms);
    }
    const place = DATES[language];
    return place ? new Intl.DateTimeFormat(place, DATE_PARTS).format(at_ms) : formatDateEn(at_ms);
}

/** Whole minutes since an ISO time, never below 0; null when the time cannot be read. */
export function minutesSince(iso, now_ms) {
    const at_ms = Date.parse(iso);
    return Number.isNaN(at_ms) ? null : Math.max(0, Math.floor((now_ms - at_ms) / 60000));
}
