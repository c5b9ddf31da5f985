#!/bin/bash
# Peers side by side with Toban, in the namespaces of a running office, so that disk and network are the same:
# the primary on unit 1, its standby on unit 2, replication over the direct link, clients in the office's LAN.
#   tools/bench/peers.sh OFFICE BIN CLIENTS SECONDS      lines of JSON: postgresql-1, postgresql-6, redis
# PostgreSQL 15 with synchronous_commit=on: one prepared statement that takes the next number of a counter and
# appends 200 bytes; the counter is one row, and then one of six rows, as many as Toban's categories. Redis 7
# with appendfsync always: a script that does the same, then WAIT 1. What is not installed is said to be 未計測.
# Every server is ended by its own id, also when this fails or is interrupted.
set -euo pipefail
office=$1 bin=$2 clients=$3 seconds=$4
root=$("$bin/toban-office" info --name "$office" --json |
    node -e 'let t = ""; process.stdin.on("data", d => t += d).on("end", () =>
        console.log(require("path").dirname(require("path").dirname(JSON.parse(t).units[0].data_dir))))')
work=$root/peers
pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do
        kill -INT "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
mkdir -p "$work"
chmod 755 "$root" "$work"

# A function in the background is a shell of its own: servers are started by `ip netns exec` itself, which
# becomes the server, so that its id is known.
in_unit() { # UNIT COMMAND...
    local unit=$1
    shift
    ip netns exec "$office-u$unit" "$@"
}

not_measured() { # MODE WHY
    printf '{"mode":"%s","clients":%s,"not_measured":"%s"}\n' "$1" "$clients" "$2"
}

wait_for() { # COMMAND...
    local i
    for ((i = 0; i < 300; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

pg=/usr/lib/postgresql/15/bin
as_postgres() {
    setpriv --reuid=postgres --regid=postgres --init-groups env -u PGPORT -u PGHOST HOME=/ "$@"
}
postgresql() {
    local primary=10.90.1.1 port=15432 rows unit pid
    for unit in 1 2; do
        mkdir -p "$work/pg$unit"
        chown postgres: "$work/pg$unit"
        chmod 700 "$work/pg$unit"
    done
    (cd / && as_postgres "$pg/initdb" -D "$work/pg1" -A trust -U bench --no-sync >/dev/null)
    cat >>"$work/pg1/postgresql.conf" <<CONF
listen_addresses = '*'
port = $port
unix_socket_directories = ''
max_connections = 200
shared_buffers = 128MB
synchronous_commit = on
synchronous_standby_names = '*'
CONF
    echo 'host all,replication all 10.90.0.0/16 trust' >>"$work/pg1/pg_hba.conf"
    ip netns exec "$office-u1" setpriv --reuid=postgres --regid=postgres --init-groups \
        "$pg/postgres" -D "$work/pg1" >"$work/pg1.log" 2>&1 &
    pids+=($!)
    wait_for in_unit 2 "$pg/pg_isready" -h $primary -p $port
    (cd / && in_unit 2 setpriv --reuid=postgres --regid=postgres --init-groups "$pg/pg_basebackup" \
        -h $primary -p $port -U bench -D "$work/pg2" -R -X stream -c fast --no-sync)
    ip netns exec "$office-u2" setpriv --reuid=postgres --regid=postgres --init-groups \
        "$pg/postgres" -D "$work/pg2" >"$work/pg2.log" 2>&1 &
    pids+=($!)
    local psql=(in_unit 1 "$pg/psql" -qAt -h "$primary" -p "$port" -U bench postgres -c)
    wait_for sh -c "ip netns exec $office-u1 $pg/psql -qAt -h $primary -p $port -U bench postgres \
        -c 'select sync_state from pg_stat_replication' | grep -q sync"
    "${psql[@]}" 'create table counter (id int primary key, number int not null) with (fillfactor = 10);
        insert into counter select n, 0 from generate_series(1, 6) n;
        create table ticket (id bigserial primary key, category int, number int, body text)'
    for rows in 1 6; do
        cat >"$work/issue.sql" <<SQL
\\set category random(1, $rows)
with next as (update counter set number = number + 1 where id = :category returning number)
insert into ticket (category, number, body) select :category, number, repeat('x', 200) from next returning number;
SQL
        rm -f "$work"/log.*
        (cd "$work" && ip netns exec "$office-lan" "$pg/pgbench" -n -M prepared -f issue.sql -c "$clients" -j 1 \
            -T "$seconds" -l --log-prefix=log -h 10.90.0.1 -p $port -U bench postgres >pgbench.out)
        [ "$("${psql[@]}" "select count(*) from pg_stat_replication where sync_state = 'sync'")" = 1 ]
        sort -n -k3,3 "$work"/log.* | awk -v mode="postgresql-$rows" -v clients="$clients" -v seconds="$seconds" '
            { us[NR] = $3 }
            END { printf "{\"mode\":\"%s\",\"clients\":%d,\"operations\":%d,\"per_second\":%.0f,\"p50_us\":%d,\"p99_us\":%d}\n",
                mode, clients, NR, NR / seconds, us[int((NR + 1) / 2)], us[int(NR * 0.99)] }'
    done
    for pid in "${pids[@]}"; do
        kill -INT "$pid"
        wait "$pid" || true
    done
    pids=()
}

redis() {
    local port=16379 unit script sha follow pid
    for unit in 1 2; do
        mkdir -p "$work/redis$unit"
        follow=()
        [ "$unit" = 1 ] || follow=(--replicaof 10.90.1.1 "$port")
        ip netns exec "$office-u$unit" redis-server --port $port --bind 0.0.0.0 --protected-mode no --dir "$work/redis$unit" \
            --appendonly yes --appendfsync always --save '' --daemonize no --maxclients 500 \
            "${follow[@]}" >"$work/redis$unit.log" 2>&1 &
        pids+=($!)
    done
    wait_for sh -c "ip netns exec $office-u2 redis-cli -p $port info replication | grep -q master_link_status:up"
    script="local n = redis.call('INCR', 'number:' .. KEYS[1]); redis.call('XADD', 'tickets', '*', 'body', ARGV[1]); return n"
    sha=$(in_unit 1 redis-cli -p $port SCRIPT LOAD "$script")
    ip netns exec "$office-lan" "$bin/toban-bench" redis --address 10.90.0.1 --port $port --script "$sha" \
        --clients "$clients" --seconds "$seconds"
    for pid in "${pids[@]}"; do
        kill -INT "$pid"
        wait "$pid" || true
    done
    pids=()
}

if [ -x "$pg/postgres" ] && [ -x "$pg/pgbench" ]; then
    postgresql
else
    not_measured postgresql-1 'postgresql is not installed'
    not_measured postgresql-6 'postgresql is not installed'
fi
if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then
    redis
else
    not_measured redis 'redis-server is not installed'
fi
