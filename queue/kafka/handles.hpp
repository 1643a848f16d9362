#pragma once

// librdkafka's things with an end, as values that end them. For .cpp files only.

#include <librdkafka/rdkafka.h>

#include <memory>

namespace stoker::kafka {

template <auto End>
struct EndWith {
    template <class T>
    void operator()(T* thing) const {
        End(thing);
    }
};

using PartitionList = std::
    unique_ptr<rd_kafka_topic_partition_list_t, EndWith<rd_kafka_topic_partition_list_destroy>>;
using Queue = std::unique_ptr<rd_kafka_queue_t, EndWith<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, EndWith<rd_kafka_event_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, EndWith<rd_kafka_AdminOptions_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, EndWith<rd_kafka_message_destroy>>;

}  // namespace stoker::kafka
