#include "queue/kafka/topics.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "queue/kafka/handles.hpp"

namespace stoker::kafka {

namespace {

constexpr int replicas_wanted = 3;
constexpr std::int64_t retention_ms_min = std::int64_t{7} * 24 * 60 * 60 * 1'000;

struct Setting {
    const char* name;
    const char* value;
};
/// Of topics that we make.
constexpr auto topic_settings = std::to_array<Setting>({
    // A replica that missed messages must not become the leader: they would be gone.
    {"unclean.leader.election.enable", "false"},
    // A call may wait for a week; what is older is found in the datastore.
    {"retention.ms", "604800000"},
    // Times of one clock, the broker's, whoever put the message: lost calls are found by them.
    {"message.timestamp.type", "LogAppendTime"},
    {"cleanup.policy", "delete"},
});

using Metadata = std::unique_ptr<const rd_kafka_metadata_t, EndWith<rd_kafka_metadata_destroy>>;

Millis left_until(Deadline deadline) {
    const auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now());
    return std::max(left, Millis{1});
}

struct Seen {
    int brokers = 0;
    std::optional<TopicFacts> topic;  ///< absent when it is not there
};

Result<Seen> look_at(rd_kafka_s* handle, const std::string& name, Deadline deadline) {
    const std::unique_ptr<rd_kafka_topic_t, EndWith<rd_kafka_topic_destroy>> topic(
        ::rd_kafka_topic_new(handle, name.c_str(), nullptr)
    );
    const rd_kafka_metadata_t* raw = nullptr;
    const auto wait = static_cast<int>(left_until(deadline).count());
    const auto code = ::rd_kafka_metadata(handle, 0, topic.get(), &raw, wait);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(code);
    const Metadata metadata(raw);
    Seen seen{.brokers = metadata->broker_cnt, .topic = {}};
    if (metadata->topic_cnt != 1) return seen;
    const auto& found = metadata->topics[0];
    if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return seen;
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(found.err);
    if (found.partition_cnt == 0) return seen;
    seen.topic.emplace();
    seen.topic->partitions = found.partition_cnt;
    seen.topic->replicas = found.partitions[0].replica_cnt;
    return seen;
}

AdminOptions admin_options(rd_kafka_s* handle, rd_kafka_admin_op_t operation, Millis time_max) {
    AdminOptions options(::rd_kafka_AdminOptions_new(handle, operation));
    std::array<char, 128> ignored{};
    const auto ms = static_cast<int>(time_max.count());
    ::rd_kafka_AdminOptions_set_request_timeout(options.get(), ms, ignored.data(), ignored.size());
    if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS) {
        // Until its leaders are known.
        ::rd_kafka_AdminOptions_set_operation_timeout(
            options.get(), ms, ignored.data(), ignored.size()
        );
    }
    return options;
}

Result<Event> answer_of(const Queue& answers, Millis time_max) {
    // librdkafka answers by the time given to it; a little more for the way.
    const auto wait = static_cast<int>((time_max + Millis{500}).count());
    Event event(::rd_kafka_queue_poll(answers.get(), wait));
    if (!event) return failed(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (const auto code = ::rd_kafka_event_error(event.get())) {
        return failed(code, ::rd_kafka_event_error_string(event.get()));
    }
    return event;
}

Result<void> make_topic(
    rd_kafka_s* handle,
    const Settings& settings,
    const std::string& name,
    int brokers,
    Millis time_max
) {
    const int possible = brokers >= replicas_wanted ? replicas_wanted : 1;
    const int replicas = settings.replicas > 0 ? settings.replicas : possible;
    std::array<char, 256> reason{};
    auto* wanted = ::rd_kafka_NewTopic_new(
        name.c_str(), settings.partitions, replicas, reason.data(), reason.size()
    );
    if (wanted == nullptr) return failed(RD_KAFKA_RESP_ERR__INVALID_ARG, reason.data());
    for (const auto& [key, value] : topic_settings) {
        ::rd_kafka_NewTopic_set_config(wanted, key, value);
    }
    // One of three may be away, and what was put is still on two.
    const auto* in_sync = replicas >= replicas_wanted ? "2" : "1";
    ::rd_kafka_NewTopic_set_config(wanted, "min.insync.replicas", in_sync);
    const Queue answers(::rd_kafka_queue_new(handle));
    const auto options = admin_options(handle, RD_KAFKA_ADMIN_OP_CREATETOPICS, time_max);
    ::rd_kafka_CreateTopics(handle, &wanted, 1, options.get(), answers.get());
    ::rd_kafka_NewTopic_destroy(wanted);
    const auto event = answer_of(answers, time_max);
    if (!event) return std::unexpected(event.error());
    std::size_t count = 0;
    const auto** topics = ::rd_kafka_CreateTopics_result_topics(
        ::rd_kafka_event_CreateTopics_result(event->get()), &count
    );
    const auto code =
        count == 1 ? ::rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
    // Several processes start at once: one of them makes it.
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return {};
    }
    const auto* detail = count == 1 ? ::rd_kafka_topic_result_error_string(topics[0]) : nullptr;
    return failed(code, detail != nullptr ? detail : ::rd_kafka_err2str(code));
}

