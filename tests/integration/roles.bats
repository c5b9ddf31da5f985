#!/usr/bin/env bats
# Who may do what, in a real office that asks for credentials: TLS, signing in, pairing, revoking, and all of it
# through a power cut and a meeting.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    [ "$(id -u)" -eq 0 ] || skip "an office on this machine needs root"
    [ -x build/bin/toband ] || skip "toband is not built"
    export OFFICE=roles$$
    build/bin/toban-office up --name "$OFFICE" --at 2026-11-24T09:00 >&2
    export DIR=/run/toban-office/$OFFICE
}

teardown_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    build/bin/toban-office down --name "$OFFICE" >&2
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

toban() {
    build/bin/toban --name "$OFFICE" --lang en "$@"
}

credential() {
    build/bin/toban-office info --name "$OFFICE" --json | jq -r ".credentials.$1"
}

# ask METHOD PATH TOKEN [BODY]: the answer's body in $output, its status in $status_http
ask() {
    local auth=()
    [ -z "$3" ] || auth=(-H "Authorization: Bearer $3")
    output=$(ip netns exec "$OFFICE-lan" curl -s --cacert "$DIR/ca/ca.crt" --max-time 10 --retry 8 --retry-delay 1 \
        --retry-connrefused -w '\n%{http_code}' -X "$1" "https://10.90.0.10/api/v1$2" "${auth[@]}" \
        -H "Idempotency-Key: k$RANDOM$RANDOM" -H 'Content-Type: application/json' ${4:+-d "$4"})
    status_http=${output##*$'\n'}
    output=${output%$'\n'*}
}

# The six digits of now, as a phone makes them; the office's clock is another one.
totp() {
    local key=$1 offset
    offset=$(build/bin/toban-office info --name "$OFFICE" --json | jq .clock_offset_ms)
    node -e '
        const [key, offset] = process.argv.slice(1);
        const bits = [...key].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
        const bytes = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
        const counter = Buffer.alloc(8);
        counter.writeBigUInt64BE(BigInt(Math.floor((Date.now() + Number(offset)) / 30000)));
        const mac = require("crypto").createHmac("sha1", bytes).update(counter).digest();
        const at = mac[19] & 15;
        console.log(String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0"));' "$key" "$offset"
}

paired_again() {
    for _ in $(seq 1 200); do
        toban ready >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    toban ready
}

@test "every role has its own credential, and may what its role may" {
    roles=(kiosk counter board manager administrator engineer noc)
    for role in "${roles[@]}"; do
        [ "${#role}" -gt 0 ] && [ "$(credential "$role" | tr -d '\n' | wc -c)" -eq 64 ]
    done
    [ "$(for role in "${roles[@]}"; do credential "$role"; done | sort -u | wc -l)" -eq 7 ]
    ask POST /tickets "" '{"category":1}'
    [ "$status_http" -eq 401 ]
    ask POST /tickets "$(credential board)" '{"category":1}'
    [ "$status_http" -eq 403 ]
    ask POST /tickets "$(credential kiosk)" '{"category":1}'
    [ "$status_http" -eq 201 ]
    ask POST /counters/1/open "$(credential counter)" '{}'
    [ "$status_http" -eq 200 ]
    ask POST /counters/1/call-next "$(credential kiosk)" '{}'
    [ "$status_http" -eq 403 ]
    ask GET /status "$(credential noc)"
    [ "$status_http" -eq 200 ]
    ask POST /duty/handover "$(credential noc)" '{}'
    [ "$status_http" -eq 403 ]
    ask GET /people "$(credential administrator)"
    [ "$status_http" -eq 200 ]
    [[ "$output" != *secret* ]]
}

@test "without TLS there is the public page, and the way to TLS" {
    lan=(ip netns exec "$OFFICE-lan" curl -s --max-time 10 -o /dev/null)
    [ "$("${lan[@]}" -w '%{http_code} %{redirect_url}' http://10.90.0.10/kiosk)" = "308 https://10.90.0.10/kiosk" ]
    [ "$("${lan[@]}" -w '%{http_code}' http://10.90.0.10/status)" = 200 ]
    [ "$("${lan[@]}" -w '%{http_code}' http://10.90.0.10/api/v1/queue)" = 200 ]
    [ "$("${lan[@]}" -w '%{http_code}' http://10.90.0.10/api/v1/status -H "Authorization: Bearer $(credential noc)")" = 403 ]
    [ "$("${lan[@]}" -w '%{http_code}' https://10.90.0.10/kiosk --cacert "$DIR/ca/ca.crt")" = 200 ]
    run "${lan[@]}" --tls-max 1.1 https://10.90.0.10/kiosk --cacert "$DIR/ca/ca.crt"
    [ "$status" -ne 0 ]
}

@test "an administrator signs in, changes the first password, sets the second factor up, and survives a power cut" {
    first=$(toban user add yamada --role administrator --json | jq -r .password)
    ask POST /session "" "{\"name\":\"yamada\",\"password\":\"$first\",\"token\":true}"
    [ "$status_http" -eq 200 ]
    [ "$(jq -r .first <<<"$output")" = password ]
    token=$(jq -r .token <<<"$output")
    ask GET /people "$token"
    [ "$status_http" -eq 403 ]
    ask POST /session/password "$token" "{\"password\":\"$first\",\"new_password\":\"my yamada password\"}"
    [ "$status_http" -eq 422 ]
    ask POST /session/password "$token" "{\"password\":\"$first\",\"new_password\":\"pelican rain over 44\"}"
    [ "$status_http" -eq 200 ]
    ask POST /session/second-factor "$token" '{}'
    key=$(jq -r .key <<<"$output")
    ask POST /session/second-factor/confirm "$token" "{\"key\":\"$key\",\"code\":\"$(totp "$key")\"}"
    [ "$status_http" -eq 200 ]
    codes=$output
    ask GET /people "$token"
    [ "$status_http" -eq 200 ]

    ask POST /session "" '{"name":"yamada","password":"pelican rain over 44","token":true}'
    [ "$status_http" -eq 401 ]
    [ "$(jq -r .code <<<"$output")" = CODE_WANTED ]
    once=$(jq -r '.codes[3]' <<<"$codes")
    ask POST /session "" "{\"name\":\"yamada\",\"password\":\"pelican rain over 44\",\"code\":\"$once\",\"token\":true}"
    [ "$status_http" -eq 200 ]
    token=$(jq -r .token <<<"$output")

    duty=$(toban status --json | jq '.units[] | select(.role == "DUTY") | .unit')
    build/bin/toban-office fault --name "$OFFICE" power "$duty"
    ask GET /session "$token"
    [ "$status_http" -eq 200 ]
    [ "$(jq -r .name <<<"$output")" = yamada ]
    # What was used is used on the other unit as well.
    ask POST /session "" "{\"name\":\"yamada\",\"password\":\"pelican rain over 44\",\"code\":\"$once\"}"
    [ "$status_http" -eq 401 ]
    # Alone nobody is added.
    run toban user add abe --role operator
    [ "$status" -eq 1 ]
    [[ "$output" == *NOT_ALONE* ]]
    build/bin/toban-office heal --name "$OFFICE"
    paired_again
    toban ledger diff
}

@test "a clerk changes at a paired terminal by PIN, one at a time, at that counter" {
    toban device add counter --counter 2 --json >"$BATS_TEST_TMPDIR/terminal"
    terminal=$(jq -r .token "$BATS_TEST_TMPDIR/terminal")
    first=$(toban user add sato --role operator --json | jq -r .password)
    ask POST /session "" "{\"name\":\"sato\",\"password\":\"$first\",\"token\":true}"
    own=$(jq -r .token <<<"$output")
    ask POST /session/password "$own" "{\"password\":\"$first\",\"new_password\":\"heron fog under 45\"}"
    ask POST /session/pin "$own" '{"pin":"480913"}'
    [ "$status_http" -eq 200 ]
    ask POST /session "" '{"name":"sato","pin":"480913","token":true}'
    [ "$status_http" -eq 401 ]
    ask POST /session "$terminal" '{"name":"sato","pin":"480913","token":true}'
    [ "$status_http" -eq 200 ]
    clerk=$(jq -r .token <<<"$output")
    ask POST /counters/2/open "$clerk" '{}'
    [ "$status_http" -eq 200 ]
    ask POST /counters/1/call-next "$clerk" '{}'
    [ "$status_http" -eq 403 ]
    [ "$(jq -r .code <<<"$output")" = NOT_YOUR_COUNTER ]
    ask POST /session "$terminal" '{"name":"sato","pin":"480913","token":true}'
    [ "$status_http" -eq 200 ]
    ask POST /counters/2/call-next "$clerk" '{}'
    [ "$status_http" -eq 401 ]
}

@test "a kiosk shows a code, is paired by it, and is revoked while one unit is alone: at once, and after the meeting" {
    ask POST /pairings "" '{"token":true}'
    [ "$status_http" -eq 201 ]
    code=$(jq -r .code <<<"$output")
    kiosk=$(jq -r .token <<<"$output")
    ask POST /tickets "$kiosk" '{"category":1}'
    [ "$status_http" -eq 401 ]
    run toban device pair kiosk "$code" --title 東口
    [ "$status" -eq 0 ]
    ask POST /tickets "$kiosk" '{"category":1}'
    [ "$status_http" -eq 201 ]
    id=$(toban device list --json | jq '.devices[] | select(.title == "東口") | .id')

    duty=$(toban status --json | jq '.units[] | select(.role == "DUTY") | .unit')
    build/bin/toban-office fault --name "$OFFICE" power "$duty"
    ask POST /tickets "$kiosk" '{"category":1}'
    [ "$status_http" -eq 201 ]
    toban device revoke "$id"
    ask POST /tickets "$kiosk" '{"category":1}'
    [ "$status_http" -eq 401 ]
    build/bin/toban-office heal --name "$OFFICE"
    paired_again
    for unit in 1 2; do
        toban device list --json --unit "$unit" | jq -e ".devices[] | select(.id == $id) | .open == false"
    done
    # Its link has to have worked for three seconds.
    for _ in $(seq 1 100); do
        toban duty handover && break
        sleep 0.1
    done
    paired_again
    ask POST /tickets "$kiosk" '{"category":1}'
    [ "$status_http" -eq 401 ]
    toban ledger verify
    toban ledger diff
}

@test "a stolen session is worth nothing after its end, and a terminal's clerk goes with the terminal" {
    first=$(toban user add hayashi --role supervisor --json | jq -r .password)
    ask POST /session "" "{\"name\":\"hayashi\",\"password\":\"$first\",\"token\":true}"
    stolen=$(jq -r .token <<<"$output")
    ask POST /session/password "$stolen" "{\"password\":\"$first\",\"new_password\":\"pelican rain over 55\"}"
    ask POST /session "" '{"name":"hayashi","password":"pelican rain over 55","token":true}'
    stolen=$(jq -r .token <<<"$output")
    ask POST /session/pin "$stolen" '{"pin":"719350"}'
    [ "$status_http" -eq 200 ]
    ask GET /counters/1 "$stolen"
    [ "$status_http" -eq 200 ]
    ask POST /session/end "$stolen" '{}'
    [ "$status_http" -eq 200 ]
    ask GET /counters/1 "$stolen"
    [ "$status_http" -eq 401 ]
    ask POST /session/enter "" "{\"credential\":\"$stolen\"}"
    [ "$status_http" -eq 401 ]

    terminal=$(toban device add counter --counter 3 --title 三番 --json | jq -r .token)
    ask POST /session "$terminal" '{"name":"hayashi","pin":"719350","token":true}'
    clerk=$(jq -r .token <<<"$output")
    ask GET /counters/3 "$clerk"
    [ "$status_http" -eq 200 ]
    # Both follow what happens; both hear its end.
    for token in "$terminal" "$clerk"; do
        ip netns exec "$OFFICE-lan" curl -sN --cacert "$DIR/ca/ca.crt" --max-time 60 -H "Authorization: Bearer $token" \
            https://10.90.0.10/api/v1/events >"$BATS_TEST_TMPDIR/events-$token" 3>&- &
        screens+=($!)
    done
    for token in "$terminal" "$clerk"; do
        for _ in $(seq 1 200); do
            grep -q '^event: queue' "$BATS_TEST_TMPDIR/events-$token" && break
            sleep 0.05
        done
        grep -q '^event: queue' "$BATS_TEST_TMPDIR/events-$token"
    done
    toban device revoke "$(toban device list --json | jq '.devices[] | select(.title == "三番") | .id')"
    for screen in "${screens[@]}"; do
        wait "$screen" # status 28 if it had to be ended by --max-time
    done
    for token in "$terminal" "$clerk"; do
        ask GET /counters/3 "$token"
        [ "$status_http" -eq 401 ]
        ask GET /events "$token"
        [ "$status_http" -eq 401 ]
    done
}

@test "a flood of sign-ins is refused, tells nothing, and tickets are given meanwhile" {
    toban user add flooded --role operator >/dev/null
    for i in $(seq 1 40); do
        ip netns exec "$OFFICE-lan" curl -s -o /dev/null -w '%{http_code}\n' --cacert "$DIR/ca/ca.crt" --max-time 30 \
            -H "Idempotency-Key: flood$i" -H 'Content-Type: application/json' \
            -d '{"name":"flooded","password":"wrong-wrong-wrong"}' https://10.90.0.10/api/v1/session \
            >"$BATS_TEST_TMPDIR/flood-$i" 3>&- &
        flood+=($!)
    done
    for _ in 1 2 3; do
        ask POST /tickets "$(credential kiosk)" '{"category":1}'
        [ "$status_http" -eq 201 ]
    done
    for one in "${flood[@]}"; do
        wait "$one"
    done
    answers=$(cat "$BATS_TEST_TMPDIR"/flood-*)
    [ "$(wc -l <<<"$answers")" -eq 40 ]
    [ "$(grep -cvE '^(401|429|503)$' <<<"$answers")" -eq 0 ]
    [ "$(grep -cE '^(429|503)$' <<<"$answers")" -gt 0 ]
}

@test "a monitor reads a unit's own figures with its credential, and nobody without one" {
    management() {
        ip netns exec "$OFFICE-u1" curl -s -o /dev/null -w '%{http_code}' --max-time 10 "$@"
    }
    [ "$(management http://127.0.0.1:9180/metrics)" = 401 ]
    [ "$(management http://127.0.0.1:9180/metrics -H "Authorization: Bearer $(credential kiosk)")" = 403 ]
    [ "$(management http://127.0.0.1:9180/metrics -H "Authorization: Bearer $(credential noc)")" = 200 ]
    [ "$(management http://127.0.0.1:9180/api/v1/status)" = 401 ]
    [ "$(management http://127.0.0.1:9180/api/v1/status -H "Authorization: Bearer $(credential noc)")" = 200 ]
    [ "$(management -X POST http://127.0.0.1:9180/api/v1/duty/handover -H 'Idempotency-Key: m' \
        -H "Authorization: Bearer $(credential noc)")" = 403 ]
}

@test "guessing is slowed down, tells nothing, and locks the owner out of nothing" {
    first=$(toban user add kimura --role supervisor --json | jq -r .password)
    ask POST /session "" "{\"name\":\"kimura\",\"password\":\"$first\",\"token\":true}"
    [ "$status_http" -eq 200 ]
    ask POST /session "" '{"name":"kimura","password":"wrong-wrong-wrong"}'
    known=$output
    ask POST /session "" '{"name":"nobody","password":"wrong-wrong-wrong"}'
    [ "$output" = "$known" ]
    for _ in 1 2 3 4; do
        ask POST /session "" '{"name":"kimura","password":"wrong-wrong-wrong"}'
    done
    # curl waits for what Retry-After says, and then is looked at again.
    ask POST /session "" "{\"name\":\"kimura\",\"password\":\"$first\",\"token\":true}"
    [ "$status_http" -eq 200 ]
}
