// Clients of an office that never stop: keep-alive ones and ones with a new connection each time, tickets
// and, mostly, reads (a day has only so many numbers). Every request must be answered; an answer that ends badly, a reset or a refusal is a failure, since
// nobody tries again here. Prints one line of JSON. Usage: handover_client.mjs ADDRESS SECONDS PREFIX CA TOKEN
import { readFileSync } from "node:fs";
import https from "node:https";

const [address, seconds, prefix, authority, token] = process.argv.slice(2);
const ca = readFileSync(authority);
const KEPT = 6, FRESH = 3, THINK_MS_MAX = 30;
const READS_PER_TICKET = 10, CATEGORIES = 6, SHOWN_MAX = 5;
const end = Date.now() + Number(seconds) * 1000;
const failures = [], given = [];
let longestMs = 0, told = 0, answered = 0;

let tickets = 0;

function ask(agent, key) {
  return new Promise((resolve) => {
    const body = key === null ? "" : JSON.stringify({ category: 1 + tickets++ % CATEGORIES });
    const request = https.request(
      {
        host: address, port: 443, agent,
        path: key === null ? "/api/v1/queue" : "/api/v1/tickets",
        method: key === null ? "GET" : "POST",
        headers: key === null ? { Authorization: `Bearer ${token}` } : {
          Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Content-Length": body.length, "Idempotency-Key": key,
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece) => { text += piece; });
        response.on("end", () => {
          told += response.headers.connection === "close" ? 1 : 0;
          answered += 1;
          if (key === null && response.statusCode === 200) {
            resolve();
            return;
          }
          if (response.statusCode === 201) {
            given.push(JSON.parse(text).display);
          } else {
            failures.push(`${response.statusCode} ${text.slice(0, 200)}`);
          }
          resolve();
        });
        response.on("error", (error) => { failures.push(`answer: ${error.code}`); resolve(); });
      });
    request.setTimeout(10000, () => request.destroy(Object.assign(new Error(), { code: "TIMEOUT" })));
    request.on("error", (error) => {
      failures.push(`${error.code}${request.reusedSocket ? " on a kept connection" : ""}`);
      resolve();
    });
    request.end(body);
  });
}

async function client(name, keepAlive) {
  const agent = new https.Agent({ keepAlive, maxSockets: 1, ca });

  for (let i = 0; Date.now() < end; i++) {
    const sent = performance.now();

    await ask(agent, i % (1 + READS_PER_TICKET) === 0 ? `${prefix}-${name}-${i}` : null);
    longestMs = Math.max(longestMs, performance.now() - sent);
    await new Promise((resolve) => { setTimeout(resolve, Math.random() * THINK_MS_MAX); });
  }
  agent.destroy();
}

const clients = [];
for (let i = 0; i < KEPT; i++) { clients.push(client(`kept${i}`, true)); }
for (let i = 0; i < FRESH; i++) { clients.push(client(`fresh${i}`, false)); }
await Promise.all(clients);
console.log(JSON.stringify({
  given: given.length, different: new Set(given).size, told_to_close: told,
  longest_ms: Math.round(longestMs), answered, failed: failures.length,
  failures: failures.slice(0, SHOWN_MAX),
}));
