#pragma once

// The three topics: made when they are not there, looked at when they are. Settings of theirs that
// could cost something are told; none can lose a call, because the rows of the datastore are the
// calls. Blocks like positions.hpp.

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.hpp"
#include "queue/kafka/fault.hpp"
#include "queue/kafka/url.hpp"

struct rd_kafka_s;

namespace stoker::kafka {

struct TopicFacts {
    int partitions = 0;
    int replicas = 0;
    bool is_config_known = true;  ///< it may be forbidden to ask
    std::map<std::string, std::string, std::less<>> config;

    bool operator==(const TopicFacts&) const = default;
};
using Topics = std::array<TopicFacts, 3>;

struct TopicWarning {
    std::string_view setting;
    std::string value;
    std::string_view hint;

    bool operator==(const TopicWarning&) const = default;
};

std::vector<TopicWarning> warnings_of(const TopicFacts& topic);

/// Makes those that are not there; what there is then.
Result<Topics> ensure_topics(rd_kafka_s* handle, const Settings& settings, Millis time_max);

}  // namespace stoker::kafka
