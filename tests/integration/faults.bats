#!/usr/bin/env bats
# Each fault of DESIGN 7 in an office of its own, with visitors, staff and a board that do not stop for it: what
# the units do about it (faults.mjs), and then what the independent checker of the demo finds: promises 1, 2, 5, 6,
# 7 and 10, and 15 for the evenings. It reads what the clients received and what lies on the two disks.
bats_require_minimum_version 1.5.0

# Wants root, corosync, toband, toban-web, toban-net, node, curl, lmdb-utils.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    command -v node >/dev/null || skip "node is not installed"
    for program in toban-office toband toban-web toban-net; do
        [ -x "build/bin/$program" ] || skip "$program is not built"
    done
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ot.XXXXXX)
    export TOBAN_OFFICE_DIR
    export LC_ALL=C.UTF-8
}

teardown() {
    [ -z "${TOBAN_OFFICE_DIR:-}" ] || rm -rf --one-file-system "$TOBAN_OFFICE_DIR"
}

held() { # SCENARIO
    local status=0
    node tests/integration/faults.mjs "$BATS_TEST_TMPDIR/evidence" "$1" 3>&- || status=$?
    [ "$status" -ne 75 ] || skip "no verdict: the machine stood still"
    return "$status"
}

@test "power: the spare goes on by its letter, the units meet, and plain numbers come back" {
    held power
}

@test "crash: toband on duty is killed again and again, and nothing is lost or given twice" {
    held crash
}

@test "wedge: the spare goes on; the unit that stood still looks around before it serves anybody" {
    held wedge
}

@test "switch: duty stays while the direct link lives; a number within 2 s of forwarding; no letter" {
    held switch
}

@test "unplug-lan: duty moves to the unit whose cable is in, by plain numbers; of the spare nothing is felt" {
    held unplug-lan
}

@test "unplug-direct: the other link carries the ledger; no letter, no new term" {
    held unplug-direct
}

@test "partition: both sides go on, each by its letter, and one ledger comes out" {
    held partition
}

@test "disk-full: duty moves to the ready spare before a commit fails, the reason is named, and it heals" {
    held disk-full
}

@test "disk-wipe: a wiped spare is filled from nothing, and serves when the other loses power" {
    held disk-wipe
}

@test "damage: a flipped bit moves duty before it is served, a cut ledger serves nobody, and both are repaired from the peer" {
    held damage
}

@test "strangers: bad input is refused with its reason, and noise on every port changes nothing" {
    held strangers
}

@test "clock: a unit whose clock jumps by hours, a day or years moves no day and stops no visitor" {
    held clock
}

@test "evenings: off in order and by breaker, on in either order, PAIRED by opening, yesterday erased first" {
    held evenings
}
