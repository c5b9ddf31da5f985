#!/bin/bash
# Browser tests of the pages: against a double of the office (pages alone), and against a real office.
#   TOBAN_OFFICE_NAME=toban tests/browser/run.sh [FILE...]    an office that is already up, and stays whole
#   tests/browser/run.sh [FILE...]     starts an office of its own when its programs are built
# Without either, the tests that need a real office say SKIP. Screenshots: build/browser/*.png.
set -euo pipefail
if [ $# -gt 0 ]; then
    mapfile -t files < <(realpath -- "$@")
else
    mapfile -t files < <(realpath -- "$(dirname "$0")"/*.test.mjs)
fi
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
office=${TOBAN_OFFICE:-$root/build/bin/toban-office}
name=browser$$

command -v node >/dev/null || { echo "needs node: apt install nodejs npm" >&2; exit 2; }
chromium=${TOBAN_CHROMIUM:-/usr/bin/chromium}
[ -x "$chromium" ] || { echo "needs a browser: apt install chromium" >&2; exit 2; }
# npm writes its lock of node_modules last: an installation that was cut short is made again.
(
    flock 9
    if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
        npm ci --no-audit --no-fund --silent
    fi
) 9<package-lock.json

# An office only for files that ask for one.
if [ -z "${TOBAN_OFFICE_NAME:-}" ] && grep -q "from \"\./lib/office.mjs" "${files[@]}" && [ -x "$office" ] && [ -x "$root/build/bin/toband" ] \
    && [ -x "$root/build/bin/toban-web" ] && [ "$(id -u)" -eq 0 ]; then
    trap '"$office" down --name "$name" >/dev/null 2>&1 || true' EXIT
    # No disk of its own: what these tests break is processes, cables and power, not sectors.
    if "$office" up --name "$name" --at 2026-11-24T09:00 --disk directory >&2; then
        export TOBAN_OFFICE_NAME=$name TOBAN_OFFICE_OWN=1
    else
        echo "the office did not come up" >&2
        exit 1
    fi
fi
export TOBAN_OFFICE=$office

reporter=tap
[ -t 1 ] && reporter=spec
# One file after the other: a browser each is enough for two cores. tests/run.sh runs two files at a time.
node --test --test-concurrency=1 --test-reporter="$reporter" "${files[@]}"
