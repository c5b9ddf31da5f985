#!/usr/bin/env bats
# tests/run.sh must count honestly: what crashes, hangs, ends early or runs nothing is a failure.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    export BUILD=$BATS_TEST_TMPDIR/build
}

program() { # BODY: a test program of these shell lines
    printf '#!/bin/sh\n%s\n' "$1" >"$BATS_TEST_TMPDIR/some_test"
    chmod +x "$BATS_TEST_TMPDIR/some_test"
    run tests/run.sh --programs "$BATS_TEST_TMPDIR/some_test"
}

last_line() {
    printf '%s\n' "${lines[-1]}"
}

@test "passes and skips are counted one by one" {
    program 'echo 1..3; echo "ok 1 - a"; echo "ok 2 - b"; echo "not ok 3 # SKIP c"'
    [ "$status" -eq 0 ]
    [ "$(last_line)" = "2 passed, 0 failed, 1 skipped" ]
}

@test "a failed test fails the run and is shown" {
    program 'echo 1..2; echo "ok 1 - a"; echo "not ok 2 - the_broken_one"; echo "# why"; exit 1'
    [ "$status" -eq 1 ]
    [[ "$output" == *the_broken_one* ]]
    [ "$(last_line)" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a crash after good tests is a failure" {
    program 'echo 1..2; echo "ok 1 - a"; kill -SEGV $$'
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a plan that is not kept is a failure, also with exit status 0" {
    program 'echo 1..3; echo "ok 1 - a"; exit 0'
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a bad exit status is a failure, also when every test passed" {
    program 'echo 1..1; echo "ok 1 - a"; exit 3'
    [ "$status" -eq 1 ]
}

@test "a program that runs nothing, or is not there, is a failure" {
    program 'exit 0'
    [ "$status" -eq 1 ]
    run tests/run.sh --programs "$BATS_TEST_TMPDIR/not-there"
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "0 passed, 1 failed, 0 skipped" ]
}

@test "a program that hangs is stopped and is a failure" {
    export PROGRAM_SECONDS=1
    program 'echo 1..2; echo "ok 1 - a"; exec sleep 100'
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "1 passed, 1 failed, 0 skipped" ]
}

@test "a run of nothing at all does not pass" {
    run tests/run.sh --programs
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "0 passed, 0 failed, 0 skipped" ]
}

@test "a stage that does not exist is refused" {
    run tests/run.sh no-such-stage
    [ "$status" -eq 2 ]
}

@test "the totals of node's runner are taken as they are" {
    program 'echo "ok 1 - outer"; echo "# pass 7"; echo "# fail 0"; echo "# cancelled 0"; echo "# skipped 2"; echo "# todo 0"'
    [ "$status" -eq 0 ]
    [ "$(last_line)" = "7 passed, 0 failed, 2 skipped" ]
    program 'echo "# pass 7"; echo "# fail 1"; echo "# skipped 0"; exit 1'
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "7 passed, 1 failed, 0 skipped" ]
}

@test "what runs beside the stages is counted with them, and fails the run when it is not done" {
    export BUILD=build LOGS=$BATS_TEST_TMPDIR/logs STAGES=layers BESIDE_FROM=layers
    BESIDE=layers run tests/run.sh
    [ "$status" -eq 0 ]
    [ "$(last_line)" = "6 passed, 0 failed, 0 skipped" ]
    BESIDE=no_such_stage run tests/run.sh
    [ "$status" -eq 1 ]
    [[ "$output" == *"no stage 'no_such_stage'"* ]]
    [ "$(last_line)" = "3 passed, 1 failed, 0 skipped" ]
}

# Once a whole run failed for this: what ran beside it had passed minutes before, and bash knew its number no more.
@test "what ran beside the stages is judged by the status that it left, not by its number" {
    export BUILD=build LOGS=$BATS_TEST_TMPDIR/logs STAGES=layers BESIDE_FROM=layers
    wait() {
        builtin wait "$@"
        return 127
    }
    export -f wait
    BESIDE=layers run tests/run.sh
    [ "$status" -eq 0 ]
    [ "$(last_line)" = "6 passed, 0 failed, 0 skipped" ]
    BESIDE=no_such_stage run tests/run.sh
    [ "$status" -eq 1 ]
    [ "$(last_line)" = "3 passed, 1 failed, 0 skipped" ]
}
