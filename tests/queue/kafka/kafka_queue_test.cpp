// What only Kafka does: partitions that go from one consumer to another, commits, pauses. On the
// broker that the tests of this executable share.

#include "queue/kafka/kafka_queue.hpp"

#include <librdkafka/rdkafka.h>

#include <csignal>
#include <future>
#include <thread>

#include "common/async/spawn.hpp"
#include "queue/kafka/handles.hpp"
#include "queue/kafka/in_flight.hpp"
#include "tests/queue/kafka/kafka_client.hpp"
#include "tests/support/kafka_broker.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

using Ids = std::multiset<std::string>;

Ids as_multiset(const std::set<std::string>& ids) { return {ids.begin(), ids.end()}; }

/// A producer that is none of ours.
void put_raw(const std::string& prefix, std::string bytes) {
    const auto settings = kafka::parse_url(kafka_broker().url(prefix));
    REQUIRE(settings);
    auto* conf = ::rd_kafka_conf_new();
    ::rd_kafka_conf_set(conf, "bootstrap.servers", settings->brokers.c_str(), nullptr, 0);
    auto* producer = ::rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    auto* topic = ::rd_kafka_topic_new(producer, settings->topic(0).c_str(), nullptr);
    ::rd_kafka_produce(
        topic, 0, RD_KAFKA_MSG_F_COPY, bytes.data(), bytes.size(), nullptr, 0, nullptr
    );
    CHECK(::rd_kafka_flush(producer, 30'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
    ::rd_kafka_topic_destroy(topic);
    ::rd_kafka_destroy(producer);
}

void delete_topics(const std::string& prefix) {
    const auto settings = kafka::parse_url(kafka_broker().url(prefix));
    REQUIRE(settings);
    auto* conf = ::rd_kafka_conf_new();
    ::rd_kafka_conf_set(conf, "bootstrap.servers", settings->brokers.c_str(), nullptr, 0);
    auto* client = ::rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    std::vector<rd_kafka_DeleteTopic_t*> topics;
    for (int priority = 0; priority < 3; ++priority) {
        topics.push_back(::rd_kafka_DeleteTopic_new(settings->topic(priority).c_str()));
    }
    {
        const kafka::Queue answers(::rd_kafka_queue_new(client));
        ::rd_kafka_DeleteTopics(client, topics.data(), topics.size(), nullptr, answers.get());
        const kafka::Event event(::rd_kafka_queue_poll(answers.get(), 30'000));
        REQUIRE(event);
        CHECK(::rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ::rd_kafka_DeleteTopic_destroy_array(topics.data(), topics.size());
    ::rd_kafka_destroy(client);
}

/// A lane on a thread of its own, which can be made to stand still.
class OtherLane {
public:
    OtherLane() : work_(lane_.get_executor()), thread_([this] { lane_.run(); }) {}
    ~OtherLane() {
        work_.reset();
        thread_.join();
    }
    Executor executor() { return lane_.get_executor(); }

private:
    asio::io_context lane_{1};
    asio::executor_work_guard<Executor> work_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("Kafka: acked before partitions go to another consumer, a message is not given again") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto url = kafka_broker().url(KafkaBroker::new_prefix());
        KafkaClient first(url, lane);
        first.queue->credit(1000);
        const auto before = co_await first.put(100);
        CHECK(co_await first.ack(100) == as_multiset(before));
        KafkaClient second(url, lane);
        second.queue->credit(1000);
        CHECK(co_await KafkaClient::becomes([&] {
            return second.shows("stoker_queue_partitions 3") &&
                   first.shows("stoker_queue_partitions 3");
        }));
        const auto put = co_await first.put(100);
        CHECK(co_await KafkaClient::becomes([&] {
            return first.deliveries.waiting() + second.deliveries.waiting() >= put.size();
        }));
        // Each message once, to one of both, and none of the first hundred.
        auto taken = co_await first.ack(first.deliveries.waiting());
        CHECK_FALSE(taken.empty());
        CHECK(taken.size() < put.size());
        taken.merge(co_await second.ack(second.deliveries.waiting()));
        CHECK(taken == as_multiset(put));
    }());
}

TEST_CASE("Kafka: a consumer that leaves has committed what it acked, and nothing beyond") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto url = "kafka://" + kafka_broker().address() + "/" + KafkaBroker::new_prefix() +
                         "?partitions=1";
        std::string unacked;
        {
            KafkaClient first(url, lane);
            co_await first.put(6);
            first.queue->credit(6);
            auto held = co_await first.deliveries.take(6, KafkaClient::far_away());
            REQUIRE(held.size() == 6);
            unacked = held[2].message().call_id;
            for (const auto i : {0, 1, 3, 4, 5}) std::move(held[static_cast<std::size_t>(i)]).ack();
            co_await first.queue->drain(deadline_in(1s));
        }
        KafkaClient second(url, lane);
        second.queue->credit(100);
        // The first that was not acked, and those behind it.
        auto again = co_await second.deliveries.take(4, KafkaClient::far_away());
        REQUIRE(again.size() == 4);
        CHECK(again.front().message().call_id == unacked);
        CHECK(second.deliveries.waiting() == 0);
    }());
}

TEST_CASE("Kafka: what is held while partitions go is given again, and its late ack does nothing") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto url = "kafka://" + kafka_broker().address() + "/" + KafkaBroker::new_prefix() +
                         "?partitions=1";
        auto first = std::make_unique<KafkaClient>(url, lane);
        co_await first->put(1);
        first->queue->credit(1);
        auto held = co_await first->deliveries.next(KafkaClient::far_away());
        REQUIRE(held);
        // The other one comes, and takes two of the three topics' partitions or one of them.
        KafkaClient second(url, lane);
        second.queue->credit(10);
        CHECK(co_await KafkaClient::becomes([&] { return second.has_partitions(); }));
        first->queue->credit(10);
        CHECK(co_await KafkaClient::becomes([&] {
            return first->deliveries.waiting() + second.deliveries.waiting() == 1;
        }));
        std::move(*held).ack();
        auto& has_it = first->deliveries.waiting() > 0 ? *first : second;
        auto again = co_await has_it.deliveries.next(KafkaClient::far_away());
        REQUIRE(again);
        CHECK(again->message() == held->message());
        CHECK(has_it.shows("stoker_queue_leased 1"));
        std::move(*again).ack();
        CHECK(has_it.shows("stoker_queue_leased 0"));
    }());
}

