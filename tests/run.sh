#!/bin/bash
# Runs the tests stage by stage, says what each stage does, counts every single test, and ends with
# "N passed, N failed, N skipped". Exit 0 only when nothing failed and something passed.
#   tests/run.sh [STAGE...]            default: every stage, in the order of STAGES below; those of BESIDE meanwhile
#   tests/run.sh --programs FILE...    these cmocka programs only (make unit)
# A program that crashes, hangs past its limit or stops before its plan counts as one failure more.
# shellcheck disable=SC2317  # stages are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

STAGES=${STAGES:-build layers pure lint unit cover asan tsan integration campaign browser} # and clang, which asan includes
BESIDE=${BESIDE:-sim fuzz model} # they only compute: by what the stages from BESIDE_FROM on leave of the processors, which mostly wait
BESIDE_FROM=${BESIDE_FROM:-integration}
JOBS=${JOBS:-2}
SEEDS=${SEEDS:-300}
ROUNDS=${ROUNDS:-4} # of the campaign
FUZZ_SECONDS=${FUZZ_SECONDS:-15}        # one decoder; make fuzz: as long as one likes
PROGRAM_SECONDS=${PROGRAM_SECONDS:-180} # one test program, sanitizers included
FILE_SECONDS=${FILE_SECONDS:-600}       # one .bats file, the browser run, the simulation
BUILD=${BUILD:-build}
LOGS=${LOGS:-$BUILD/test-logs}

passed=0
failed=0
skipped=0
failures=()
mkdir -p "$LOGS"

say() {
    printf '%s\n' "$*"
}

fail() {
    failed=$((failed + 1))
    failures+=("$1")
}

