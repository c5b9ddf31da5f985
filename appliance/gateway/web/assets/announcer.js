// announcer.js - says one call at a time: chime, Japanese, English, from the voice pack, joined into one piece
// of sound, so that no half of a call is ever played and none overlaps another.
//
// What it can do is its sound:
//   on       clips of the pack        speech   no pack: the browser's own voice, after the chime
//   blocked  the browser keeps this page silent until somebody touches it
//   chime    no pack and no voice     off      a silent branch: pictures instead of sound

import { makeChime } from "./chime.js";
import { CHIME, announcement, announcementText } from "./readings.js";
import { loadVoice } from "./voice.js";

const RATE_HZ = 48000;
/** A call without sound stands on the screen for so long before the next. */
const PICTURE_MS = 6000;
const CHIME_ONLY_MS = 3500;
const SPEECH_MS_MAX = 20000; // a voice that never says that it is over
const STILL_MS = 1500; // without any progress: the sound stands still
const PACK_WAIT_MS = 5000; // by a board that has just been switched on
const UNLOCKED_BY = ["pointerdown", "keydown", "touchend"];

const pause = (delay_ms) => new Promise((resolve) => setTimeout(resolve, delay_ms));

function openContext() {
    try {
        return new AudioContext({ sampleRate: RATE_HZ });
    } catch {
        return null; // no sound at all: the board is still a board
    }
}

function japaneseVoice() {
    const voices = globalThis.speechSynthesis?.getVoices() ?? [];
    return voices.some((each) => each.lang.toLowerCase().startsWith("ja"));
}

function speak(text, language) {
    return new Promise((resolve) => {
        const utterance = new SpeechSynthesisUtterance(text);
        utterance.lang = language;
        utterance.addEventListener("end", resolve);
        utterance.addEventListener("error", resolve);
        speechSynthesis.speak(utterance);
    });
}

export function createAnnouncer({ is_silent = false, on_change = () => {} } = {}) {
    const context = openContext();
    const chime = context && toBuffer(makeChime(RATE_HZ));
    const voice =
        context &&
        loadVoice(context, { isWanted: (clip) => !clip.id.includes(".kiosk."), on_change });
    let silent = is_silent;

    function toBuffer(samples) {
        const buffer = context.createBuffer(1, samples.length, RATE_HZ);
        buffer.copyToChannel(samples, 0);
        return buffer;
    }

    function sound() {
        if (silent) {
            return "off";
        }
        if (!context || context.state !== "running") {
            return "blocked";
        }
        if (voice.state() !== "none") {
            return "on"; // or about to be
        }
        return japaneseVoice() ? "speech" : "chime";
    }

    /** One piece of sound, or null when a clip of it is not there. */
    function join(plan) {
        const parts = plan.map(({ id, pause_ms }) =>
            id === CHIME ? chime : id ? voice.clip(id) : Math.round((pause_ms * RATE_HZ) / 1000),
        );
        if (parts.includes(null)) {
            return null;
        }
        const lengthOf = (part) => part.length ?? part;
        const samples = new Float32Array(parts.reduce((sum, part) => sum + lengthOf(part), 0));
        let at = 0;
        for (const part of parts) {
            if (part.length) {
                samples.set(part.getChannelData(0), at);
            }
            at += lengthOf(part);
        }
        return toBuffer(samples);
    }

    /** Resolves when it is over, or when the sound stands still: a slow machine is no reason to cut a call off. */
    async function play(buffer) {
        const source = new AudioBufferSourceNode(context, { buffer });
        let is_over = false;
        const over = new Promise((resolve) => source.addEventListener("ended", resolve)).then(() => {
            is_over = true;
        });
        source.connect(context.destination);
        source.start();
        const end_s = context.currentTime + buffer.duration + STILL_MS / 1000; // should it never be said to be over
        for (let at_s = -1; !is_over && at_s < context.currentTime && context.currentTime < end_s; ) {
            at_s = context.currentTime;
            await Promise.race([over, pause(STILL_MS)]);
        }
        source.disconnect();
    }

    async function sayWithoutPack(call) {
        await play(chime);
        if (!japaneseVoice()) {
            await pause(CHIME_ONLY_MS);
            return;
        }
        const { ja, en } = announcementText(call);
        const both = speak(ja, "ja-JP").then(() => speak(en, "en-US"));
        await Promise.race([both, pause(SPEECH_MS_MAX)]);
        speechSynthesis.cancel();
    }

    async function say(call) {
        if (sound() === "on" && voice.state() === "loading") {
            await Promise.race([voice.settled, pause(PACK_WAIT_MS)]);
        }
        const plan = announcement(call);
        const can = sound();
        if (can === "off" || can === "blocked" || !plan) {
            unlock();
            await pause(PICTURE_MS);
            return;
        }
        const joined = can === "on" ? join(plan) : null;
        await (joined ? play(joined) : sayWithoutPack(call));
    }

    function unlock() {
        if (context && context.state !== "running") {
            // Never settles while sound is forbidden: nobody waits for it.
            context.resume().then(on_change, () => {});
        }
    }

    if (context) {
        context.addEventListener("statechange", on_change);
        globalThis.speechSynthesis?.addEventListener?.("voiceschanged", on_change);
        UNLOCKED_BY.forEach((name) => addEventListener(name, unlock));
    }
    return {
        say,
        sound,
        /** "loading", "ready" or "none": the pack. */
        voice: () => voice?.state() ?? "none",
        setSilent(value) {
            silent = value;
        },
    };
}
