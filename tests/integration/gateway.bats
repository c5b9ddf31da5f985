#!/usr/bin/env bats
# toban-web as a program: its options, its readiness, its end. What it answers is in
# tests/unit/gateway_*_test.c, with the gateway in the test's own process.

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    WEB=${BUILD:-build}/bin/toban-web
    [ -x "$WEB" ] || skip "toban-web is not built"
    DIR=$(mktemp -d /tmp/toban-web-bats-XXXXXX)
    mkdir "$DIR/web"
    echo '<!doctype html><title>kiosk</title>' >"$DIR/web/kiosk.html"
    PID=
}

teardown() {
    [ -z "$PID" ] || kill -KILL "$PID" 2>/dev/null || true
    [ -z "$DIR" ] || rm -rf "$DIR"
}

# start OPTION...: runs it in the background, waits until it has told its ports.
start() {
    "$WEB" --engine-socket "$DIR/engine" --web-dir "$DIR/web" "$@" >"$DIR/out" 2>"$DIR/err" 3>&- &
    PID=$!
    for _ in $(seq 1000); do
        grep -q port "$DIR/out" && return 0
        kill -0 "$PID" 2>/dev/null || return 1
        sleep 0.01
    done
    return 1
}

port() {
    awk -v kind="$1" '$1 == kind { print $3; exit }' "$DIR/out"
}

@test "a page is served while the engine is away" {
    start --listen 127.0.0.1:0 --management 127.0.0.1:0
    run curl -s --max-time 10 "http://127.0.0.1:$(port listen)/kiosk"
    [ "$status" -eq 0 ]
    [[ "$output" == *"<title>kiosk</title>"* ]]
    run curl -s --max-time 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(port management)/healthz"
    [ "$output" = 503 ]
}

@test "a request is held three seconds and then refused with a reason" {
    start --listen 127.0.0.1:0
    run curl -s --max-time 10 -o "$DIR/body" -w '%{http_code} %{time_total}' \
        -H 'Authorization: Bearer 0123456789abcdef0123456789abcdef' \
        -H 'Idempotency-Key: k' -H 'Content-Type: application/json' -d '{"category":1}' \
        "http://127.0.0.1:$(port listen)/api/v1/tickets"
    [ "${output%% *}" = 503 ]
    awk -v took="${output##* }" 'BEGIN { exit !(took >= 3) }'
    grep -q ENGINE_AWAY "$DIR/body"
}

@test "an address that is not held here yet can be bound" {
    start --plain-listen 198.51.100.7:0 --listen 127.0.0.1:0
    [ "$(grep -c '^listen port' "$DIR/out")" -eq 2 ]
}

@test "SIGTERM ends it with status 0, with a screen connected" {
    start --listen 127.0.0.1:0
    curl -sN --max-time 20 "http://127.0.0.1:$(port listen)/api/v1/events" >"$DIR/events" 3>&- &
    local screen=$!
    for _ in $(seq 1000); do
        grep -q 'event: state' "$DIR/events" && break
        sleep 0.01
    done
    kill -TERM "$PID"
    wait "$PID"
    PID=
    wait "$screen"
    grep -q ENGINE_AWAY "$DIR/events"
}

@test "readiness is told to the service manager" {
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
        while (defined $s->recv(my $text, 4096)) { print "$text\n"; $| = 1; }
    ' "$DIR/notify" >"$DIR/told" 3>&- &
    local listener=$!
    for _ in $(seq 1000); do
        [ -S "$DIR/notify" ] && break
        sleep 0.01
    done
    NOTIFY_SOCKET=$DIR/notify start --listen 127.0.0.1:0
    for _ in $(seq 1000); do
        grep -q READY=1 "$DIR/told" 2>/dev/null && break
        sleep 0.01
    done
    kill "$listener"
    grep -q READY=1 "$DIR/told"
}

@test "a wrong option, a missing one and a bad address are refused with a usage" {
    run "$WEB"
    [ "$status" -eq 2 ]
    run "$WEB" --engine-socket "$DIR/engine" --listen nowhere
    [ "$status" -eq 2 ]
    [[ "$output" == *"待受アドレス"* ]]
    run "$WEB" --engine-socket "$DIR/engine" --listen 127.0.0.1:0 --unknown
    [ "$status" -eq 2 ]
    run "$WEB" --help
    [ "$status" -eq 0 ]
}

@test "an address in use is said, in both languages" {
    start --listen 127.0.0.1:0
    run "$WEB" --engine-socket "$DIR/engine" --listen "127.0.0.1:$(port listen)"
    [ "$status" -eq 1 ]
    [[ "$output" == *"cannot start"* && "$output" == *"起動できません"* ]]
}
