#include "worker/cold_call.hpp"

#include <doctest/doctest.h>

using namespace stoker;

namespace {

Invocation call(FnFormat format, std::string id = "1") {
    auto fn = std::make_shared<FnSpec>();
    fn->format = format;
    fn->slot_key = "key";
    fn->config = {{"A", "1"}, {"FN_METHOD", "mine"}, {"FN_HEADER_X", "mine"}};
    Invocation invocation;
    invocation.call_id = std::move(id);
    invocation.fn = fn;
    invocation.method = "PUT";
    invocation.url = "http://here/";
    invocation.headers = {{"x-a", "1"}, {"X-A", "2"}};
    return invocation;
}

}  // namespace

TEST_CASE("cold call: it shares its slot key with no other call") {
    const auto one = spec_for(call(FnFormat::cold, "1"));
    const auto two = spec_for(call(FnFormat::cold, "2"));
    CHECK(one->slot_key != two->slot_key);
    CHECK(one->slot_key == slot_key_of(*call(FnFormat::cold).fn, "1"));
    CHECK(slot_key_of(*call(FnFormat::json).fn, "1") == "key");
}

TEST_CASE("cold call: its environment is over the configuration") {
    const auto spec = spec_for(call(FnFormat::cold));
    CHECK(
        spec->config ==
        Config{
            {"A", "1"},
            {"FN_ATTEMPT", "1"},
            {"FN_CALL_ID", "1"},
            {"FN_HEADER_X-A", "1, 2"},
            {"FN_METHOD", "PUT"},
            {"FN_REQUEST_URL", "http://here/"}
        }
    );
}

TEST_CASE("cold call: the calls of hot formats share the fn's own spec") {
    const auto invocation = call(FnFormat::http);
    CHECK(spec_for(invocation) == invocation.fn);
}
