// The disk fails: a failed sync ends the process, for nobody knows what is on disk after it. The
// next start finds everything that was acknowledged.

#include <cerrno>
#include <csignal>

#include "tests/support/faulty_stoker.hpp"
#include "tests/system/fixture.hpp"
#include "tests/system/load.hpp"
#include "tests/system/stored.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr int aborted = 128 + SIGABRT;

/// Under load, then again: what is not acknowledged may be lost, nothing else.
void fail_under_load(std::string_view only, int sync_errno, int write_errno, std::string body) {
    FaultyStoker stoker;
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    Load load(stoker, fn, 4, std::move(body));
    eventually("calls are accepted", [&] { return load.accepted_count() > 20; });
    stoker.fail_disk(only, sync_errno, write_errno);
    CHECK(stoker.wait_exit() == aborted);
    auto accepted = load.stop();
    CHECK(stoker.log_text().contains("store.broken"));

    stoker.mend_disk();
    stoker.start_ready();
    accepted.push_back(stoker.call_async(fn, "say once"));
    check_all_ended_well(stoker, accepted);
}

}  // namespace

TEST_CASE("disk failure: a sync of the database that fails ends the process, and loses nothing") {
    fail_under_load("/data/stoker.db", EIO, 0, "say once");
}

TEST_CASE("disk failure: a write to the database that fails ends the process, and loses nothing") {
    fail_under_load("/data/stoker.db", 0, EIO, "say once");
}

TEST_CASE("disk failure: a sync of a large body that fails ends the process, and loses nothing") {
    fail_under_load("/data/blobs", EIO, 0, "echo " + std::string(1'200'000, 'x'));
}

TEST_CASE("disk failure: a large body that cannot be written is refused, and leaves no file") {
    FaultyStoker stoker;
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image());
    const auto body = "echo " + std::string(2'000'000, 'x');
    stoker.fail_disk("/data/blobs", 0, EIO);
    const auto refused =
        stoker.request("POST", "/invoke/" + fn, body, {{"Fn-Invoke-Type", "async"}});
    CHECK(refused.status == 503);
    CHECK(find_header(refused.headers, "Retry-After") != nullptr);
    const auto small = stoker.call_async(fn, "echo x");
    stoker.mend_disk();
    check_all_ended_well(stoker, {small, stoker.call_async(fn, body)});
}
