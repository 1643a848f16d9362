#include "queue/redis/redis_queue.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/async/spawn.hpp"
#include "common/log.hpp"
#include "queue/redis/consumer.hpp"
#include "queue/redis/observer.hpp"
#include "queue/redis/putter.hpp"
#include "queue/redis/server_check.hpp"
#include "queue/redis/session.hpp"

namespace stoker {

namespace {

using redis::Link;

constexpr Millis step_max{1'500};

using Warnings = std::vector<redis::ServerWarning>;

/// Tells what the server's settings cost, once for each set of them.
Task<redis::Result<void>> check_settings(
    redis::Connection& connection, std::shared_ptr<Warnings> told
) {
    const auto facts = co_await redis::ask_facts(connection, step_max);
    if (!facts) co_return std::unexpected(facts.error());
    if (auto reason = redis::unusable_reason(*facts); !reason.empty()) {
        co_return redis::failed(redis::Fault::unusable, std::move(reason));
    }
    auto warnings = redis::warnings_of(*facts);
    if (warnings == *told) co_return redis::Result<void>{};
    for (const auto& [setting, value, hint] : warnings) {
        log::warn("redis.setting", {{"setting", setting}, {"value", value}, {"hint", hint}});
    }
    *told = std::move(warnings);
    co_return redis::Result<void>{};
}

Link::Prepare make_settings_check() {
    return [told = std::make_shared<Warnings>()](redis::Connection& connection) {
        return check_settings(connection, told);
    };
}

Task<redis::Result<std::string>> ask_whether_usable(redis::Settings settings) {
    auto opened = co_await redis::open_session(settings, step_max);
    if (!opened) co_return std::unexpected(std::move(opened.error()));
    const auto connection = *std::move(opened);
    auto facts = co_await redis::ask_facts(*connection, step_max);
    connection->close({redis::Fault::closed, "not used"});
    if (!facts) co_return std::unexpected(std::move(facts.error()));
    co_return redis::unusable_reason(*facts);
}

}  // namespace

struct RedisQueue::Parts {
    Parts(redis::Settings settings, const QueueOptions& options, Executor on, Metrics& metrics) :
        lane(on),
        depths(std::make_shared<redis::Depths>()),
        puts(std::make_shared<Link>("puts", settings, on, metrics)),
        work(std::make_shared<Link>("work", settings, on, metrics, make_settings_check())),
        wake(std::make_shared<Link>("wake", settings, on, metrics)),
        putter(std::make_shared<redis::Putter>(puts, depths, options.max_depth, on, metrics)),
        settler(std::make_shared<redis::Settler>(work, depths, on)),
        consumer(std::make_shared<redis::Consumer>(
            redis::ConsumerLinks{work, wake}, settler, options, on, metrics
        )),
        observer(std::make_shared<redis::Observer>(work, puts, depths, options.visibility, on)) {}

    void run() const {
        spawn(lane, "redis.puts", puts->run());
        spawn(lane, "redis.work", work->run());
        spawn(lane, "redis.wake", wake->run());
        spawn(lane, "redis.consumer", consumer->run());
        spawn(lane, "redis.observer", observer->run());
    }

    /// On the lane.
    void stop() const {
        settler->stop();
        consumer->stop();
        observer->stop();
        for (const auto& link : {puts, work, wake}) link->stop();
    }

    const Executor lane;
    const std::shared_ptr<redis::Depths> depths;
    const std::shared_ptr<Link> puts;
    const std::shared_ptr<Link> work;
    const std::shared_ptr<Link> wake;
    const std::shared_ptr<redis::Putter> putter;
    const std::shared_ptr<redis::Settler> settler;
    const std::shared_ptr<redis::Consumer> consumer;
    const std::shared_ptr<redis::Observer> observer;
};

Result<void> RedisQueue::check_server(const redis::Settings& settings) {
    // A lane of its own: those of the process do not run yet.
    asio::io_context lane(1);
    redis::Result<std::string> answer = redis::failed(redis::Fault::timed_out, "no answer");
    asio::co_spawn(
        lane.get_executor(),
        ask_whether_usable(settings),
        [&](const std::exception_ptr& failure, redis::Result<std::string> result) {
            if (!failure) answer = std::move(result);
        }
    );
    lane.run();
    if (!answer) {
        const auto& spec = redis::spec_of(answer.error().fault);
        if (!spec.is_lasting) return {};  // the links try again, and say so
        return fail(
            Errc::invalid_request,
            "the queue's server says: " + answer.error().text + " (" + std::string(spec.hint) + ")"
        );
    }
    if (answer->empty()) return {};
    return fail(Errc::invalid_request, std::move(*answer));
}

RedisQueue::RedisQueue(
    redis::Settings settings, const QueueOptions& options, Executor lane, Metrics& metrics
) :
    parts_(std::make_shared<Parts>(std::move(settings), options, lane, metrics)) {
    const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
        metrics.gauge(name, help, [weak = std::weak_ptr(parts_->observer), read] {
            const auto observer = weak.lock();
            return observer ? read(*observer) : 0.0;
        });
    };
    using redis::Observer;
    gauge("stoker_queue_ready", "Messages that may be delivered", [](const Observer& observer) {
        return static_cast<double>(observer.ready());
    });
    gauge("stoker_queue_leased", "Messages held by a consumer", [](const Observer& observer) {
        return static_cast<double>(observer.leased());
    });
    gauge(
        "stoker_queue_clock_skew_seconds",
        "How far the clock of the queue's server is ahead",
        [](const Observer& observer) {
            return static_cast<double>(observer.clock_skew_ms()) / 1000;
        }
    );
    parts_->run();
}

RedisQueue::~RedisQueue() {
    for (const auto& link : {parts_->puts, parts_->work, parts_->wake}) link->abandon();
    asio::post(parts_->lane, [parts = parts_] { parts->stop(); });
}

Task<std::vector<Put>> RedisQueue::put(std::vector<Message> batch) {
    co_return co_await parts_->putter->put(std::move(batch));
}

void RedisQueue::start(Executor lane, OnDeliveries deliver) {
    parts_->consumer->start(lane, std::move(deliver));
}

void RedisQueue::credit(std::uint32_t allowed) noexcept { parts_->consumer->credit(allowed); }

Task<Result<QueueStats>> RedisQueue::stats() {
    const auto parts = parts_;
    co_return co_await asio::co_spawn(parts->lane, parts->observer->stats(), use_task);
}

Health RedisQueue::health() const noexcept {
    const auto is_up = [](const Link& link) { return link.state() == Link::State::up; };
    if (!is_up(*parts_->puts) || !is_up(*parts_->work)) return Health::down;
    if (!is_up(*parts_->wake) || parts_->putter->is_refused()) return Health::degraded;
    return Health::ok;
}

std::uint64_t RedisQueue::depth(std::string_view fn_id) const noexcept {
    return parts_->depths->of(fn_id);
}

std::uint64_t RedisQueue::depth() const noexcept { return parts_->depths->all(); }

Task<> RedisQueue::drain(Deadline deadline) {
    const auto parts = parts_;
    parts->consumer->close();
    co_await parts->putter->drain(deadline);
    co_await parts->settler->drain(deadline);
}

}  // namespace stoker