TEST_CASE("Kafka: a consumer that stood still too long has lost its partitions, and joins again") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto url = kafka_broker().url(
            KafkaBroker::new_prefix(),
            "&session.timeout.ms=1000&heartbeat.interval.ms=200&max.poll.interval.ms=1000"
        );
        OtherLane other;
        {
            KafkaClient stalled(url, other.executor());
            CHECK(co_await KafkaClient::becomes([&] { return stalled.has_partitions(); }));
            OneShot<bool> standing(lane);
            std::promise<void> go_on;
            asio::post(other.executor(), [standing, until = go_on.get_future().share()] {
                standing.set(true);
                until.wait();
            });
            CHECK(co_await standing.wait(KafkaClient::far_away()));
            KafkaClient second(url, lane);
            second.queue->credit(100);
            CHECK(co_await KafkaClient::becomes([&] {
                return second.shows("stoker_queue_partitions 6");
            }));
            const auto put = co_await second.put(20);
            CHECK(co_await second.ack(20) == as_multiset(put));
            go_on.set_value();
            CHECK(co_await KafkaClient::becomes([&] {
                return stalled.shows("stoker_queue_partitions 3");
            }));
        }
    }());
}

TEST_CASE("Kafka: what is none of ours is passed over, counted, and holds nothing up") {
    run([]() -> Task<> {
        const auto prefix = KafkaBroker::new_prefix();
        KafkaClient client(kafka_broker().url(prefix), co_await asio::this_coro::executor);
        co_await client.put(1);
        put_raw(prefix, "what is this?");
        put_raw(prefix, R"({"v":7,"call":"x","fn":"y"})");
        const auto put = co_await client.put(5);
        client.queue->credit(100);
        co_await client.ack(6);
        CHECK(co_await KafkaClient::becomes([&] {
            return client.shows("stoker_queue_unreadable_total 2");
        }));
        CHECK(co_await KafkaClient::becomes([&] { return client.queue->depth() == 0; }));
    }());
}

TEST_CASE("Kafka: a full window stops its partition, and acks let it go on") {
    run([]() -> Task<> {
        const auto url = "kafka://" + kafka_broker().address() + "/" + KafkaBroker::new_prefix() +
                         "?partitions=1";
        KafkaClient client(url, co_await asio::this_coro::executor);
        const auto put = co_await client.put(600);
        client.queue->credit(1000);
        constexpr auto window = kafka::InFlight::window_max;
        auto held = co_await client.deliveries.take(window, KafkaClient::far_away());
        REQUIRE(held.size() == window);
        // Other priorities are not held up by it.
        co_await client.put(1, 2);
        auto urgent = co_await client.deliveries.next(KafkaClient::far_away());
        REQUIRE(urgent);
        CHECK(urgent->message().priority == 2);
        CHECK(client.deliveries.waiting() == 0);
        Ids taken;
        for (auto& delivery : held) {
            taken.insert(delivery.message().call_id);
            std::move(delivery).ack();
        }
        taken.merge(co_await client.ack(put.size() - window));
        CHECK(taken == as_multiset(put));
    }());
}

TEST_CASE("Kafka: without credit for some seconds nothing is fetched any more, with credit it is") {
    run([]() -> Task<> {
        KafkaClient client(
            kafka_broker().url(KafkaBroker::new_prefix()), co_await asio::this_coro::executor
        );
        const auto put = co_await client.put(10);
        CHECK(co_await KafkaClient::becomes([&] { return client.queue->fetched() > 0; }));
        CHECK(co_await KafkaClient::becomes([&] { return client.queue->fetched() == 0; }));
        CHECK(client.deliveries.waiting() == 0);
        client.queue->credit(100);
        CHECK(co_await client.ack(10) == as_multiset(put));
    }());
}

