// make_pack.mjs - clips.tsv to a folder of clips with its manifest; called by make-pack.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { espeakOfKana } from "./sounds.mjs";

const HERE = new URL(".", import.meta.url).pathname;
const PACK = "espeak-ng";
const PACK_BYTES_MAX = 6 * 1024 * 1024;
const QUIET = 0.004; // of full scale: below it a clip has not begun, or is over
const LEAD_S = 0.008;
const TAIL_S = 0.02;
const FADE_S = 0.004;
const LOUDNESS = 0.11; // root mean square of what is not quiet
const PEAK_MAX = 0.89;
const BITRATE_KBPS = "32";
const LICENCE = "CC0-1.0";
const SPEED = { ja: "178", en: "170" };
const VOICE = { ja: "ja", en: "en-us" };

const { WORK } = process.env;
const out = process.argv[2];

function readList(path) {
    return readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line && !line.startsWith("#"))
        .map((line) => {
            const [id, text, say] = line.split("\t");
            return { id, language: id.slice(0, 2), text, say };
        });
}

function readWav(path) {
    const bytes = readFileSync(path);
    const rate_hz = bytes.readUInt32LE(24);
    let at = 12;
    while (bytes.toString("latin1", at, at + 4) !== "data") {
        at += 8 + bytes.readUInt32LE(at + 4);
    }
    const end = Math.min(bytes.length, at + 8 + bytes.readUInt32LE(at + 4));
    const samples = [];
    for (at += 8; at + 1 < end; at += 2) {
        samples.push(bytes.readInt16LE(at) / 32768);
    }
    return { rate_hz, samples };
}

function writeWav(path, { rate_hz, samples }) {
    const bytes = Buffer.alloc(44 + samples.length * 2);
    bytes.write("RIFF", 0, "latin1");
    bytes.writeUInt32LE(36 + samples.length * 2, 4);
    bytes.write("WAVEfmt ", 8, "latin1");
    bytes.writeUInt32LE(16, 16);
    bytes.writeUInt16LE(1, 20);
    bytes.writeUInt16LE(1, 22);
    bytes.writeUInt32LE(rate_hz, 24);
    bytes.writeUInt32LE(rate_hz * 2, 28);
    bytes.writeUInt16LE(2, 32);
    bytes.writeUInt16LE(16, 34);
    bytes.write("data", 36, "latin1");
    bytes.writeUInt32LE(samples.length * 2, 40);
    samples.forEach((sample, index) => bytes.writeInt16LE(Math.round(sample * 32767), 44 + index * 2));
    writeFileSync(path, bytes);
}

/** Without the silence around it, as loud as the others, its ends faded so that joins do not click. */
function trim({ rate_hz, samples }) {
    const loud = samples.map((sample) => Math.abs(sample) > QUIET);
    const first = Math.max(0, loud.indexOf(true) - Math.round(LEAD_S * rate_hz));
    const last = Math.min(samples.length, loud.lastIndexOf(true) + 1 + Math.round(TAIL_S * rate_hz));
    const cut = samples.slice(first, last);
    const heard = cut.filter((sample) => Math.abs(sample) > QUIET);
    const rms = Math.sqrt(heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length);
    const peak = cut.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    const gain = Math.min(LOUDNESS / rms, PEAK_MAX / peak);
    const fade = Math.round(FADE_S * rate_hz);
    return {
        rate_hz,
        samples: cut.map(
            (sample, at) => sample * gain * Math.min(1, at / fade, (cut.length - 1 - at) / fade),
        ),
    };
}

function speak({ language, say }) {
    const wav = join(WORK, "out.wav");
    const what = language === "ja" ? `[[${espeakOfKana(say)}]]` : say;
    execFileSync("espeak-ng", ["-v", VOICE[language], "-s", SPEED[language], "-w", wav, what]);
    return readWav(wav);
}

function makeClip(entry) {
    const speech = trim(speak(entry));
    const wav = join(WORK, "clip.wav");
    const file = `${entry.id}.ogg`;
    writeWav(wav, speech);
    execFileSync("opusenc", ["--quiet", "--bitrate", BITRATE_KBPS, "--serial", "1", wav, join(out, file)]);
    return {
        id: entry.id,
        language: entry.language,
        text: entry.text,
        duration_ms: Math.round((speech.samples.length / speech.rate_hz) * 1000),
        file,
        sha256: createHash("sha256").update(readFileSync(join(out, file))).digest("hex"),
        licence: LICENCE,
    };
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const clips = readList(join(HERE, "clips.tsv")).map(makeClip);
const manifest = {
    format: 1,
    pack: PACK,
    name_ja: "合成音声（eSpeak NG）",
    name_en: "Synthesised voice (eSpeak NG)",
    licence: LICENCE,
    licence_file: "LICENCE.txt",
    clips,
};
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
copyFileSync(join(HERE, "LICENCE.txt"), join(out, "LICENCE.txt"));
const bytes = clips.reduce((sum, { file }) => sum + statSync(join(out, file)).size, 0);
if (bytes > PACK_BYTES_MAX) {
    throw new Error(`${bytes} bytes are more than ${PACK_BYTES_MAX}`);
}
console.log(`${clips.length} clips, ${bytes} bytes, ${clips.reduce((sum, each) => sum + each.duration_ms, 0)} ms`);
