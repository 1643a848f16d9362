# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read and set by scripts/services
# A registry of container images. The engine speaks plain HTTP to registries on 127.0.0.0/8.

about="a registry of container images (Debian's docker-registry)"
options=('--auth USER:PASSWORD  asks for them; may be repeated')
packages=(docker-registry apache2-utils)
default_port=5000
accounts=()

option() {
    [[ $1 == --auth && $2 == ?*:?* ]] && accounts+=("$2")
}

prepare() {
    command=(docker-registry serve "$dir/config.yml")
    cat >"$dir/config.yml" <<TEXT
version: 0.1
log:
  level: info
  formatter: json
storage:
  filesystem:
    rootdirectory: $dir/images
http:
  addr: 127.0.0.1:$port
TEXT
    if [[ -z ${accounts[*]} ]]; then return; fi
    : >"$dir/htpasswd"
    chmod 600 "$dir/htpasswd"
    local account
    for account in "${accounts[@]}"; do
        htpasswd -iB "$dir/htpasswd" "${account%%:*}" <<<"${account#*:}" 2>/dev/null
    done
    cat >>"$dir/config.yml" <<TEXT
auth:
  htpasswd:
    realm: stoker
    path: $dir/htpasswd
TEXT
}

ready() {
    local status
    status=$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 5 "http://127.0.0.1:$port/v2/") || return 1
    [[ $status == 200 || $status == 401 ]]
}
