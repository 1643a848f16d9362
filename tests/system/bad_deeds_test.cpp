// Everything in bad_deeds.h at once, called asynchronously and synchronously: each call ends as it
// should, the next call of that function is well, a healthy function beside them never notices,
// and when all is over Stoker holds no more than before.

#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "tests/system/fixture.hpp"
#include "tests/system/neighbour.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr int torn = 0;  ///< the answer's head had gone out before it went wrong
constexpr int any = -1;  ///< depends on who is faster

struct Deed {
    std::string mode = {};  ///< of the function; empty: the call says what to do
    std::string call = "echo x";
    std::string status = {};
    std::string code = {};  ///< error_code; empty: none
    int sync_status = 200;
    int timeout_s = 20;
    int memory_mb = 32;
};

Deed ends_well(std::string call) {
    return {.mode = {}, .call = std::move(call), .status = "success"};
}

Deed fails(std::string call, std::string code, int sync_status = 502) {
    return {
        .mode = {},
        .call = std::move(call),
        .status = code == "out_of_memory" ? "killed" : "error",
        .code = std::move(code),
        .sync_status = sync_status
    };
}

Deed times_out(std::string call, int sync_status = 504) {
    return {
        .mode = {},
        .call = std::move(call),
        .status = "timeout",
        .code = "function_timeout",
        .sync_status = sync_status,
        .timeout_s = 1
    };
}

Deed with_memory(int mb, Deed deed) {
    deed.memory_mb = mb;
    return deed;
}

Deed in_mode(std::string mode, Deed deed) {
    deed.mode = std::move(mode);
    return deed;
}

const std::vector<Deed>& deeds() {
    static const std::string x = "echo x";
    static const std::vector<Deed> all{
        fails("exit 7", "container_exit"),
        fails("exit 137", "out_of_memory"),
        fails("crash", "container_exit"),
        fails("daemonise", "container_exit"),
        times_out("ignore-sigterm"),
        times_out("stop"),
        // As many as it may have are there at once when the machine is busy.
        with_memory(128, ends_well("fork 1000")),
        fails("eat 500", "out_of_memory"),
        ends_well("eat-descriptors"),
        fails("fill-tmp", "out_of_memory"),

        ends_well("unlink"),
        ends_well("link /var/run/docker.sock"),
        ends_well("link ../other/lsnr.sock"),
        ends_well("fifo"),
        ends_well("file"),
        ends_well("close-listener"),
        ends_well("litter 3000"),

        ends_well("flood 100"),
        times_out("flood-for-ever"),
        times_out("trickle-output"),
        ends_well("binary"),
        ends_well("close-output"),

        fails("garbage", "container_exit"),
        ends_well("twice"),
        times_out("late-answer 60000"),
        times_out("promise-too-much", torn),
        fails("break-off", "container_exit", torn),
        ends_well("say-too-much"),
        fails("go-silently", "container_exit"),
        fails("half-close", "container_exit"),
        ends_well("half-close-after-body"),
        ends_well("interim 100"),
        fails("endless-headers", "function_failed"),
        fails("endless-interim", "function_failed"),
        fails("endless-body 502", "response_too_large", any),
        fails("endless-body 200", "response_too_large", torn),
        fails("endless-chunks", "response_too_large", torn),
        fails("endless-extension", "container_exit", torn),
        times_out("trickle-head"),
        times_out("trickle-body", torn),

        in_mode("start-exit:3", fails(x, "init_failed")),
        in_mode("start-daemonise", fails(x, "init_failed")),
        in_mode("start-hang", fails(x, "init_timeout", 504)),
        in_mode("start-fifo", fails(x, "init_failed")),
        in_mode("start-file", fails(x, "init_failed")),
        in_mode("start-folder", fails(x, "init_failed")),
        in_mode("start-link:/var/run/docker.sock", fails(x, "init_failed")),
        in_mode("start-link:../other/lsnr.sock", fails(x, "init_failed")),
        in_mode("start-link:lsnr.sock", fails(x, "init_failed")),
        in_mode("answer-unread", ends_well(x)),
        in_mode("answer-first", ends_well(x)),
        in_mode("never-read", times_out(x)),
        in_mode("answer-unasked", {.status = "any", .sync_status = any}),
        in_mode("close-at-once", {.status = "any", .sync_status = any}),
    };
    return all;
}

class Storm {
public:
    explicit Storm(const StokerProcess& stoker) : stoker_(stoker) {
        for (const auto& deed : deeds()) {
            fns_.push_back(stoker_.make_fn(
                function_image(),
                {{"memory", deed.memory_mb}, {"timeout", deed.timeout_s}, {"idle_timeout", 1}}
            ));
        }
        well_ = stoker_.make_fn(function_image(), {{"memory", 32}, {"idle_timeout", 1}});
    }

