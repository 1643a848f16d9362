#pragma once

// The queue on a Redis server (7.0 or later), alone or found through Sentinels. Its messages are
// there and no more: the rows of the datastore are the calls, so what the server loses is put again
// (docs/redis.md). Three connections: puts, everything else, and one that waits for work. All of it
// lives on one lane; any thread may call it.

#include <memory>

#include "common/metrics.hpp"
#include "queue/message_queue.hpp"
#include "queue/redis/url.hpp"

namespace stoker {

class RedisQueue final : public MessageQueue {
public:
    /// Does not wait for the server.
    RedisQueue(
        redis::Settings settings, const QueueOptions& options, Executor lane, Metrics& metrics
    );
    RedisQueue(const RedisQueue&) = delete;
    RedisQueue& operator=(const RedisQueue&) = delete;
    ~RedisQueue() override;

    /// Asks the server once, on the calling thread, for some seconds at most. Fails for what stays
    /// wrong until somebody changes a setting: a password, a cluster, an old version. A server that
    /// is away is fine: it may come.
    static Result<void> check_server(const redis::Settings& settings);

    Task<std::vector<Put>> put(std::vector<Message> batch) override;
    void start(Executor lane, OnDeliveries deliver) override;
    void credit(std::uint32_t allowed) noexcept override;
    Task<Result<QueueStats>> stats() override;
    Health health() const noexcept override;
    std::uint64_t depth(std::string_view fn_id) const noexcept override;
    std::uint64_t depth() const noexcept override;
    Task<> drain(Deadline deadline) override;

private:
    struct Parts;
    const std::shared_ptr<Parts> parts_;
};

}  // namespace stoker
