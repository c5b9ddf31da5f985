// One observer per unit, inside the unit's namespace, on its management listener: what an NOC would see.
// It survives the unit's power cut and says so. Reports a change of state once, as a line of JSON:
//   {"unit":1,"t":ms,"state":"PAIRED_DUTY","mode":"PAIRED","series":"","term":3,"lsn":812,"day":...}
// and takes orders on its standard input: {"order":"handover","key":"..."}.
//   watch.mjs UNIT
import http from 'node:http';
import { eachLine, nowMs, say } from './common.mjs';

const POLL_MS = 60;
const TIMEOUT_MS = 1500;
const unit = Number(process.argv[2]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });
let newest = '';

function ask(method, path, headers = {}) {
    return new Promise((resolve) => {
        const request = http.request({ host: '127.0.0.1', port: 9180, method, path, agent, headers,
            timeout: TIMEOUT_MS }, (response) => {
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
    const seen = summary(await ask('GET', '/api/v1/status'));
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

eachLine(process.stdin, async (order) => {
    if (order.order === 'handover') {
        const began = nowMs();
        const answer = await ask('POST', '/api/v1/duty/handover', { 'Idempotency-Key': order.key });
        say({ unit, answered: order.key, began, ended: nowMs(), status: answer.status, text: answer.text });
    } else if (order.order === 'end') {
        process.exit(0);
    }
});
process.stdin.on('close', () => process.exit(0));
await poll();
