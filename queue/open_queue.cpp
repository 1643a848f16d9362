#include "queue/open_queue.hpp"

#include "common/log.hpp"
#include "queue/embedded/embedded_queue.hpp"
#include "queue/kafka/kafka_queue.hpp"
#include "queue/redis/redis_queue.hpp"

namespace stoker {

namespace {

std::string_view scheme_of(std::string_view url) {
    const auto colon = url.find(':');
    return colon == std::string_view::npos ? std::string_view{} : url.substr(0, colon);
}

bool is_alias_of_embedded(std::string_view scheme) {
    return scheme == "memory" || scheme == "bolt";
}

}  // namespace

Result<void> check_queue_url(std::string_view url) {
    const auto scheme = scheme_of(url);
    if (scheme == "embedded" || is_alias_of_embedded(scheme)) return {};
    if (redis::is_redis_scheme(scheme)) {
        auto settings = redis::parse_url(url);
        if (settings) return {};
        return fail(Errc::invalid_request, std::move(settings.error()));
    }
    if (scheme == "kafka") {
        auto settings = kafka::parse_url(url);
        if (settings) return {};
        return fail(Errc::invalid_request, std::move(settings.error()));
    }
    // The URL may carry a password: only its scheme is repeated.
    return fail(
        Errc::invalid_request,
        (scheme.empty() ? "a queue URL starts with a scheme"
                        : "unknown queue scheme \"" + std::string(scheme) + ":\"") +
            "; known are: embedded:, redis:, redis+sentinel:, kafka:"
    );
}

bool is_shared_queue(std::string_view url) {
    const auto scheme = scheme_of(url);
    return !scheme.empty() && scheme != "embedded" && !is_alias_of_embedded(scheme);
}

Result<std::unique_ptr<MessageQueue>> open_queue(
    std::string_view url, const QueueOptions& options, Executor lane, Metrics& metrics
) {
    if (auto known = check_queue_url(url); !known) return fail(std::move(known.error()));
    if (redis::is_redis_scheme(scheme_of(url))) {
        auto settings = *redis::parse_url(url);
        if (auto usable = RedisQueue::check_server(settings); !usable) {
            return fail(std::move(usable.error()));
        }
        return std::make_unique<RedisQueue>(std::move(settings), options, lane, metrics);
    }
    if (scheme_of(url) == "kafka") {
        auto settings = *kafka::parse_url(url);
        if (auto usable = KafkaQueue::check_cluster(settings); !usable) {
            return fail(std::move(usable.error()));
        }
        return std::make_unique<KafkaQueue>(std::move(settings), options, lane, metrics);
    }
    if (is_alias_of_embedded(scheme_of(url))) {
        log::warn("queue.means_embedded", {{"scheme", scheme_of(url)}});
    }
    return std::make_unique<EmbeddedQueue>(options, lane, metrics);
}

}  // namespace stoker
