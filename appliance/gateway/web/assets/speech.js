// speech.js - says sentences: by the clips of the office's voice pack where there are any, by the browser's own voice
// where there are none. One at a time: what is said next ends what is being said.
//
// A sentence is {id, text} or {number, series, text}. A clip is found by "<language>.kiosk.<id>", else by its text;
// a number is joined of the pack's clips as on the board. Clips are fetched when the page is loaded, so that no
// takeover breaks a sentence. The built-in pack has Japanese and English; やさしい日本語 is said by its own clips
// where a pack has them ("ja.kiosk.<id>.easy"), else by the Japanese ones. tools/voice/clips.tsv lists them.

const LEVELS = [0.2, 0.35, 0.55, 0.75, 1];
const LEVEL_FIRST = 3;
const PAUSE_MS = 180;
const PACK_MS_MAX = 2500; // so long the first sentence waits for the pack
const START_MS_MAX = 500; // a browser that does not let a page sound says nothing of it
const TAGS = { ja: "ja-JP", "ja-easy": "ja-JP", en: "en-GB", zh: "zh-CN", ko: "ko-KR" };
/** The browser's voice may be missing, and then says neither that it began nor that it ended. */
const UTTERANCE_MS_MAX = 20000;
const WANTED = /^(ja|en|zh|ko)\.(kiosk|n|letter|of|session)(\.|$)/;

const after = (delay_ms) => new Promise((resolve) => setTimeout(resolve, delay_ms));
const voiceOf = (language) => (language === "ja-easy" ? "ja" : language);

/** The pack, if the office has one: {id(text key) -> id, buffer(id), settled}. */
async function loadPack(context) {
    const ids = new Map(); // "<language>:<text>" -> id
    try {
        const { loadVoice } = await import("./voice.js");
        const voice = loadVoice(context, {
            isWanted(clip) {
                const wanted = WANTED.test(clip.id);
                if (wanted && clip.id.includes(".kiosk.")) {
                    ids.set(`${clip.language}:${clip.text}`, clip.id);
                }
                return wanted;
            },
        });
        return { ids, buffer: voice.clip, settled: voice.settled };
    } catch {
        return { ids, buffer: () => null, settled: Promise.resolve() };
    }
}

/** Ids of a ticket's number, as the board says it; null: this language has none. */
function numberIds(readings, { number, series }, language) {
    const name = readings?.readSeries(series);
    if (!name) {
        return null;
    }
    const { letters, session } = name;
    if (language === "en") {
        const digits = session > 0 ? [...String(session)] : [];
        return [
            ...letters.map((each) => `en.letter.${each}`),
            ...[...digits, ...String(number)].map((each) => `en.n.${each}`),
        ];
    }
    if (language !== "ja") {
        return null;
    }
    const spoken = session > 0 ? [`ja.session.${session}`, "ja.of"] : [];
    const letter = (each, at) =>
        session === 0 && at === letters.length - 1 ? `ja.of.${each}` : `ja.letter.${each}`;
    return [...letters.map(letter), ...spoken, ...readings.numberJa(number), "ja.kiosk.number_end"];
}

/** All clips of a sentence, or null: one is missing, and half a sentence is worse than another voice. */
function clipsOf(pack, readings, sentence, language) {
    const voice = voiceOf(language);
    const whole = (ids) => (ids?.every((id) => pack.buffer(id)) ? ids : null);
    if (sentence.number !== undefined) {
        return whole(numberIds(readings, sentence, voice));
    }
    const names = [`${voice}.kiosk.${sentence.id}`, pack.ids.get(`${voice}:${sentence.text}`)];
    if (language === "ja-easy") {
        names.unshift(`ja.kiosk.${sentence.id}.easy`);
    }
    const found = names.find((id) => id && pack.buffer(id));
    return found ? [found] : null;
}

export function createSpeech() {
    let pack = null;
    let context = null;
    let loudness = null;
    let readings = null;
    let level = LEVEL_FIRST;
    let turn = 0; // of the newest say(): an older one stops where it is
    let stop = () => {}; // what is sounding
    let newest = { sentences: [], language: "ja" };

    /** Before anybody asks: the clips are here when they are wanted. */
    async function prepare() {
        try {
            context = new AudioContext();
            loudness = new GainNode(context, { gain: LEVELS[level] });
            loudness.connect(context.destination);
        } catch {
            context = null; // no sound device: the browser's voice may have one
        }
        pack = context
            ? await loadPack(context)
            : { ids: new Map(), buffer: () => null, settled: null };
        try {
            readings = await import("./readings.js");
        } catch {
            readings = null;
        }
    }
    const prepared = prepare();

    function silence() {
        turn++;
        stop();
        globalThis.speechSynthesis?.cancel();
    }

    /** True when it was heard to its end; false when this browser does not let it sound. */
    async function playClip(id, mine) {
        await Promise.race([context.resume().catch(() => {}), after(START_MS_MAX)]);
        if (context.state !== "running" || mine !== turn) {
            return false;
        }
        return new Promise((resolve) => {
            const source = new AudioBufferSourceNode(context, { buffer: pack.buffer(id) });
            source.connect(loudness);
            source.onended = () => resolve(true);
            stop = () => {
                stop = () => {};
                source.stop();
            };
            source.start();
        });
    }

    function playUtterance(text, language) {
        const synthesis = globalThis.speechSynthesis;
        if (!synthesis || !text) {
            return Promise.resolve();
        }
        return new Promise((resolve) => {
            const utterance = new SpeechSynthesisUtterance(text);
            utterance.lang = TAGS[language];
            utterance.volume = LEVELS[level];
            utterance.onend = resolve;
            utterance.onerror = resolve;
            stop = resolve;
            setTimeout(resolve, UTTERANCE_MS_MAX);
            synthesis.speak(utterance);
        });
    }

    async function sayOne(sentence, language, mine) {
        const clips = clipsOf(pack, readings, sentence, language);
        document.dispatchEvent(
            new CustomEvent("toban-say", { detail: { text: sentence.text, clips, language } }),
        );
        for (const id of clips ?? []) {
            const played = await playClip(id, mine);
            if (mine !== turn) {
                return;
            }
            if (!played) {
                await playUtterance(sentence.text, language);
                return;
            }
        }
        if (!clips) {
            await playUtterance(sentence.text, language);
        }
    }

    /** Says a list of sentences. Resolves when it is over, true when nothing else was said meanwhile. */
    async function say(sentences, language) {
        silence();
        const mine = turn;
        newest = { sentences, language };
        await prepared;
        await Promise.race([pack.settled, after(PACK_MS_MAX)]);
        for (const sentence of sentences) {
            if (mine !== turn) {
                return false;
            }
            await sayOne(sentence, sentence.language ?? language, mine);
            await after(PAUSE_MS);
        }
        return mine === turn;
    }

    function setLevel(to) {
        level = Math.max(0, Math.min(LEVELS.length - 1, to));
        if (loudness) {
            loudness.gain.value = LEVELS[level];
        }
    }

    return {
        say,
        silence,
        repeat: () => say(newest.sentences, newest.language),
        /** by: 1 louder, -1 quieter. */
        change: (by) => setLevel(level + by),
        reset: () => setLevel(LEVEL_FIRST),
    };
}
