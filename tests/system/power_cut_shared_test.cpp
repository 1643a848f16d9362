// The power fails under PostgreSQL and a Redis that writes its file once a second: the queue loses
// calls, the datastore has them all, and all of them run.

#include <unistd.h>

#include <csignal>

#include "tests/support/postgres_server.hpp"
#include "tests/support/power_cut.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/system/fixture.hpp"
#include "tests/system/load.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

struct Cut {
    std::filesystem::path image;
    std::vector<std::string> acknowledged;  ///< before the cut began
};

/// Both servers on one disk, and a Stoker on them with room for one container.
struct Site {
    PostgresServer store;
    RedisServer queue;
    StokerProcess stoker;

    explicit Site(const std::filesystem::path& disk) :
        store(disk / "postgres"),
        queue({}, {}, disk / "redis"),
        stoker(
            {"--db",
             store.url(),
             "--queue",
             queue.url(),
             "--memory",
             "300MB",
             "--visibility",
             "500ms",
             "--heartbeat",
             "300ms",
             "--lease",
             "2s",
             "--sweep-grace",
             "500ms",
             "--sweep-interval",
             "200ms"}
        ) {}

    long waiting_in_store() const {
        return std::stol(store.ask("SELECT count(*) FROM calls WHERE status = 'queued'"));
    }
    long waiting_in_queue() const {
        const auto depth = queue.ask("HGET stoker:c depth");
        return depth.empty() ? 0 : std::stol(depth);
    }
};

Cut cut_under_load(PowerCutDisk& disk) {
    Site site(disk.folder());
    site.stoker.start_ready();
    // What a server writes once, before there is any call, need not survive a cut.
    ::sync();
    const auto fn = site.stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    Load load(site.stoker, fn, 4, "sleep 20");
    eventually("calls wait", [&] { return load.accepted_count() >= 200; });
    auto before = load.accepted();
    Cut cut{disk.cut(), std::move(before)};
    site.stoker.kill_hard();
    load.stop();
    return cut;
}

/// How many waiting calls the queue did not know any more.
long look_after(PowerCutDisk& disk, const Cut& cut) {
    const auto mounted = disk.mount(cut.image);
    Site site(mounted.folder());
    const auto forgotten = site.waiting_in_store() - site.waiting_in_queue();
    site.stoker.start_ready();
    for (const auto& id : cut.acknowledged) {
        REQUIRE(site.stoker.request("GET", "/v2/calls/" + id).status == 200);
        CHECK(site.stoker.ended(id).at("status") == "success");
    }
    site.stoker.send(SIGTERM);
    CHECK(site.stoker.wait_exit() == 0);
    return forgotten;
}

}  // namespace

TEST_CASE("power cut: what Redis forgets is in PostgreSQL, and runs") {
    REQUIRE_LOOP_DISKS;
    long forgotten = 0;
    for (int round = 0; round < 5 && forgotten <= 0; ++round) {
        PowerCutDisk disk;
        const auto cut = cut_under_load(disk);
        forgotten = look_after(disk, cut);
        MESSAGE("of ", cut.acknowledged.size(), " acknowledged calls Redis forgot ", forgotten);
    }
    // Else the cut was no test of it.
    CHECK(forgotten > 0);
}
