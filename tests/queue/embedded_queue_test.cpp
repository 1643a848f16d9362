#include "queue/embedded/embedded_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "common/async/lanes.hpp"
#include "model/id.hpp"
#include "tests/support/deliveries.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

const SystemClock the_clock;
IdSource ids(the_clock, 1);

std::vector<Message> messages(std::size_t count, const std::string& fn = "F") {
    std::vector<Message> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back({ids.next(), fn, 0});
    return batch;
}

}  // namespace

TEST_CASE("EmbeddedQueue: what is not an id is refused") {
    test::run([]() -> Task<> {
        Metrics metrics;
        EmbeddedQueue queue({}, co_await asio::this_coro::executor, metrics);
        std::vector<Message> batch = messages(1);
        batch.push_back({"not an id", "F", 0});
        const auto answers = co_await queue.put(batch);
        CHECK(answers == std::vector{Put::queued, Put::full});
    }());
}

TEST_CASE("EmbeddedQueue: metrics count what happens") {
    test::run([]() -> Task<> {
        Metrics metrics;
        const auto lane = co_await asio::this_coro::executor;
        EmbeddedQueue queue({.max_depth = 2}, lane, metrics);
        test::Deliveries deliveries(queue, lane);
        co_await queue.put(messages(3));
        CHECK(metrics.render().contains("stoker_queue_ready 2\n"));
        queue.credit(1);
        auto held = co_await deliveries.next(deadline_in(10s));
        REQUIRE(held);
        const auto text = metrics.render();
        for (const auto* line :
             {"stoker_queue_put_total 2\n",
              "stoker_queue_full_total 1\n",
              "stoker_queue_delivered_total 1\n",
              "stoker_queue_ready 1\n",
              "stoker_queue_leased 1\n"}) {
            CAPTURE(line);
            CHECK(text.contains(line));
        }
    }());
}

TEST_CASE("EmbeddedQueue: gauges of a queue that is gone read zero") {
    asio::io_context lane(1);
    Metrics metrics;
    {
        const EmbeddedQueue queue({}, lane.get_executor(), metrics);
    }
    CHECK(metrics.render().contains("stoker_queue_ready 0\n"));
}

TEST_CASE("EmbeddedQueue: messages of many threads all arrive exactly once while they are acked") {
    constexpr std::size_t putters = 3;
    constexpr std::size_t batches = 40;
    constexpr std::size_t batch_size = 50;
    constexpr std::size_t total = putters * batches * batch_size;
    Lanes lanes(2);
    Metrics metrics;
    EmbeddedQueue queue({}, lanes.at(0), metrics);
    std::atomic<std::size_t> acked{0};
    std::atomic<std::size_t> delivered{0};
    std::mutex mutex;
    std::vector<Delivery> to_settle;
    std::condition_variable arrived;

    queue.start(lanes.at(1), [&](std::vector<Delivery> batch) {
        delivered += batch.size();
        const std::scoped_lock lock(mutex);
        for (auto& delivery : batch) to_settle.push_back(std::move(delivery));
        arrived.notify_all();
    });
    lanes.start();
    {
        // Settles on a thread that is no lane; every seventh first try goes back.
        std::jthread settler([&] {
            std::size_t seen = 0;
            while (acked < total) {
                std::vector<Delivery> taken;
                {
                    std::unique_lock lock(mutex);
                    arrived.wait(lock, [&] { return !to_settle.empty(); });
                    taken.swap(to_settle);
                }
                for (auto& delivery : taken) {
                    if (++seen % 7 == 0) {
                        std::move(delivery).release(Millis{seen % 3});
                    } else {
                        std::move(delivery).ack();
                        ++acked;
                    }
                }
                queue.credit(100);
                (void)queue.depth("F1");
            }
        });
        std::vector<std::jthread> threads;
        for (std::size_t putter = 0; putter < putters; ++putter) {
            threads.emplace_back([&, putter] {
                for (std::size_t i = 0; i < batches; ++i) {
                    const auto answers =
                        test::run(queue.put(messages(batch_size, "F" + std::to_string(putter))));
                    CHECK(std::ranges::count(answers, Put::queued) == batch_size);
                    queue.credit(100);
                }
            });
        }
    }
    CHECK(acked == total);
    CHECK(queue.depth() == 0);
    lanes.stop();
}

TEST_CASE("EmbeddedQueue: a million ids go through in batches") {
    constexpr std::size_t total = 1'000'000;
    Lanes lanes(1);
    Metrics metrics;
    EmbeddedQueue queue({}, lanes.at(0), metrics);
    std::size_t batch_max = 0;
    std::size_t delivered = 0;
    std::promise<void> all;
    queue.start(lanes.at(0), [&](std::vector<Delivery> batch) {
        batch_max = std::max(batch_max, batch.size());
        delivered += batch.size();
        for (auto& delivery : batch) std::move(delivery).ack();
        if (delivered == total) all.set_value();
    });
    for (std::size_t put = 0; put < total; put += 1000) {
        test::run(queue.put(messages(1000, "F" + std::to_string(put / 1000))));
    }
    CHECK(queue.depth() == total);
    CHECK(queue.depth("F7") == 1000);
    lanes.start();
    queue.credit(total);
    all.get_future().get();
    lanes.stop();
    CHECK(queue.depth() == 0);
    CHECK(batch_max <= 256);
}

TEST_CASE("EmbeddedQueue: destroying it with leases, parked messages and waiting ones is clean") {
    asio::io_context lane(1);
    Metrics metrics;
    std::vector<Delivery> held;
    {
        EmbeddedQueue queue({}, lane.get_executor(), metrics);
        queue.start(lane.get_executor(), [&](std::vector<Delivery> batch) {
            for (auto& delivery : batch) held.push_back(std::move(delivery));
        });
        test::run(queue.put(messages(10)));
        queue.credit(3);
        lane.poll();
        REQUIRE(held.size() == 3);
        std::move(held.back()).release(1h);
        held.pop_back();
        lane.poll();
        queue.credit(5);
    }
    lane.restart();
    lane.run();
    CHECK(held.size() == 2);
    std::move(held.back()).ack();
}
