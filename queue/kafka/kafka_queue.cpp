#include "queue/kafka/kafka_queue.hpp"

#include <boost/asio/co_spawn.hpp>
#include <librdkafka/rdkafka.h>

#include <exception>
#include <optional>

#include "common/async/spawn.hpp"
#include "queue/kafka/consumer.hpp"
#include "queue/kafka/observer.hpp"
#include "queue/kafka/putter.hpp"

namespace stoker {

namespace {

constexpr Millis check_max{4'000};

}  // namespace

struct KafkaQueue::Parts {
    Parts(
        const kafka::Settings& settings, const QueueOptions& options, Executor on, Metrics& metrics
    ) :
        lane(on),
        lag(std::make_shared<kafka::Lag>()),
        condition(std::make_shared<kafka::Condition>(metrics)),
        waker(std::make_shared<kafka::Waker>(on)),
        putter(std::make_shared<kafka::Putter>(
            settings, lag, condition, options.max_depth, on, metrics
        )),
        in_flight(std::make_shared<kafka::InFlight>(
            lag, options, metrics, [waker = waker] { waker->wake(); }
        )),
        consumer(
            std::make_shared<kafka::Consumer>(settings, waker, in_flight, condition, on, metrics)
        ),
        observer(std::make_shared<kafka::Observer>(
            settings,
            lag,
            in_flight,
            condition,
            [consumer = consumer] { consumer->topics_are_ready(); },
            on
        )) {}

    void run() const {
        spawn(lane, "kafka.puts", putter->run());
        spawn(lane, "kafka.consumer", consumer->run());
        spawn(lane, "kafka.observer", observer->run());
    }

    /// Any thread: from now on nothing touches the metrics.
    void end() const {
        condition->abandon();
        in_flight->stop();
        putter->end();
        consumer->end();
        observer->end();
    }
    /// On the lane: what runs comes to its end.
    void stop() const {
        putter->stop();
        consumer->stop();
        observer->stop();
    }

    const Executor lane;
    const std::shared_ptr<kafka::Lag> lag;
    const std::shared_ptr<kafka::Condition> condition;
    const std::shared_ptr<kafka::Waker> waker;
    const std::shared_ptr<kafka::Putter> putter;
    const std::shared_ptr<kafka::InFlight> in_flight;
    const std::shared_ptr<kafka::Consumer> consumer;
    const std::shared_ptr<kafka::Observer> observer;
};

Result<void> KafkaQueue::check_cluster(const kafka::Settings& settings) try {
    // The waker has nobody to wake: the lanes of the process do not run yet.
    asio::io_context lane(1);
    std::optional<kafka::Fault> lasting;
    kafka::Client client(
        kafka::Role::producer,
        settings,
        std::make_shared<kafka::Waker>(lane.get_executor()),
        {.failed =
             [&](int code, std::string_view reason) {
                 if (kafka::is_lasting(code)) lasting = kafka::Fault{code, std::string(reason)};
             },
         .reported = {},
         .rebalanced = {},
         .committed = {}}
    );
    const auto topics = kafka::ensure_topics(client.handle(), settings, check_max);
    // What the connections said meanwhile is more exact than that nothing answered in time.
    client.serve();
    if (!topics && !lasting && kafka::is_lasting(topics.error().code)) lasting = topics.error();
    if (topics || !lasting) return {};
    return fail(
        Errc::invalid_request,
        "the queue's brokers say: " + lasting->text + " (" +
            std::string(kafka::hint_of(lasting->code)) + ")"
    );
} catch (const std::runtime_error& wrong) {
    return fail(Errc::invalid_request, wrong.what());
}

KafkaQueue::KafkaQueue(
    kafka::Settings settings, const QueueOptions& options, Executor lane, Metrics& metrics
) :
    parts_(std::make_shared<Parts>(settings, options, lane, metrics)) {
    const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
        metrics.gauge(name, help, [weak = std::weak_ptr(parts_), read] {
            const auto parts = weak.lock();
            return parts ? static_cast<double>(read(*parts)) : 0.0;
        });
    };
    gauge("stoker_queue_ready", "Messages that may be delivered", [](const Parts& parts) {
        const auto all = parts.lag->all();
        return all - std::min(all, parts.in_flight->leased());
    });
    gauge("stoker_queue_leased", "Messages held by a consumer", [](const Parts& parts) {
        return parts.in_flight->leased();
    });
    gauge("stoker_queue_fetched", "Messages here that wait for credit", [](const Parts& parts) {
        return parts.consumer->fetched();
    });
    gauge("stoker_queue_partitions", "Partitions that are ours", [](const Parts& parts) {
        return parts.consumer->partitions();
    });
    parts_->run();
}

KafkaQueue::~KafkaQueue() {
    parts_->end();
    asio::post(parts_->lane, [parts = parts_] { parts->stop(); });
}

Task<std::vector<Put>> KafkaQueue::put(std::vector<Message> batch) {
    co_return co_await parts_->putter->put(std::move(batch));
}

void KafkaQueue::start(Executor lane, OnDeliveries deliver) {
    parts_->consumer->start(lane, std::move(deliver));
}

void KafkaQueue::credit(std::uint32_t allowed) noexcept { parts_->consumer->credit(allowed); }

Task<Result<QueueStats>> KafkaQueue::stats() {
    const auto parts = parts_;
    co_return co_await asio::co_spawn(parts->lane, parts->observer->stats(), use_task);
}

Health KafkaQueue::health() const noexcept {
    if (parts_->condition->state() != kafka::Condition::State::up) return Health::down;
    return parts_->condition->is_refusing() ? Health::degraded : Health::ok;
}

std::uint64_t KafkaQueue::depth(std::string_view fn_id) const noexcept {
    return parts_->lag->of(fn_id);
}

std::uint64_t KafkaQueue::depth() const noexcept { return parts_->lag->all(); }

Task<> KafkaQueue::drain(Deadline deadline) {
    const auto parts = parts_;
    parts->consumer->close();
    co_await parts->putter->drain(deadline);
    // Those that are held too long do not keep the partitions from others.
    const auto left = deadline - std::chrono::steady_clock::now();
    co_await parts->in_flight->drain(deadline - left / 4);
    co_await asio::co_spawn(parts->lane, parts->consumer->leave(deadline), use_task);
    co_await parts->in_flight->drain(deadline);
}

std::uint64_t KafkaQueue::fetched() const { return parts_->consumer->fetched(); }

}  // namespace stoker
