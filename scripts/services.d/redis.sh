# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read and set by scripts/services
# A Redis server with the settings that a queue wants, or a Sentinel.

about="a Redis server, or a Sentinel (Debian's redis-server)"
options=(
    '--auth USER:PASSWORD  asks for them; an empty USER is the default user'
    "--set 'KEY VALUE'     a line of its configuration; may be repeated"
    '--sentinel NAME:PORT  is a Sentinel and watches the server on that port'
)
packages=(redis-server)
default_port=6379
account='' lines=() watched=''

option() {
    case $1 in
        --auth) [[ $2 == *:?* ]] && account=$2 ;;
        --set) lines+=("$2") ;;
        --sentinel) [[ $2 =~ ^[a-z]+:[0-9]+$ ]] && watched=$2 ;;
        *) return 1 ;;
    esac
}

prepare() {
    command=(redis-server "$dir/redis.conf")
    mkdir -p "$dir/data"
    : >"$dir/redis.conf"
    chmod 600 "$dir/redis.conf"
    printf '%s\n' "bind 127.0.0.1" "port $port" "dir \"$dir/data\"" >>"$dir/redis.conf"
    if [[ -n $watched ]]; then
        command+=(--sentinel)
        local name=${watched%:*}
        printf '%s\n' "sentinel monitor $name 127.0.0.1 ${watched#*:} 1" \
            "sentinel down-after-milliseconds $name 500" "sentinel failover-timeout $name 3000" >>"$dir/redis.conf"
    else
        printf '%s\n' 'save ""' 'appendonly yes' 'appendfsync everysec' 'maxmemory 256mb' \
            'maxmemory-policy noeviction' >>"$dir/redis.conf"
    fi
    if [[ $account == :* ]]; then
        printf 'requirepass "%s"\n' "${account#:}" >>"$dir/redis.conf"
    elif [[ -n $account ]]; then
        printf '%s\n' "user ${account%%:*} on >${account#*:} ~* &* +@all" 'user default off' >>"$dir/redis.conf"
    fi
    if ((${#lines[@]} > 0)); then printf '%s\n' "${lines[@]}" >>"$dir/redis.conf"; fi
}

ready() {
    local answer
    answer=$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null) || return 1
    [[ $answer == PONG || $answer == *NOAUTH* ]]
}
