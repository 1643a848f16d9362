#pragma once

// The queue on a Kafka cluster (3.9, or 4.0.1 and later): a topic for each priority, and one group
// of all workers. Its messages are there and no more: the rows of the datastore are the calls, so
// what the cluster loses is put again (docs/kafka.md). A producer puts; a consumer joins the
// group once start() was called; a third handle asks. All of it lives on one lane; any thread may
// call it. The lane must outlive it.
//
// Kafka has no acks of single messages, no ids and no functions. So a message is never `duplicate`,
// depth(fn_id) counts what this process has put, and a worker keeps what is in its partitions:
// others that have nothing to do take such calls from the datastore.

#include <memory>

#include "common/metrics.hpp"
#include "queue/kafka/url.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

class KafkaQueue final : public MessageQueue {
public:
    /// Does not wait for the cluster. Throws std::runtime_error for settings that librdkafka does
    /// not take.
    KafkaQueue(
        kafka::Settings settings, const QueueOptions& options, Executor lane, Metrics& metrics
    );
    KafkaQueue(const KafkaQueue&) = delete;
    KafkaQueue& operator=(const KafkaQueue&) = delete;
    ~KafkaQueue() override;

    /// Asks the cluster once and makes the topics, on the calling thread, for some seconds at most.
    /// Fails for what stays wrong until somebody changes a setting: a password, a certificate, a
    /// right. A cluster that is away is fine: it may come.
    static Result<void> check_cluster(const kafka::Settings& settings);

    Task<std::vector<Put>> put(std::vector<Message> batch) override;
    void start(Executor lane, OnDeliveries deliver) override;
    void credit(std::uint32_t allowed) noexcept override;
    Task<Result<QueueStats>> stats() override;
    Health health() const noexcept override;
    std::uint64_t depth(std::string_view fn_id) const noexcept override;
    std::uint64_t depth() const noexcept override;
    bool keeps_shares() const noexcept override { return true; }
    Task<> drain(Deadline deadline) override;

    /// Messages that were fetched ahead and wait here for credit, as of a second ago.
    std::uint64_t fetched() const;

private:
    struct Parts;
    const std::shared_ptr<Parts> parts_;
};

}  // namespace stoker
