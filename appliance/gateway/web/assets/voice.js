// voice.js - the appliance's voice pack, fetched and decoded before it is needed: a unit that takes over in
// the middle of a call is not asked for sound. The server has judged the pack (docs/VOICE.md); what cannot
// be fetched is tried again, for ever.

const AT_ONCE = 4;
const AGAIN_MS = 30000;
const FETCH_MS_MAX = 10000;

async function fetchOk(path, answer_as) {
    const response = await fetch(path, { signal: AbortSignal.timeout(FETCH_MS_MAX) });
    if (!response.ok) {
        throw new Error(`${path}: ${response.status}`);
    }
    return response[answer_as]();
}

async function fetchPack(context, isWanted) {
    const { pack, base } = await fetchOk("/voice/pack.json", "json");
    const manifest = await fetchOk(`${base}manifest.json`, "json");
    const waiting = manifest.clips.filter(isWanted);
    const clips = new Map();
    const work = async () => {
        for (let clip = waiting.pop(); clip; clip = waiting.pop()) {
            const bytes = await fetchOk(base + clip.file, "arrayBuffer");
            clips.set(clip.id, await context.decodeAudioData(bytes));
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { pack, clips };
}

/**
 * Loads the clips that isWanted(clip of the manifest) names. state(): "loading", "ready", or "none" while
 * there is no pack to be had. clip(id): AudioBuffer or null. settled: when the first attempt is over.
 */
export function loadVoice(context, { isWanted = () => true, on_change = () => {} } = {}) {
    let state = "loading";
    let clips = new Map();

    async function attempt() {
        try {
            ({ clips } = await fetchPack(context, isWanted));
            state = "ready";
        } catch {
            state = "none";
            setTimeout(attempt, AGAIN_MS);
        }
        on_change();
    }
    const settled = attempt();
    return { state: () => state, clip: (id) => clips.get(id) ?? null, settled };
}
