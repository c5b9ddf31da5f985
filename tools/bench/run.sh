#!/bin/bash
# make bench: one run, everything side by side. Speed as ratios to the raw limit of this machine in the same
# run; time without service over REPEATS faults of each kind. Writes build/bench/report.md and figures.jsonl.
# A machine that does other work meanwhile blurs seconds, not flushes per ticket: both are printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
SECONDS_EACH=${SECONDS_EACH:-3}
REPEATS=${REPEATS:-20}
NAME=bench-$$
OUT=$(realpath -m "$BUILD/bench")
OFFICE=$BUILD/bin/toban-office
BENCH=$BUILD/bin/toban-bench
mkdir -p "$OUT/raw"
FIGURES=$OUT/figures.jsonl
: >"$FIGURES"
trap '"$OFFICE" down --name "$NAME" >/dev/null 2>&1 || true; rm -rf "$OUT/raw"' EXIT

awk '/numbers: \{first:/ { n++; sub(/\{.*\}/, "{first: " (n - 1) * 1650 + 1 ", last: " n * 1650 "}") } { print }' \
    image/site-default.yaml >"$OUT/site.yaml"

up() {
    "$OFFICE" down --name "$NAME" >/dev/null 2>&1 || true
    "$OFFICE" up --name "$NAME" --site "$OUT/site.yaml" "$@" >/dev/null
    info=$("$OFFICE" info --name "$NAME" --json)
}

field() { # field UNIT KEY
    node -e 'const i = JSON.parse(process.argv[1]); console.log(i.units[process.argv[2] - 1][process.argv[3]])' \
        "$info" "$1" "$2"
}

flushes() {
    "$BUILD/bin/toban" ledger info --json --name "$NAME" --unit "$1" |
        node -e 'let t = ""; process.stdin.on("data", d => t += d).on("end", () =>
            console.log(JSON.parse(t).device_flushes ?? JSON.parse(t).units?.[0]?.device_flushes ?? 0))'
}

say() { printf '%s\n' "$*"; }

say "== issue: raw limit, engine, gateway; $SECONDS_EACH s each"
for clients in 1 8 64; do
    up --disk directory
    "$BENCH" raw --dir "$OUT/raw" --clients "$clients" --seconds "$SECONDS_EACH" | tee -a "$FIGURES"
    before=$(($(flushes 1) + $(flushes 2)))
    "$BENCH" engine --socket "$(field 1 socket)" --clients "$clients" --seconds 1 | tee -a "$FIGURES"
    say "{\"mode\":\"engine-flushes\",\"clients\":$clients,\"both_units\":$(($(flushes 1) + $(flushes 2) - before))}" |
        tee -a "$FIGURES"
    up --disk directory
    ip netns exec "$NAME-lan" "$BENCH" http --address 10.90.0.10 --clients "$clients" --seconds 1 |
        tee -a "$FIGURES"
done

wait_paired() {
    local i
    for ((i = 0; i < 900; i++)); do
        if ip netns exec "$NAME-u1" curl -fs http://127.0.0.1:9180/api/v1/ready >/dev/null 2>&1 ||
            ip netns exec "$NAME-u2" curl -fs http://127.0.0.1:9180/api/v1/ready >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    say "not paired within 90 s"
    return 1
}

duty_place() {
    local k
    for k in 1 2; do
        if ip netns exec "$NAME-u$k" curl -s http://127.0.0.1:9180/api/v1/explain | grep -q '"PAIRED_DUTY"'; then
            echo $k
            return 0
        fi
    done
    return 1
}

now_us() {
    node -e 'console.log(Number(process.hrtime.bigint() / 1000n))'
}

# Each repetition has an office of its own: rule 10 makes a pair that breaks often wait before it pairs.
fault() {
    local kind=$1 i place at
    for ((i = 0; i < REPEATS; i++)); do
        up
        wait_paired
        place=$(duty_place)
        ip netns exec "$NAME-lan" "$BENCH" gap --address 10.90.0.10 --seconds 4 >"$OUT/gap.jsonl" 2>/dev/null &
        local gap=$!
        sleep 1.5
        at=$(now_us)
        if [ "$kind" = handover ]; then
            ip netns exec "$NAME-u$place" curl -s -XPOST -H 'Idempotency-Key: h' -H 'Content-Type: application/json' \
                -d '{}' http://127.0.0.1:9180/api/v1/duty/handover >/dev/null
        else
            "$OFFICE" fault "$kind" "$place" --name "$NAME" --json >"$OUT/fault.json"
            at=$(node -e 'const f = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(f.at_monotonic_us ?? process.argv[2])' "$OUT/fault.json" "$at")
        fi
        wait "$gap" || true
        node -e '
            const at = Number(process.argv[1]);
            const rows = require("fs").readFileSync(process.argv[2], "utf8").trim().split("\n").map(JSON.parse);
            const after = rows.filter(r => r.sent_us >= at).map(r => r.acked_us);
            const gap = after.length ? (Math.min(...after) - at) / 1000 : null;
            console.log(JSON.stringify({mode: "fault", kind: process.argv[3], gap_ms: gap}));' \
            "$at" "$OUT/gap.jsonl" "$kind" | tee -a "$FIGURES"
    done
}

say "== time without service: $REPEATS of each"
for kind in handover crash power; do
    fault "$kind"
done
node tools/bench/report.mjs "$FIGURES" >"$OUT/report.md"
cat "$OUT/report.md"
