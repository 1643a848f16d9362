// The agent with functions of every stdio format, as processes in place of containers: who shares a
// container with whom, what a broken call leaves behind, whose output is whose.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <thread>

#include "tests/support/temp_dir.hpp"
#include "tests/worker/process_driver.hpp"
#include "tests/worker/protocols/kept.hpp"
#include "worker/agent.hpp"
#include "worker/launcher.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* json_function = R"(
while read -r line; do
    case $line in
        *'"body":"exit"'*) exit 7 ;;
        *'"body":"hang"'*) exec sleep 1000 ;;
        *'"body":"garbage"'*) echo 'not json' ;;
        *'"body":"twice"'*) printf '{"body":"one"}\n{"body":"two"}\n' ;;
        *'"body":"late"'*) echo '{"body":"late"}'; echo 'said late' >&2 ;;
        *) echo said >&2; echo "{\"body\":\"$$\"}" ;;
    esac
done
)";

struct Done {
    Result<void> result;
    std::string body;
    int status = 0;
    std::shared_ptr<CallLog> log;
};

std::string text_of(CallLog& log) {
    std::string text;
    for (const auto& chunk : log.take()) text += chunk.data;
    return text;
}

template <class Condition>
void eventually(const char* what, Condition is_so) {
    const auto until = deadline_in(30s);
    while (!is_so()) {
        REQUIRE_MESSAGE(!has_passed(until), what);
        std::this_thread::yield();
    }
}

class Fixture {
public:
    explicit Fixture(bool hold_removals = false) {
        launcher.on_exit([this](const ContainerRef& gone) { slots.container_exited(gone); });
        lanes.start();
        watcher.start();
        slots.start();
        live.own("w", deadline_in(1h));
        if (!hold_removals) driver.removals_allowed.set(true);
    }
    ~Fixture() {
        driver.removals_allowed.set(true);
        slots.close();
        CHECK(start(slots.drained(deadline_in(30s))).get());
        CHECK(driver.there() == 0);
        CHECK(memory.used_mb() == 0);
        // One file: stoker-init. Every container's folder is gone.
        const std::filesystem::directory_iterator left(root.path() / "i");
        CHECK(std::distance(begin(left), end(left)) == 1);
        start(stop_syslog()).get();
        watcher.stop();
        lanes.stop();
    }

    FnSpecRef fn(FnFormat format, std::string script, int timeout_s = 30) {
        auto spec = std::make_shared<FnSpec>();
        spec->fn_id = "f";
        spec->image = std::move(script);
        spec->format = format;
        spec->timeout_s = timeout_s;
        spec->config = {{"FROM_CONFIG", "yes"}};
        spec->slot_key = spec->image;
        return spec;
    }

    std::future<Done> begin_call(FnSpecRef of, std::string body) {
        return start(call_task(std::move(of), std::move(body), std::to_string(++calls)));
    }
    Done call(FnSpecRef of, std::string body) {
        return begin_call(std::move(of), std::move(body)).get();
    }

    template <class T>
    std::future<T> start(Task<T> task) {
        return asio::co_spawn(lanes.next(), std::move(task), asio::use_future);
    }