/// What may not be asked is not known; nothing depends on it.
void read_config(rd_kafka_s* handle, const std::string& name, TopicFacts& facts, Millis time_max) {
    auto* wanted = ::rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str());
    const Queue answers(::rd_kafka_queue_new(handle));
    const auto options = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, time_max);
    ::rd_kafka_DescribeConfigs(handle, &wanted, 1, options.get(), answers.get());
    ::rd_kafka_ConfigResource_destroy(wanted);
    const auto event = answer_of(answers, time_max);
    std::size_t count = 0;
    const auto** resources = event
                                 ? ::rd_kafka_DescribeConfigs_result_resources(
                                       ::rd_kafka_event_DescribeConfigs_result(event->get()), &count
                                   )
                                 : nullptr;
    facts.is_config_known =
        count == 1 && ::rd_kafka_ConfigResource_error(resources[0]) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!facts.is_config_known) return;
    std::size_t entries_count = 0;
    const auto** entries = ::rd_kafka_ConfigResource_configs(resources[0], &entries_count);
    for (std::size_t i = 0; i < entries_count; ++i) {
        const auto* value = ::rd_kafka_ConfigEntry_value(entries[i]);
        if (value != nullptr) facts.config[::rd_kafka_ConfigEntry_name(entries[i])] = value;
    }
}

Result<TopicFacts> ensure_topic(
    rd_kafka_s* handle, const Settings& settings, const std::string& name, Deadline deadline
) {
    auto seen = look_at(handle, name, deadline);
    if (!seen) return std::unexpected(std::move(seen.error()));
    if (!seen->topic) {
        const auto made = make_topic(handle, settings, name, seen->brokers, left_until(deadline));
        if (!made) return std::unexpected(made.error());
        seen = look_at(handle, name, deadline);
        if (!seen) return std::unexpected(std::move(seen.error()));
        // Made, but the broker that was asked has not heard of it yet.
        if (!seen->topic) return failed(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    }
    read_config(handle, name, *seen->topic, left_until(deadline));
    return *std::move(seen->topic);
}

std::optional<std::int64_t> number_in(const TopicFacts& topic, std::string_view setting) {
    const auto found = topic.config.find(setting);
    if (found == topic.config.end()) return std::nullopt;
    std::int64_t value = 0;
    const auto* end = found->second.data() + found->second.size();
    if (std::from_chars(found->second.data(), end, value).ec != std::errc{}) return std::nullopt;
    return value;
}

}  // namespace

std::vector<TopicWarning> warnings_of(const TopicFacts& topic) {
    std::vector<TopicWarning> warnings;
    const auto warn_unless = [&](bool fine, std::string_view setting, std::string_view hint) {
        if (fine) return;
        const auto found = topic.config.find(setting);
        warnings.push_back({setting, found == topic.config.end() ? "" : found->second, hint});
    };
    const auto is = [&](std::string_view setting, std::string_view value) {
        const auto found = topic.config.find(setting);
        return found == topic.config.end() || found->second == value;
    };
    if (topic.replicas == 1) {
        warnings.push_back(
            {"replicas",
             "1",
             "a broker that fails takes what waits with it; such calls are put again later"}
        );
    }
    if (!topic.is_config_known) {
        warnings.push_back(
            {"config",
             "unknown",
             "the user may not describe the topics: see docs/kafka.md for what they should be"}
        );
    }
    const auto in_sync = number_in(topic, "min.insync.replicas");
    warn_unless(
        !in_sync || topic.replicas < replicas_wanted || (*in_sync > 1 && *in_sync < topic.replicas),
        "min.insync.replicas",
        "2 of 3 is good: with 1 a put may be on one broker alone, with 3 no broker may be away"
    );
    warn_unless(
        is("unclean.leader.election.enable", "false"),
        "unclean.leader.election.enable",
        "a broker that has missed messages may become leader; such calls are put again later"
    );
    const auto retention = number_in(topic, "retention.ms");
    warn_unless(
        !retention || *retention < 0 || *retention >= retention_ms_min,
        "retention.ms",
        "what waits longer is deleted; such calls are put again later"
    );
    warn_unless(
        is("message.timestamp.type", "LogAppendTime"),
        "message.timestamp.type",
        "lost calls are found by these times, which had better be of one clock: LogAppendTime"
    );
    warn_unless(
        is("cleanup.policy", "delete"), "cleanup.policy", "a queue is not to be compacted: delete"
    );
    return warnings;
}

Result<Topics> ensure_topics(rd_kafka_s* handle, const Settings& settings, Millis time_max) {
    const auto deadline = deadline_in(time_max);
    Topics topics;
    for (std::size_t priority = 0; priority < topics.size(); ++priority) {
        const auto name = settings.topic(static_cast<int>(priority));
        auto topic = ensure_topic(handle, settings, name, deadline);
        if (!topic) return std::unexpected(std::move(topic.error()));
        topics.at(priority) = *std::move(topic);
    }
    return topics;
}

}  // namespace stoker::kafka
