#include "queue/redis/redis_queue.hpp"
#include "tests/conformance/queue/queue_conformance.hpp"
#include "tests/support/redis_server.hpp"

namespace {

/// One for all cases of this process; their keys are apart.
const stoker::test::RedisServer& server() {
    static const stoker::test::RedisServer one;
    return one;
}

struct RedisBackend {
    stoker::Metrics metrics;

    std::unique_ptr<stoker::MessageQueue> open(
        const stoker::QueueOptions& options, stoker::Executor lane
    ) {
        static int opened = 0;
        const auto prefix = "?prefix=q" + std::to_string(++opened);
        return open_at(server().url() + prefix, options, lane);
    }

    /// Nobody listens there.
    std::unique_ptr<stoker::MessageQueue> open_unreachable(
        const stoker::QueueOptions& options, stoker::Executor lane
    ) {
        return open_at("redis://127.0.0.1:1", options, lane);
    }

private:
    std::unique_ptr<stoker::MessageQueue> open_at(
        const std::string& url, const stoker::QueueOptions& options, stoker::Executor lane
    ) {
        auto settings = stoker::redis::parse_url(url);
        REQUIRE(settings);
        return std::make_unique<stoker::RedisQueue>(std::move(*settings), options, lane, metrics);
    }
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(queue_conformance, RedisBackend);
