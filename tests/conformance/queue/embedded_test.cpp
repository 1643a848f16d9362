#include "queue/embedded/embedded_queue.hpp"
#include "tests/conformance/queue/queue_conformance.hpp"

namespace {

struct EmbeddedBackend {
    stoker::Metrics metrics;

    std::unique_ptr<stoker::MessageQueue> open(
        const stoker::QueueOptions& options, stoker::Executor lane
    ) {
        return std::make_unique<stoker::EmbeddedQueue>(options, lane, metrics);
    }
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(queue_conformance, EmbeddedBackend);
