#include "queue/kafka/positions.hpp"

#include "queue/kafka/handles.hpp"

namespace stoker::kafka {

namespace {

// In place of a time, as the protocol has it.
constexpr std::int64_t latest = -1;
constexpr std::int64_t earliest = -2;

PartitionList make_list(
    const Settings& settings, const Partitions& partitions, std::int64_t offset
) {
    PartitionList list(::rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
    for (const auto& [priority, number] : partitions) {
        const auto topic = settings.topic(priority);
        ::rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number)->offset = offset;
    }
    return list;
}

/// librdkafka may have put the list into another order.
Result<Offsets> read_list(
    const rd_kafka_topic_partition_list_t& list,
    const Settings& settings,
    const Partitions& partitions
) {
    Offsets offsets;
    offsets.reserve(partitions.size());
    for (const auto& [priority, number] : partitions) {
        const auto topic = settings.topic(priority);
        const auto* found = ::rd_kafka_topic_partition_list_find(&list, topic.c_str(), number);
        if (found == nullptr) return failed(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION);
        if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(found->err);
        offsets.push_back(found->offset < 0 ? no_offset : found->offset);
    }
    return offsets;
}

}  // namespace

Result<Offsets> ask_offsets_at(
    rd_kafka_s* handle,
    const Settings& settings,
    const Partitions& partitions,
    std::int64_t unix_ms,
    Millis time_max
) {
    const auto list = make_list(settings, partitions, unix_ms);
    const auto code =
        ::rd_kafka_offsets_for_times(handle, list.get(), static_cast<int>(time_max.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(code);
    return read_list(*list, settings, partitions);
}

Result<Offsets> ask_ends(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
) {
    return ask_offsets_at(handle, settings, partitions, latest, time_max);
}

Result<Offsets> ask_starts(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
) {
    return ask_offsets_at(handle, settings, partitions, earliest, time_max);
}

Result<Offsets> ask_committed(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
) {
    // Not the admin's ListConsumerGroupOffsets: when the coordinator moves, that ends the process
    // (librdkafka 2.0 to 2.10).
    const auto list = make_list(settings, partitions, RD_KAFKA_OFFSET_INVALID);
    const auto code = ::rd_kafka_committed(handle, list.get(), static_cast<int>(time_max.count()));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(code);
    return read_list(*list, settings, partitions);
}

}  // namespace stoker::kafka
