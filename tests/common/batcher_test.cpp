#include "common/async/batcher.hpp"

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <string>

using namespace stoker;

namespace {

/// Records what the batcher does; commits as the test says.
struct Backend {
    std::vector<std::string> steps;
    error_code commit_result;

    void begin() { steps.emplace_back("begin"); }
    error_code commit() {
        steps.emplace_back("commit");
        return commit_result;
    }
    void idle() { steps.emplace_back("idle"); }
};

using Jobs = Batcher<Backend>;

Jobs::Job job(std::string name, std::vector<std::string>* completed = nullptr) {
    return {
        [name](Backend& backend) { backend.steps.push_back(name); },
        [name, completed](error_code failed) {
            if (completed != nullptr) completed->push_back(name + (failed ? " failed" : ""));
        }
    };
}

/// Holds the batcher's thread inside a first batch, so that the next ones are known. Made before
/// the batcher, whose thread uses it until it ends.
struct Held {
    std::latch inside{1};
    std::latch go_on{1};

    void hold(Jobs& jobs) {
        CHECK(jobs.submit(
            {[this](Backend&) {
                 inside.count_down();
                 go_on.wait();
             },
             [](error_code) {}}
        ));
        inside.wait();
    }
};

}  // namespace

TEST_CASE("Batcher: jobs that arrive during a commit go together in the next") {
    Backend backend;
    std::vector<std::string> completed;
    {
        Held held;
        Jobs jobs(backend, {});
        held.hold(jobs);
        CHECK(jobs.submit(job("a", &completed)));
        CHECK(jobs.submit(job("b", &completed)));
        CHECK(jobs.waiting() == 2);
        held.go_on.count_down();
        jobs.stop();
    }
    CHECK(
        backend.steps ==
        std::vector<std::string>{"begin", "commit", "idle", "begin", "a", "b", "commit", "idle"}
    );
    CHECK(completed == std::vector<std::string>{"a", "b"});
}

TEST_CASE("Batcher: a batch is bounded, and what waits beyond the bound is refused") {
    Backend backend;
    {
        Held held;
        Jobs jobs(backend, {.batch_jobs_max = 2, .waiting_jobs_max = 3});
        held.hold(jobs);
        for (const auto* name : {"a", "b", "c"}) CHECK(jobs.submit(job(name)));
        auto refused = job("d");
        CHECK_FALSE(jobs.submit(std::move(refused)));
        CHECK(refused.run);
        held.go_on.count_down();
    }
    CHECK(
        backend.steps ==
        std::vector<std::string>{
            "begin", "commit", "idle", "begin", "a", "b", "commit", "begin", "c", "commit", "idle"
        }
    );
}

TEST_CASE("Batcher: a failed commit fails every job of the batch") {
    Backend backend;
    backend.commit_result = asio::error::eof;
    std::vector<std::string> completed;
    {
        Held held;
        Jobs jobs(backend, {});
        held.hold(jobs);
        CHECK(jobs.submit(job("a", &completed)));
        CHECK(jobs.submit(job("b", &completed)));
        held.go_on.count_down();
    }
    CHECK(completed == std::vector<std::string>{"a failed", "b failed"});
}

TEST_CASE("Batcher: after stop() nothing is taken") {
    Backend backend;
    Jobs jobs(backend, {});
    jobs.stop();
    CHECK_FALSE(jobs.submit(job("late")));
    CHECK(backend.steps.empty());
}

TEST_CASE("Batcher: every job of many threads completes once") {
    struct Counting {
        int runs = 0;
        void begin() {}
        error_code commit() { return {}; }
        void idle() {}
    } backend;
    std::atomic<int> completed{0};
    {
        Batcher<Counting> jobs(backend, {});
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 2000; ++i) {
                    CHECK(jobs.submit(
                        {[](Counting& on) { ++on.runs; }, [&](error_code) { ++completed; }}
                    ));
                }
            });
        }
    }
    CHECK(backend.runs == 8000);
    CHECK(completed == 8000);
}
