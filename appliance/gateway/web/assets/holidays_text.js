// holidays_text.js - the bytes of a list of holidays as text: CP932, as the Cabinet Office writes it, or UTF-8.

const LINE_FEED = 10;

/** The list as text; a number: the line that is neither UTF-8 nor CP932. */
export function textOf(bytes) {
    for (const encoding of ["utf-8", "shift_jis"]) {
        try {
            return new TextDecoder(encoding, { fatal: true }).decode(bytes);
        } catch {
            // The other one.
        }
    }
    const decoder = new TextDecoder("shift_jis", { fatal: true });
    for (let line = 1, at = 0; ; line++) {
        const end = bytes.indexOf(LINE_FEED, at);
        try {
            decoder.decode(bytes.subarray(at, end < 0 ? bytes.length : end));
        } catch {
            return line;
        }
        if (end < 0) {
            return line; // a character is cut off by the end of a line: the last one is as good as any
        }
        at = end + 1;
    }
}
