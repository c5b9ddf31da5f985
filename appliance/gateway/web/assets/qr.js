// qr.js - a QR code as an SVG path: bytes, level M, versions 1 to 10 (ISO/IEC 18004). For a visitor without a
// paper: the same code that a ticket carries.

/** By version - 1: bytes of error correction a block, and how many blocks of how many data bytes. */
const BLOCKS = [
    [10, [[1, 16]]],
    [16, [[1, 28]]],
    [26, [[1, 44]]],
    [18, [[2, 32]]],
    [24, [[2, 43]]],
    [16, [[4, 27]]],
    [18, [[4, 31]]],
    [22, [[2, 38], [2, 39]]],
    [22, [[3, 36], [2, 37]]],
    [26, [[4, 43], [1, 44]]],
];
const ALIGNED = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];
const MASKS = [
    (y, x) => (y + x) % 2 === 0,
    (y) => y % 2 === 0,
    (y, x) => x % 3 === 0,
    (y, x) => (y + x) % 3 === 0,
    (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
    (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
    (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
    (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
];

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, value = 1; i < 255; i++) {
    EXP[i] = EXP[i + 255] = value;
    LOG[value] = i;
    value = value & 0x80 ? (value << 1) ^ 0x11d : value << 1;
}
const times = (a, b) => (a === 0 || b === 0 ? 0 : EXP[LOG[a] + LOG[b]]);

const dataBytes = (version) => BLOCKS[version - 1][1].reduce((sum, [count, size]) => sum + count * size, 0);
const lengthBits = (version) => (version < 10 ? 8 : 16);

function versionFor(bytes) {
    for (let version = 1; version <= BLOCKS.length; version++) {
        if (4 + lengthBits(version) + 8 * bytes.length <= 8 * dataBytes(version)) {
            return version;
        }
    }
    throw new RangeError("too long for a code");
}

/** Mode, length, bytes, end, then the two fillers in turn. */
function fillData(bytes, version) {
    const bits = [];
    const put = (value, count) => {
        for (let i = count - 1; i >= 0; i--) {
            bits.push((value >> i) & 1);
        }
    };
    put(4, 4);
    put(bytes.length, lengthBits(version));
    bytes.forEach((byte) => put(byte, 8));
    const room = 8 * dataBytes(version);
    put(0, Math.min(4, room - bits.length));
    put(0, (8 - (bits.length % 8)) % 8);
    const data = [];
    for (let i = 0; i < bits.length; i += 8) {
        data.push(bits.slice(i, i + 8).reduce((sum, bit) => sum * 2 + bit, 0));
    }
    for (let filler = 0xec; data.length < room / 8; filler ^= 0xec ^ 0x11) {
        data.push(filler);
    }
    return data;
}

/** Reed-Solomon over GF(256): the rest of the data, shifted, by the generator of this degree. */
function correction(data, degree) {
    let generator = [1];
    for (let i = 0; i < degree; i++) {
        const next = [...generator, 0];
        generator.forEach((factor, at) => {
            next[at + 1] ^= times(factor, EXP[i]);
        });
        generator = next;
    }
    const rest = [...data, ...new Array(degree).fill(0)];
    for (let i = 0; i < data.length; i++) {
        const lead = rest[i];
        generator.forEach((factor, at) => {
            rest[i + at] ^= times(factor, lead);
        });
    }
    return rest.slice(data.length);
}

/** Blocks side by side: a scratch over the code hurts each of them a little. */
function interleave(data, version) {
    const [degree, groups] = BLOCKS[version - 1];
    const blocks = [];
    let at = 0;
    for (const [count, size] of groups) {
        for (let i = 0; i < count; i++, at += size) {
            blocks.push(data.slice(at, at + size));
        }
    }
    const corrections = blocks.map((block) => correction(block, degree));
    const out = [];
    for (const list of [blocks, corrections]) {
        for (let i = 0; i < Math.max(...list.map((each) => each.length)); i++) {
            list.forEach((each) => i < each.length && out.push(each[i]));
        }
    }
    return out;
}

/** The rest of value, shifted, by a generator; behind value. */
function withRest(value, bits, generator) {
    const degree = 31 - Math.clz32(generator);
    let rest = value << degree;
    for (let i = bits - 1; i >= 0; i--) {
        if ((rest >> (i + degree)) & 1) {
            rest ^= generator << i;
        }
    }
    return (value << degree) | rest;
}

/** Finders, timing, alignment, the dark module; places of format and version are taken. null: free. */
function frame(version) {
    const size = 17 + 4 * version;
    const grid = Array.from({ length: size }, () => new Array(size).fill(null));
    const ring = (cy, cx, radius, rings) => {
        for (let y = Math.max(0, cy - radius); y <= Math.min(size - 1, cy + radius); y++) {
            for (let x = Math.max(0, cx - radius); x <= Math.min(size - 1, cx + radius); x++) {
                grid[y][x] = rings[Math.max(Math.abs(y - cy), Math.abs(x - cx))];
            }
        }
    };
    const places = ALIGNED[version - 1];
    const last = places.at(-1);
    for (const y of places) {
        for (const x of places) {
            if (!((y === 6 && (x === 6 || x === last)) || (y === last && x === 6))) {
                ring(y, x, 2, [1, 0, 1]);
            }
        }
    }
    for (let i = 8; i < size - 8; i++) {
        grid[6][i] = grid[i][6] = 1 - (i % 2);
    }
    for (const [y, x] of [[3, 3], [3, size - 4], [size - 4, 3]]) {
        ring(y, x, 4, [1, 1, 0, 1, 0]);
    }
    for (let i = 0; i < 9; i++) {
        grid[8][i] ??= 0;
        grid[i][8] ??= 0;
        if (i < 8) {
            grid[8][size - 1 - i] ??= 0;
            grid[size - 1 - i][8] ??= 0;
        }
    }
    grid[size - 8][8] = 1;
    if (version >= 7) {
        const bits = withRest(version, 6, 0x1f25);
        for (let i = 0; i < 18; i++) {
            grid[Math.floor(i / 3)][size - 11 + (i % 3)] = (bits >> i) & 1;
            grid[size - 11 + (i % 3)][Math.floor(i / 3)] = (bits >> i) & 1;
        }
    }
    return grid;
}

/** Level M is 00, so the format is the mask's number. */
function putFormat(grid, mask) {
    const size = grid.length;
    const bits = withRest(mask, 5, 0x537) ^ 0x5412;
    for (let i = 0; i < 15; i++) {
        const bit = (bits >> i) & 1;
        grid[i < 6 ? i : i < 8 ? i + 1 : size - 15 + i][8] = bit;
        grid[8][i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i] = bit;
    }
}

/** Two columns at a time from the right, up and down in turn, past the timing column. */
function putData(grid, fixed, bytes, mask) {
    const size = grid.length;
    let bit = 0;
    for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
        right -= right === 6 ? 1 : 0;
        for (let i = 0; i < size; i++) {
            const y = up ? size - 1 - i : i;
            for (const x of [right, right - 1]) {
                if (fixed[y][x] === null) {
                    const value = bit < 8 * bytes.length ? (bytes[bit >> 3] >> (7 - (bit & 7))) & 1 : 0;
                    grid[y][x] = value ^ (MASKS[mask](y, x) ? 1 : 0);
                    bit++;
                }
            }
        }
    }
}

/** What a reader would stumble over: runs, blocks, what looks like a finder, too much of one colour. */
function penalty(grid) {
    const size = grid.length;
    const lines = [...grid, ...grid.map((_, x) => grid.map((row) => row[x]))];
    let sum = 0;
    for (const line of lines) {
        const text = line.join("");
        for (const run of text.match(/0{5,}|1{5,}/g) ?? []) {
            sum += run.length - 2;
        }
        sum += 40 * (text.match(/(?=00001011101|10111010000)/g) ?? []).length;
    }
    for (let y = 1; y < size; y++) {
        for (let x = 1; x < size; x++) {
            const square = grid[y][x] + grid[y - 1][x] + grid[y][x - 1] + grid[y - 1][x - 1];
            sum += square % 4 === 0 ? 3 : 0;
        }
    }
    const dark = grid.flat().reduce((a, b) => a + b, 0);
    return sum + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}

/** Rows of 0 and 1. mask: for tests; else the one that reads best. */
export function encodeQr(text, mask = null) {
    const bytes = [...new TextEncoder().encode(text)];
    const version = versionFor(bytes);
    const coded = interleave(fillData(bytes, version), version);
    const fixed = frame(version);
    let best = null;
    for (const each of mask === null ? MASKS.keys() : [mask]) {
        const grid = fixed.map((row) => [...row]);
        putData(grid, fixed, coded, each);
        putFormat(grid, each);
        const worth = penalty(grid);
        if (best === null || worth < best.worth) {
            best = { grid, worth };
        }
    }
    return best.grid;
}

/** The path of an SVG with a quiet zone of four modules; size: its side. */
export function qrPath(text) {
    const grid = encodeQr(text);
    const path = grid
        .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")))
        .join("");
    return { path, size: grid.length + 8 };
}
