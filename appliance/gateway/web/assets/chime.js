// chime.js - two notes before a call, made here: no sound file. A browser may forbid sound until somebody
// touches it; the board then shows that it is mute, and tries again at the next call.

const NOTES_HZ = [880, 659.26];
const NOTE_S = 0.55;
const LOUDNESS = 0.25;

let context = null;

/** True while the browser keeps this page silent. */
export function isMute() {
    return context !== null && context.state !== "running";
}

export async function chime() {
    try {
        context ??= new AudioContext();
        if (context.state !== "running") {
            // Never settles while sound is forbidden: whoever waits for it waits alone.
            context.resume().then(play, () => {});
            return;
        }
        play();
    } catch {
        // No sound device: the board is still a board.
    }
}

function play() {
    NOTES_HZ.forEach((frequency, index) => {
        const start_s = context.currentTime + index * NOTE_S;
        const tone = new OscillatorNode(context, { type: "sine", frequency });
        const loudness = new GainNode(context, { gain: 0 });
        loudness.gain.setValueAtTime(0, start_s);
        loudness.gain.linearRampToValueAtTime(LOUDNESS, start_s + 0.02);
        loudness.gain.exponentialRampToValueAtTime(0.001, start_s + NOTE_S * 1.8);
        tone.connect(loudness).connect(context.destination);
        tone.start(start_s);
        tone.stop(start_s + NOTE_S * 2);
    });
}
