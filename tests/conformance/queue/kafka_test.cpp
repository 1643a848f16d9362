// On a real broker. It is an executable with the other tests that need it (tests/queue).

#include "queue/kafka/kafka_queue.hpp"
#include "tests/conformance/queue/queue_conformance.hpp"
#include "tests/support/kafka_broker.hpp"

namespace {

using namespace stoker;
using namespace stoker::test;

struct KafkaBackend {
    static constexpr bool knows_ids = false;
    static constexpr Millis watermark_behind{5'000};

    Metrics metrics;

    std::unique_ptr<MessageQueue> open(const QueueOptions& options, Executor lane) {
        const auto url = kafka_broker().url(KafkaBroker::new_prefix());
        // As the product does: it makes the topics.
        REQUIRE(KafkaQueue::check_cluster(*kafka::parse_url(url)));
        return open_at(url, options, lane);
    }

    /// Nobody listens there.
    std::unique_ptr<MessageQueue> open_unreachable(const QueueOptions& options, Executor lane) {
        return open_at("kafka://127.0.0.1:1", options, lane);
    }

    /// Fetched, all of them.
    Task<> becomes_ready(MessageQueue& queue, std::size_t messages) {
        const auto& kafka = dynamic_cast<KafkaQueue&>(queue);
        while (kafka.fetched() < messages) co_await sleep_for(Millis{5});
    }

private:
    std::unique_ptr<MessageQueue> open_at(
        const std::string& url, const QueueOptions& options, Executor lane
    ) {
        auto settings = kafka::parse_url(url);
        REQUIRE(settings);
        return std::make_unique<KafkaQueue>(std::move(*settings), options, lane, metrics);
    }
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(queue_conformance, KafkaBackend);
