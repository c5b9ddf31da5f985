#!/bin/bash
# Plants each bug of tests/planted/*.patch in a copy of the tree and shows that it is found.
#   tests/planted/run.sh [NAME...]      SEEDS=100 FAULTS=20 ROUNDS=30
# A bug counts as caught when an oracle or a CHECK of the simulator speaks within SEEDS seeds. by-test.txt names
# those that a unit test must catch instead, by-campaign.txt those that are looked for in ROUNDS rounds of faults on
# live offices (root). Names in not-caught.txt are known gaps (tests/KNOWN_FAILURES.md says why); they are tried too,
# and it is said when one is found after all. At the end: how many seeds it took, and the median.
# Exit 1: a patch does not apply, or a bug that is no known gap was not caught.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
SEEDS=${SEEDS:-100}
FAULTS=${FAULTS:-20}
ROUNDS=${ROUNDS:-30}
here=tests/planted
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
caught=0 missed=0 wrong=0
by_sim=() # seeds that each one took

git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do
    [ -f "$file" ] && printf '%s\0' "$file"
done | tar -c --null -T - | tar -x -C "$work"
# What a patch touched comes back from the tree: taken back by patch, it may go to another place than it came from.
take_back() {
    sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$1" | while IFS= read -r file; do
        cp "$file" "$work/$file"
        rm -f "$work/$file.orig" "$work/$file.rej"
    done
}
build() {
    make -s -j2 -C "$work" Q=@ "${@:-build/plain/bin/toban-sim}" >"$work/build.log" 2>&1
}
if ! build; then
    tail -n 20 "$work/build.log"
    exit 1
fi
if ! "$work/build/plain/bin/toban-sim" --seeds 5 --faults "$FAULTS" >/dev/null; then
    echo "planted: the tree fails without any bug planted; that is looked at first"
    exit 1
fi
cp "$work/build/plain/bin/toban-sim" "$work/unplanted-sim"

[ "$#" -gt 0 ] || set -- "$here"/*.patch
for name; do
    name=$(basename "$name" .patch)
    patch="$here/$name.patch"
    if ! patch -s -F0 -p1 --dry-run -d "$work" <"$patch" >/dev/null; then
        echo "WRONG       $name: does not apply to this tree"
        wrong=$((wrong + 1))
        continue
    fi
    patch -s -F0 -p1 -d "$work" <"$patch"
    in_offices=$(grep -cxF "$name" "$here/by-campaign.txt")
    if ! build || { [ "$in_offices" -gt 0 ] && ! build all; }; then
        echo "WRONG       $name: does not build"
        tail -n 5 "$work/build.log"
        wrong=$((wrong + 1))
    else
        program=$(awk -v name="$name" '$1 == name { print $2 }' "$here/by-test.txt")
        if [ -n "$program" ]; then
            make -s -C "$work" "build/plain/tests/$program" >"$work/build.log" 2>&1
            "$work/build/plain/tests/$program" >"$work/log" 2>&1
            status=$?
            how="$program: $(grep -m1 -aoE '^\[  FAILED  \] [a-z_0-9]+$' "$work/log" | cut -c14-)"
        elif [ "$in_offices" -gt 0 ]; then
            (cd "$work" && node tests/campaign/campaign.mjs "$work/campaign" --rounds "$ROUNDS" --stop) >"$work/log" 2>&1
            status=$?
            how="campaign, round $(grep -m1 -aoE '^not ok [0-9]+' "$work/log" | cut -c8-): $(grep -m1 -a -A1 '^not ok' "$work/log" |
                tail -n 1 | cut -c5-110)"
            rm -rf "$work/campaign"
        else
            timeout 1200 "$work/build/plain/bin/toban-sim" --seeds "$SEEDS" --faults "$FAULTS" \
                --stop --shrink 0 >"$work/log" 2>&1
            status=$?
            how=$(grep -m1 -aE '^seed [0-9]+:|invariant broken' "$work/log" | cut -c1-110)
            seed=$(grep -m1 -aoE '^seed [0-9]+' "$work/log" | cut -c6-)
            if [ -n "$seed" ] && ! "$work/unplanted-sim" --seeds 1 --seed "$seed" --faults "$FAULTS" --shrink 0 >/dev/null 2>&1; then
                echo "WRONG       $name: seed $seed fails without it, too; that is looked at first"
                wrong=$((wrong + 1))
                take_back "$patch"
                continue
            fi
            if [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [ -n "$seed" ]; then
                by_sim+=("$seed") # seeds begin at 1
            fi
        fi
        if [ "$status" -eq 124 ]; then
            echo "WRONG       $name: not done after 1200 s"
            wrong=$((wrong + 1))
        elif [ "$status" -ne 0 ]; then
            echo "caught      $name: ${how:-status $status}"
            caught=$((caught + 1))
        elif grep -qxF "$name" "$here/not-caught.txt"; then
            echo "not caught  $name in $SEEDS seeds: a known gap"
            missed=$((missed + 1))
        else
            echo "NOT CAUGHT  $name in $SEEDS seeds"
            missed=$((missed + 1))
            wrong=$((wrong + 1))
        fi
    fi
    take_back "$patch"
done
if [ "${#by_sim[@]}" -gt 0 ]; then
    mapfile -t sorted < <(printf '%s\n' "${by_sim[@]}" | sort -n)
    echo "planted: ${#sorted[@]} found by the simulator, within ${sorted[0]} to ${sorted[-1]} seeds, median ${sorted[$((${#sorted[@]} / 2))]}"
fi
echo "planted: $caught caught, $missed not caught"
[ "$wrong" -eq 0 ]
