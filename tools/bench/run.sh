#!/bin/bash
# make bench: one run, everything side by side. Speed as ratios to the raw limit of this machine and to peers in
# the same run, CPU and flushes a ticket, a large ledger, memory, time without service over REPEATS faults of
# each kind. Writes build/bench/report.md and figures.jsonl.
#   QUICK=1           fewer rounds, 3 faults of each kind, 100,000 entries: about 3 minutes
#   PARTS="issue ledger faults"   only these
# A machine that does other work meanwhile blurs seconds, not CPU and flushes per ticket: all are printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
QUICK=${QUICK:-}
PARTS=${PARTS:-issue live ledger faults}
ROUNDS=${ROUNDS:-$([ "$QUICK" ] && echo 1 || echo 3)}
SECONDS_EACH=${SECONDS_EACH:-$([ "$QUICK" ] && echo 2 || echo 5)}
LIVE_SECONDS=${LIVE_SECONDS:-$([ "$QUICK" ] && echo 8 || echo 60)} # ten tickets a second: a p99 needs hundreds
REPEATS=${REPEATS:-$([ "$QUICK" ] && echo 3 || echo 20)}
LEDGER_ENTRIES=${LEDGER_ENTRIES:-$([ "$QUICK" ] && echo 100000 || echo 10000000)}
ENTRY_DISK_BYTES=1200 # two copies of the file, which LMDB fills by half
TICKETS=9000          # of one day: six categories of 1650 numbers
NAME=bench-$$
EMPTY=bench0-$$
OUT=$(realpath -m "$BUILD/bench")
OFFICE=$BUILD/bin/toban-office
BENCH=$BUILD/bin/toban-bench
mkdir -p "$OUT/raw"
FIGURES=$OUT/figures.jsonl
daemons=(toband toban-web toban-net corosync)
declare -A pids
way=()
: >"$FIGURES"
finish() {
    "$OFFICE" down --name "$NAME" >/dev/null 2>&1 || true
    "$OFFICE" down --name "$EMPTY" >/dev/null 2>&1 || true
    rm -rf "$OUT/raw"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The six categories that tickets are asked of have room for a day's; what else the site has keeps a few.
awk '/numbers: \{first:/ { n++; first = n <= 6 ? (n - 1) * 1650 + 1 : 9900 + (n - 7) * 10 + 1; last = n <= 6 ? n * 1650 : first + 9
        sub(/\{.*\}/, "{first: " first ", last: " last "}") } { print }' \
    image/site-default.yaml >"$OUT/site.yaml"

up() {
    "$OFFICE" down --name "$NAME" >/dev/null 2>&1 || true
    "$OFFICE" up --name "$NAME" --site "$OUT/site.yaml" "$@" >/dev/null
    look
}

way_into() { # OFFICE: for toban-bench, a word a line: the gateway believes it, and it the gateway
    "$OFFICE" info --name "$1" --json | node -e '
        let text = ""; process.stdin.on("data", (piece) => { text += piece; }).on("end", () => {
            const office = JSON.parse(text);
            console.log(["--address", office.floating, "--ca", office.ca_file, "--token", office.credentials.kiosk].join("\n"));
        });'
}

ask_unit() { # PLACE METHOD PATH: on its management listener, as the engineer
    ip netns exec "$NAME-u$1" curl -fs -X "$2" -H "Authorization: Bearer $(node -p 'JSON.parse(process.argv[1]).credentials.engineer' "$info")" \
        -H 'Idempotency-Key: h' -H 'Content-Type: application/json' "http://127.0.0.1:9180/api/v1/$3"
}

look() { # what the office says of itself, and its process ids at hand for count_cpu
    local unit daemon
    info=$("$OFFICE" info --name "$NAME" --json)
    mapfile -t way < <(way_into "$NAME")
    for unit in 1 2; do
        for daemon in "${daemons[@]}"; do
            pids[$daemon-$unit]=$(field "$unit" pids "$daemon")
        done
    done
}

field() { # field UNIT KEY
    node -e 'console.log(process.argv.slice(3).reduce((at, key) => at[key], JSON.parse(process.argv[1]).units[process.argv[2] - 1]))' \
        "$info" "$@"
}

in_lan() {
    ip netns exec "$NAME-lan" "$@"
}

now_us() {
    node -e 'console.log(Number(process.hrtime.bigint() / 1000n))'
}

say() { printf '%s\n' "$*"; }
note() { say "$*" | tee -a "$FIGURES"; }

# ---- counted: CPU of each daemon on both units (all threads), flushes of both ledgers ----------------------

count_flushes() {
    local unit
    for unit in 1 2; do
        printf 'flushes-%s %s\n' "$unit" \
            "$("$BUILD/bin/toban" ledger info --json --name "$NAME" --unit "$unit" | grep -o '"device_flushes":[0-9]*' | cut -d: -f2)"
    done
}

