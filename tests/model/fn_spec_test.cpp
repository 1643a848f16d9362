#include "model/fn_spec.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <set>

using namespace stoker;

namespace {

App some_app() {
    App app;
    app.id = "A";
    app.name = "shop";
    app.config = {{"both", "app"}, {"region", "eu"}};
    app.annotations = {{"n", "1"}};
    return app;
}

Fn some_fn() {
    Fn fn;
    fn.id = "F";
    fn.app_id = "A";
    fn.name = "thumb";
    fn.image = "img";
    fn.config = {{"both", "fn"}};
    return fn;
}

}  // namespace

TEST_CASE("FnSpec: the fn's configuration lies over the app's") {
    const auto spec = make_fn_spec(some_app(), some_fn());
    CHECK(spec->config == Config{{"both", "fn"}, {"region", "eu"}});
    CHECK(spec->app_id == "A");
    CHECK(spec->app_name == "shop");
    CHECK(spec->fn_id == "F");
    CHECK(spec->fn_name == "thumb");
    CHECK(spec->image == "img");
    CHECK(spec->memory_mb == 128);
    CHECK(spec->timeout_s == 30);
    CHECK(spec->idle_timeout_s == 30);
    CHECK(spec->format == FnFormat::http_stream);
}

TEST_CASE("FnSpec: how containers run is taken over, and /tmp counts with memory") {
    auto app = some_app();
    app.syslog_url = "udp://h";
    auto fn = some_fn();
    fn.format = FnFormat::cold;
    fn.cpus = 250;
    fn.tmpfs_size = 64;
    fn.max_concurrency = 3;
    fn.min_idle = 2;
    const auto spec = make_fn_spec(app, fn);
    CHECK(spec->format == FnFormat::cold);
    CHECK(spec->milli_cpus == 250);
    CHECK(spec->tmpfs_mb == 64);
    CHECK(spec->container_mb() == 192);
    CHECK(spec->max_concurrency == 3);
    CHECK(spec->min_idle == 2);
    CHECK(spec->syslog_url == "udp://h");
}

TEST_CASE("FnSpec: the slot key is Fn's fields in Fn's order") {
    using namespace std::string_literals;
    const auto expected = "A\0\0F\0img\0"s + "\x1E\0\0\0"s + "\x1E\0\0\0"s + "\0\0\0\0"s +
                          "\x80\0\0\0\0\0\0\0"s + "\0\0\0\0\0\0\0\0"s + "\0"s +
                          "both\0fn\0region\0eu\0"s + "\0"s + "n\0"s + "1\0"s + "\0http-stream\0"s;
    CHECK(make_fn_spec(some_app(), some_fn())->slot_key == expected);
}

TEST_CASE("FnSpec: whatever a container is made from changes the key, the rest does not") {
    std::set<std::string> keys{make_fn_spec(some_app(), some_fn())->slot_key};
    const auto distinct = [&](const std::function<void(App&, Fn&)>& change) {
        auto app = some_app();
        auto fn = some_fn();
        change(app, fn);
        return keys.insert(make_fn_spec(app, fn)->slot_key).second;
    };
    CHECK(distinct([](App& app, Fn&) { app.id = "B"; }));
    CHECK(distinct([](App& app, Fn&) { app.syslog_url = "tcp://h"; }));
    CHECK(distinct([](App& app, Fn&) { app.config["region"] = "us"; }));
    CHECK(distinct([](App& app, Fn&) { app.annotations["n"] = "2"; }));
    CHECK(distinct([](App&, Fn& fn) { fn.id = "G"; }));
    CHECK(distinct([](App&, Fn& fn) { fn.image = "img2"; }));
    CHECK(distinct([](App&, Fn& fn) { fn.format = FnFormat::json; }));
    CHECK(distinct([](App&, Fn& fn) { fn.memory = 129; }));
    CHECK(distinct([](App&, Fn& fn) { fn.cpus = 100; }));
    CHECK(distinct([](App&, Fn& fn) { fn.tmpfs_size = 1; }));
    CHECK(distinct([](App&, Fn& fn) { fn.timeout = 31; }));
    CHECK(distinct([](App&, Fn& fn) { fn.idle_timeout = 31; }));
    CHECK(distinct([](App&, Fn& fn) { fn.config["x"] = "y"; }));
    CHECK(distinct([](App&, Fn& fn) { fn.annotations["x"] = "1"; }));
    CHECK_FALSE(distinct([](App&, Fn& fn) { fn.name = "other"; }));
    CHECK_FALSE(distinct([](App&, Fn& fn) { fn.rev = 7; }));
    CHECK_FALSE(distinct([](App&, Fn& fn) { fn.retry.max_attempts = 7; }));
    CHECK_FALSE(distinct([](App&, Fn& fn) { fn.max_concurrency = 7; }));
    CHECK_FALSE(distinct([](App&, Fn& fn) { fn.min_idle = 7; }));
}
