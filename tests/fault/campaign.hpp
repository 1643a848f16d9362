#pragma once

// One run: a cluster under load, one fault after the other, each with the time that it took until
// every call accepted before its end had ended; then the history is checked.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace stoker::test {

struct CampaignPlan {
    int seconds = 60;
    std::uint64_t seed = 1;
    std::uint32_t calls_per_second = 20;
    std::size_t apis = 2;
    std::size_t workers = 3;
    /// Only faults whose names contain it.
    std::string only;
};

/// What it did and saw: plan, counts, faults with their recovery times in ms, violations.
nlohmann::json run_campaign(const CampaignPlan& plan);

}  // namespace stoker::test
