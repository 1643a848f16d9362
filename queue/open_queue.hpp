#pragma once

// The one place that knows the backends: a URL's scheme picks one.

#include <memory>
#include <string_view>

#include "common/metrics.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

/// Why this URL cannot name a queue; for checking settings before anything is opened.
Result<void> check_queue_url(std::string_view url);

/// Whether several processes can use the queue of this URL.
bool is_shared_queue(std::string_view url);

/// `redis://…` and `redis+sentinel://…` (queue/redis/url.hpp), `kafka://…` (queue/kafka/url.hpp):
/// asks the server, for some seconds at most, and fails if it cannot be used; one that is away may
/// come. `embedded:`. Also `memory:` and
/// `bolt:`, which mean the same here and say so in the log: there is no queue file, the rows of the
/// datastore are the queue. Timers run on `lane`.
Result<std::unique_ptr<MessageQueue>> open_queue(
    std::string_view url, const QueueOptions& options, Executor lane, Metrics& metrics
);

}  // namespace stoker
