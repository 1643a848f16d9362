#include "queue/kafka/url.hpp"

#include <doctest/doctest.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <map>

#include "queue/kafka/fault.hpp"
#include "queue/kafka/options.hpp"

using namespace stoker::kafka;

namespace {

std::map<std::string, std::string> options_of(const Settings& settings) {
    return {settings.options.begin(), settings.options.end()};
}

std::string value_in(const Conf& conf, const char* name) {
    std::array<char, 256> value{};
    auto size = value.size();
    REQUIRE(::rd_kafka_conf_get(conf.get(), name, value.data(), &size) == RD_KAFKA_CONF_OK);
    return value.data();
}

}  // namespace

TEST_CASE("Kafka URL: brokers, prefix and options") {
    const auto plain = parse_url("kafka://broker");
    REQUIRE(plain);
    CHECK(plain->brokers == "broker:9092");
    CHECK(plain->topic(2) == "stoker.v1.p2");
    CHECK(plain->group() == "stoker.workers");
    CHECK(plain->partitions == 12);
    CHECK(plain->options.empty());

    const auto full = parse_url(
        "kafka://a.example:9093,[::1]:9094,b/my-queue?partitions=24&replicas=2"
        "&linger.ms=0&ssl.ca.location=%2Fetc%2Fca.pem"
    );
    REQUIRE(full);
    CHECK(full->brokers == "a.example:9093,[::1]:9094,b:9092");
    CHECK(full->topic(0) == "my-queue.v1.p0");
    CHECK(full->partitions == 24);
    CHECK(full->replicas == 2);
    CHECK(options_of(*full)["linger.ms"] == "0");
    CHECK(options_of(*full)["ssl.ca.location"] == "/etc/ca.pem");
    CHECK(parse_url("kafka://broker/"));
    CHECK(parse_url("kafka://broker/?"));
}

TEST_CASE("Kafka URL: an account goes over TLS unless the URL says otherwise") {
    const auto tls = parse_url("kafka://us%40er:pass%2Fword@broker");
    REQUIRE(tls);
    CHECK(options_of(*tls)["sasl.username"] == "us@er");
    CHECK(options_of(*tls)["sasl.password"] == "pass/word");
    CHECK(options_of(*tls)["security.protocol"] == "SASL_SSL");
    CHECK(options_of(*tls)["sasl.mechanism"] == "PLAIN");
    const auto plain = parse_url(
        "kafka://user:pass@broker?security.protocol=SASL_PLAINTEXT&sasl.mechanism=SCRAM-SHA-256"
    );
    REQUIRE(plain);
    CHECK(options_of(*plain)["security.protocol"] == "SASL_PLAINTEXT");
    CHECK(options_of(*plain)["sasl.mechanism"] == "SCRAM-SHA-256");
}

TEST_CASE("Kafka URL: what is wrong is told without what may be secret") {
    struct Bad {
        const char* url;
        const char* why;
    };
    for (const auto& [url, why] : {
             Bad{"kafka:broker", "// is missing"},
             Bad{"kafka://", "a host is missing"},
             Bad{"kafka://a,,b", "a host is missing"},
             Bad{"kafka://a:0", "a port is not"},
             Bad{"kafka://a:secret", "a port is not"},
             Bad{"kafka://a/b/c", "the prefix is not"},
             Bad{"kafka://secret@a", "an account is"},
             Bad{"kafka://u:%zzsecret@a", "percent-encoded"},
             Bad{"kafka://a?partitions=0", "partitions is not a number"},
             Bad{"kafka://a?partitions=secret", "partitions is not a number"},
             Bad{"kafka://a?replicas=10", "replicas is not a number"},
             Bad{"kafka://a?linger.ms", "name=value"},
             Bad{"kafka://a?acks=1", "acks is not to be changed"},
             Bad{"kafka://a?group.id=mine", "group.id is not to be changed"},
             Bad{"kafka://a?enable.auto.commit=true", "not to be changed"},
             Bad{"kafka://a?auto.offset.reset=latest", "not to be changed"},
             Bad{"kafka://a?sasl.mechanizm=secret", "has no option \"sasl.mechanizm\""},
             Bad{"kafka://a?linger.ms=secret", "does not take that value of \"linger.ms\""},
         }) {
        CAPTURE(url);
        const auto settings = parse_url(url);
        REQUIRE_FALSE(settings);
        CHECK(settings.error().contains(why));
        CHECK_FALSE(settings.error().contains("secret"));
    }
}

TEST_CASE("Kafka options: those of the URL come in, those that the queue depends on stay") {
    const auto settings = parse_url("kafka://a/p?linger.ms=7&session.timeout.ms=20000");
    REQUIRE(settings);
    const auto producer = make_conf(Role::producer, *settings);
    REQUIRE(producer);
    CHECK(value_in(*producer, "linger.ms") == "7");
    CHECK(value_in(*producer, "acks") == "-1");
    CHECK(value_in(*producer, "enable.idempotence") == "false");
    const auto consumer = make_conf(Role::consumer, *settings);
    REQUIRE(consumer);
    CHECK(value_in(*consumer, "session.timeout.ms") == "20000");
    CHECK(value_in(*consumer, "group.id") == "p.workers");
    CHECK(value_in(*consumer, "enable.auto.commit") == "false");
    CHECK(value_in(*consumer, "enable.auto.offset.store") == "false");
    CHECK(value_in(*consumer, "auto.offset.reset") == "smallest");
    CHECK(value_in(*consumer, "partition.assignment.strategy") == "roundrobin");
}

TEST_CASE("Kafka faults: a wrong account stays wrong, a broker that is away may come") {
    CHECK(is_lasting(RD_KAFKA_RESP_ERR__AUTHENTICATION));
    CHECK(is_lasting(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
    CHECK_FALSE(is_lasting(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN));
    CHECK_FALSE(is_lasting(RD_KAFKA_RESP_ERR_UNKNOWN));
    CHECK(word_of(RD_KAFKA_RESP_ERR__TRANSPORT) == "_TRANSPORT");
    CHECK(hint_of(RD_KAFKA_RESP_ERR__SSL).contains("ssl options"));
    CHECK(hint_of(RD_KAFKA_RESP_ERR_UNKNOWN).empty());
}
