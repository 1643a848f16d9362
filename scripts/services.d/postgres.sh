# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read and set by scripts/services
# A PostgreSQL server with one superuser. It refuses to run as root, which starts it as the system
# user that Debian's package makes.

about="a PostgreSQL server (Debian's postgresql)"
options=(
    '--account USER:PASSWORD  its superuser (default stoker:stoker); the database is postgres'
    '--set NAME=VALUE         a setting of the server; may be repeated'
)
packages=(postgresql)
default_port=5432
# To go down at once: the default signal would wait for the last client to leave.
stop_signal=INT
account=stoker:stoker
settings=()

option() {
    case $1 in
        --account) [[ $2 == ?*:?* ]] && account=$2 ;;
        --set) [[ $2 == ?*=* ]] && settings+=(-c "$2") ;;
        *) return 1 ;;
    esac
}

newest_bin() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }

as_server() {
    if is_root; then
        setpriv --reuid postgres --regid postgres --init-groups "$@"
    else
        "$@"
    fi
}

make_cluster() {
    local bin=$1 password=$dir/password
    rm -rf "$dir/data" "$password"
    (umask 077 && echo "${account#*:}" >"$password")
    if is_root; then chown postgres: "$password"; fi
    as_server "$bin/initdb" --pgdata "$dir/data" --username "${account%%:*}" --pwfile "$password" \
        --auth-local trust --auth-host scram-sha-256 --no-sync --encoding UTF8 --locale C.UTF-8 >"$dir/log" 2>&1 ||
        { cat "$dir/log" >&2 && die "cannot make a database cluster in $dir"; }
    rm "$password"
    : >"$dir/made"
}

prepare() {
    local bin
    bin=$(newest_bin)
    if is_root; then chown postgres: "$dir"; fi
    if [[ ! -e $dir/made ]]; then make_cluster "$bin"; fi
    # Of one that was killed. It does not run, but may still be in the process table, which is enough
    # for PostgreSQL to refuse.
    rm -f "$dir/data/postmaster.pid" "$dir"/.s.PGSQL.*
    command=(
        "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$port"
        -c unix_socket_directories="$dir" "${settings[@]}"
    )
    if is_root; then command=(setpriv --reuid postgres --regid postgres --init-groups "${command[@]}"); fi
}

ready() { "$(newest_bin)/pg_isready" -q -h 127.0.0.1 -p "$port"; }