    void rage() {
        {
            const Neighbour neighbour(stoker_, well_, complaints_);
            std::atomic<std::size_t> next{0};
            std::vector<std::jthread> hands;
            hands.reserve(8);
            for (int i = 0; i < 8; ++i) {
                hands.emplace_back([&] {
                    for (std::size_t at = 0; (at = next++) < fns_.size();) commit_safely(at);
                });
            }
        }
        complaints_.check();
    }

private:
    void commit_safely(std::size_t at) {
        const auto& deed = deeds()[at];
        const auto name = deed.mode.empty() ? deed.call : deed.mode;
        try {
            set_mode(fns_[at], deed.mode);
            commit(deed, fns_[at], name);
            set_mode(fns_[at], "");
            expect_next_is_well(fns_[at], name);
        } catch (const std::exception& e) {
            complaints_.add(name + ": " + e.what());
        }
    }

    void set_mode(const std::string& fn, const std::string& mode) const {
        stoker_.json("PUT", "/v2/fns/" + fn, nlohmann::json{{"config", {{"MODE", mode}}}}.dump());
    }

    void commit(const Deed& deed, const std::string& fn, const std::string& name) {
        const auto call = stoker_.ended(stoker_.call_async(fn, deed.call));
        const std::string status = call.at("status");
        const std::string code = call.value("error_code", "");
        if (deed.status != "any" && (status != deed.status || code != deed.code)) {
            complaints_.add(fmt::format("{}: {} {}", name, status, call.dump()));
        }
        if (deed.mode.empty()) expect_next_is_well(fn, name);
        const int sync = sync_status(fn, deed.call);
        if (deed.sync_status != any && sync != deed.sync_status) {
            complaints_.add(fmt::format("{}: answered {} to a synchronous call", name, sync));
        }
    }

    int sync_status(const std::string& fn, const std::string& body) const {
        try {
            return stoker_.request("POST", "/invoke/" + fn, body).status;
        } catch (const std::exception&) {
            return torn;
        }
    }

    void expect_next_is_well(const std::string& fn, const std::string& name) {
        const auto id = stoker_.call_async(fn, "echo fine");
        const auto call = stoker_.ended(id);
        const auto body = stoker_.request("GET", "/v2/calls/" + id + "/response").body;
        if (call.at("status") == "success" && body == "fine") return;
        complaints_.add(fmt::format("{}: the next call: {} {}", name, call.dump(), body));
    }

    const StokerProcess& stoker_;
    std::vector<std::string> fns_;
    std::string well_;
    Complaints complaints_;
};

}  // namespace

TEST_CASE("bad deeds: all at once, each ends as it should and harms nobody, nothing leaks") {
    const Running stoker({"--init-timeout", "10s", "--max-response", "1MB"});
    Storm storm(stoker);
    storm.rage();
    const auto before = at_rest(stoker);  // pools and caches are as large as they get
    storm.rage();
    const auto after = at_rest(stoker);
    eventually("descriptors are as many as before", [&] {
        return resources_of(stoker).descriptors <= before.descriptors;
    });
    CHECK(after.threads <= before.threads);
    // The datastore's page cache, which the logs fill on the way, and some slack.
    CHECK(after.resident_mb <= before.resident_mb + 32 + 16 + quarantine_mb);
    MESSAGE(
        "descriptors ",
        after.descriptors,
        ", threads ",
        after.threads,
        ", resident MB ",
        before.resident_mb,
        " -> ",
        after.resident_mb
    );
}

TEST_CASE("bad deeds: a flood of output is cut at the limit, with a word that says so") {
    const Running stoker({"--max-log", "100KB"});
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "flood 100");
    CHECK(stoker.ended(id).at("status") == "success");
    const auto log = stoker.log_of(id);
    CHECK(log.size() < 101 * 1024);
    CHECK(log.contains("exceeded, truncating log"));
}

TEST_CASE("bad deeds: bytes of any value come back from the log as they were") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "binary");
    CHECK(stoker.ended(id).at("status") == "success");
    const auto log = stoker.log_of(id);
    REQUIRE(log.size() == 300'000);
    std::size_t different = 0;
    for (std::size_t i = 0; i < log.size(); ++i) {
        different += static_cast<unsigned char>(log[i]) != i % 256;
    }
    CHECK(different == 0);
    CHECK(stoker.request("GET", "/v2/calls/" + id + "/log").status == 200);
}

TEST_CASE("bad deeds: a large input that is answered unread or late blocks nobody") {
    const Running stoker;
    const std::string big(8 << 20, 'i');
    for (const std::string mode : {"answer-unread", "answer-first"}) {
        CAPTURE(mode);
        const auto fn = stoker.make_fn(function_image(), {{"config", {{"MODE", mode}}}});
        const auto id = stoker.call_async(fn, big);
        CHECK(stoker.ended(id).at("status") == "success");
        const auto word = mode.substr(mode.find('-') + 1);
        CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").body == word);
        CHECK(stoker.request("POST", "/invoke/" + fn, big).body == word);
    }
}

TEST_CASE("bad deeds: an answer nobody waits for costs its function the container, no other call") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.ended(stoker.call_async(fn, "again-later 1")).at("status") == "success");
    // One that is under way meanwhile cannot be told from a call's own answer: HTTP has no number
    // for it. The calls after that are safe.
    stoker.ended(stoker.call_async(fn, "echo perhaps"));
    for (int i = 0; i < 3; ++i) {
        const auto id = stoker.call_async(fn, "echo fine");
        stoker.ended(id);
        CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").body == "fine");
    }
}
