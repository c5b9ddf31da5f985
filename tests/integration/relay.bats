#!/usr/bin/env bats
# The public page on another host, fed by a live office that loses power on duty; what the relay may not do, and what is
# left of a visitor in its memory and on its disk after the night (relay.mjs). Issue 4, R-024, R-071, R-075.
bats_require_minimum_version 1.5.0

# Wants root, corosync, openssl, curl, toband, toban-web, toban-net, node.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    for program in node openssl curl; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
    for program in toban-office toband toban-web toban-net; do
        [ -x "build/bin/$program" ] || skip "$program is not built"
    done
}

@test "relay: fed from inside only, through a power cut, stale when the feed stops, and empty after the night" {
    node tests/integration/relay.mjs "rl$$" 3>&-
}

@test "relay: an office on one machine brings its relay, and what feeds it" {
    name="rs$$"
    export TOBAN_OFFICE_DIR
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ors.XXXX)
    # shellcheck disable=SC2064 # the name and place of now
    trap "build/bin/toban-office down --name $name >/dev/null 2>&1; rm -rf '$TOBAN_OFFICE_DIR'" EXIT
    build/bin/toban-office up --relay --name "$name" --at 2026-11-24T09:00 --disk directory 3>&-
    info=$(build/bin/toban-office info --name "$name" --json)
    url=$(jq -r .relay.url <<<"$info")
    ca=$(jq -r .ca_file <<<"$info")
    for _ in $(seq 100); do
        queue=$(ip netns exec "$name-lan" curl -s -m 2 --cacert "$ca" "$url/api/v1/queue" || true)
        jq -e '.service_day.state == "OPEN" and .fed != false' <<<"$queue" >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    echo "$queue"
    return 1
}
