#!/usr/bin/env bats
# Two units of real programs in the office on one machine, with real corosync: the spare goes on when the
# unit on duty is gone, no number is given twice, and the pair is a pair again after each fault.
bats_require_minimum_version 1.5.0

# Wants root, corosync, toband, toban-web, toban-net, curl, jq.

setup_file() {
    export BIN=$BATS_TEST_DIRNAME/../../build/bin
}

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    for program in toban-office toband toban-web toban-net; do
        [ -x "$BIN/$program" ] || skip "$program is not built"
    done
    OFFICE=$BIN/toban-office
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ot.XXXXXX)
    export TOBAN_OFFICE_DIR
    export LC_ALL=C.UTF-8
    N=p${TOBAN_OFFICE_DIR##*.}
    N=${N,,}
    "$OFFICE" up --name "$N" --disk-mib 256 --at 2026-11-24T10:00 >/dev/null
    KEYS=0
    : >"$BATS_TEST_TMPDIR/given"
}

teardown() {
    [ -n "${TOBAN_OFFICE_DIR:-}" ] || return 0
    if [ -z "$BATS_TEST_COMPLETED" ]; then
        tail -n 20 "$TOBAN_OFFICE_DIR/$N"/u?/log/toband.log || true
    fi
    "$OFFICE" down --name "$N" >/dev/null 2>&1 || true
    rm -rf --one-file-system "$TOBAN_OFFICE_DIR"
}

until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# From the clients' network, as a kiosk does it: again with the same key until there is an answer.
issue() { # KEY
    local end=$((SECONDS + 40)) answer
    until answer=$(ip netns exec "$N-lan" curl -s --fail --max-time 4 -X POST \
        http://10.90.0.10/api/v1/tickets -H "Idempotency-Key: $1" \
        -H 'Content-Type: application/json' -d '{"category":1}'); do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
    jq -r .display <<<"$answer"
}

issue_some() { # COUNT: appends "key display" lines to the file of what was given
    local display
    for _ in $(seq "$1"); do
        KEYS=$((KEYS + 1))
        display=$(issue "key-$KEYS")
        echo "key-$KEYS $display" >>"$BATS_TEST_TMPDIR/given"
    done
}

no_number_twice() {
    [ -z "$(awk '{ print $2 }' "$BATS_TEST_TMPDIR/given" | sort | uniq -d)" ]
}

is_ready() {
    "$OFFICE" status --name "$N" >/dev/null
}

newest() {
    tail -n 1 "$BATS_TEST_TMPDIR/given" | cut -d' ' -f2
}

is_plain() {
    [[ "$1" =~ ^[0-9]+$ ]]
}

on_duty() { # the place of the unit that holds the floating address
    local place
    for place in 1 2; do
        ! ip -n "$N-u$place" -o addr show lan0 | grep -q 10.90.0.10/ || echo "$place"
    done
}

@test "the pair gives plain numbers as soon as up returns" {
    issue_some 3
    [ "$(awk '{ print $2 }' "$BATS_TEST_TMPDIR/given" | xargs)" = "101 102 103" ]
}

@test "the power of the unit on duty is cut: the spare goes on, and knows every key" {
    issue_some 5
    duty=$(on_duty)
    "$OFFICE" fault power "$duty" --name "$N"
    issue_some 5
    no_number_twice
    run ! is_plain "$(newest)"
    while read -r key display; do
        [ "$(issue "$key")" = "$display" ]
    done <"$BATS_TEST_TMPDIR/given"
    "$OFFICE" heal --name "$N"
    until_true 60 is_ready
    issue_some 3
    is_plain "$(newest)"
    no_number_twice
}

@test "toband on duty is killed again and again: no number is lost or given twice" {
    for _ in 1 2 3; do
        issue_some 2
        "$OFFICE" fault crash "$(on_duty | head -n 1)" --name "$N"
        issue_some 2
        until_true 90 is_ready
    done
    no_number_twice
    while read -r key display; do
        [ "$(issue "$key")" = "$display" ]
    done <"$BATS_TEST_TMPDIR/given"
}

@test "units that lose each other go on by letters, and give plain numbers again after it" {
    issue_some 3
    "$OFFICE" fault partition --clients 2 --name "$N"
    issue_some 4
    run ! is_plain "$(newest)"
    "$OFFICE" heal --name "$N"
    until_true 90 is_ready
    issue_some 3
    is_plain "$(newest)"
    no_number_twice
    [ "$(on_duty | wc -w)" -eq 1 ]
}

@test "a spare whose disk was wiped becomes a ready spare by itself" {
    issue_some 4
    duty=$(on_duty)
    "$OFFICE" fault disk-wipe $((3 - duty)) --name "$N"
    issue_some 2
    until_true 90 is_ready
    "$OFFICE" fault power "$duty" --name "$N"
    issue_some 2
    no_number_twice
    while read -r key display; do
        [ "$(issue "$key")" = "$display" ]
    done <"$BATS_TEST_TMPDIR/given"
}
