// One observer per unit, inside the unit's namespace, as root on the unit: it reads the unit's status from toband's own
// socket, since a unit that is blank or damaged knows nobody's credential. It survives the unit's power cut and says so.
// Reports a change of state once, as a line of JSON:
//   {"unit":1,"t":ms,"state":"PAIRED_DUTY","mode":"PAIRED","series":"","term":3,"lsn":812,"day":...}
// and takes orders on its standard input, which it gives on the management listener, as the engineer:
// {"order":"handover","key":"..."}.
//   watch.mjs UNIT SOCKET TOKEN
import http from 'node:http';
import { connect } from 'node:net';
import { eachLine, nowMs, say } from './common.mjs';

const POLL_MS = 60;
const TIMEOUT_MS = 1500;
const [READ, REPLY, READ_STATUS] = [2, 129, 5]; // appliance/engine/api.h
const HEADER_BYTES = 9; // of a frame: length of the rest, type, id
const REPLY_BYTES = 21; // and of a reply, up to its body
const [unit, path, token] = [Number(process.argv[2]), process.argv[3], process.argv[4]];
let newest = '';

function question() {
    const frame = Buffer.alloc(HEADER_BYTES + 1 + 2 + 16 + 2);
    frame.writeUInt32BE(frame.length - 4, 0);
    frame[4] = READ;
    frame[HEADER_BYTES] = READ_STATUS;
    return frame;
}

function replyIn(bytes) {
    for (let at = 0; at + HEADER_BYTES <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
        const end = at + 4 + bytes.readUInt32BE(at);
        if (end <= bytes.length && bytes[at + 4] === REPLY) {
            return { status: bytes.readUInt16BE(at + HEADER_BYTES), text: bytes.toString('utf8', at + REPLY_BYTES, end) };
        }
    }
    return null;
}

// Status 0: no toband is there, or it says nothing.
function askStatus() {
    return new Promise((resolve) => {
        const socket = connect(path);
        let bytes = Buffer.alloc(0);
        const end = (answer) => {
            socket.destroy();
            resolve(answer ?? { status: 0, text: '' });
        };
        socket.setTimeout(TIMEOUT_MS, () => end());
        socket.on('error', () => end());
        socket.on('close', () => end());
        socket.on('connect', () => socket.write(question()));
        socket.on('data', (piece) => {
            bytes = Buffer.concat([bytes, piece]);
            const answer = replyIn(bytes);
            if (answer) {
                end(answer);
            }
        });
    });
}

function order(what, key) {
    return new Promise((resolve) => {
        const request = http.request({ host: '127.0.0.1', port: 9180, method: 'POST', path: what,
            headers: { 'Idempotency-Key': key, Authorization: `Bearer ${token}` }, timeout: TIMEOUT_MS }, (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (piece) => { text += piece; });
            response.on('end', () => resolve({ status: response.statusCode, text }));
            response.on('error', () => resolve({ status: 0, text: '' }));
        });
        request.on('timeout', () => request.destroy());
        request.on('error', () => resolve({ status: 0, text: '' }));
        request.end();
    });
}

function summary(answer) {
    if (answer.status !== 200) {
        return { state: answer.status === 0 ? 'OFF' : 'DOWN' };
    }
    const status = JSON.parse(answer.text);
    const own = status.units.find((one) => one.here);
    const peer = status.units.find((one) => !one.here);
    return { state: own.state, mode: own.mode, series: own.series, term: own.term, peer: peer?.state,
        reason: own.reasons[0]?.code ?? '', date: status.service_day.date, day: status.service_day.state,
        level: status.service_day.level, ready: status.failover_ready, link: own.service_link,
        lsn: own.lsn, chain: own.chain };
}

async function poll() {
    const asked = nowMs();
    const seen = summary(await askStatus());
    const { lsn, chain, ...kept } = seen;
    const text = JSON.stringify(kept);
    if (text !== newest) {
        newest = text;
        say({ unit, t: nowMs(), asked, ...seen });
    } else {
        say({ unit, t: nowMs(), asked, same: true, lsn, chain });
    }
    setTimeout(poll, POLL_MS);
}

eachLine(process.stdin, async (told) => {
    if (told.order === 'handover') {
        const began = nowMs();
        const answer = await order('/api/v1/duty/handover', told.key);
        say({ unit, answered: told.key, began, ended: nowMs(), status: answer.status, text: answer.text });
    } else if (told.order === 'end') {
        process.exit(0);
    }
});
process.stdin.on('close', () => process.exit(0));
await poll();
