// chime.js - two notes before a call, made here: no sound file, and the same samples every time.

const NOTES_HZ = [880, 659.26];
const NOTE_S = 0.55;
const RING_S = 1;
const LOUDNESS = 0.25;
const ATTACK_S = 0.02;
const FALL_PER_S = 5.5;

/** The samples of the chime at this rate. */
export function makeChime(rate_hz) {
    const length = Math.round((NOTE_S * (NOTES_HZ.length - 1) + RING_S) * rate_hz);
    const samples = new Float32Array(length);
    NOTES_HZ.forEach((frequency_hz, index) => {
        const start = Math.round(index * NOTE_S * rate_hz);
        const end = Math.min(length, start + Math.round(RING_S * rate_hz));
        for (let at = start; at < end; at++) {
            const s = (at - start) / rate_hz;
            const rise = Math.min(1, s / ATTACK_S);
            // Both ends are silence, so that nothing clicks.
            const fall = Math.exp(-FALL_PER_S * s) * Math.min(1, (RING_S - s) / ATTACK_S);
            samples[at] += LOUDNESS * rise * fall * Math.sin(2 * Math.PI * frequency_hz * s);
        }
    });
    return samples;
}
