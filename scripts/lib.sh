# shellcheck shell=bash
# What the scripts share. Sourced, never run; the caller sets -euo pipefail.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Colours only for people: a log file or CI gets plain text.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '    %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_root() { [[ $(id -u) -eq 0 ]]; }

as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $* (run as root, or install sudo)"
    fi
}

# --- packages ---

# Prints those of the named packages that are not installed.
missing_packages() {
    local name
    for name in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
    done
}

# Servers that scripts/services starts on loopback when somebody asks. Debian would start them at
# once, at every boot and some for the whole network.
own_servers=(docker-registry redis-server postgresql)

keep_from_starting() {
    local unit=/etc/systemd/system/$1.service
    [[ -d /run/systemd/system && ! -e $unit && ! -L $unit ]] || return 0
    as_root ln -s /dev/null "$unit"
}

# Another apt may be at work (unattended upgrades on a fresh machine): wait for its lock.
apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    local name
    for name in "$@"; do
        if [[ " ${own_servers[*]} " == *" $name "* ]]; then keep_from_starting "$name"; fi
    done
    as_root "${apt[@]}" update
    as_root "${apt[@]}" install -y --no-install-recommends "$@"
}

# --- the Docker engine ---

docker_host=${DOCKER_HOST:-unix:///var/run/docker.sock}

# engine PATH [curl options]: one request to the Engine API.
engine() {
    local path=$1
    shift
    case $docker_host in
        unix://*) curl -sS --noproxy '*' --unix-socket "${docker_host#unix://}" "$@" "http://localhost$path" ;;
        tcp://*) curl -sS --noproxy '*' "$@" "http://${docker_host#tcp://}$path" ;;
        *) die "DOCKER_HOST=$docker_host: only unix:// and tcp:// are understood" ;;
    esac
}

engine_answers() { [[ $(engine /_ping --max-time 5 2>/dev/null) == OK ]]; }

# The socket is there for root and the group docker, and we are neither.
engine_forbidden() {
    [[ $docker_host == unix://* ]] || return 1
    local socket=${docker_host#unix://}
    [[ -S $socket && ! -w $socket ]]
}

# use_engine SCRIPT ARGS...: a Docker engine that this user may talk to, or failure. A user who was
# never put in the group docker gets it for this run alone: SCRIPT is started again through sudo -g.
use_engine() {
    "$root/scripts/docker-engine" || return 1
    engine_answers && return 0
    if engine_forbidden && [[ -z ${STOKER_REGROUPED:-} ]] && command -v sudo >/dev/null; then
        say "Going on with the group docker (through sudo)"
        exec sudo -g docker STOKER_REGROUPED=1 CI="${CI:-}" PATH="$PATH" "$@"
    fi
    return 1
}
