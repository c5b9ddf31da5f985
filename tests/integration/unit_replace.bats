#!/usr/bin/env bats
# Rule 11 in a live office: two people, a retired unit that comes back, an id of its own, a farewell.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "an office on this machine needs root"
    [ -x build/bin/toband ] || skip "toband is not built"
    export OFFICE=swap$$
    build/bin/toban-office up --name "$OFFICE" --at 2026-11-24T09:00 >&2
}

teardown_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    build/bin/toban-office down --name "$OFFICE" >&2
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

toban() {
    run build/bin/toban --name "$OFFICE" --lang en "$@"
}

approve() {
    toban unit approve "$1" --by "$2" --off-and-in-my-hands
}

# Waits until jq says true of the status of unit $1 (0: the one on duty).
until_status() {
    for _ in $(seq 150); do
        if [ "$1" -eq 0 ]; then
            toban status --json
        else
            toban status --json --unit "$1"
        fi
        ! jq -e "$2" <<<"$output" >/dev/null || return 0
        sleep 0.2
    done
    echo "$output"
    return 1
}

is_paired='[.units[] | select(.state == "PAIRED_DUTY" or .state == "PAIRED_SPARE")] | length == 2'

@test "while both are paired nobody is replaced" {
    approve TB-2026-0002 Suzuki
    [ "$status" -eq 1 ]
    [[ "$output" == *NOT_NOW* ]]
    toban unit approve TB-2026-0002 --by Suzuki
    [ "$status" -eq 2 ]
}

@test "one person is not two, and a serial is the old unit's" {
    build/bin/toban-office fault power 2 --name "$OFFICE"
    until_status 0 '.units[] | select(.unit == 1) | .mode == "ALONE"'
    approve TB-2026-0001 Suzuki
    [[ "$output" == *OWN_SERIAL* ]]
    approve TB-2026-9999 Suzuki
    [[ "$output" == *NO_SUCH_SERIAL* ]]
    approve TB-2026-0002 Suzuki
    [ "$status" -eq 0 ]
    approve TB-2026-0002 Suzuki
    [ "$status" -eq 1 ]
    [[ "$output" == *SAME_PERSON* ]]
    approve TB-2026-0002 Sato
    [ "$status" -eq 0 ]
    toban unit list --json
    [ "$(jq -r .replacement.state <<<"$output")" = APPROVED ]
}

@test "the box that was declared off comes back: blank, and not by itself" {
    build/bin/toban-office heal 2 --name "$OFFICE"
    until_status 1 '[.reasons[].code] | index("PEER_UNKNOWN") != null'
    until_status 2 '.units[] | select(.here) | .lsn == 0'
    toban ticket issue 1
    [ "$status" -eq 0 ]
    [[ "$output" == [0-9]*A* ]]
}

@test "said twice it joins, under an id that was never used" {
    approve TB-2026-0002 Suzuki
    approve TB-2026-0002 Sato
    [ "$status" -eq 0 ]
    until_status 0 "$is_paired"
    [ "$(jq -c '[.units[].unit] | sort' <<<"$output")" = "[1,3]" ]
    toban ledger verify
    [ "$status" -eq 0 ]
    toban ledger diff
    [ "$status" -eq 0 ]
}

@test "a unit that says farewell is blank, and the other goes on by letter" {
    toban unit retire TB-2026-0002 --by Sato
    [ "$status" -eq 0 ]
    toban unit retire TB-2026-0002 --by Sato
    [ "$status" -eq 1 ]
    toban unit retire TB-2026-0002 --by Suzuki
    [ "$status" -eq 0 ]
    until_status 1 '.units[] | select(.unit == 1) | .mode == "ALONE"'
    until_status 2 '.units[] | select(.here) | .lsn == 0'
    toban unit list --json
    [ "$(jq -c '.replacement.retired | sort' <<<"$output")" = "[2,3]" ]
}
