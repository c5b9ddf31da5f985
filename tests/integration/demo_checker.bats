#!/usr/bin/env bats
# The judge of `make demo` must itself be able to say no: every way in which a day can be spoiled is tried on
# a day that was recorded (tests/lib/data/demo-day.json.gz, made by `demo.mjs DIR --short` and
# `checker.mjs --pack DIR FILE`), and each must be noticed under the promise that it breaks.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    checker=tools/office/demo/checker.mjs
    set=tests/lib/data/demo-day.json.gz
}

@test "the recorded day keeps every promise" {
    run node "$checker" "$set"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok ' <<<"$output")" -eq 7 ]
    [[ "$output" != *FAIL* ]]
}

@test "every spoiled day is noticed" {
    run node "$checker" --selftest
    [ "$status" -eq 0 ]
    [[ "$output" != *"not ok"* ]]
    [ "$(grep -c '^ok ' <<<"$output")" -eq 33 ]
}

@test "a day that is broken ends with exit 1 and says where" {
    node -e '
        const { gunzipSync, gzipSync } = require("node:zlib");
        const { readFileSync, writeFileSync } = require("node:fs");
        const set = JSON.parse(gunzipSync(readFileSync(process.argv[1])));
        const at = set.final[2].stored[20];
        const bytes = Buffer.from(set.blobs[at], "base64");
        bytes[90] ^= 1;
        set.final[2].stored[20] = set.blobs.push(bytes.toString("base64")) - 1;
        writeFileSync(process.argv[2], gzipSync(JSON.stringify(set)));
    ' "$set" "$BATS_TEST_TMPDIR/broken.json.gz"
    run node "$checker" "$BATS_TEST_TMPDIR/broken.json.gz"
    [ "$status" -eq 1 ]
    [[ "$output" == *"final unit 2: lsn 21: the link to the entry before does not hold"* ]]
}

@test "the checker's fold and the queue come to the same rows, whatever is pressed" {
    walk=build/plain/tests/tests/unit/queue_random_test
    [ -x "$walk" ] || skip "queue_random_test is not built"
    QUEUE_TRACE="$BATS_TEST_TMPDIR/trace" QUEUE_STEPS=1000 "$walk" >"$BATS_TEST_TMPDIR/walk" 2>&1
    run node tests/integration/fold_trace.mjs "$BATS_TEST_TMPDIR/trace"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" 9 kinds of rows" ]]
}
