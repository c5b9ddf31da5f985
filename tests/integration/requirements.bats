#!/usr/bin/env bats
# docs/REQUIREMENTS.md is held to the tree: every number once, and nothing is claimed without its test.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    table=$(grep -E '^\| R-[0-9]{3} \|' docs/REQUIREMENTS.md)
}

# STATE: prints "NUMBER FILE NAME" for every test that rows of this state name
tests_of() {
    grep -F "| $1 |" <<<"$table" | while IFS= read -r row; do
        number=$(cut -d' ' -f2 <<<"$row")
        grep -oE '`tests/[^`]+` `[^`]+`' <<<"$row" | tr -d '`' | sed "s/^/$number /"
    done
}

@test "every number from R-001 to R-086 stands there once, in order" {
    [ "$(cut -d' ' -f2 <<<"$table")" = "$(seq -f 'R-%03g' 1 86)" ]
}

@test "every row has one of the four states" {
    run grep -vE '\| (実装済 met|一部 partly|計画 planned|人 people) \|' <<<"$table"
    [ "$output" = "" ]
}

@test "what is met or partly met names a test" {
    while IFS= read -r row; do
        [[ "$row" == *'`tests/'*'` `'* ]] || { echo "names no test: $row"; return 1; }
    done < <(grep -E '\| (実装済 met|一部 partly) \|' <<<"$table")
}

@test "every named test exists in the file named" {
    { tests_of '実装済 met'; tests_of '一部 partly'; } >"$BATS_TEST_TMPDIR/named"
    [ -s "$BATS_TEST_TMPDIR/named" ]
    while read -r number file name; do
        [ -f "$file" ] || { echo "$number: no file $file"; return 1; }
        grep -qF "$name" "$file" || { echo "$number: $file has no test '$name'"; return 1; }
    done <"$BATS_TEST_TMPDIR/named"
}

@test "what is partly met or planned names its work" {
    while IFS= read -r row; do
        grep -qE '→ (foundation|proof|office|appliance|running)' <<<"$row" || { echo "no work: $row"; return 1; }
    done < <(grep -E '\| (一部 partly|計画 planned) \|' <<<"$table")
}

@test "only rows that are met or partly met name tests" {
    run grep -E '\| (計画 planned|人 people) \|.*`tests/' <<<"$table"
    [ "$output" = "" ]
}

@test "every number that the code or the documents speak of exists" {
    grep -rhoE '\bR-[0-9]{3}\b' --include='*.[ch]' --include='*.md' --include='*.bats' --include='*.yaml' \
        --exclude-dir=node_modules --exclude-dir=build . | sort -u >"$BATS_TEST_TMPDIR/used"
    seq -f 'R-%03g' 1 86 | sort >"$BATS_TEST_TMPDIR/known"
    run comm -23 "$BATS_TEST_TMPDIR/used" "$BATS_TEST_TMPDIR/known"
    [ "$output" = "" ]
}

@test "the test command in README.md is what continuous integration runs" {
    grep -qE '^ *make test( |$)' README.md
    grep -qE 'make .*test$' .ci/run
}

@test "every test that the table of bad input names exists" {
    grep -oE '`(tests|tools)/[^`]+` `[^`]+`' tests/integration/README.md | tr -d '`' >"$BATS_TEST_TMPDIR/named"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/named")" -ge 20 ]
    while read -r file name; do
        [ -f "$file" ] || { echo "no file $file"; return 1; }
        grep -qF -- "$name" "$file" || { echo "$file has no '$name'"; return 1; }
    done <"$BATS_TEST_TMPDIR/named"
}
