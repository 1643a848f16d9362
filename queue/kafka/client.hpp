#pragma once

// A handle of librdkafka with its callbacks, which wakes when they have something to do. Made and
// destroyed anywhere (destroying waits until librdkafka's threads have ended); served on one lane.
// The callbacks run there too, within serve(). What librdkafka says by itself goes to the log.

#include <functional>
#include <memory>
#include <string_view>

#include "queue/kafka/options.hpp"
#include "queue/kafka/waker.hpp"

struct rd_kafka_s;
struct rd_kafka_message_s;
struct rd_kafka_topic_partition_list_s;

namespace stoker::kafka {

/// Codes are those of rd_kafka_resp_err_t.
struct Callbacks {
    std::function<void(int code, std::string_view reason)> failed;
    std::function<void(const rd_kafka_message_s& report)> reported;
    std::function<void(int code, rd_kafka_topic_partition_list_s* partitions)> rebalanced;
    std::function<void(int code, const rd_kafka_topic_partition_list_s* partitions)> committed;
};

class Client {
public:
    /// Throws std::runtime_error for settings that librdkafka does not take.
    Client(Role role, const Settings& settings, std::shared_ptr<Waker> waker, Callbacks callbacks);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    rd_kafka_s* handle() const { return handle_; }
    /// Of all but a consumer: runs the callbacks of what has happened. On the lane.
    void serve();

private:
    const Callbacks callbacks_;
    const std::shared_ptr<Waker> waker_;  // outlives the handle, whose threads write to it
    rd_kafka_s* handle_;
};

}  // namespace stoker::kafka
