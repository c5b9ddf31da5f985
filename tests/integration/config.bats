#!/usr/bin/env bats
# The site file in an office of its own: a name changes without a program, and comes back.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "an office on this machine needs root"
    [ -x build/bin/toband ] || skip "toband is not built"
    export OFFICE=config$$
    build/bin/toban-office up --name "$OFFICE" --at 2026-11-24T09:00 >&2
    URL=$(build/bin/toban-office info --name "$OFFICE" | awk 'NR == 1 { print $2 }')
    export URL
}

teardown_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    build/bin/toban-office down --name "$OFFICE" >&2
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

toban() {
    run build/bin/toban --name "$OFFICE" --lang ja "$@"
}

@test "a new name is on the page, on paper and in the status, and the old one comes back" {
    grep -q 'place_ja: 4階 都市計画課 待合ロビー' image/site-default.yaml
    sed -e 's/都市計画課 総合受付/都市整備課 総合受付/' -e 's/place_ja: 4階 .*/place_ja: 9階 仮設ロビー/' \
        image/site-default.yaml >"$BATS_TEST_TMPDIR/new.yaml"
    toban config check "$BATS_TEST_TMPDIR/new.yaml"
    [ "$status" -eq 0 ]
    toban config apply "$BATS_TEST_TMPDIR/new.yaml"
    [ "$status" -eq 0 ]
    [[ "$output" == *都市整備課* && "$output" == *まだ何も変えていません* ]]
    toban config apply "$BATS_TEST_TMPDIR/new.yaml" --yes --note "課の名前が変わった"
    [ "$status" -eq 0 ]
    curl -s "$URL/api/v1/site" | jq -e '.name.ja == "世田谷区 都市整備課 総合受付" and .version == 2'
    curl -s "$URL/api/v1/queue" | jq -e '.site_ja == "世田谷区 都市整備課 総合受付" and .site_version == 2'
    toban status
    [[ "${lines[0]}" == *都市整備課* ]]
    # The printer's driver has started with the office; before that a ticket is on the screen.
    for _ in $(seq 100); do
        build/bin/toban --name "$OFFICE" printer list --json | jq -e '.printers[0].condition == "READY"' >/dev/null && break
        sleep 0.1
    done
    toban ticket issue 1 --paper --json
    [ "$status" -eq 0 ]
    printed=$(printed_text)
    [[ "$printed" == *都市整備課* && "$printed" == *"9階 仮設ロビー"* ]] # where to wait, of the version in force
    toban config history
    [[ "$output" == *課の名前が変わった* ]]
    toban config restore 1 --yes
    [ "$status" -eq 0 ]
    toban status
    [[ "${lines[0]}" == *都市計画課* ]]
}

# The newest paper's lines, as the printer of the tests has understood them.
printed_text() {
    local dir
    dir=$(build/bin/toban-office info --name "$OFFICE" --json | jq -r '.dir')
    for _ in $(seq 100); do
        [ -s "$dir/printer1/papers.jsonl" ] && tail -n 1 "$dir/printer1/papers.jsonl" | grep -q '"text"' && break
        sleep 0.1
    done
    tail -n 1 "$dir/printer1/papers.jsonl"
}

@test "a file with a mistake names its line; who edits an older version is told" {
    sed 's/close: "17:00"/close: "25:00"/' image/site-default.yaml >"$BATS_TEST_TMPDIR/bad.yaml"
    line=$(grep -n 'close: "25:00"' "$BATS_TEST_TMPDIR/bad.yaml" | cut -d: -f1)
    toban config check "$BATS_TEST_TMPDIR/bad.yaml"
    [ "$status" -eq 1 ]
    [[ "$output" == *"bad.yaml:$line: hours.close:"* ]]
    toban config apply image/site-default.yaml --yes --base 1
    [ "$status" -eq 1 ]
    [[ "$output" == *OTHER_VERSION* ]]
}

@test "a list of holidays is shown, and counts when it is applied" {
    toban calendar import tests/lib/data/syukujitsu.csv
    [ "$status" -eq 0 ]
    [[ "$output" == *まだ何も変えていません* ]]
    toban calendar import tests/lib/data/syukujitsu.csv --apply
    [ "$status" -eq 0 ]
    toban config history --json
    jq -e '.holidays == 1' <<<"$output"
}

@test "rows of single visits are kept while the site says so, name nobody, and are gone when it says so no more" {
    local id unit keys
    toban stats --visits
    [ "$status" -eq 0 ]
    [[ "$output" == *"残す日数 days kept,0,"* ]]
    sed 's/keep_visits: off/keep_visits: true/' image/site-default.yaml >"$BATS_TEST_TMPDIR/on.yaml"
    toban config apply "$BATS_TEST_TMPDIR/on.yaml" --yes
    [ "$status" -eq 0 ]
    [[ "$output" == *"400 日"* ]]
    toban ticket issue 1 --json
    id=$(jq -r .id <<<"$output")
    toban counter 1 open
    toban counter 1 call-next
    toban counter 1 complete
    [ "$status" -eq 0 ]
    toban stats --visits
    [[ "$output" != *2026-11-24,1,* ]] # nothing of a day that is not erased
    toban day close
    toban day open 2026-11-25
    [ "$status" -eq 0 ]
    toban stats --visits
    [ "$status" -eq 0 ]
    [[ "$output" == *2026-11-24,1,*,served,1,0,* ]]
    [[ "$output" != *"$id"* ]]
    for unit in 1 2; do # either can open them
        keys=("$(build/bin/toban-office info --name "$OFFICE" --json | jq -r ".units[$((unit - 1))].data_dir")"/keys/900*)
        [ -e "${keys[0]}" ]
    done
    toban config apply image/site-default.yaml --yes
    [ "$status" -eq 0 ]
    [[ "$output" == *すぐに消えます* ]]
    for _ in $(seq 50); do
        toban stats --visits
        [[ "$output" == *2026-11-24,1,* ]] || break
        sleep 0.1
    done
    [[ "$output" != *2026-11-24,1,* ]]
}

@test "a version survives the unit that took it, and alone nothing is changed" {
    build/bin/toban-office fault power 1 --name "$OFFICE" >&2
    for _ in $(seq 100); do
        build/bin/toban --name "$OFFICE" --lang ja config history >"$BATS_TEST_TMPDIR/history" 2>/dev/null && break
        sleep 0.1
    done
    grep -q 課の名前が変わった "$BATS_TEST_TMPDIR/history"
    toban config apply image/site-default.yaml --yes
    [ "$status" -eq 1 ]
    [[ "$output" == *NOT_ALONE* ]]
    build/bin/toban-office heal --name "$OFFICE" >&2
}
