#!/usr/bin/env bats
# A lone unit of real programs in the office on one machine: what was acknowledged outlives a power cut
# and a crash. The pair has a file of its own. Wants root, toband, toban-web, toban-net, curl, jq.

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    BIN=$BATS_TEST_DIRNAME/../../build/bin
    for program in toban-office toband toban-web toban-net; do
        [ -x "$BIN/$program" ] || skip "$program is not built"
    done
    OFFICE=$BIN/toban-office
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ot.XXXXXX)
    export TOBAN_OFFICE_DIR
    export LC_ALL=C.UTF-8
    N=r${TOBAN_OFFICE_DIR##*.}
    N=${N,,}
    "$OFFICE" up --name "$N" --units 1 --disk-mib 256 --at 2026-11-24T10:00 >/dev/null
    info=$("$OFFICE" info --name "$N" --json)
    URL=$(jq -r .host_url <<<"$info")/api/v1
    KIOSK=(--cacert "$(jq -r .ca_file <<<"$info")" -H "Authorization: Bearer $(jq -r .credentials.kiosk <<<"$info")")
}

teardown() {
    [ -n "${TOBAN_OFFICE_DIR:-}" ] || return 0
    "$OFFICE" down --name "$N" >/dev/null 2>&1 || true
    rm -rf --one-file-system "$TOBAN_OFFICE_DIR"
}

until_ready() {
    local end=$((SECONDS + 45))
    until "$OFFICE" status --name "$N" >/dev/null; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

issue() { # KEY
    curl -sS --fail "${KIOSK[@]}" --max-time 20 --retry 20 --retry-delay 1 --retry-all-errors -X POST "$URL/tickets" \
        -H "Idempotency-Key: $1" -H 'Content-Type: application/json' -d '{"category":1}' |
        jq -r .display
}

issue_many() {
    for i in $(seq 1 "$1"); do
        issue "key-$i"
    done
}

@test "a lone unit serves with its letter as soon as up returns" {
    [ "$(issue first)" = 101A ]
    [ "$(issue first)" = 101A ]
    [ "$(issue second)" = 102A ]
}

@test "every acknowledged ticket outlives a power cut, and its key still answers it" {
    before=$(issue_many 12)
    [ "$(sort -u <<<"$before" | wc -l)" -eq 12 ]
    "$OFFICE" fault power 1 --name "$N"
    "$OFFICE" heal 1 --name "$N"
    until_ready
    [ "$(issue_many 12)" = "$before" ]
    after=$(issue new)
    [ "$after" = 113A2 ]
}

@test "every acknowledged ticket outlives a crash of toband" {
    before=$(issue_many 5)
    "$OFFICE" fault crash 1 --name "$N"
    [ "$(issue_many 5)" = "$before" ]
    [ "$(issue new)" = 106A2 ]
}

@test "a wiped disk never founds a second ledger" {
    issue first
    "$OFFICE" fault disk-wipe 1 --name "$N"
    blank() {
        "$BIN/toban" --name "$N" --unit 1 --json status |
            jq -e '.units[0].lsn == 0 and .verdict.can_serve_now == false' >/dev/null
    }
    end=$((SECONDS + 20))
    until blank; do
        [ "$SECONDS" -lt "$end" ]
        sleep 0.1
    done
    status=$(curl -s "${KIOSK[@]}" -o /dev/null -w '%{http_code}' --max-time 10 -X POST "$URL/tickets" \
        -H "Idempotency-Key: x" -H 'Content-Type: application/json' -d '{"category":1}' || true)
    [ "$status" != 201 ]
}
