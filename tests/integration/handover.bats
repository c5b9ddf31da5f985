#!/usr/bin/env bats
# A planned hand-over as clients see it (DESIGN 3 rule 7): duty moves first, the address last, and no request
# is refused, reset or lost while it goes there and back.
bats_require_minimum_version 1.5.0

# Wants root, corosync, toband, toban-web, toban-net, nft, node, jq.

setup() {
    BIN=$BATS_TEST_DIRNAME/../../build/bin
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    command -v node >/dev/null || skip "node is not installed"
    for program in toban-office toband toban-web toban-net; do
        [ -x "$BIN/$program" ] || skip "$program is not built"
    done
    OFFICE=$BIN/toban-office
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ot.XXXXXX)
    export TOBAN_OFFICE_DIR
    export LC_ALL=C.UTF-8
    N=h${TOBAN_OFFICE_DIR##*.}
    N=${N,,}
    "$OFFICE" up --name "$N" --disk-mib 256 --at 2026-11-24T10:00 >/dev/null
    INFO=$("$OFFICE" info --name "$N" --json)
}

teardown() {
    [ -n "${TOBAN_OFFICE_DIR:-}" ] || return 0
    [ -z "${CLIENTS:-}" ] || kill "$CLIENTS" 2>/dev/null || true
    if [ -z "$BATS_TEST_COMPLETED" ]; then
        tail -n 20 "$TOBAN_OFFICE_DIR/$N"/u?/log/toband.log || true
        cat "$BATS_TEST_TMPDIR/clients" || true
    fi
    "$OFFICE" down --name "$N" >/dev/null 2>&1 || true
    rm -rf --one-file-system "$TOBAN_OFFICE_DIR"
}

until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

credential() { # ROLE
    jq -r ".credentials.$1" <<<"$INFO"
}

management() { # UNIT METHOD PATH
    ip netns exec "$N-u$1" curl -s --fail --max-time 5 -X "$2" "http://127.0.0.1:9180/api/v1/$3" \
        -H "Authorization: Bearer $(credential engineer)" \
        -H "Idempotency-Key: order-$RANDOM$RANDOM" -H 'Content-Type: application/json'
}

role_of() { # UNIT
    management "$1" GET status | jq -r --argjson unit "$1" '.units[] | select(.unit == $unit) | .role'
}

has_address() { # UNIT
    ip -n "$N-u$1" -o addr show lan0 | grep -q 10.90.0.10/
}

# Alone with the address, and nothing of the hand-over left.
has_moved_to() { # UNIT
    has_address "$1" && ! has_address $((3 - $1)) &&
        [ -z "$(ip netns exec "$N-u1" nft list tables)" ] &&
        [ -z "$(ip netns exec "$N-u2" nft list tables)" ]
}

hand_over_to() { # UNIT: asked again until the other has been ready for its time (3 s of service link)
    until_true 20 management $((3 - $1)) POST duty/handover >/dev/null
    until_true 10 has_moved_to "$1"
}

on_duty() {
    if has_address 1; then echo 1; else echo 2; fi
}

@test "duty goes to the other unit and back under load: no request fails, no number is given twice" {
    first=$(on_duty)
    second=$((3 - first))
    ip netns exec "$N-lan" node "$BATS_TEST_DIRNAME/handover_client.mjs" 10.90.0.10 12 press \
        "$(jq -r .ca_file <<<"$INFO")" "$(credential kiosk)" \
        >"$BATS_TEST_TMPDIR/clients" &
    CLIENTS=$!
    hand_over_to "$second"
    hand_over_to "$first"
    wait "$CLIENTS"
    CLIENTS=
    cat "$BATS_TEST_TMPDIR/clients" >&3
    jq -e '.failed == 0 and .given == .different and .given > 100 and .longest_ms < 3000' \
        "$BATS_TEST_TMPDIR/clients"
}
