// A small disk fills up while load comes: what is refused is refused in order, what runs ends, and
// it goes on by itself when there is room again.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include "common/unique_fd.hpp"
#include "tests/support/loop_disk.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/system/fixture.hpp"
#include "tests/system/load.hpp"
#include "tests/system/stored.hpp"

using namespace stoker;
using namespace stoker::test;
using nlohmann::json;

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

/// A disk of 128 MiB; a twentieth of it is the reserve of 6 MiB.
struct SmallDisk {
    SmallDisk() {
        make_image(folder.path() / "image", 128 * mib, "ext4 -m 0");
        disk.emplace(folder.path() / "image", folder.path() / "disk");
    }
    std::filesystem::path data() const { return disk->folder() / "data"; }
    bool has_reserve() const { return std::filesystem::exists(data() / "reserve"); }

    /// Another user of the disk takes that much. At one stroke: it must not be there any more when
    /// the reserve is given up, or it takes that, too.
    bool take(std::uint64_t bytes) const {
        const UniqueFd fd(::open((disk->folder() / "filler").c_str(), O_WRONLY | O_CREAT, 0600));
        return ::fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) == 0;
    }
    /// All but a rest that does not last.
    void fill() const {
        auto bytes = std::filesystem::space(disk->folder()).available - (128 << 10);
        while (!take(bytes)) bytes -= 64 << 10;
    }
    void make_room() const { std::filesystem::remove(disk->folder() / "filler"); }

    TempDir folder;
    std::optional<LoopDisk> disk;
};

/// Too long for a row: a file of its own. The answer is short.
const std::string large_body = "status 200" + std::string(1'200'000, ' ');

std::string header(const HttpAnswer& answer, std::string_view name) {
    const auto* value = find_header(answer.headers, name);
    return value ? *value : "";
}

void check_refused_as_full(const HttpAnswer& answer) {
    CHECK(answer.status == 503);
    CHECK(header(answer, "Retry-After") == "30");
    CHECK(json::parse(answer.body).at("code") == "store_full");
}

std::string executing(const StokerProcess& stoker, const std::string& fn, const std::string& body) {
    auto id = stoker.call_async(fn, body);
    wait_until_executing(stoker, id);
    return id;
}

}  // namespace

TEST_CASE("disk full: calls are refused, running ones end, and it goes on when there is room") {
    REQUIRE_LOOP_DISKS;
    const SmallDisk disk;
    StokerProcess stoker;
    stoker.use_data(disk.data());
    stoker.start_ready();
    CHECK(disk.has_reserve());
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    // Its answer needs more room than there will be without the reserve.
    const auto running = executing(stoker, fn, "big 3000000 4000");

    std::vector<std::string> accepted{running, stoker.call_async(fn, large_body)};
    Load load(stoker, fn, 4);
    eventually("calls are accepted", [&] { return load.accepted_count() > 100; });
    disk.fill();
    CHECK(stoker.ended(running).at("status") == "success");
    CHECK_FALSE(disk.has_reserve());
    eventually("calls are refused", [&] { return load.refused_count() > 0; });
    for (const auto& refusal : load.refusals()) check_refused_as_full(refusal);
    check_refused_as_full(
        stoker.request("POST", "/invoke/" + fn, "echo x", {{"Fn-Invoke-Type", "async"}})
    );
    const auto ready = stoker.request("GET", "/readyz");
    CHECK(ready.status == 503);
    CHECK(json::parse(ready.body).at("reasons").dump().contains("space"));
    CHECK(stoker.request("GET", "/metrics").body.contains("stoker_disk_reserve_bytes 0"));
    // A synchronous call needs no disk.
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo sync").body == "sync");

    disk.make_room();
    const auto before = load.accepted_count();
    eventually("calls are accepted again", [&] { return load.accepted_count() > before; });
    CHECK(disk.has_reserve());
    std::ranges::move(load.stop(), std::back_inserter(accepted));
    stoker.wait_ready();
    check_all_ended_well(stoker, accepted);
}

TEST_CASE("disk full: large bodies that fill the disk leave nothing half-written") {
    REQUIRE_LOOP_DISKS;
    const SmallDisk disk;
    StokerProcess stoker({"--disk-free-min", "1"}
    );  // they are refused for want of room, not before
    stoker.use_data(disk.data());
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    REQUIRE(disk.take(40 * mib));
    Load load(stoker, fn, 4, large_body);
    eventually("bodies find no room", [&] { return load.refused_count() > 20; });
    const auto accepted = load.stop();
    CHECK(accepted.size() > 10);
    for (const auto& refusal : load.refusals()) check_refused_as_full(refusal);
    disk.make_room();
    stoker.wait_ready();
    check_all_ended_well(stoker, accepted);
}

TEST_CASE("disk full: killed while it is full, nothing accepted is lost") {
    REQUIRE_LOOP_DISKS;
    const SmallDisk disk;
    StokerProcess stoker({"--memory", "200MB"});
    stoker.use_data(disk.data());
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    Load load(stoker, fn, 4);
    eventually("calls are accepted", [&] { return load.accepted_count() > 200; });
    disk.fill();
    eventually("calls are refused", [&] { return load.refused_count() > 0; });
    stoker.kill_hard();
    auto accepted = load.stop();

    stoker.start();
    CHECK(stoker.request("GET", "/readyz").status == 503);
    for (const auto& id : accepted) {
        REQUIRE(stoker.request("GET", "/v2/calls/" + id).status == 200);
    }
    check_refused_as_full(
        stoker.request("POST", "/invoke/" + fn, "echo x", {{"Fn-Invoke-Type", "async"}})
    );
    stoker.kill_hard();
    disk.make_room();
    stoker.start_ready();
    accepted.push_back(stoker.call_async(fn, "echo x"));
    check_all_ended_well(stoker, accepted);
}
