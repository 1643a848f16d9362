#include "tests/system/load.hpp"

namespace stoker::test {

namespace {
constexpr std::size_t refusals_max = 100;
constexpr std::chrono::milliseconds pause_after_refusal{2};
}  // namespace

Load::Load(const StokerProcess& stoker, std::string fn, int clients, std::string body) :
    stoker_(stoker),
    fn_(std::move(fn)),
    body_(std::move(body)) {
    for (int i = 0; i < clients; ++i) {
        clients_.emplace_back([this](const std::stop_token& stop) { fire(stop); });
    }
}

std::vector<std::string> Load::stop() {
    clients_.clear();
    return std::move(accepted_);
}

std::vector<std::string> Load::accepted() const {
    const std::scoped_lock lock(mutex_);
    return accepted_;
}

std::size_t Load::accepted_count() const {
    const std::scoped_lock lock(mutex_);
    return accepted_.size();
}

std::size_t Load::refused_count() const {
    const std::scoped_lock lock(mutex_);
    return refused_;
}

std::vector<HttpAnswer> Load::refusals() const {
    const std::scoped_lock lock(mutex_);
    return refusals_;
}

void Load::fire(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        try {
            auto answer =
                stoker_.request("POST", "/invoke/" + fn_, body_, {{"Fn-Invoke-Type", "async"}});
            const std::scoped_lock lock(mutex_);
            if (answer.status == 202) {
                accepted_.push_back(nlohmann::json::parse(answer.body).at("call_id"));
                continue;
            }
            ++refused_;
            if (refusals_.size() == refusals_max) refusals_.erase(refusals_.begin());
            refusals_.push_back(std::move(answer));
        } catch (const std::exception&) {
            // No answer: nothing was promised.
        }
        std::this_thread::sleep_for(pause_after_refusal);
    }
}

}  // namespace stoker::test