    TempDir root;
    Lanes lanes{2};
    Metrics metrics;
    MemoryTokens memory{4096};
    ProcessDriver driver;
    SystemClock clock;
    IdSource ids{clock, 1};
    RunDir run_dir = RunDir::open(root.path(), "", "i").value();
    SocketWatcher watcher{lanes.at(0)};
    Syslog syslog{lanes, metrics};
    ImageRecord image_record{clock};
    Images images{driver, image_record, metrics, PullPolicy{}};
    Launcher launcher{driver, images, run_dir, watcher, ids, syslog, metrics, launcher_settings()};
    LiveCalls live;
    SlotPool slots{
        lanes,
        memory,
        LaunchPolicy{},
        {.launch =
             [this](FnSpecRef of, MemoryTokens::Token token, LaunchReport report) {
                 return launcher.launch(std::move(of), std::move(token), std::move(report));
             },
         .remove = [this](ContainerRef gone) { return launcher.remove(std::move(gone)); },
         .kill = [this](ContainerRef busy) { return launcher.kill(std::move(busy)); },
         .changed = [] {}}
    };
    Agent agent{slots, driver, metrics, {.kept_bytes_max = 1000}};
    int calls = 0;

private:
    static LauncherSettings launcher_settings() {
        LauncherSettings settings;
        settings.instance = "i";
        return settings;
    }
    Task<bool> stop_syslog() {
        co_await syslog.stop(deadline_in(3s));
        co_return true;
    }
    Task<Done> call_task(FnSpecRef of, std::string bytes, std::string id) {
        Invocation invocation;
        invocation.call_id = id;
        invocation.fn = of;
        invocation.url = "http://here/invoke/f";
        invocation.content_type = "text/plain";
        invocation.headers = {{"x-one", "1"}, {"X-One", "2"}};
        InlineBody body(bytes);
        Kept kept;
        const auto its = live.add({id, "w", 1}, of, 100'000);
        auto result = co_await agent.execute(invocation, body, kept, its, deadline_in(30s));
        live.remove(its);
        co_return Done{std::move(result), kept.body, kept.answer.status, its->log};
    }
};

/// No container can be removed before the test lets it.
struct HeldFixture : Fixture {
    HeldFixture() : Fixture(true) {}
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "agent: json calls one after another share a container") {
    const auto of = fn(FnFormat::json, json_function);
    const auto first = call(of, "a");
    REQUIRE(first.result);
    for (int i = 0; i < 5; ++i) {
        const auto next = call(of, "b");
        CHECK(next.body == first.body);
        CHECK(text_of(*next.log) == "said\n");
    }
    CHECK(driver.created == 1);
}

TEST_CASE_FIXTURE(Fixture, "agent: a broken frame ends the container, the next call is well") {
    const auto of = fn(FnFormat::json, json_function);
    const auto before = call(of, "a");
    const auto broken = call(of, "garbage");
    REQUIRE_FALSE(broken.result);
    CHECK(broken.result.error().text() == "invalid json response from function err: not an object");
    const auto after = call(of, "a");
    REQUIRE(after.result);
    CHECK(after.body != before.body);

    CHECK(call(of, "twice").body == "one");
    const auto last = call(of, "a");
    CHECK(last.body != after.body);
    CHECK(last.body != "two");
    CHECK(driver.created == 3);
}

TEST_CASE_FIXTURE(Fixture, "agent: a timeout ends the container, the next call is well") {
    const auto of = fn(FnFormat::json, json_function, 1);
    const auto hung = call(of, "hang");
    REQUIRE_FALSE(hung.result);
    CHECK(hung.result.error().code == Errc::function_timeout);
    CHECK(call(of, "a").result);
    CHECK(driver.created == 2);
}

TEST_CASE_FIXTURE(Fixture, "agent: an exit in a call is told with its code") {
    const auto of = fn(FnFormat::json, json_function);
    const auto gone = call(of, "exit");
    REQUIRE_FALSE(gone.result);
    CHECK(gone.result.error().text() == "error receiving function response: container exit code 7");
    CHECK(call(of, "a").result);
}

TEST_CASE_FIXTURE(Fixture, "agent: a function that always exits at once fails its call") {
    for (const auto format : {FnFormat::json, FnFormat::http, FnFormat::cloudevent}) {
        const auto of = fn(format, "echo last words >&2; exit 9");
        const auto gone = call(of, "1");
        REQUIRE_FALSE(gone.result);
        CHECK(gone.result.error().text().ends_with("container exit code 9"));
    }
    CHECK(driver.created == 3);
}

TEST_CASE_FIXTURE(Fixture, "agent: what a function writes after its answer stays with that call") {
    const auto of = fn(FnFormat::json, json_function);
    const auto late = call(of, "late");
    std::string text;
    eventually("the late line is in its call's log", [&] {
        text += text_of(*late.log);
        return text == "said late\n";
    });
    const auto next = call(of, "a");
    CHECK(driver.created == 1);
    CHECK(text_of(*next.log) == "said\n");
    CHECK(text_of(*late.log).empty());
}

TEST_CASE_FIXTURE(Fixture, "agent: stray bytes on stdout between calls end the container") {
    const auto of =
        fn(FnFormat::json, "while read -r line; do echo '{}'; sleep 0.01; echo stray; done");
    CHECK(call(of, "a").result);
    eventually("the container is seen to be unfit", [&] {
        (void)call(of, "b");
        return driver.created > 1;
    });
}

TEST_CASE_FIXTURE(
    Fixture, "agent: a cold call has a container to itself, with its own environment"
) {
    const auto of = fn(
        FnFormat::cold,
        "cat; printf ' %s %s %s %s' $FROM_CONFIG $FN_FORMAT $FN_CALL_ID $FN_METHOD; echo to log >&2"
    );
    for (int i = 1; i <= 2; ++i) {
        const auto done = call(of, "body");
        REQUIRE(done.result);
        CHECK(done.status == 200);
        CHECK(done.body == "body yes default " + std::to_string(i) + " POST");
        CHECK(text_of(*done.log) == "to log\n");
    }
    CHECK(driver.created == 2);
    CHECK(slots.counts().idle == 0);
}

TEST_CASE_FIXTURE(Fixture, "agent: a cold call's environment is Fn's") {
    const auto done = call(fn(FnFormat::cold, "tr '\\0' '\\n' < /proc/self/environ"), "");
    REQUIRE(done.result);
    for (const std::string_view line :
         {"FN_FORMAT=default",
          "FN_CALL_ID=1",
          "FN_METHOD=POST",
          "FN_REQUEST_URL=http://here/invoke/f",
          "FN_HEADER_Content-Type=text/plain",
          "FN_HEADER_X-One=1, 2",
          "FN_MEMORY=128",
          "FN_TYPE=sync"}) {
        CAPTURE(line);
        CHECK(("\n" + done.body).contains("\n" + std::string(line) + "\n"));
    }
    CHECK(done.body.contains("FN_DEADLINE=20"));
    CHECK_FALSE(done.body.contains("FN_LISTENER"));
    CHECK_FALSE(done.body.contains("STOKER_"));
}

TEST_CASE_FIXTURE(HeldFixture, "agent: a cold answer does not wait for the removal") {
    const auto done = call(fn(FnFormat::cold, "cat"), "body");
    CHECK(done.body == "body");
    CHECK(driver.there() == 1);
    CHECK(memory.used_mb() == 128);
}

TEST_CASE_FIXTURE(HeldFixture, "agent: a timeout is answered before the removal, in every format") {
    for (const auto format : {FnFormat::cold, FnFormat::json, FnFormat::http}) {
        const auto done = call(fn(format, "exec sleep 1000", 1), "");
        REQUIRE_FALSE(done.result);
        CHECK(done.result.error().code == Errc::function_timeout);
    }
    CHECK(driver.there() == 3);
    CHECK(memory.used_mb() == 3 * 128);
    eventually("the removals have begun", [&] { return driver.removals_begun == 3; });
}

TEST_CASE_FIXTURE(Fixture, "agent: cold calls run side by side") {
    const auto of = fn(FnFormat::cold, "cat");
    std::vector<std::future<Done>> running;
    for (int i = 0; i < 8; ++i) running.push_back(begin_call(of, std::to_string(i)));
    for (int i = 0; i < 8; ++i)
        CHECK(running[static_cast<std::size_t>(i)].get().body == std::to_string(i));
    CHECK(driver.created == 8);
}

TEST_CASE_FIXTURE(Fixture, "agent: a cold call that exits with a code says so and no more") {
    const auto done = call(fn(FnFormat::cold, "echo half; exit 3"), "");
    REQUIRE_FALSE(done.result);
    CHECK(done.result.error().text() == "container exit code 3");
    CHECK(spec_of(done.result.error().code).status == 502);
    CHECK(done.status == 0);
}

TEST_CASE_FIXTURE(Fixture, "agent: a cold answer beyond the limit is refused") {
    const auto done = call(fn(FnFormat::cold, "head -c 2000 /dev/zero"), "");
    REQUIRE_FALSE(done.result);
    CHECK(done.result.error().text() == "function response body too large");
}
