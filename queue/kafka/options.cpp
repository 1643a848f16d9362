#include "queue/kafka/options.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace stoker::kafka {

namespace {

struct Option {
    const char* name;
    const char* value;
};

/// Of both.
constexpr auto common_options = std::to_array<Option>({
    {"client.id", "stoker"},
    // Nagle's algorithm with delayed acknowledgements costs 40 ms stalls (librdkafka#4986).
    {"socket.nagle.disable", "true"},
    // A broker that comes back is used again soon; librdkafka waits up to 10 s by itself.
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "5000"},
    // Partitions that an operator adds are found within a minute, not within five.
    {"topic.metadata.refresh.interval.ms", "60000"},
    // Brokers that close idle connections are nothing to tell.
    {"log.connection.close", "false"},
    // No more of a request is waited for than a put, a commit or a look may take by far.
    {"socket.timeout.ms", "10000"},
});

constexpr auto producer_options = std::to_array<Option>({
    // 2 ms of waiting fill batches under load and cost little when idle.
    {"linger.ms", "2"},
    {"batch.num.messages", "10000"},
    // The sticky partitioner put a burst of 100,000 as 5,300 to 34,900 over 6 partitions.
    {"sticky.partitioning.linger.ms", "0"},
    // Beyond that a put is `full`.
    {"queue.buffering.max.messages", "100000"},
    // Messages are about 100 bytes: compression would cost more than it saves.
    {"compression.codec", "none"},
});

constexpr auto producer_fixed = std::to_array<Option>({
    // Durable in the sense of the cluster: on all replicas that are in sync.
    {"acks", "all"},
    // Off with librdkafka 2.0: its fatal errors need a new producer (librdkafka#3584, #4438, #4134;
    // better from 2.3 on). The duplicates of retries fail their claims.
    {"enable.idempotence", "false"},
    // As long as put() waits. What is answered `unknown` then is put again by its caller, and must
    // not be sent by both when a broker comes back.
    {"message.timeout.ms", "2000"},
});

constexpr auto consumer_options = std::to_array<Option>({
    // A worker that died is noticed within 10 s.
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "3000"},
    // The lane polls at least once a second, also when it takes nothing. One that stands still for
    // half a minute has lost the lease of its calls long since, and no rebalance waits for it
    // longer
    // than that (librdkafka's default is 300 s).
    {"max.poll.interval.ms", "30000"},
    // What is fetched ahead waits for this worker and no other: little of it.
    {"queued.min.messages", "16"},
    {"fetch.message.max.bytes", "65536"},
    // An answer to a fetch that found nothing; also how long a fetch under way keeps the next one
    // from being sent.
    {"fetch.wait.max.ms", "500"},
    {"fetch.error.backoff.ms", "100"},
});

constexpr auto consumer_fixed = std::to_array<Option>({
    // Eager. Commits during a cooperative rebalance are broken in librdkafka 2.0 (#4059, #4908;
    // also
    // #4800). An eager one costs a short pause: what is in flight lasts milliseconds.
    {"partition.assignment.strategy", "roundrobin"},
    // Offsets are committed by the watermark, which knows what was acked. Stored automatically they
    // would be committed before that.
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    // librdkafka's default, latest, would skip what waits when a group is new.
    {"auto.offset.reset", "earliest"},
    // Nothing is written in transactions: the datastore is not part of them.
    {"isolation.level", "read_uncommitted"},
});

/// Set from the settings, or never: static membership (group.instance.id) keeps the partitions of a
/// dead worker unserved until its session ends, and a duplicate id is fatal (librdkafka#2635);
/// transactions have nothing to be atomic with.
constexpr auto never_options = std::to_array<std::string_view>({
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "request.required.acks",
    "delivery.timeout.ms",
    "enable.gapless.guarantee",
    "topic.enable.auto.commit",
    "auto.commit.enable",
    "allow.auto.create.topics",
});

bool names(std::span<const Option> options, std::string_view name) {
    return std::ranges::any_of(options, [&](const Option& option) { return option.name == name; });
}

/// Of the other role: librdkafka would take it and say in its log that it is of no use.
bool is_of_other(Role role, std::string_view name) {
    const bool is_producer = role == Role::producer;
    return is_producer ? names(consumer_options, name) : names(producer_options, name);
}

class ConfBuilder {
public:
    void set(const std::string& name, const std::string& value) {
        std::array<char, 512> reason{};
        const auto result = ::rd_kafka_conf_set(
            conf.get(), name.c_str(), value.c_str(), reason.data(), reason.size()
        );
        if (result == RD_KAFKA_CONF_OK || !wrong.empty()) return;
        // Its reasons repeat values, which may be secret.
        wrong = result == RD_KAFKA_CONF_UNKNOWN
                    ? "librdkafka has no option \"" + name + "\""
                    : "librdkafka does not take that value of \"" + name + "\"";
    }
    void set(std::span<const Option> options) {
        for (const auto& [name, value] : options) set(name, value);
    }

    Conf conf{::rd_kafka_conf_new()};
    std::string wrong;
};

}  // namespace

void FreeConf::operator()(rd_kafka_conf_s* conf) const { ::rd_kafka_conf_destroy(conf); }

bool is_fixed(std::string_view name) {
    return names(producer_fixed, name) || names(consumer_fixed, name) ||
           std::ranges::count(never_options, name) > 0;
}

std::expected<Conf, std::string> make_conf(Role role, const Settings& settings) {
    ConfBuilder builder;
    builder.set("bootstrap.servers", settings.brokers);
    builder.set(common_options);
    if (role == Role::producer) {
        builder.set(producer_options);
    } else {
        builder.set(consumer_options);
        builder.set("group.id", settings.group());
    }
    for (const auto& [name, value] : settings.options) {
        if (!is_of_other(role, name)) builder.set(name, value);
    }
    if (role == Role::producer) {
        builder.set(producer_fixed);
    } else {
        builder.set(consumer_fixed);
    }
    if (!builder.wrong.empty()) return std::unexpected(std::move(builder.wrong));
    return std::move(builder.conf);
}

std::expected<void, std::string> check_options(const Settings& settings) {
    for (const auto role : {Role::producer, Role::consumer}) {
        if (auto conf = make_conf(role, settings); !conf) return std::unexpected(conf.error());
    }
    return {};
}

}  // namespace stoker::kafka
