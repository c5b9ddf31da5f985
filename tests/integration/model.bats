#!/usr/bin/env bats
# docs/DUTY.md and the model name the same rules and transitions, and the check that says so can fail.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || exit 1
    check="tools/check-duty-doc ${BUILD:-build}/bin/duty-doc"
}

@test "the page and the model name the same rules and transitions" {
    run $check
    [ "$status" -eq 0 ]
}

@test "a rule that the page has lost is noticed" {
    grep -v '^| `NO_HOLD`' docs/DUTY.md >"$BATS_TEST_TMPDIR/DUTY.md"
    DOC=$BATS_TEST_TMPDIR/DUTY.md run $check
    [ "$status" -ne 0 ]
    [[ $output == *+NO_HOLD* ]]
}

@test "a rule that the model has lost is noticed" {
    grep -v 'NO_ADOPTION' tests/model/pair.pml >"$BATS_TEST_TMPDIR/pair.pml"
    MODEL=$BATS_TEST_TMPDIR/pair.pml run $check
    [ "$status" -ne 0 ]
    [[ $output == *-NO_ADOPTION* ]]
}

@test "a transition that the page does not know is noticed" {
    sed 's/{ \/\* mint:/{ \/* coin:/' tests/model/pair.pml >"$BATS_TEST_TMPDIR/pair.pml"
    MODEL=$BATS_TEST_TMPDIR/pair.pml run $check
    [ "$status" -ne 0 ]
    [[ $output == *+coin* ]]
    [[ $output == *-mint* ]]
}
