// Functions that leak, crash, hang, spam, fork and talk nonsense, called without a break beside a
// healthy one, which never hears of it; and nothing of them is left. Built twice: short for every
// run, ten minutes long as a slow test.

#include <fmt/format.h>

#include <array>
#include <thread>

#include "tests/system/fixture.hpp"
#include "tests/system/neighbour.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr std::chrono::seconds together{STOKER_TEST_BAD_SECONDS};
constexpr std::chrono::seconds alone_max{20};
/// Descriptors of connections and readers that more calls at once than before have added to pools.
constexpr std::ptrdiff_t pooled_max = 32;

/// By the call, or by MODE in the configuration. What each comes to is in bad_deeds_test.cpp.
struct Bad {
    const char* call;
    const char* mode = "";
};

constexpr std::array bad_functions = std::to_array<Bad>({
    {"eat 8"},  // leaks: the next call finds it still taken
    {"eat 500"},
    {"fill-tmp"},
    {"eat-descriptors"},
    {"crash"},
    {"exit 7"},
    {"daemonise"},
    {"echo x", "start-exit:3"},
    {"ignore-sigterm"},
    {"stop"},
    {"late-answer 60000"},
    {"echo x", "never-read"},
    {"flood 20"},
    {"flood-stderr 20"},
    {"flood-for-ever"},
    {"trickle-output"},
    {"binary"},
    {"fork 1000"},
    {"garbage"},
    {"twice"},
    {"endless-headers"},
    {"endless-body 200"},
    {"break-off"},
    {"litter 3000"},
});
static_assert(bad_functions.size() == 24);

std::string make_bad(const StokerProcess& stoker, const Bad& bad) {
    return stoker.make_fn(
        function_image(),
        {{"memory", 32}, {"timeout", 1}, {"idle_timeout", 1}, {"config", {{"MODE", bad.mode}}}}
    );
}

/// Both ways of calling in turn, for how long `goes_on` says.
void call_while(
    const StokerProcess& stoker,
    const std::string& fn,
    const Bad& bad,
    const std::function<bool()>& goes_on,
    Complaints& complaints
) {
    while (goes_on()) {
        try {
            stoker.ended(stoker.call_async(fn, bad.call));
        } catch (const std::exception& e) {
            complaints.add(fmt::format("{} {}: {}", bad.call, bad.mode, e.what()));
        }
        try {
            stoker.request("POST", "/invoke/" + fn, bad.call);
        } catch (const std::exception&) {
            // It may be cut short: the function's own fault.
        }
    }
}

class BadNeighbours {
public:
    explicit BadNeighbours(const StokerProcess& stoker) : stoker_(stoker) {
        for (const auto& bad : bad_functions) fns_.push_back(make_bad(stoker, bad));
    }
    /// Each is called once, and again until the time is over.
    void act(std::chrono::seconds time, Complaints& complaints) {
        const auto end = deadline_in(time);
        std::vector<std::jthread> callers;
        for (std::size_t i = 0; i < fns_.size(); ++i) {
            callers.emplace_back([&, i] {
                bool first = true;
                const auto goes_on = [&] {
                    return std::exchange(first, false) || !has_passed(end);
                };
                call_while(stoker_, fns_[i], bad_functions.at(i), goes_on, complaints);
            });
        }
    }

private:
    const StokerProcess& stoker_;
    std::vector<std::string> fns_;
};

struct Times {
    std::size_t calls = 0;
    double p50_ms = 0;
    double p99_ms = 0;
};

Times times_of(Neighbour& neighbour) {
    const auto took = neighbour.stop();
    REQUIRE_FALSE(took.empty());
    return {took.size(), took[took.size() / 2].count(), took[took.size() * 99 / 100].count()};
}

}  // namespace

TEST_CASE("bad neighbours: a healthy function answers every call, and nothing of them is left") {
    const Running stoker;
    // Long enough that it has its container all the time, however busy the machine is.
    const auto well = stoker.make_fn(function_image(), {{"memory", 32}, {"idle_timeout", 20}});
    BadNeighbours bad(stoker);
    Complaints complaints;
    bad.act({}, complaints);
    const auto before = at_rest(stoker);  // pools and caches have been used

    Neighbour quiet(stoker, well, complaints);
    std::this_thread::sleep_for(std::min(together, alone_max));
    const auto alone = times_of(quiet);
    Neighbour disturbed(stoker, well, complaints);
    bad.act(together, complaints);
    const auto beside = times_of(disturbed);

    complaints.check();
    const auto after = at_rest(stoker);
    eventually("descriptors are given back", [&] {
        return resources_of(stoker).descriptors <= before.descriptors + pooled_max;
    });
    CHECK(after.threads <= before.threads);
    // The datastore's page cache, which the logs fill on the way, and slack of the allocator.
    CHECK(after.resident_mb <= before.resident_mb + 32 + 96 + quarantine_mb);
    MESSAGE(fmt::format(
        "alone: {} calls, p50 {:.2f} ms, p99 {:.2f} ms; beside: {} calls, p50 {:.2f} ms, p99 "
        "{:.2f} "
        "ms; ratio of p99 {:.1f}; resident MB {} -> {}",
        alone.calls,
        alone.p50_ms,
        alone.p99_ms,
        beside.calls,
        beside.p50_ms,
        beside.p99_ms,
        beside.p99_ms / alone.p99_ms,
        before.resident_mb,
        after.resident_mb
    ));
}