# count NAME LOG STATUS: adds up one run's TAP (cmocka, bats) or node's own totals.
count() {
    local name=$1 log=$2 status=$3 p f s ended
    read -r p f s ended < <(awk '
        /^# pass [0-9]+$/ { node = 1; np = $3 }
        /^# (fail|cancelled) [0-9]+$/ { nf += $3 }
        /^# (skipped|todo) [0-9]+$/ { ns += $3 }
        /^1\.\.[0-9]+/ { sub(/^1\.\./, "", $1); plan += $1 }
        /^(not )?ok [0-9]+/ {
            if ($0 ~ /# *(SKIP|skip|TODO)/) { s++ } else if ($1 == "ok") { p++ } else { f++ }
        }
        END {
            if (node) { print np + 0, nf + 0, ns + 0, 1 } else { print p + 0, f + 0, s + 0, (p + f + s >= plan) }
        }' "$log")
    passed=$((passed + p))
    skipped=$((skipped + s))
    failed=$((failed + f))
    if [ "$f" -gt 0 ]; then
        failures+=("$name: $f")
    elif [ "$status" -ne 0 ] || [ "$ended" -eq 0 ]; then
        f=1
        fail "$name: ended with status $status before its plan was done"
    elif [ $((p + s)) -eq 0 ]; then
        f=1
        fail "$name: no test ran"
    fi
    if [ "$f" -gt 0 ]; then
        grep -E -A12 '^not ok' "$log" | grep -v '# SKIP' | head -n 60
        say "   ---- the end of $log"
        tail -n 25 "$log"
    fi
    say "   $name: $p passed, $f failed, $s skipped"
}

log_of() {
    printf '%s/%s.log' "$LOGS" "$(tr '/ ' '--' <<<"$1")"
}

# run_logged NAME SECONDS COMMAND...: its end is known by the file of its status.
run_logged() {
    local name=$1 seconds=$2 log status=0
    shift 2
    log=$(log_of "$name")
    # What a shell starts in the background ignores SIGINT; tests are to meet it as a person's terminal sends it.
    env --default-signal=INT,QUIT timeout --kill-after=10 "$seconds" "$@" >"$log" 2>&1 &
    # shellcheck disable=SC2064  # the number of now
    trap "kill $! 2>/dev/null" TERM
    wait $! || status=$?
    [ "$status" -ne 124 ] || printf '   %s was stopped after %s s\n' "$name" "$seconds" >>"$log"
    printf '%s\n' "$status" >"$log.status.new"
    mv "$log.status.new" "$log.status"
}

# run_tap NAME SECONDS COMMAND...
run_tap() {
    line_up "$@"
    run_lined_up
}

# What was lined up runs JOBS at a time, begins in this order and is counted in this order.
lined_up=()
line_up() {
    lined_up+=("$(printf '%q ' "$@")")
}

run_all() {
    local one
    # shellcheck disable=SC2046  # numbers
    trap 'kill $(jobs -rp) 2>/dev/null; exit 143' TERM
    for one in "${lined_up[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
            wait -n
        done
        eval "run_logged $one" &
    done
    wait
}

runner=
stop_running() {
    [ -z "$runner" ] || kill "$runner" 2>/dev/null
    runner=
}
beside= # the process of BESIDE, leader of a group of its own
stop_beside() {
    [ -z "$beside" ] || kill -- "-$beside" 2>/dev/null
    beside=
}
trap 'stop_running; stop_beside; exit 130' INT TERM
trap 'stop_running; stop_beside' EXIT

run_lined_up() {
    local one log words
    for one in "${lined_up[@]}"; do
        eval "words=($one)"
        rm -f "$(log_of "${words[0]}").status"
    done
    run_all &
    runner=$!
    for one in "${lined_up[@]}"; do
        eval "words=($one)"
        log=$(log_of "${words[0]}")
        while [ ! -e "$log.status" ] && kill -0 "$runner" 2>/dev/null; do
            sleep 0.1
        done
        [ -e "$log.status" ] || wait "$runner"
        count "${words[0]}" "$log" "$(cat "$log.status" 2>/dev/null || echo 255)"
    done
    wait "$runner"
    runner=
    lined_up=()
}

# run_step NAME COMMAND...: a step without tests of its own counts as one.
run_step() {
    local name=$1 log
    shift
    log=$(log_of "$name")
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        grep -vE '^  (CC|LINK) ' "$log" | tail -n 3
        return 0
    else
        tail -n 40 "$log"
        fail "$name"
        return 1
    fi
}

run_programs() {
    local variant=$1 program
    shift
    for program in "$@"; do
        line_up "$variant ${program##*/}" "$PROGRAM_SECONDS" env CMOCKA_MESSAGE_OUTPUT=TAP \
            "${LAUNCHER[@]}" "$program"
    done
    run_lined_up
}
LAUNCHER=(env)

make_variant() {
    local variant=$1
    shift
    run_step "build with $variant" make --no-print-directory -j"$JOBS" VARIANT="$variant" WERROR=1 "$@"
}

programs_of() {
    local variant=$1 source folder
    shift
    for folder in "$@"; do
        for source in tests/"$folder"/*_test.c; do
            [ -e "$source" ] && printf '%s\n' "$BUILD/$variant/tests/${source%.c}"
        done
    done
}

stage_build() {
    say "== build: gcc, warnings are errors"
    make_variant plain all tests
}

stage_layers() {
    say "== layers: every include line against tools/layers.txt"
    run_step layers make --no-print-directory check-layers
    run_step "duty page" make --no-print-directory check-duty-doc
    run_step "access page" make --no-print-directory check-access-doc
}

stage_pure() {
    say "== pure: folders that may not touch the world, linked alone"
    run_step pure make --no-print-directory check-pure
}

# clang's path analysis takes minutes: make lint, by hand.
stage_lint() {
    say "== lint: layout, shell scripts, cppcheck, clang-tidy without its path analysis"
    run_step lint make --no-print-directory WERROR=1 lint-quick
}

stage_unit() {
    local programs
    say "== unit: unit, regression and conformance tests"
    mapfile -t programs < <(programs_of plain unit regression conformance)
    run_programs plain "${programs[@]}"
}

stage_cover() {
    say "== cover: every line of the pure folders is reached by their unit tests"
    run_step cover make --no-print-directory -j"$JOBS" cover-pure
}

stage_clang() {
    say "== clang: the same tree with the other compiler, warnings are errors"
    make_variant clang programs tests
}

stage_asan() {
    local programs
    say "== asan: the tree with clang, warnings are errors; the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
    make_variant asan programs tests || return
    mapfile -t programs < <(programs_of asan unit regression conformance)
    run_programs asan "${programs[@]}"
}

# The writer thread of toband, and the one of toban-web that works on passwords: under ThreadSanitizer, without address
# randomisation, which clang 14's runtime does not bear on newer kernels.
stage_tsan() {
    local programs
    mapfile -t programs < <(programs_of tsan unit | grep -E 'ledger|gateway_people')
    [ "${#programs[@]}" -gt 0 ] || return
    say "== tsan: the tests of the two threads under ThreadSanitizer"
    make_variant tsan "${programs[@]}" || return
    LAUNCHER=(setarch -R)
    run_programs tsan "${programs[@]}"
    LAUNCHER=(env)
}

stage_integration() {
    local programs file files=()
    say "== integration: real processes, real libraries, namespaces"
    mapfile -t programs < <(programs_of plain integration)
    # The longest one first: it mostly waits, and the others run beside it.
    for file in tests/integration/faults.bats tests/integration/*.bats; do
        if [ -e "$file" ] && [[ " ${files[*]} " != *" $file "* ]]; then
            files+=("$file")
            line_up "bats ${file##*/}" "$FILE_SECONDS" bats --formatter tap "$file"
        fi
    done
    run_programs integration "${programs[@]}"
}

stage_campaign() {
    say "== campaign: $ROUNDS rounds of random faults on live offices"
    if [ "$(id -u)" -ne 0 ]; then
        say "   SKIP: needs root"
        skipped=$((skipped + 1))
        return
    fi
    rm -rf "$BUILD/campaign-test"
    run_tap campaign "$FILE_SECONDS" node tests/campaign/campaign.mjs "$BUILD/campaign-test" --rounds "$ROUNDS" --seed 11 --jobs "$JOBS"
}

stage_browser() {
    local file
    [ -x tests/browser/run.sh ] || return
    say "== browser: the pages in Chromium"
    for file in tests/browser/*.test.mjs; do
        line_up "browser $(basename "$file" .test.mjs)" "$FILE_SECONDS" tests/browser/run.sh "$file"
    done
    run_lined_up
}

stage_sim() {
    [ -e tests/sim/main.c ] || return
    say "== sim: $SEEDS simulated days of two units"
    run_step simulation timeout --kill-after=10 "$FILE_SECONDS" \
        make --no-print-directory sim SEEDS="$SEEDS" JOBS="$JOBS"
}

stage_fuzz() {
    local programs program
    say "== fuzz: every decoder against random bytes, $FUZZ_SECONDS s each, under AddressSanitizer and UndefinedBehaviorSanitizer"
    make_variant asan fuzzers || return
    programs=("$BUILD"/asan/fuzz/*_fuzz)
    for program in "${programs[@]}"; do
        line_up "fuzz ${program##*/}" "$((FUZZ_SECONDS + PROGRAM_SECONDS))" \
            tools/fuzz --seconds "$FUZZ_SECONDS" "$program"
    done
    run_lined_up
}

