#!/usr/bin/env bats
# Tickets on paper in a live office: printers that break in every way, takeovers in the middle of a paper, a new roll
# (printer.mjs). Issue 4, R-009, R-012.
bats_require_minimum_version 1.5.0

# Wants root, corosync, toband, toban-web, toban-net, toban-devices, toban-printer, node.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    command -v node >/dev/null || skip "node is not installed"
    for program in toban-office toband toban-web toban-net toban-devices toban-printer; do
        [ -x "build/bin/$program" ] || skip "$program is not built"
    done
}

@test "papers: an original once, whatever the printers, the driver and the units do" {
    node tests/integration/printer.mjs "pr$$" 3>&-
}
