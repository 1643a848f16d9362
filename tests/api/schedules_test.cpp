// /v2/schedules, and the calls that come of them.

#include "datastore/schedule_store.hpp"
#include "tests/api/api_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace stoker::test {
namespace {

struct SchedulesFixture : ApiFixture {
    using ApiFixture::ApiFixture;
    const std::string fn_id = make_fn(make_app());

    std::string body(const std::string& more) const {
        return R"({"fn_id":")" + fn_id + "\"," + more + "}";
    }
    Json make(const std::string& more) const {
        const auto made = send("POST", "/v2/schedules", body(more));
        REQUIRE_MESSAGE(made.status == 200, made.body);
        return json(made);
    }
    Json get_one(const std::string& id) const { return json(get("/v2/schedules/" + id)); }
    std::string why_not(const std::string& more, int status = 400) const {
        const auto refused = send("POST", "/v2/schedules", body(more));
        CHECK(refused.status == status);
        return message(refused);
    }
};

}  // namespace

TEST_CASE("schedules: created, read, listed, changed and deleted") {
    SchedulesFixture t;
    const auto made =
        t.make(R"("cron":"0 3 * * *","time_zone":"Europe/Berlin","name":"nightly","missed":"skip",)"
               R"("headers":{"X-A":"1"},"content_type":"text/plain","body":"hello")");
    const auto id = made["id"].get<std::string>();
    CHECK(made["app_id"] == t.json(t.get("/v2/fns/" + t.fn_id))["app_id"]);
    CHECK(made["paused"] == false);
    CHECK(made.contains("next_at"));
    CHECK(t.get_one(id) == made);
    CHECK(t.json(t.get("/v2/schedules?fn_id=" + t.fn_id))["items"] == Json::array({made}));
    CHECK(t.json(t.get("/v2/schedules?fn_id=other"))["items"].empty());
    const auto changed = t.send("PUT", "/v2/schedules/" + id, R"({"paused":true})");
    CHECK(changed.status == 200);
    CHECK(t.json(changed)["paused"] == true);
    CHECK_FALSE(t.json(changed).contains("next_at"));
    CHECK(t.send("DELETE", "/v2/schedules/" + id).status == 204);
    CHECK(t.get("/v2/schedules/" + id).status == 404);
    CHECK(t.send("DELETE", "/v2/schedules/" + id).status == 404);
    CHECK(t.send("PUT", "/v2/schedules/" + id, R"({"paused":true})").status == 404);
}

TEST_CASE("schedules: what is wrong is refused, and why is said") {
    const SchedulesFixture t;
    CHECK(t.why_not(R"("cron":"* * *")").starts_with("cron takes five fields"));
    CHECK(t.why_not(R"("cron":"0 0 31 2 *")").contains("no day ever matches"));
    CHECK(t.why_not(R"("cron":"@daily","time_zone":"Mars")").starts_with("time_zone is not"));
    CHECK(t.why_not(R"("cron":"@daily","missed":"never")").starts_with("missed must be"));
    CHECK(t.why_not(R"("cron":7)") == "Invalid JSON");
    const auto orphan = t.send("POST", "/v2/schedules", R"({"fn_id":"none","cron":"@daily"})");
    CHECK(orphan.status == 404);
    CHECK(t.message(orphan) == "Fn not found");
}

TEST_CASE("schedules: a due one makes calls with its request, and says when they were due") {
    SchedulesFixture t;
    const auto id =
        t.make(
             R"("cron":"@every 1s","headers":{"X-A":"1"},"content_type":"text/plain","body":"hello")"
        )["id"]
            .get<std::string>();
    eventually("a call was made", [&] { return t.get_one(id).contains("last_call_id"); });
    t.send("PUT", "/v2/schedules/" + id, R"({"paused":true})");
    const auto call_id = t.get_one(id)["last_call_id"].get<std::string>();
    CHECK(t.json(t.get("/v2/calls/" + call_id))["status"] == "queued");
    REQUIRE(run(t.store.register_worker("worker", "host", Millis{60'000})));
    const auto claimed = run(t.store.claim("worker", {call_id}));
    REQUIRE(claimed);
    REQUIRE(claimed->size() == 1);
    const auto& request = claimed->front().request;
    CHECK(request.method == "POST");
    CHECK(request.body.bytes == "hello");
    CHECK(request.content_type == "text/plain");
    CHECK(*find_header(request.headers, "X-A") == "1");
    CHECK(*find_header(request.headers, "Fn-Schedule-Id") == id);
    CHECK(
        *find_header(request.headers, "Fn-Scheduled-At") ==
        t.get_one(id)["last_at"].get<std::string>()
    );
}

TEST_CASE("schedules: while the queue has no room a due one stays due") {
    SchedulesFixture t([](ApiSettings& settings) { settings.accept.depth_max = 0; });
    const auto made = t.make(R"("cron":"@every 1s")");
    const auto id = made["id"].get<std::string>();
    eventually("it was put off", [&] {
        return t.get("/metrics").body.contains("stoker_schedule_put_off_total 2");
    });
    CHECK(t.get_one(id)["next_at"] == made["next_at"]);
    CHECK_FALSE(t.get_one(id).contains("last_call_id"));
}

}  // namespace stoker::test
