#include "queue/kafka/fault.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

namespace stoker::kafka {

namespace {

constexpr bool passing = false;
constexpr bool lasting = true;

constexpr std::string_view check_account =
    "check the user, the password and sasl.mechanism in --queue";
constexpr std::string_view check_rights = "docs/kafka.md says what the user must be allowed";

struct Spec {
    rd_kafka_resp_err_t code;
    bool is_lasting;
    std::string_view hint;
};

/// Those worth a word; all others pass.
constexpr auto specs = std::to_array<Spec>({
    // clang-format off
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, passing, "are the brokers up, and their addresses in --queue right?"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, passing, "are the brokers up, and their advertised.listeners reachable from here?"},
    {RD_KAFKA_RESP_ERR__RESOLVE, passing, "a broker's name, as given or as advertised, is not known here"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, passing, "the brokers or the network are too slow, or hang"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, passing, "the brokers or the network are too slow, or hang"},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, passing, "this process stood still; others have taken its partitions"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, passing, "fewer replicas are in sync than min.insync.replicas asks for"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, passing, "somebody deleted a topic; it is made again"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, lasting, check_account},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, lasting, check_account},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, lasting, check_account},
    {RD_KAFKA_RESP_ERR__SSL, lasting, "check security.protocol and the ssl options in --queue"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, lasting, check_rights},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, lasting, check_rights},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, lasting, check_rights},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, lasting, "Kafka 3.9, or 4.0.1 and later, is what is tested"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, lasting, "Kafka 3.9, or 4.0.1 and later, is what is tested"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, lasting, "the cluster has fewer brokers than replicas= asks for"},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, lasting, "see partitions= in --queue"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, lasting, "the cluster forbids such topics: make them by hand (docs/kafka.md)"},
    // clang-format on
});

const Spec* find(int code) {
    const auto found = std::ranges::find(specs, code, [](const Spec& spec) {
        return static_cast<int>(spec.code);
    });
    return found == specs.end() ? nullptr : found;
}

}  // namespace

std::unexpected<Fault> failed(int code) {
    return failed(code, ::rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)));
}

std::string_view word_of(int code) {
    return ::rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code));
}

bool is_lasting(int code) {
    const auto* spec = find(code);
    return spec != nullptr && spec->is_lasting;
}

std::string_view hint_of(int code) {
    const auto* spec = find(code);
    return spec == nullptr ? std::string_view{} : spec->hint;
}

}  // namespace stoker::kafka