# Starts no process of its own: what the daemons do while nothing is asked of them would be counted too.
count_cpu() {
    local key file ns sum
    for key in "${!pids[@]}"; do
        sum=0
        for file in /proc/"${pids[$key]}"/task/*/schedstat; do
            read -r ns _ <"$file" && sum=$((sum + ns / 1000))
        done
        printf '%s %s\n' "$key" "$sum"
    done
}

counted() { # MODE BEFORE AFTER LINE: what one ticket cost
    node -e '
        const read = (text) => Object.fromEntries(text.trim().split("\n").map((l) => l.split(" ")).map(([k, v]) => [k, +v]));
        const [mode, before, after, line] = process.argv.slice(1);
        const a = read(before), b = read(after), load = JSON.parse(line);
        const cost = {};
        for (const key of Object.keys(a)) cost[key] = +((b[key] - a[key]) / load.operations).toFixed(3);
        console.log(JSON.stringify({mode, clients: load.clients, ...cost}));' "$@"
}

memory() { # MODE: what is not page cache, MiB
    local mode=$1 unit daemon
    for unit in 1 2; do
        for daemon in "${daemons[@]}"; do
            awk -v unit="$unit" -v daemon="$daemon" -v mode="$mode" '/^Pss:/ { all = $2 } /^Pss_Anon:/ { anon = $2 } /^Pss_Shmem:/ { shared = $2 }
                END { printf "{\"mode\":\"%s\",\"unit\":%d,\"daemon\":\"%s\",\"own_mib\":%.1f,\"with_files_mib\":%.1f}\n",
                    mode, unit, daemon, (anon + shared) / 1024, all / 1024 }' \
                "/proc/${pids[$daemon-$unit]}/smaps_rollup"
        done
    done | tee -a "$FIGURES"
}

loaded() { # MODE COMMAND...: a load, and what each of its tickets cost
    local mode=$1 before after line flushes
    shift
    flushes=$(count_flushes)
    before=$(count_cpu)
    line=$("$@")
    after=$(count_cpu)
    note "$line"
    note "$(counted "$mode" "$before"$'\n'"$flushes" "$after"$'\n'"$(count_flushes)" "$line")"
}

issue() {
    local clients round
    say "== issue: raw limit, engine, gateway, peers; $ROUNDS rounds"
    for ((round = 0; round < ROUNDS; round++)); do
        for clients in 1 8 64; do
            up --disk directory
            note "$("$BENCH" raw --dir "$OUT/raw" --clients "$clients" --seconds 2)"
            loaded engine-cost "$BENCH" engine --socket "$(field 1 socket)" --clients "$clients" \
                --seconds "$SECONDS_EACH" --count $TICKETS
            up --disk directory
            loaded http-cost ip netns exec "$NAME-lan" "$BENCH" http "${way[@]}" \
                --clients "$clients" --seconds "$SECONDS_EACH" --count $TICKETS
            if [ "$clients" = 64 ]; then
                [ "$round" -gt 0 ] || memory memory
                tools/bench/peers.sh "$NAME" "$BUILD/bin" "$clients" "$SECONDS_EACH" | tee -a "$FIGURES"
            fi
        done
    done
}

# ---- screens and telephones that follow live ------------------------------------------------------------------

live_issue() { # MODE
    note "{\"mode\":\"$1\",$(in_lan "$BENCH" http "${way[@]}" --clients 1 --every-ms 100 --seconds "$LIVE_SECONDS" | cut -d, -f2-)"
}

# The same office, the same rate, without and with them, in turn; nobody reads what they got but the counter.
live() {
    local round followers board
    say "== 100 boards and 1,000 telephones follow while tickets are issued ten a second"
    up --disk directory
    board=$(node -p 'JSON.parse(process.argv[1]).credentials.board' "$info")
    for ((round = 0; round < ROUNDS; round++)); do
        live_issue live-alone
        : >"$OUT/live.jsonl"
        in_lan "$BENCH" live "${way[@]:0:4}" --token "$board" --clients 100 --slow 1000 --seconds $((LIVE_SECONDS + 5)) >"$OUT/live.jsonl" &
        followers=$!
        while ! grep -q ready "$OUT/live.jsonl" && kill -0 "$followers" 2>/dev/null; do sleep 0.2; done
        live_issue live-followed
        wait "$followers"
        note "$(tail -n 1 "$OUT/live.jsonl")"
    done
    memory memory-live
}

# ---- a large ledger ----------------------------------------------------------------------------------------

both_off() {
    "$OFFICE" fault power 2 --name "$NAME" --json >/dev/null
    "$OFFICE" fault power 1 --name "$NAME" --json >/dev/null
}

# From power back to: toband listens (its ledger is open, checked and folded), first ticket at the address.
start_up() { # ENTRIES
    local at gap
    both_off
    at=$(now_us)
    "$BENCH" wait --socket "$(field 1 socket)" --seconds 60 >"$OUT/wait1.jsonl" &
    "$BENCH" wait --socket "$(field 2 socket)" --seconds 60 >"$OUT/wait2.jsonl" &
    in_lan "$BENCH" gap "${way[@]}" --seconds 8 >"$OUT/gap.jsonl" 2>/dev/null &
    gap=$!
    "$OFFICE" heal --name "$NAME" >/dev/null
    wait "$gap" || true
    wait
    node -e '
        const fs = require("fs"), at = +process.argv[1], out = process.argv[3];
        const rows = (name) => fs.readFileSync(out + "/" + name, "utf8").trim().split("\n").filter(Boolean).map(JSON.parse);
        const listens = [...rows("wait1.jsonl"), ...rows("wait2.jsonl")].map((r) => (r.at_us - at) / 1000);
        const tickets = rows("gap.jsonl").map((r) => (r.acked_us - at) / 1000);
        console.log(JSON.stringify({mode: "start", entries: +process.argv[2], listens_ms: Math.max(...listens),
            ticket_ms: tickets.length ? Math.min(...tickets) : null}));' "$at" "$1" "$OUT" | tee -a "$FIGURES"
}

ledger_issue() { # OFFICE ENTRIES
    local clients line its
    mapfile -t its < <(way_into "$1")
    for clients in 1 8; do
        line=$(ip netns exec "$1-lan" "$BENCH" http "${its[@]}" --clients "$clients" --seconds 20 --count 1000)
        note "{\"mode\":\"ledger-issue\",\"entries\":$2,${line#*,}"
    done
}

wait_paired() {
    local i
    for ((i = 0; i < 900; i++)); do
        if ask_unit 1 GET ready >/dev/null 2>&1 || ask_unit 2 GET ready >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    say "not paired within 90 s"
    return 1
}

ledger() {
    local entries=$LEDGER_ENTRIES i room one two
    say "== a ledger of $entries entries beside an empty one"
    up --disk directory --at 2026-11-24T09:00
    one=$(field 1 data_dir)
    two=$(field 2 data_dir)
    room=$(df --output=avail -B1 "$one" | tail -1)
    if [ "$room" -lt $((entries * ENTRY_DISK_BYTES)) ]; then
        note "{\"mode\":\"not-measured\",\"what\":\"ledger\",\"entries\":$entries,\"why\":\"$((room >> 30)) GiB free on the disk\"}"
        entries=1000000
        [ "$room" -ge $((entries * ENTRY_DISK_BYTES)) ] || return 0
    fi
    for ((i = 0; i < ROUNDS; i++)); do
        start_up 0
    done
    both_off
    note "$("$BENCH" fill --dir "$one" --record "$(field 1 record_dir)" --count "$entries")"
    cp "$one/ledger/data.mdb" "$two/ledger/data.mdb"
    "$OFFICE" heal --name "$NAME" >/dev/null
    wait_paired
    "$OFFICE" clock --shift 86400 --name "$NAME" >/dev/null # next morning: its checkpoint is behind the entries
    sleep 3
    wait_paired
    "$OFFICE" up --name "$EMPTY" --site "$OUT/site.yaml" --disk directory --at 2026-11-24T09:00 >/dev/null
    for ((i = 0; i < ROUNDS; i++)); do
        ledger_issue "$EMPTY" 0
        ledger_issue "$NAME" "$entries"
    done
    "$OFFICE" down --name "$EMPTY" >/dev/null
    for ((i = 0; i < ROUNDS; i++)); do
        start_up "$entries"
    done
    wait_paired
    look
    memory memory-large
}

# ---- time without service ------------------------------------------------------------------------------------

duty_place() {
    local k
    for k in 1 2; do
        if ask_unit "$k" GET explain | grep -q '"PAIRED_DUTY"'; then
            echo $k
            return 0
        fi
    done
    return 1
}

# Each repetition has an office of its own: rule 10 makes a pair that breaks often wait before it pairs.
fault() {
    local kind=$1 i place at
    for ((i = 0; i < REPEATS; i++)); do
        up
        wait_paired
        place=$(duty_place)
        in_lan "$BENCH" gap "${way[@]}" --seconds 4 >"$OUT/gap.jsonl" 2>/dev/null &
        local gap=$!
        sleep 1.5
        at=$(now_us)
        if [ "$kind" = handover ]; then
            ask_unit "$place" POST duty/handover >/dev/null
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

faults() {
    local kind
    say "== time without service: $REPEATS of each"
    for kind in handover crash power; do
        fault "$kind"
    done
}

for part in $PARTS; do
    "$part"
done
node tools/bench/report.mjs "$FIGURES" >"$OUT/report.md"
cat "$OUT/report.md"
