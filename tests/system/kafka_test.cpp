// The queue on a real Kafka broker that goes away: every accepted call still ends.

#include "tests/support/kafka_broker.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

std::vector<std::string> accept(const StokerProcess& stoker, const std::string& fn, int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back(stoker.call_async(fn, "say kafka"));
    return ids;
}

void all_succeed(const StokerProcess& stoker, const std::vector<std::string>& ids) {
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
}

}  // namespace

TEST_CASE("kafka: calls run, also those accepted while the broker was away, also after a kill") {
    auto& broker = kafka_broker();
    Running stoker({"--queue", broker.url(KafkaBroker::new_prefix())});
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 5}}}});
    all_succeed(stoker, accept(stoker, fn, 20));
    broker.kill();
    eventually("it is noticed", [&] { return stoker.request("GET", "/readyz").status == 503; });
    // The worker takes these from the datastore.
    all_succeed(stoker, accept(stoker, fn, 5));
    CHECK(metric(stoker, "stoker_calls_stolen_total") >= 5);
    const auto waiting = accept(stoker, fn, 20);
    broker.start();
    stoker.kill_hard();
    stoker.start();
    all_succeed(stoker, waiting);
    eventually("it is well again", [&] { return stoker.request("GET", "/readyz").status == 200; });
    all_succeed(stoker, accept(stoker, fn, 5));
}