stage_model() {
    say "== model: the small searches of tests/model, and what they show to be needed (make model: all)"
    run_step model timeout --kill-after=10 "$FILE_SECONDS" env BUILD="$BUILD" tests/model/run.sh --quick
}

# Never in the way of what is timed: of the lowest priority, also where the kernel shares by sessions.
# What ends something that hangs gives it three times as long as if it were alone. Its result is known by the file of its
# status: by the time that it is asked for, the number of a process that ended long ago may be another one's.
begin_beside() {
    say "== beside the rest: $BESIDE"
    rm -f "$LOGS/beside.status"
    # shellcheck disable=SC2086,SC2016  # words; the shell within reads its own
    FILE_SECONDS=$((3 * FILE_SECONDS)) setsid sh -c '[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup
        status=$0.status; shift; nice -n 19 "$@"; echo $? >"$status.new"; mv "$status.new" "$status"' \
        "$LOGS/beside" - tests/run.sh $BESIDE >"$LOGS/beside.log" 2>&1 &
    beside=$!
}

end_beside() {
    local p f s line status
    wait "$beside"
    beside=
    status=$(cat "$LOGS/beside.status" 2>/dev/null || echo 255)
    read -r p f s < <(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$LOGS/beside.log")
    while IFS= read -r line; do
        case $line in
        "FAILED  "*) failures+=("${line#FAILED  }") ;;
        *" passed, "*" failed, "*" skipped") [ "${line#   }" = "$line" ] || say "$line" ;;
        *) say "$line" ;;
        esac
    done <"$LOGS/beside.log"
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
    skipped=$((skipped + ${s:-0}))
    if [ -z "${p:-}" ] || { [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; }; then
        fail "$BESIDE: ended with status $status before they were done"
    fi
}

finish() {
    local failure
    for failure in "${failures[@]}"; do
        say "FAILED  $failure"
    done
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

if [ "${1:-}" = --programs ]; then
    shift
    run_programs unit "$@"
    finish
fi
started=$(date +%s)
[ "$#" -gt 0 ] || read -ra all <<<"$STAGES"
for stage in "${@:-${all[@]}}"; do
    if ! declare -F "stage_$stage" >/dev/null; then
        say "tests/run.sh: no stage '$stage'; there are: $STAGES $BESIDE"
        exit 2
    fi
    [ "$#" -gt 0 ] || [ "$stage" != "$BESIDE_FROM" ] || begin_beside
    stage_started=$(date +%s)
    "stage_$stage"
    say "   ($stage: $(($(date +%s) - stage_started)) s)"
done
[ -z "$beside" ] || end_beside
say "== done in $(($(date +%s) - started)) s"
finish
