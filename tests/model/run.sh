#!/bin/bash
# Searches the model, tests/model/pair.pml: each search of `searches` to its end, breadth first, which must be clean;
# then once more without each rule, which must give a counter-example. What is not found stands in not-found.txt.
#   tests/model/run.sh                      everything (make model)
#   tests/model/run.sh --quick              the searches that take seconds, and the rules that they show
#   tests/model/run.sh --rules              the names of all rules, and nothing else
#   tests/model/run.sh --story RULE|SEARCH  the counter-example, transition by transition
set -uo pipefail
cd "$(dirname "$0")" || exit 2
BUILD=${BUILD:-build}
[[ $BUILD == /* ]] || BUILD=$(cd ../.. && pwd)/$BUILD
BUILD+=/model
MEMORY_MB=${MEMORY_MB:-7500}
SECONDS_MAX=${SECONDS_MAX:-900}

# Bounds: what every search has, then what makes it itself.
declare -A searches=(
    [small]="-DCRASHES=1 -DBREAKS=1 -DNUMBERS=2 -DTERMS=3 -DLOG=6 -DHANDOVERS=1"
    [letters]="-DLETTERS -DCRASHES=1 -DBREAKS=1 -DNUMBERS=1 -DTERMS=2 -DLOG=7 -DHANDOVERS=0"
    [delays]="-DDELAYS -DCRASHES=1 -DBREAKS=1 -DNUMBERS=2 -DTERMS=3 -DLOG=6 -DHANDOVERS=1"
    [paired]="-DCRASHES=1 -DBREAKS=1 -DNUMBERS=3 -DTERMS=4 -DLOG=8 -DHANDOVERS=1"
    [breaks]="-DCRASHES=1 -DBREAKS=2 -DNUMBERS=2 -DTERMS=3 -DLOG=6 -DHANDOVERS=1"
    [crashes]="-DCRASHES=2 -DBREAKS=2 -DNUMBERS=1 -DTERMS=3 -DLOG=6 -DHANDOVERS=1"
    [late]="-DDELAYS -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=3 -DLOG=6 -DHANDOVERS=1"
    [rollback]="-DROLLBACK -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=2 -DLOG=6 -DHANDOVERS=0"
    [rollback-terms]="-DROLLBACK -DCRASHES=1 -DBREAKS=1 -DNUMBERS=2 -DTERMS=3 -DLOG=7 -DHANDOVERS=1"
    [rollback-late]="-DROLLBACK -DDELAYS -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=2 -DLOG=6 -DHANDOVERS=0"
    [rollback-letters]="-DROLLBACK -DLETTERS -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=2 -DLOG=6 -DHANDOVERS=0"
    [image]="-DIMAGE -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=3 -DLOG=6 -DHANDOVERS=0"
    [image-breaks]="-DIMAGE -DCRASHES=1 -DBREAKS=2 -DNUMBERS=1 -DTERMS=3 -DLOG=6 -DHANDOVERS=0"
    [replacement]="-DREPLACEMENT -DCRASHES=2 -DBREAKS=1 -DNUMBERS=2 -DTERMS=3 -DLOG=7 -DHANDOVERS=0"
    [replacement-breaks]="-DREPLACEMENT -DCRASHES=2 -DBREAKS=2 -DNUMBERS=1 -DTERMS=3 -DLOG=7 -DHANDOVERS=0"
    [replacement-late]="-DREPLACEMENT -DDELAYS -DCRASHES=2 -DBREAKS=1 -DNUMBERS=1 -DTERMS=3 -DLOG=7 -DHANDOVERS=0"
    [incomplete]="-DREPLACEMENT -DSNAPSHOT -DCRASHES=1 -DBREAKS=1 -DNUMBERS=1 -DTERMS=3 -DLOG=7 -DHANDOVERS=0"
    [snapshot]="-DSNAPSHOT -DROLLBACK -DCRASHES=1 -DBREAKS=1 -DNUMBERS=1 -DTERMS=3 -DLOG=6 -DHANDOVERS=0"
)
order="small letters delays paired breaks crashes late rollback rollback-terms rollback-late rollback-letters
    image image-breaks replacement replacement-breaks replacement-late incomplete snapshot"
quick="small letters delays"

# Which search shows the need of which rule.
declare -A shown_by=(
    [NO_BOTH_DISKS]=small
    [NO_DROPPED_FRAMES]=delays
    [NO_LETTERS]=small
    [NO_RECORD]=rollback
    [NO_CEILING_ON_BOTH]=replacement
    [NO_TAIL_CLOSED]=letters
    [NO_ADOPTION]=small
    [NO_ADOPTED_FIRST]=small
    [NO_ADOPTED_IN_SNAPSHOT]=snapshot
    [NO_SKIP]=replacement
    [NO_RESTORED]=rollback
    [NO_RESTORED_REMEMBERED]=rollback
    [NO_HIGHEST_TERM]=small
    [NO_RECORDED_TERM]=rollback-terms
    [NO_TERM_DURABLE_FIRST]=small
    [NO_CONFIRMATION]=small
    [NO_OWN_SYNC]=small
    [NO_LOOKING_FIRST]=small
    [NO_HOLD]=small
    [NO_BLANK_WAITS]=replacement
    [NO_INCOMPLETE]=incomplete
    [NO_NEW_ID]=replacement
)

rules() {
    grep -oE 'NO_[A-Z_]+' pair.pml | sort -u
}

# build NAME FLAGS...: makes the searching program in its own folder.
build() {
    local folder=$BUILD/$1 optimise=$2
    shift 2
    rm -rf "$folder"
    mkdir -p "$folder" && cp pair.pml "$folder" || return
    (cd "$folder" && spin -a "$@" pair.pml && gcc "$optimise" -w -DSAFETY -DBFS -DNOREDUCE -DNOFAIR \
        -DMEMLIM="$MEMORY_MB" -o pan pan.c) >"$folder/build.log" 2>&1
}

states=0 depth=0 seconds=0 verdict=
# search NAME: clean, found or unfinished, in `verdict`.
search() {
    local folder=$BUILD/$1
    (cd "$folder" && timeout -s INT "$SECONDS_MAX" ./pan -E -w24) >"$folder/search.log" 2>&1
    states=$(awk '/states, stored/ { print $1 }' "$folder/search.log")
    depth=$(sed -nE 's/.*depth reached ([0-9]+).*/\1/p' "$folder/search.log")
    seconds=$(awk '/elapsed time/ { print $4 }' "$folder/search.log")
    if grep -q 'assertion violated' "$folder/search.log"; then
        verdict=found
    elif grep -qE 'errors: 0' "$folder/search.log" && ! grep -qE 'Search not completed|out of memory|error:' "$folder/search.log"; then
        verdict=clean
    else
        verdict=unfinished
    fi
}

print_row() {
    printf '%-24s %-15s %11s %6s %8s  %s\n' "$@"
}

# one NAME SEARCH WANTED FLAGS...
failed=0
one() {
    local name=$1 in=$2 wanted=$3 optimise=-O2 note
    # What compiling costs more than searching is not optimised.
    [[ $wanted != found || $in != small && $in != letters ]] || optimise=-O0
    shift 3
    # shellcheck disable=SC2086  # flags
    if ! build "$name" "$optimise" ${searches[$in]} "$@"; then
        verdict='not built'
    else
        search "$name"
    fi
    note=$verdict
    if [ "$verdict" != "$wanted" ]; then
        failed=$((failed + 1))
        note="$verdict  <- FAILED, wanted: $wanted"
    fi
    print_row "$name" "$in" "${states:-0}" "${depth:-0}" "${seconds:-0}" "$note"
}

# story NAME: the trail that spin left, one line a transition.
story() {
    local folder=$BUILD/$1
    shift
    (cd "$folder" && spin -t -p "$@" pair.pml) | awk -v model=pair.pml '
        BEGIN { while ((getline line < model) > 0) { number++; if (line ~ /:: d_step/) { start[number] = line } } }
        /^ *[0-9]+:.*unit:1/ {
            split($0, part, ":"); if (part[1] == last) next; last = part[1]
            match($0, /proc +[0-9]+/); unit = substr($0, RSTART + 5, RLENGTH - 5) - 1
            match($0, /pml:[0-9]+/); at = substr($0, RSTART + 4, RLENGTH - 4)
            while (!(at in start) && at > 0) { at-- }
            sub(/.*d_step \{ \/\* /, "", start[at]); sub(/ \*\/.*/, "", start[at])
            printf "%3d  unit %d: %s\n", part[1], unit, start[at]
        }'
}

rules >/dev/null || exit 2
case "${1:-}" in
--rules)
    rules
    exit
    ;;
--story)
    in=${shown_by[${2:?rule or search}]:-$2}
    flag=${shown_by[$2]:+-D$2}
    # shellcheck disable=SC2086
    build "$2" -O1 ${searches[$in]} $flag && search "$2"
    echo "$2, search $in: $verdict"
    # shellcheck disable=SC2086
    [ "$verdict" != found ] || { grep -m1 'assertion violated' "$BUILD/$2/search.log"; story "$2" ${searches[$in]} $flag; }
    exit
    ;;
--quick)
    order=$quick
    ;;
esac

print_row 'search or missing rule' bounds states depth seconds result
for name in $order; do
    one "$name" "$name" clean
done
for rule in $(rules); do
    in=${shown_by[$rule]:-}
    if [ -z "$in" ]; then
        echo "tests/model/run.sh: no search shows the need of $rule"
        failed=$((failed + 1))
    elif [[ " $(tr -s "\n" " " <<<"$order") " == *" $in "* ]]; then
        if grep -q "^$rule " not-found.txt 2>/dev/null; then
            one "$rule" "$in" clean "-D$rule"
        else
            one "$rule" "$in" found "-D$rule"
        fi
    fi
done
[ ! -s not-found.txt ] || { echo 'Not found, and why:'; sed 's/^/  /' not-found.txt; }
echo "model: $failed failed"
[ "$failed" -eq 0 ]
