#!/usr/bin/env bats
# Power cuts on disk images (tests/crash): at every flush boundary of a recorded ledger, several choices of what was
# not flushed. `make crash-images` makes as many as are wanted.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    unset TMPDIR # memory, where there is some: what a power cut takes is what the recording says
}

@test "after a power cut at any flush the ledger opens, verifies, and holds all that was acknowledged" {
    run build/plain/bin/toban-crash --images 900
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == "crash images: all good: 900 images "* ]]
}

@test "any call for memory, files, threads or LMDB may fail once: nothing crashes, nothing acknowledged is lost" {
    run build/plain/bin/toban-crash --nth quick
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"n-th failures: all good, "*"every failpoint hit"* ]]
}

@test "one seed is one recording" {
    first=$(build/plain/bin/toban-crash --images 1 --seed 4 | sed 's/.*recording //')
    second=$(build/plain/bin/toban-crash --images 1 --seed 4 | sed 's/.*recording //')
    echo "$first $second"
    [ -n "$first" ]
    [ "$first" = "$second" ]
}
