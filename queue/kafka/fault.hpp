#pragma once

// What goes wrong between us and a Kafka cluster: librdkafka's code, its stable word for logs and
// metrics, and whether it stays wrong until somebody changes a setting. Pure values.

#include <expected>
#include <string>
#include <string_view>

namespace stoker::kafka {

struct Fault {
    int code = 0;      ///< of rd_kafka_resp_err_t
    std::string text;  ///< what the cluster or the system said

    bool operator==(const Fault&) const = default;
};

template <class T>
using Result = std::expected<T, Fault>;

inline std::unexpected<Fault> failed(int code, std::string text) {
    return std::unexpected(Fault{code, std::move(text)});
}
/// With librdkafka's own text.
std::unexpected<Fault> failed(int code);

/// `_TRANSPORT`, `TOPIC_AUTHORIZATION_FAILED`: of librdkafka's finite list.
std::string_view word_of(int code);
/// No use in starting.
bool is_lasting(int code);
/// For the operator; empty when there is nothing to say.
std::string_view hint_of(int code);

}  // namespace stoker::kafka
