#include "api/runners/runner_directory.hpp"

#include <doctest/doctest.h>

#include "tests/api/fakes.hpp"
#include "tests/api/runners/invoker_fixture.hpp"

namespace stoker::test {

namespace {

constexpr Millis lease{60'000};

struct DirectoryFixture : InvokerFixture {
    DirectoryFixture() : InvokerFixture({}) {}
    void add(const std::string& id, const std::string& address, std::int64_t memory_mb = 1024) {
        REQUIRE(run(store->register_worker(id, "host", lease)));
        const WorkerProfile profile{
            .address = address, .memory_mb = memory_mb, .busy_mb = 1, .milli_cpus = 2000
        };
        REQUIRE(run(store->describe_worker(id, profile)));
    }
    std::vector<std::string> names() {
        run(directory.refresh());
        std::vector<std::string> found;
        for (const auto& runner : directory.all()) found.push_back(runner->name);
        return found;
    }
};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("RunnerDirectory: the workers of the datastore that say where they are") {
    DirectoryFixture t;
    CHECK(t.names().empty());
    t.add("1", "10.0.0.1:8090");
    t.add("2", "");
    t.add("3", "not an address");
    t.add("4", "[::1]:8090");
    t.add("5", "10.0.0.1:8090");  // the same under a new id
    CHECK(t.names() == Names{"10.0.0.1:8090", "[::1]:8090"});
    REQUIRE(run(t.store->remove_worker("4")));
    CHECK(t.names() == Names{"10.0.0.1:8090"});
}

TEST_CASE("RunnerDirectory: what an api knows of a worker outlives the next look") {
    DirectoryFixture t;
    t.add("1", "10.0.0.1:8090");
    t.names();
    const auto runner = t.directory.all().at(0);
    runner->suspect(Deadline::max());
    t.add("1", "10.0.0.1:8090", 2048);
    t.names();
    REQUIRE(t.directory.all().at(0) == runner);
    CHECK(runner->memory_mb == 2048);
    CHECK(runner->is_suspect());
}

TEST_CASE("RunnerDirectory: what fits into none of the workers it knows can never run") {
    DirectoryFixture t;
    CHECK(t.directory.can_ever_fit(1'000'000, 0));  // one may come
    t.add("1", "10.0.0.1:8090", 512);
    t.add("2", "10.0.0.2:8090", 1024);
    t.names();
    CHECK(t.directory.can_ever_fit(1024, 2000));
    CHECK_FALSE(t.directory.can_ever_fit(1025, 0));
    CHECK_FALSE(t.directory.can_ever_fit(128, 2001));
}

TEST_CASE("RunnerDirectory: a fixed list is what there is") {
    const DirectoryFixture t;
    RunnerDirectory fixed(*t.store, {make_runner("10.0.0.9:1").value()});
    run(fixed.refresh());
    REQUIRE(fixed.all().size() == 1);
    CHECK(fixed.can_ever_fit(1'000'000, 1'000'000));  // the worker will say it
}

TEST_CASE("RunnerDirectory: while the datastore does not answer, the last ones are kept") {
    DirectoryFixture t;
    t.add("1", "10.0.0.1:8090");
    CHECK(t.names() == Names{"10.0.0.1:8090"});
    t.store->close();
    CHECK(t.names() == Names{"10.0.0.1:8090"});
}

}  // namespace stoker::test
