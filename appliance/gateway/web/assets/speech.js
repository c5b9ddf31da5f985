// speech.js - says sentences: by the clips of the office's voice pack where there are any, by the browser's own voice
// where there are none. One at a time: what is said next ends what is being said.
//
// A sentence is {id, text} or {number, series, text}. A clip is found by "<language>.kiosk.<id>", else by its text;
// a number is joined of the pack's numbers as on the board. zh and ko have no clips in the built-in pack.

const MANIFEST = "/voice/manifest.json";
const MANIFEST_MS_MAX = 4000;
const LEVELS = [0.2, 0.35, 0.55, 0.75, 1];
const LEVEL_FIRST = 3;
const PAUSE_MS = 180;
const TAGS = { ja: "ja-JP", "ja-easy": "ja-JP", en: "en-GB", zh: "zh-CN", ko: "ko-KR" };
/** The browser's voice may be missing, and then says neither that it began nor that it ended. */
const UTTERANCE_MS_MAX = 20000;
const VOICE_OF = (language) => (language === "ja-easy" ? "ja" : language);

async function loadPack() {
    const found = new Map();
    try {
        const response = await fetch(MANIFEST, { signal: AbortSignal.timeout(MANIFEST_MS_MAX) });
        const manifest = response.ok ? await response.json() : { clips: [] };
        const base = new URL(manifest.base ?? ".", new URL(MANIFEST, location.href));
        for (const clip of manifest.clips ?? []) {
            const url = new URL(clip.file, base).href;
            found.set(clip.id, url);
            if (clip.text && !found.has(`${clip.language}:${clip.text}`)) {
                found.set(`${clip.language}:${clip.text}`, url);
            }
        }
    } catch {
        // No pack: the browser's voice says everything.
    }
    return found;
}

/** Ids of a number's clips, as on the board; readings: the module readings.js, null when there is none. */
function numberClips(readings, { number, series }, language) {
    if (language === "en") {
        return [...(series ?? ""), ...String(number)].map((each) =>
            /[0-9]/.test(each) ? `en.n.${each}` : `en.letter.${each}`,
        );
    }
    if (language !== "ja" || !readings) {
        return null;
    }
    const letters = [...(series ?? "")].map((each) =>
        /[0-9]/.test(each) ? `ja.n.${each}` : `ja.letter.${each}`,
    );
    const plain = readings.numberJa(number);
    return plain ? [...letters, ...(series ? ["ja.of"] : []), ...plain, "ja.number_tail"] : null;
}

/** All clips of a sentence, or null: one is missing, and half a sentence is worse than another voice. */
export function clipsOf(pack, readings, sentence, language) {
    const voice = VOICE_OF(language);
    if (sentence.number !== undefined) {
        const ids = numberClips(readings, sentence, voice)?.filter(
            (id) => id !== "ja.number_tail" || pack.has(id),
        );
        return ids?.every((id) => pack.has(id)) ? ids.map((id) => pack.get(id)) : null;
    }
    const name = language === "ja-easy" ? `${sentence.id}.easy` : sentence.id;
    const url =
        pack.get(`${voice}.kiosk.${name}`) ??
        pack.get(`${voice}:${sentence.text}`) ??
        (language === "ja-easy" ? pack.get(`ja.kiosk.${sentence.id}`) : undefined);
    return url ? [url] : null;
}

export function createSpeech() {
    let pack = null;
    let readings = null;
    let level = LEVEL_FIRST;
    let turn = 0; // of the newest say(): an older one stops where it is
    let playing = null; // {audio} or null
    let newest = { sentences: [], language: "ja" };

    async function prepare() {
        pack ??= await loadPack();
        try {
            readings ??= await import("./readings.js");
        } catch {
            readings = null; // an older office: numbers are said by the browser's voice
        }
    }

    function silence() {
        turn++;
        playing?.pause();
        playing = null;
        globalThis.speechSynthesis?.cancel();
    }

    function playClip(url, mine) {
        return new Promise((resolve) => {
            const audio = new Audio(url);
            audio.volume = LEVELS[level];
            playing = audio;
            for (const event of ["ended", "error", "pause"]) {
                audio.addEventListener(event, () => resolve(audio.ended)); // a clip's end is a pause, too
            }
            audio.play().catch(() => resolve(false));
            if (mine !== turn) {
                resolve(false);
            }
        });
    }

    function playUtterance(text, language) {
        const synthesis = globalThis.speechSynthesis;
        if (!synthesis || !text) {
            return Promise.resolve(false);
        }
        return new Promise((resolve) => {
            const utterance = new SpeechSynthesisUtterance(text);
            utterance.lang = TAGS[language];
            utterance.volume = LEVELS[level];
            utterance.onend = () => resolve(true);
            utterance.onerror = () => resolve(false);
            setTimeout(() => resolve(false), UTTERANCE_MS_MAX);
            synthesis.speak(utterance);
        });
    }

    async function sayOne(sentence, language, mine) {
        const clips = clipsOf(pack, readings, sentence, language);
        document.dispatchEvent(
            new CustomEvent("toban-say", { detail: { text: sentence.text, clips, language } }),
        );
        for (const url of clips ?? []) {
            if (mine !== turn) {
                return;
            }
            if (!(await playClip(url, mine)) && mine === turn) {
                await playUtterance(sentence.text, language); // a clip that does not play
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
        await prepare();
        for (const sentence of sentences) {
            if (mine !== turn) {
                return false;
            }
            await sayOne(sentence, language, mine);
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
        return mine === turn;
    }

    return {
        say,
        silence,
        prepare,
        repeat: () => say(newest.sentences, newest.language),
        /** by: 1 louder, -1 quieter. */
        change(by) {
            level = Math.max(0, Math.min(LEVELS.length - 1, level + by));
            if (playing) {
                playing.volume = LEVELS[level];
            }
        },
        reset: () => {
            level = LEVEL_FIRST;
        },
    };
}
