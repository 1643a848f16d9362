# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read and set by scripts/services
# A Kafka broker in KRaft mode, alone or one of several. Debian has no package of it: Maven brings
# its libraries once, with the settings that this user's Maven has; from then on it starts offline.

about="a Kafka broker (from Maven's org.apache.kafka:kafka_2.13)"
options=(
    '--release VERSION     of the broker (default 4.0.2; 3.9.2 and later ones are good, too)'
    '--voters ID@PORT,...  the controllers of a cluster, itself included (default: it is alone)'
    '--node ID             which of them it is (default 1)'
    '--auth USER:PASSWORD  listens on one more port, DIR/auth_address, which asks for them (PLAIN)'
    "--set NAME=VALUE      a setting of the broker; may be repeated"
)
packages=(openjdk-17-jre-headless maven)
default_port=9092
# A Java program on a machine that may be busy.
start_seconds=90
release=4.0.2 voters='' node=1 account='' lines=()

option() {
    case $1 in
        --release) [[ $2 =~ ^[0-9]+(\.[0-9]+)+$ ]] && release=$2 ;;
        --voters) [[ $2 =~ ^[0-9]+@[0-9]+(,[0-9]+@[0-9]+)*$ ]] && voters=$2 ;;
        --node) [[ $2 =~ ^[0-9]+$ ]] && node=$2 ;;
        --auth) [[ $2 =~ ^[A-Za-z0-9]+:[A-Za-z0-9]+$ ]] && account=$2 ;;
        --set) [[ $2 == ?*=* ]] && lines+=("$2") ;;
        *) return 1 ;;
    esac
}

# One at a time, and into place only when all is there.
bring_libraries() {
    local made=$libraries.$$
    mkdir -p "$made"
    cat >"$made/pom.xml" <<TEXT
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>stoker</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$release</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
TEXT
    say "kafka: Maven brings $release"
    if ! timeout 180 mvn -B -q -f "$made/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$made" >"$made/log" 2>&1; then
        tail -n 20 "$made/log" >&2
        rm -rf "$made"
        die "Maven cannot resolve org.apache.kafka:kafka_2.13:$release"
    fi
    rm -rf "$libraries"
    mv "$made" "$libraries"
}

write_settings() {
    local controller=0 pair quorum=()
    for pair in ${voters//,/ }; do
        quorum+=("${pair%@*}@127.0.0.1:${pair#*@}")
        if [[ ${pair%@*} == "$node" ]]; then controller=${pair#*@}; fi
    done
    ((controller > 0)) || die "--voters does not name --node $node"
    local copies=${#quorum[@]}
    # A broker that was killed may come again when its session is over: soon.
    local listeners=PLAINTEXT://127.0.0.1:$port protocols=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
    if [[ -n $account ]]; then
        local auth_port
        auth_port=$(free_port)
        echo "127.0.0.1:$auth_port" >"$dir/auth_address"
        listeners+=,AUTH://127.0.0.1:$auth_port protocols+=,AUTH:SASL_PLAINTEXT
        local login="org.apache.kafka.common.security.plain.PlainLoginModule required"
        lines+=(
            'sasl.enabled.mechanisms=PLAIN'
            "listener.name.auth.plain.sasl.jaas.config=$login user_${account%%:*}=\"${account#*:}\";"
        )
    fi
    printf '%s\n' 'process.roles=broker,controller' "node.id=$node" \
        "controller.quorum.voters=$(IFS=, && echo "${quorum[*]}")" \
        "listeners=$listeners,CONTROLLER://127.0.0.1:$controller" \
        "advertised.listeners=$listeners" "listener.security.protocol.map=$protocols" \
        'controller.listener.names=CONTROLLER' "log.dirs=$dir/data" \
        'auto.create.topics.enable=false' 'group.initial.rebalance.delay.ms=0' \
        'broker.heartbeat.interval.ms=500' 'broker.session.timeout.ms=2000' \
        'offsets.topic.num.partitions=3' "offsets.topic.replication.factor=$copies" \
        'num.network.threads=2' 'num.io.threads=2' 'log.cleaner.dedupe.buffer.size=2097152' \
        >"$dir/server.properties"
    if ((${#lines[@]} > 0)); then printf '%s\n' "${lines[@]}" >>"$dir/server.properties"; fi
}

prepare() {
    local libraries_root=${STOKER_KAFKA_LIBRARIES:-$root/build/kafka}
    libraries=$libraries_root/$release
    mkdir -p "$libraries_root"
    (flock 9 && { [[ -d $libraries ]] || bring_libraries; }) 9>"$libraries_root/lock"
    # Started again, it is the same one.
    if [[ -f $dir/voters ]]; then read -r voters <"$dir/voters"; fi
    if [[ -z $voters ]]; then voters=$node@$(free_port); fi
    echo "$voters" >"$dir/voters"
    write_settings
    # Small and soon there; it is not meant to be fast.
    local java=(
        java -Xmx256m -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1
        -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$libraries/*"
    )
    if [[ ! -f $dir/data/meta.properties ]]; then
        "${java[@]}" kafka.tools.StorageTool format --config "$dir/server.properties" \
            --cluster-id stoker-test-cluster0aa >"$dir/log" 2>&1 || fail_with_log
    fi
    : >"$dir/log"
    command=("${java[@]}" kafka.Kafka "$dir/server.properties")
}

ready() { grep -q 'Kafka Server started' "$dir/log"; }
