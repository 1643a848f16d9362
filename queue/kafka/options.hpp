#pragma once

// The options of librdkafka that the queue sets, each with its reason beside it (options.cpp), and
// the configuration made of them and of what the URL adds. Those that the queue depends on cannot
// be changed; the others can, by the URL.

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "queue/kafka/url.hpp"

struct rd_kafka_conf_s;

namespace stoker::kafka {

enum class Role : std::uint8_t {
    producer,
    consumer,
    asker,  ///< a consumer that never joins: who may ask what the group has committed
};

struct FreeConf {
    void operator()(rd_kafka_conf_s* conf) const;
};
using Conf = std::unique_ptr<rd_kafka_conf_s, FreeConf>;

/// An option that a URL must leave alone.
bool is_fixed(std::string_view name);

/// Fails with librdkafka's words for an option or a value that it does not know, without the value.
std::expected<Conf, std::string> make_conf(Role role, const Settings& settings);
/// Whether both can be made.
std::expected<void, std::string> check_options(const Settings& settings);

}  // namespace stoker::kafka
