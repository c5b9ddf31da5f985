#!/usr/bin/env bats
# Whole programs of a real unit while a call of theirs fails (tests/nth); `make nth-failures` tries every call. Wants root.

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(uname -m)" = x86_64 ] || skip "tests/nth/preload.c knows x86-64 only"
}

@test "toband, toban-net and toban-web go on, or end and say why, whichever call of theirs fails" {
    run node tests/nth/nth.mjs --sample
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"n-th failures of whole programs: all good, "* ]]
}
