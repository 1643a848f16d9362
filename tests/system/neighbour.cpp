#include "tests/system/neighbour.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

namespace stoker::test {

namespace {
/// All the time, not with all its might.
constexpr std::chrono::milliseconds pause{10};
}  // namespace

void Complaints::add(std::string text) {
    const std::scoped_lock lock(mutex_);
    all_.push_back(std::move(text));
}

void Complaints::check() {
    const std::scoped_lock lock(mutex_);
    for (const auto& text : all_) FAIL_CHECK(text);
    all_.clear();
}

Neighbour::Neighbour(const StokerProcess& stoker, std::string fn, Complaints& complaints) :
    stoker_(stoker),
    fn_(std::move(fn)),
    complaints_(complaints),
    caller_([this](const std::stop_token& stop) { call_until(stop); }) {}

std::vector<std::chrono::duration<double, std::milli>> Neighbour::stop() {
    caller_.request_stop();
    caller_.join();
    std::ranges::sort(took_);
    return std::move(took_);
}

void Neighbour::call_until(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            const auto begun = std::chrono::steady_clock::now();
            const auto answer = stoker_.request("POST", "/invoke/" + fn_, "echo well");
            took_.emplace_back(std::chrono::steady_clock::now() - begun);
            if (answer.status != 200 || answer.body != "well") {
                complaints_.add(fmt::format("neighbour: {} {}", answer.status, answer.body));
            }
        } catch (const std::exception& e) {
            complaints_.add(fmt::format("neighbour: {}", e.what()));
        }
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace stoker::test
