#include "tests/system/power_cuts.hpp"

#include <csignal>
#include <thread>

#include "tests/system/fixture.hpp"
#include "tests/system/load.hpp"
#include "tests/system/stored.hpp"

namespace stoker::test {

PowerCuts::PowerCuts(std::uint32_t seed, std::vector<std::string> flags) :
    random_(seed),
    flags_(std::move(flags)) {}

void PowerCuts::round(int cuts, const std::string& body) {
    ++rounds_;
    for (const auto& cut : cut_under_load(cuts, body)) {
        look_after(cut);
        std::filesystem::remove(cut.image);
    }
}

std::vector<PowerCuts::Cut> PowerCuts::cut_under_load(int cuts, const std::string& body) {
    StokerProcess stoker(flags_);
    stoker.use_data(disk_.folder() / ("data-" + std::to_string(rounds_)));
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    Load load(stoker, fn, 4, body);
    std::vector<Cut> made;
    for (int i = 0; i < cuts; ++i) {
        // The moment of a cut is the subject here: nothing is waited for but chance.
        const auto enough = load.accepted_count() + 1;
        std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 300));
        eventually("calls are accepted", [&] { return load.accepted_count() >= enough; });
        auto before = load.accepted();
        made.push_back({disk_.cut(), std::move(before)});
    }
    stoker.kill_hard();
    load.stop();
    return made;
}

void PowerCuts::look_after(const Cut& cut) {
    const auto disk = disk_.mount(cut.image);
    StokerProcess stoker(flags_);
    stoker.use_data(disk.folder() / ("data-" + std::to_string(rounds_)));
    stoker.start_ready();
    acknowledged += cut.acknowledged.size();
    std::size_t lost_here = 0;
    for (const auto& id : cut.acknowledged) {
        if (stoker.request("GET", "/v2/calls/" + id).status == 404) {
            ++lost_here;
            continue;
        }
        CHECK(stoker.ended(id).at("status") == "success");
    }
    lost += lost_here;
    MESSAGE("cut after ", cut.acknowledged.size(), " acknowledged calls: lost ", lost_here);
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    const auto stored = read_stored(stoker.data_folder());
    CHECK(stored.integrity == "ok");
    CHECK(stored.blobs_missing == 0);
    CHECK(stored.files_unnamed == 0);
}

}  // namespace stoker::test
