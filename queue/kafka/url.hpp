#pragma once

// What a queue URL says about Kafka:
//     kafka://[user:password@]host[:port][,host[:port]...][/prefix][?option=value&...]
// `partitions` and `replicas` are ours; every other option has librdkafka's name and goes to it
// (security.protocol, sasl.mechanism, ssl.ca.location, ...), but for those that the queue depends
// on (options.hpp). User, password and values are percent-decoded. Errors never repeat the URL,
// which may hold a password.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker::kafka {

struct Settings {
    std::string brokers;            ///< host:port,host:port: where the cluster is asked for
    std::string prefix = "stoker";  ///< of topics and group: queues of one cluster are apart by it
    int partitions = 12;            ///< of a topic that is not there yet
    int replicas = 0;               ///< of such a topic; 0 is three, or one with fewer brokers
    std::vector<std::pair<std::string, std::string>> options;  ///< of librdkafka

    /// One topic a priority, 0 to 2.
    std::string topic(int priority) const { return prefix + ".v1.p" + std::to_string(priority); }
    std::string group() const { return prefix + ".workers"; }
};

std::expected<Settings, std::string> parse_url(std::string_view url);

}  // namespace stoker::kafka
