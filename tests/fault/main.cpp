// The fault campaign as a program: `fault_campaign [--seconds N] [--seed N] [--rate N] [--only
// TEXT]` prints what it saw as JSON, and fails when a promise was broken.

#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>
#include <random>
#include <string_view>

#include "tests/fault/campaign.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/private_engine.hpp"

namespace {

constexpr std::string_view usage =
    "usage: fault_campaign [--seconds N] [--seed N] [--rate CALLS_PER_SECOND] [--only TEXT]\n";

template <class Number>
bool read(std::string_view text, Number& to) {
    const auto* end = text.data() + text.size();
    return std::from_chars(text.data(), end, to).ptr == end;
}

bool read_option(std::string_view name, std::string_view value, stoker::test::CampaignPlan& plan) {
    if (name == "--seconds") return read(value, plan.seconds);
    if (name == "--seed") return read(value, plan.seed);
    if (name == "--rate") return read(value, plan.calls_per_second) && plan.calls_per_second > 0;
    if (name != "--only") return false;
    plan.only = value;
    return true;
}

}  // namespace

int main(int count, char** words) {
    stoker::test::CampaignPlan plan;
    plan.seed = std::random_device{}();
    for (int i = 1; i < count; i += 2) {
        if (i + 1 >= count || !read_option(words[i], words[i + 1], plan)) {
            std::cerr << usage;
            return 2;
        }
    }
    if (!stoker::test::NetworkLab::is_possible() || !stoker::test::PrivateEngine::is_possible()) {
        std::cout << "skipped: needs root, ip, iptables and dockerd\n";
        return 0;
    }
    try {
        const auto report = stoker::test::run_campaign(plan);
        std::cout << report.dump(2) << '\n';
        return report.at("violations").empty() ? 0 : 1;
    } catch (const std::exception& failure) {
        std::cerr << "the campaign failed (seed " << plan.seed << "): " << failure.what() << '\n';
        return 1;
    }
}
