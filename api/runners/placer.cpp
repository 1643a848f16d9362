#include "api/runners/placer.hpp"

#include <algorithm>

namespace stoker {

namespace {

/// The share of its memory that is in use, with the calls it has got from us since it said so.
double load_of(const Runner& runner, const FnSpec& fn) {
    const auto total = runner.memory_mb.load();
    const auto ours = static_cast<double>(runner.in_flight.load());
    if (total <= 0) return ours;
    const auto said = static_cast<double>(runner.busy_mb.load());
    const auto taken = ours * static_cast<double>(fn.container_mb());
    return std::max(said, taken) / static_cast<double>(total);
}

bool is_good(const Runner& runner) { return !runner.is_suspect() && !runner.draining; }

class TwoChoices final : public Placer {
public:
    RunnerList order(const FnSpec& fn, const RunnerList& runners) override {
        const auto turn = turn_.fetch_add(1, std::memory_order_relaxed);
        RunnerList order;
        RunnerList last;
        for (std::size_t i = 0; i < runners.size(); ++i) {
            const auto& runner = runners[(turn + i) % runners.size()];
            (is_good(*runner) ? order : last).push_back(runner);
        }
        if (order.size() > 1 && load_of(*order[1], fn) < load_of(*order[0], fn)) {
            std::swap(order[0], order[1]);
        }
        order.insert(order.end(), last.begin(), last.end());
        return order;
    }

private:
    std::atomic<std::size_t> turn_{0};
};

}  // namespace

std::unique_ptr<Placer> make_two_choices_placer() { return std::make_unique<TwoChoices>(); }

}  // namespace stoker
