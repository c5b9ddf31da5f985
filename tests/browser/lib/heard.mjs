// heard.mjs - hears what a page sends to its loudspeakers, and says which clips that were.
//
// Whatever the page connects to the destination of its AudioContext goes there through a node that a recorder hears, which
// keeps the samples with their place in time. They are then read from the first that is a sound: at each
// sound exactly one clip of the pack must begin whose every sample is there. Two sounds at once, a half one or
// one that is not of the pack match nothing. Needs a secure context, 127.0.0.1 is one, and a page opened with
// bypassCSP: the recorder is a script that no office serves.

const RECORDER = `
registerProcessor("recorder", class extends AudioWorkletProcessor {
    constructor() {
        super();
        this.port.onmessage = () => this.port.postMessage(null); // after all that was posted before
        this.due = 0;
        this.before = { uncalled: 0, unconnected: 0, silent: 0 }; // since the sound before: a hole has one of three causes
    }
    process([input]) {
        this.before.uncalled += (currentFrame - this.due) / 128;
        this.due = currentFrame + 128;
        if (input.length > 0 && input[0].some((sample) => sample !== 0)) {
            this.port.postMessage({ frame: currentFrame, samples: input[0].slice(), before: this.before });
            this.before = { uncalled: 0, unconnected: 0, silent: 0 };
        } else {
            this.before[input.length > 0 ? "silent" : "unconnected"]++;
        }
        return true;
    }
});`;

/** Before the page is opened. */
export async function listenTo(page) {
    await page.addInitScript((code) => {
        const connect = AudioNode.prototype.connect;
        const heard = { blocks: [], listens: false, flush: async () => {} };
        globalThis.heard_sound = heard;
        // Between page and loudspeakers, and heard there: a recorder beside them would miss how a sound begins.
        const taps = new WeakMap(); // context -> node
        AudioNode.prototype.connect = function (to, ...rest) {
            return connect.call(this, (to instanceof AudioDestinationNode && taps.get(to.context)) || to, ...rest);
        };
        const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
        globalThis.AudioContext = class extends AudioContext {
            constructor(...given) {
                super(...given);
                const tap = new GainNode(this);
                connect.call(tap, this.destination);
                taps.set(this, tap);
                this.audioWorklet.addModule(address).then(async () => {
                    const recorder = new AudioWorkletNode(this, "recorder");
                    const asked = [];
                    recorder.port.onmessage = ({ data }) =>
                        data ? heard.blocks.push(data) : asked.shift()();
                    // What ended is not yet all here: samples and the end of a sound come by different ways.
                    heard.flush = () =>
                        new Promise((resolve) => {
                            asked.push(resolve);
                            recorder.port.postMessage(null);
                        });
                    connect.call(recorder, this.destination);
                    connect.call(tap, recorder);
                    await heard.flush(); // its processor is made in the thread of the sound, a while later
                    heard.listens = true;
                });
            }
        };
    }, RECORDER);
}

export const isListening = (page) => page.evaluate(() => globalThis.heard_sound.listens);

/** What was heard so far: [{id, at_ms, end_ms}], of the pack at base; a sound that is no clip has id null. */
export function whatWasHeard(page) {
    return page.evaluate(async () => {
        const RATE_HZ = 48000;
        const TOLERANCE = 1e-6;
        // Not "other than 0": on its way through the graph a clip's first 0 may become 1e-15.
        const isSound = (sample) => Math.abs(sample) > TOLERANCE;
        const load = async () => {
            const { base } = await (await fetch("/voice/pack.json")).json();
            const { clips } = await (await fetch(`${base}manifest.json`)).json();
            const decoder = new OfflineAudioContext(1, 1, RATE_HZ);
            const known = [];
            for (const { id, file } of clips) {
                const bytes = await (await fetch(base + file)).arrayBuffer();
                known.push([id, (await decoder.decodeAudioData(bytes)).getChannelData(0)]);
            }
            const { makeChime } = await import("/assets/chime.js");
            known.push(["chime", makeChime(RATE_HZ)]);
            return known.map(([id, samples]) => ({
                id,
                samples,
                first: samples.findIndex(isSound),
            }));
        };
        const clips = (globalThis.heard_sound.clips ??= await load());
        await globalThis.heard_sound.flush();
        const blocks = globalThis.heard_sound.blocks;
        if (blocks.length === 0) {
            return [];
        }
        const start = blocks[0].frame;
        const end = blocks.at(-1).frame + blocks.at(-1).samples.length;
        const sound = new Float32Array(end - start);
        blocks.forEach(({ frame, samples }) => sound.set(samples, frame - start));

        const isAt = ({ samples }, at) => {
            if (at < 0) {
                return false;
            }
            for (let index = 0; index < samples.length; index++) {
                if (Math.abs((sound[at + index] ?? 0) - samples[index]) > TOLERANCE) {
                    return false;
                }
            }
            return true;
        };
        /** Of a sound that is none: how far which clip goes with it, for whoever looks for the cause. */
        const nearest = (at) => {
            const goesTo = ({ samples, first }) => {
                const differs = samples.findIndex(
                    (sample, index) => Math.abs((sound[at - first + index] ?? 0) - sample) > TOLERANCE,
                );
                return differs < 0 ? samples.length : differs;
            };
            const [like] = clips.toSorted((a, b) => goesTo(b) - goesTo(a));
            const isHole = ({ frame }, index) => index > 0 && frame !== blocks[index - 1].frame + 128;
            const holes = blocks.filter(isHole).map(({ frame, samples, before }) => {
                const goes_on = like.samples.findIndex((_, from) => samples.every((each, index) => Math.abs(each - (like.samples[from + index] ?? 0)) <= TOLERANCE));
                return { frame, before, goes_on };
            });
            return { like: like.id, for_frames: goesTo(like), of_frames: like.samples.length, start, holes };
        };
        const heard = [];
        let at = 0;
        for (;;) {
            while (at < sound.length && !isSound(sound[at])) {
                at++;
            }
            if (at === sound.length) {
                return heard;
            }
            // The longest that fits: one clip may begin like another.
            const [found] = clips
                .filter((clip) => isAt(clip, at - clip.first))
                .sort((a, b) => b.samples.length - a.samples.length);
            const at_ms = Math.round(((start + at) / RATE_HZ) * 1000);
            if (!found) {
                return [...heard, { id: null, at_ms, ...nearest(at) }];
            }
            at += found.samples.length - found.first;
            heard.push({ id: found.id, at_ms, end_ms: Math.round(((start + at) / RATE_HZ) * 1000) });
        }
    });
}

/** The heard ids, one list for each announcement: each begins with the chime. What is no clip says what it is like. */
export function announcements(heard) {
    const lists = [];
    for (const { id, ...sound } of heard) {
        if (id === "chime") {
            lists.push([]);
        }
        (lists.at(-1) ?? lists[lists.push([]) - 1]).push(id ?? sound);
    }
    return lists;
}
