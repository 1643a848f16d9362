#pragma once

// Cuts the power of a Stoker under load, again and again, and counts what was lost.

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/support/power_cut.hpp"

namespace stoker::test {

class PowerCuts {
public:
    /// `flags` are those of every start, before and after a cut.
    PowerCuts(std::uint32_t seed, std::vector<std::string> flags);

    /// Fires calls with this body, cuts the power so many times at random moments meanwhile, then
    /// kills that Stoker and starts another on what each cut left. There, every call that was
    /// acknowledged before the cut is looked for, and has to end well if it is there.
    void round(int cuts, const std::string& body);

    std::size_t acknowledged = 0;
    std::size_t lost = 0;

private:
    struct Cut {
        std::filesystem::path image;
        std::vector<std::string> acknowledged;  ///< before the cut began
    };
    std::vector<Cut> cut_under_load(int cuts, const std::string& body);
    void look_after(const Cut& cut);

    std::mt19937 random_;
    const std::vector<std::string> flags_;
    PowerCutDisk disk_;
    int rounds_ = 0;
};

}  // namespace stoker::test
