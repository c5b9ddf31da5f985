#!/usr/bin/env bats
# The office on one machine (tools/office): how it comes, breaks on purpose, and goes without a trace.
# The units' programs are stand-ins here (ready at once, then idle): what is tested is what surrounds
# them. Real programs have tests of their own. Each test has its own office; several files may run at
# once. Wants root, iproute2, nftables, e2fsprogs, jq.

setup() {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    OFFICE=$BATS_TEST_DIRNAME/../../build/bin/toban-office
    [ -x "$OFFICE" ] || skip "toban-office is not built"
    TOBAN_OFFICE_DIR=$(mktemp -d /run/ot.XXXXXX)
    export TOBAN_OFFICE_DIR
    export TOBAN_OFFICE_BINDIR=$BATS_TEST_TMPDIR/bin
    export LC_ALL=C.UTF-8
    # Names of namespaces are one space for the whole machine.
    A=a${TOBAN_OFFICE_DIR##*.}
    A=${A,,}
    B=b${A:1}
    mkdir "$TOBAN_OFFICE_BINDIR"
    for program in corosync toban-net toband toban-web; do
        stand_in "$program"
    done
}

teardown() {
    [ -n "${TOBAN_OFFICE_DIR:-}" ] || return 0
    "$OFFICE" down --name "$A" >/dev/null 2>&1 || true
    "$OFFICE" down --name "$B" >/dev/null 2>&1 || true
    rm -rf --one-file-system "$TOBAN_OFFICE_DIR"
}

# Ready at once, then idle; notes its command line and each SIGHUP. Modes, as words of $STAND_IN:
# NAME-silent: one sign of life, then none. NAME-failing: ends at once. NAME-mute: never ready.
stand_in() {
    cat >"$TOBAN_OFFICE_BINDIR/$1" <<'SCRIPT'
#!/bin/bash
name=${0##*/}
printf '%s\n' "$*" >"/run/log/$name.argv"
[[ " $STAND_IN " != *" $name-failing "* ]] || exit 1
trap 'cat /run/clock-offset-ms >>"/run/log/$name.hup"' HUP
trap 'echo bye >"/run/log/$name.bye"; kill $!; exit 0' TERM
[[ " $STAND_IN " == *" $name-mute "* ]] || systemd-notify --ready
[[ " $STAND_IN " != *" $name-silent "* ]] || systemd-notify WATCHDOG=1
while :; do
    sleep 1000 &
    wait
done
SCRIPT
    chmod +x "$TOBAN_OFFICE_BINDIR/$1"
}

# bats does not see "! command" fail, nor the first half of "a && b".
not() {
    ! "$@"
}

# until_true SECONDS COMMAND...: polls; fails when time is up.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

up() { # NAME ARGUMENTS...
    "$OFFICE" up --name "$@" --disk-mib 64 >/dev/null
}

info() { # NAME JQ
    "$OFFICE" info --name "$1" --json | jq -r "$2"
}

pid_of() { # NAME UNIT PROGRAM
    info "$1" ".units[$2 - 1].pids[\"$3\"]"
}

program() { # NAME UNIT PROGRAM FIELD
    info "$1" ".units[$2 - 1].programs[] | select(.name == \"$3\") | .$4"
}

# A process that ended may wait for its parent as a zombie: it runs no more.
runs() {
    [ -e "/proc/$1/status" ] && ! grep -q '^State:.Z' "/proc/$1/status"
}

none_runs() {
    local pid
    for pid in "$@"; do
        ! runs "$pid" || return 1
    done
}

all_pids() {
    info "$1" '.pid, (.units[].pids[])'
}

# Whether a frame gets from a namespace to an address: a closed port answers at once.
reaches() {
    ip netns exec "$1" timeout 1 bash -c "</dev/tcp/$2/9" 2>&1 | grep -q refused
}

has_carrier() { # NETNS INTERFACE
    ip -n "$1" link show "$2" | grep -q LOWER_UP
}

leaves_nothing() { # NAME
    ! ip netns list | grep -q "^$1-" &&
        ! grep -q "$TOBAN_OFFICE_DIR/$1/" /proc/mounts &&
        ! losetup -a | grep -q "$TOBAN_OFFICE_DIR/$1/" &&
        ! compgen -G "$TOBAN_OFFICE_DIR/$1*" >/dev/null
}

@test "an office comes up, says where everything is, and goes without a trace" {
    up "$A"
    [ "$(info "$A" .floating)" = 10.90.0.10 ]
    [ "$(info "$A" .url)" = https://10.90.0.10 ]
    [[ "$(info "$A" .host_url)" =~ ^https://127\.0\.0\.1:[0-9]+$ ]]
    [ "$(info "$A" '.namespaces | "\(.u1) \(.u2) \(.lan)"')" = "$A-u1 $A-u2 $A-lan" ]
    [ "$(info "$A" '.credentials | keys | join(" ")')" = \
        "administrator board counter engineer kiosk manager noc" ]
    [ -d "$(info "$A" '.units[1].data_dir')" ]
    [ "$("$OFFICE" status --name "$A" --json | jq .ready)" = true ]
    mapfile -t pids < <(all_pids "$A")
    [ "${#pids[@]}" -eq 11 ]
    "$OFFICE" down --name "$A"
    none_runs "${pids[@]}"
    leaves_nothing "$A"
}

@test "two offices run side by side and do not see each other" {
    up "$A"
    up "$B"
    [ "$(info "$A" .host_url)" != "$(info "$B" .host_url)" ]
    ip -n "$A-u1" addr add 10.90.0.77/24 dev lan0
    reaches "$A-u2" 10.90.0.77
    not reaches "$B-u2" 10.90.0.77
    "$OFFICE" down --name "$A"
    leaves_nothing "$A"
    "$OFFICE" status --name "$B"
}

@test "an office of the same name is not made twice" {
    up "$A"
    before=$(all_pids "$A")
    run "$OFFICE" up --name "$A" --json
    [ "$status" -eq 1 ]
    [ "$(jq -r .code <<<"$output")" = ALREADY_UP ]
    [ "$(all_pids "$A")" = "$before" ]
}

@test "nothing outlives a keeper that was killed, and down cleans up after it" {
    up "$A"
    mapfile -t pids < <(all_pids "$A")
    kill -KILL "$(info "$A" .pid)"
    until_true 5 none_runs "${pids[@]}"
    run "$OFFICE" status --name "$A"
    [ "$status" -eq 3 ]
    "$OFFICE" down --name "$A"
    leaves_nothing "$A"
}

@test "the next up takes the place of an office that was killed" {
    up "$A"
    kill -KILL "$(info "$A" .pid)"
    up "$A"
    "$OFFICE" status --name "$A"
    "$OFFICE" down --name "$A"
    leaves_nothing "$A"
}

@test "an interrupted up takes away what it made" {
    STAND_IN="toband-mute" "$OFFICE" up --name "$A" --disk-mib 64 >/dev/null 2>&1 3>&- &
    client=$!
    until_true 10 test -e "$TOBAN_OFFICE_DIR/$A/u2/log/toband.argv"
    mapfile -t pids < <(all_pids "$A")
    kill -TERM $client
    status=0
    wait $client || status=$?
    [ "$status" -eq 130 ]
    none_runs "${pids[@]}"
    leaves_nothing "$A"
}

@test "run stays in the foreground and takes everything away at the end" {
    "$OFFICE" run --name "$A" --disk-mib 64 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    client=$!
    until_true 20 grep -q /kiosk "$BATS_TEST_TMPDIR/said"
    mapfile -t pids < <(all_pids "$A")
    kill -TERM $client
    status=0
    wait $client || status=$?
    [ "$status" -eq 0 ]
    none_runs "${pids[@]}"
    leaves_nothing "$A"
}

@test "up says which program is not ready" {
    STAND_IN="toban-web-mute" run "$OFFICE" up --name "$A" --disk-mib 64 --timeout 2 --json
    [ "$status" -eq 1 ]
    [ "$(jq -r .code <<<"$output")" = NOT_READY ]
    [[ "$(jq -r .text_en <<<"$output")" == *toban-web* ]]
}

@test "a crashed program is started again, and only that one" {
    up "$A"
    old=$(pid_of "$A" 1 toband)
    web=$(pid_of "$A" 1 toban-web)
    "$OFFICE" fault crash 1 --name "$A"
    back() { [ "$(program "$A" 1 toband state)" = ready ] && [ "$(pid_of "$A" 1 toband)" != "$old" ]; }
    until_true 5 back
    [ "$(program "$A" 1 toband restarts)" = 1 ]
    [[ "$(program "$A" 1 toband last_end)" == "signal 9"* ]]
    [ "$(pid_of "$A" 1 toban-web)" = "$web" ]
    [ "$(program "$A" 2 toband restarts)" = 0 ]
    "$OFFICE" fault crash toban-net 2 --name "$A"
    again() { [ "$(program "$A" 2 toban-net restarts)" = 1 ]; }
    until_true 5 again
}

@test "a program that ends over and over is started ever more slowly" {
    STAND_IN="toband-failing" run "$OFFICE" up --name "$A" --disk-mib 64 --timeout 2
    [ "$status" -eq 1 ]
    slowed() { [ "$(program "$A" 1 toband state)" = restarting ]; }
    until_true 10 slowed
    restarts=$(program "$A" 1 toband restarts)
    [ "$restarts" -ge 4 ]
    [ "$restarts" -le 8 ]
    [ "$(program "$A" 1 toband last_end)" = "exit 1" ]
}

@test "a program whose signs of life stop is aborted and started again" {
    STAND_IN="toband-silent" up "$A"
    old=$(pid_of "$A" 2 toband)
    aborted() { [ "$(program "$A" 2 toband restarts)" -ge 1 ]; }
    until_true 15 aborted
    not runs "$old"
    [[ "$(program "$A" 2 toband last_end)" == "signal 6"* ]]
    [ "$(program "$A" 2 toban-web restarts)" = 0 ]
}

@test "power kills everything of a unit at once, and heal brings it back" {
    up "$A"
    mapfile -t pids < <(info "$A" '.units[0].pids[]')
    [ "${#pids[@]}" -eq 5 ]
    others=$(info "$A" '.units[1].pids | tostring')
    "$OFFICE" fault power 1 --name "$A"
    none_runs "${pids[@]}"
    not compgen -G "$TOBAN_OFFICE_DIR/$A/u1/log/*.bye"
    not has_carrier "$A-u1" lan0
    not has_carrier "$A-u2" dir0
    has_carrier "$A-u2" lan0
    [ "$(info "$A" '.units[0].faults[0]')" = power ]
    [ "$(info "$A" '.units[1].pids | tostring')" = "$others" ]
    run "$OFFICE" fault power 1 --name "$A"
    [ "$status" -eq 1 ]
    "$OFFICE" heal 1 --name "$A"
    until_true 10 "$OFFICE" status --name "$A" --json
    has_carrier "$A-u1" lan0
    has_carrier "$A-u2" dir0
}

@test "power loses what was not synced and keeps what was" {
    up "$A"
    up "$B" --units 1 # its mounts began as a copy of those that show A's disks, as this client's did:
    ip netns exec "$A-lan" sleep 60 3>&- &
    client=$!
    data=$(info "$A" '.units[0].data_dir')
    echo kept >"$data/synced"
    sync "$data/synced"
    echo lost >"$data/unsynced"
    grep -q lost "$data/unsynced"
    "$OFFICE" fault power 1 --name "$A"
    grep -q kept "$data/synced"
    not grep -q lost "$data/unsynced"
    "$OFFICE" heal --name "$A"
    until_true 10 "$OFFICE" status --name "$A" --json
    echo more >"$data/after"
    sync "$data/after"
    kill $client
}

@test "cables: each fault cuts what it says and heal mends it" {
    up "$A"
    whole() {
        reaches "$A-u1" 10.90.0.2 && reaches "$A-u1" 10.90.1.2 && reaches "$A-lan" 10.90.0.1 &&
            reaches "$A-lan" 10.90.0.2
    }
    whole
    "$OFFICE" fault unplug-lan 1 --name "$A"
    not has_carrier "$A-u1" lan0
    not reaches "$A-lan" 10.90.0.1
    reaches "$A-u1" 10.90.1.2
    "$OFFICE" heal 1 --name "$A"
    whole
    "$OFFICE" fault unplug-direct --name "$A"
    not has_carrier "$A-u1" dir0
    not has_carrier "$A-u2" dir0
    reaches "$A-u1" 10.90.0.2
    "$OFFICE" heal --name "$A"
    whole
    "$OFFICE" fault partition --name "$A"
    has_carrier "$A-u1" lan0
    has_carrier "$A-u1" dir0
    not reaches "$A-u1" 10.90.0.2
    not reaches "$A-u2" 10.90.1.1
    reaches "$A-lan" 10.90.0.1
    reaches "$A-lan" 10.90.0.2
    "$OFFICE" heal --name "$A"
    whole
    "$OFFICE" fault partition --clients 2 --name "$A"
    not reaches "$A-lan" 10.90.0.1
    reaches "$A-lan" 10.90.0.2
    [ "$(info "$A" '.faults[0]')" = partition ]
    "$OFFICE" heal --name "$A"
    whole
}

@test "a restarting switch first takes the carrier, then forwards nothing, then works again" {
    up "$A"
    "$OFFICE" fault switch --dead 1 --learning 4 --name "$A"
    not has_carrier "$A-u1" lan0
    not has_carrier "$A-u2" lan0
    has_carrier "$A-u1" dir0
    until_true 5 has_carrier "$A-u1" lan0
    not reaches "$A-u1" 10.90.0.2
    reaches "$A-u1" 10.90.1.2
    until_true 10 reaches "$A-u1" 10.90.0.2
    [ "$(info "$A" '.faults | length')" = 0 ]
}

@test "a full disk takes no byte more until it is healed" {
    up "$A"
    data=$(info "$A" '.units[1].data_dir')
    "$OFFICE" fault disk-full 2 --name "$A"
    not dd if=/dev/zero of="$data/more" bs=4096 count=1 conv=fsync 2>/dev/null
    "$OFFICE" heal 2 --name "$A"
    dd if=/dev/zero of="$data/more" bs=4096 count=1 conv=fsync 2>/dev/null
}

@test "a wiped disk is empty, the record stays, and toband was down meanwhile" {
    up "$A"
    data=$(info "$A" '.units[0].data_dir')
    record=$(info "$A" '.units[0].record_dir')
    mkdir "$data/ledger"
    echo x >"$data/ledger/data.mdb"
    echo y >"$record/session"
    old=$(pid_of "$A" 1 toband)
    "$OFFICE" fault disk-wipe 1 --name "$A"
    [ ! -e "$data/ledger" ]
    [ "$(cat "$record/session")" = y ]
    not runs "$old"
    until_true 5 "$OFFICE" status --name "$A" --json
}

@test "one unit's clock jumps, is told so, and comes back" {
    up "$A" --at 2026-11-24T08:20
    now=$(info "$A" .clock_offset_ms)
    [ $(((now + $(date +%s%3N)) / 60000)) -ge $(($(date -d 2026-11-24T08:20+09:00 +%s) / 60)) ]
    "$OFFICE" fault clock 1 --shift -3600 --name "$A"
    [ "$(cat "$TOBAN_OFFICE_DIR/$A/u1/clock-offset-ms")" = $((now - 3600000)) ]
    [ "$(cat "$TOBAN_OFFICE_DIR/$A/u2/clock-offset-ms")" = "$now" ]
    told() { grep -qx -- "$1" "$TOBAN_OFFICE_DIR/$A/u1/log/toband.hup"; }
    until_true 5 told $((now - 3600000))
    "$OFFICE" heal 1 --name "$A"
    until_true 5 told "$now"
    [ ! -e "$TOBAN_OFFICE_DIR/$A/u2/log/toband.hup" ]
}

@test "time passes for every unit, also for one without power, and is no fault" {
    up "$A"
    now=$(info "$A" .clock_offset_ms)
    "$OFFICE" fault power 2 --name "$A"
    "$OFFICE" clock --shift 36000 --name "$A"
    [ "$(cat "$TOBAN_OFFICE_DIR/$A/u1/clock-offset-ms")" = $((now + 36000000)) ]
    [ "$(info "$A" '.units[0].faults | length')" = 0 ]
    "$OFFICE" heal 2 --name "$A"
    [ "$(cat "$TOBAN_OFFICE_DIR/$A/u2/clock-offset-ms")" = $((now + 36000000)) ]
    [ "$(info "$A" .clock_offset_ms)" = $((now + 36000000)) ]
}

@test "a wedged toband stands still until it is healed" {
    up "$A"
    pid=$(pid_of "$A" 1 toband)
    "$OFFICE" fault wedge 1 --name "$A"
    until_true 5 grep -q '^State:.T' "/proc/$pid/status"
    "$OFFICE" heal 1 --name "$A"
    until_true 5 grep -q '^State:.S' "/proc/$pid/status"
}

@test "the host's port leads to whoever holds the floating address" {
    up "$A"
    # shellcheck disable=SC2016  # perl's own variables
    serve='use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 9, LocalPort => $ARGV[1], ReuseAddr => 1)
        or die; $| = 1; print "listening\n"; while (my $c = $s->accept) { my $l = <$c>; print $c "$ARGV[0] $l";
        shutdown($c, 1); close $c }'
    servers=()
    for door in "u1 80" "u2 80" "u2 443"; do
        read -r unit own <<<"$door"
        ip netns exec "$A-$unit" perl -e "$serve" "$unit$( ((own == 80)) || echo -tls)" "$own" >"$BATS_TEST_TMPDIR/$unit-$own" 3>&- &
        servers+=($!)
        until_true 5 grep -q listening "$BATS_TEST_TMPDIR/$unit-$own"
    done
    port=$(info "$A" .host_url)
    port=${port##*:}
    ask() { timeout 5 bash -c 'exec 9<>/dev/tcp/127.0.0.1/'"$port"'; echo "'"$1"'" >&9; cat <&9'; }
    ip -n "$A-u1" addr add 10.90.0.10/24 dev lan0
    first=$(ask hello || true)
    ip -n "$A-u1" addr del 10.90.0.10/24 dev lan0
    ip -n "$A-u2" addr add 10.90.0.10/24 dev lan0
    ip -n "$A-lan" neigh flush all
    second=$(ask hello || true)
    third=$(ask $'\x16hello' || true) # as TLS begins
    kill "${servers[@]}"
    [ "$first" = "u1 hello" ]
    [ "$second" = "u2 hello" ]
    [ "$third" = "u2-tls "$'\x16'hello ]
}

@test "each program is told who it is and who its peer is" {
    up "$A"
    log=$TOBAN_OFFICE_DIR/$A/u2/log
    grep -q -- '--unit 2 --serial TB-2026-0002 --data /run/data --record /run/record' "$log/toband.argv"
    grep -q -- '--peer-id 1 --link-local 10.90.0.2 --link-peer 10.90.0.1' "$log/toband.argv"
    grep -q -- '--direct-local 10.90.1.2 --direct-peer 10.90.1.1' "$log/toband.argv"
    grep -q -- '--floating 10.90.0.10/24' "$log/toban-net.argv"
    grep -q -- '--plain-listen 10.90.0.10:80 --tls-listen 10.90.0.10:443' "$log/toban-web.argv"
    for unit in 1 2; do
        tls=$TOBAN_OFFICE_DIR/$A/u$unit/tls
        openssl verify -CAfile "$tls/ca.crt" "$tls/unit.crt"
        openssl x509 -noout -subject -in "$tls/unit.crt" | grep -q "CN = unit-$unit"
        [ "$(stat -c %a "$tls/unit.key")" = 600 ]
    done
    cmp "$TOBAN_OFFICE_DIR/$A/u1/corosync/authkey" "$TOBAN_OFFICE_DIR/$A/u2/corosync/authkey"
}

@test "a lone unit needs neither corosync nor the address helper" {
    rm "$TOBAN_OFFICE_BINDIR/corosync" "$TOBAN_OFFICE_BINDIR/toban-net"
    up "$A" --units 1
    [ "$(info "$A" '.units | length')" = 1 ]
    [ "$(program "$A" 1 corosync state)" = absent ]
    not grep -q -- --peer-id "$TOBAN_OFFICE_DIR/$A/u1/log/toband.argv"
    ip -n "$A-u1" addr show lan0 | grep -q 10.90.0.10/24
    reaches "$A-lan" 10.90.0.10
    run "$OFFICE" fault power 2 --name "$A"
    [ "$status" -eq 1 ]
    "$OFFICE" down --name "$A"
    leaves_nothing "$A"
}

@test "the pair is refused without the address helper" {
    rm "$TOBAN_OFFICE_BINDIR/toban-net"
    run "$OFFICE" up --name "$A" --json
    [ "$status" -eq 1 ]
    [ "$(jq -r .code <<<"$output")" = NO_PROGRAM ]
    leaves_nothing "$A"
}

@test "a wrong site file is refused with its line before anything is made" {
    sed 's/lead_minutes: 30/lead_minutes: 30\n  leed_minutes: 30/' \
        "$BATS_TEST_DIRNAME/../../image/site-default.yaml" >"$BATS_TEST_TMPDIR/site.yaml"
    line=$(grep -n leed_minutes "$BATS_TEST_TMPDIR/site.yaml" | cut -d: -f1)
    run "$OFFICE" up --name "$A" --site "$BATS_TEST_TMPDIR/site.yaml"
    [ "$status" -eq 1 ]
    [[ "$output" == *"site.yaml:$line: hours.leed_minutes:"* ]]
    leaves_nothing "$A"
}

@test "wrong words are refused with status 2 and told in the reader's language" {
    for wrong in "up --name Bad_Name" "up --units 3" "up --at tomorrow" "up --disk tape" "fly" "fault" \
        "heal everything" "up --name a-name-that-is-much-too-long" "fault power 1 2 3" "up --shift x"; do
        # shellcheck disable=SC2086
        run "$OFFICE" $wrong
        [ "$status" -eq 2 ] || [ "$status" -eq 3 ]
        [ -n "$output" ]
    done
    run env LC_ALL=ja_JP.UTF-8 "$OFFICE" info --name "$A"
    [ "$status" -eq 3 ]
    [[ "$output" == *事務所は動いていません* ]]
    run "$OFFICE" fault flood 1 --name "$A"
    [ "$status" -eq 3 ]
    run env LC_ALL=ja_JP.UTF-8 "$OFFICE" --help
    [ "$status" -eq 0 ]
    [[ "$output" == *片付け* ]]
}

@test "corosync itself joins the two units over both links" {
    [ -x /usr/sbin/corosync ] || skip "corosync is not installed"
    rm "$TOBAN_OFFICE_BINDIR/corosync"
    up "$A"
    pid=$(pid_of "$A" 1 corosync)
    inside() { nsenter -t "$pid" -m -n -p "$@"; }
    both_links() { [ "$(inside corosync-cfgtool -s | grep -c 'nodeid:.*2:.*[^s]connected$')" = 2 ]; }
    until_true 20 both_links
    members() { [ "$(inside corosync-cmapctl -b runtime.members. | grep -c 'status.*joined')" = "$1" ]; }
    until_true 20 members 2
    "$OFFICE" fault power 2 --name "$A"
    until_true 20 members 1
    "$OFFICE" heal --name "$A"
    until_true 20 members 2
}