TEST_CASE("Kafka: watermarks tell what was delivered, also of messages that others took") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto url = kafka_broker().url(KafkaBroker::new_prefix());
        Metrics metrics;
        const auto api = KafkaClient::open(url, {}, lane, metrics);  // takes none itself
        KafkaClient worker(url, lane);
        const auto before = wall_now();
        co_await api->put(KafkaClient::messages(10));
        const auto waiting = co_await api->stats();
        REQUIRE(waiting);
        CHECK(waiting->ready == 10);
        CHECK(api->depth("F") == 10);
        worker.queue->credit(100);
        co_await worker.ack(10);
        // Committed there, it is seen here.
        CHECK(co_await KafkaClient::becomes([&] { return api->depth() == 0; }));
        CHECK(api->depth("F") == 0);
        const auto done = co_await api->stats();
        REQUIRE(done);
        CHECK(done->low_watermark[0] > before);
    }());
}

TEST_CASE("Kafka: topics that are deleted are made again, and all goes on") {
    run([]() -> Task<> {
        const auto prefix = KafkaBroker::new_prefix();
        KafkaClient client(kafka_broker().url(prefix), co_await asio::this_coro::executor);
        client.queue->credit(1000);
        co_await client.put(20);
        co_await client.ack(20);
        delete_topics(prefix);
        CHECK(co_await client.puts_again());
        client.queue->credit(1000);
        CHECK(co_await client.deliveries.next(KafkaClient::far_away()));
        CHECK(co_await client.becomes_healthy());
    }());
}

TEST_CASE("Kafka: an account is asked for, and a wrong one ends the start") {
    const auto address = kafka_broker().auth_address();
    const auto more =
        "/" + KafkaBroker::new_prefix() + "?partitions=2&security.protocol=SASL_PLAINTEXT";
    const auto right = kafka::parse_url("kafka://stoker:secret@" + address + more);
    const auto wrong = kafka::parse_url("kafka://stoker:guess@" + address + more);
    REQUIRE(right);
    REQUIRE(wrong);
    CHECK(KafkaQueue::check_cluster(*right));
    const auto refused = KafkaQueue::check_cluster(*wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.contains("check the user, the password"));
    CHECK_FALSE(refused.error().message.contains("guess"));
    run([](const kafka::Settings& settings) -> Task<> {
        Metrics metrics;
        KafkaQueue queue(settings, {}, co_await asio::this_coro::executor, metrics);
        const auto answers = co_await queue.put(KafkaClient::messages(1));
        CHECK(answers == std::vector{Put::queued});
    }(*right));
}

TEST_CASE("Kafka: a cluster that is away is no reason not to start") {
    const auto settings = kafka::parse_url("kafka://127.0.0.1:1");
    REQUIRE(settings);
    CHECK(KafkaQueue::check_cluster(*settings));
}

TEST_CASE("Kafka: more replicas than brokers end the start, with the reason") {
    const auto settings =
        kafka::parse_url(kafka_broker().url(KafkaBroker::new_prefix(), "&replicas=3"));
    REQUIRE(settings);
    const auto refused = KafkaQueue::check_cluster(*settings);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.contains("fewer brokers than replicas="));
}

// --- the broker goes: last, for those before need it ---

TEST_CASE("Kafka outage: killed and started again, with all that was queued") {
    run([]() -> Task<> {
        KafkaClient client(
            kafka_broker().url(KafkaBroker::new_prefix()), co_await asio::this_coro::executor
        );
        auto waiting = co_await client.put(10);
        client.queue->credit(4);
        auto held = co_await client.deliveries.take(4, KafkaClient::far_away());
        kafka_broker().kill();
        CHECK(co_await client.becomes_healthy(Health::down));
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK_FALSE(co_await client.queue->stats());
        for (auto& delivery : held) {
            waiting.erase(delivery.message().call_id);
            std::move(delivery).ack();
        }
        kafka_broker().start();
        CHECK(co_await client.becomes_healthy());
        CHECK(co_await client.puts_again());
        client.queue->credit(1000);
        // In any order, and those that were not committed in time once more.
        while (!waiting.empty()) {
            auto delivery = co_await client.deliveries.next(KafkaClient::far_away());
            REQUIRE(delivery);
            waiting.erase(delivery->message().call_id);
            std::move(*delivery).ack();
        }
    }());
}

TEST_CASE("Kafka outage: a broker that hangs answers unknown, and is not healthy") {
    run([]() -> Task<> {
        KafkaClient client(
            kafka_broker().url(KafkaBroker::new_prefix()), co_await asio::this_coro::executor
        );
        CHECK(co_await client.put_one() == Put::queued);
        CHECK(co_await client.becomes_healthy());
        kafka_broker().signal(SIGSTOP);
        CHECK(
            (co_await client.queue->put(KafkaClient::messages(2))) ==
            std::vector{Put::unknown, Put::unknown}
        );
        CHECK(co_await client.becomes_healthy(Health::down));
        kafka_broker().signal(SIGCONT);
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }());
}
