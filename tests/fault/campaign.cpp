#include "tests/fault/campaign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "tests/fault/clients.hpp"
#include "tests/fault/faults.hpp"

namespace stoker::test {

namespace {

/// Nothing of Stoker's takes so long; then something is stuck.
constexpr std::chrono::seconds recovery_max{180};
constexpr std::chrono::milliseconds look_again{50};
/// Logs that are compared, at most.
constexpr std::size_t logs_max = 2'000;

using Recoveries = std::map<std::string, std::vector<std::int64_t>>;

void say(const std::string& text) { std::fputs((text + "\n").c_str(), stderr); }

class Campaign {
public:
    explicit Campaign(const CampaignPlan& plan) :
        plan_(plan),
        random_(plan.seed),
        cluster_(history_, plan.apis, plan.workers) {
        for (const auto& fault : all_faults()) {
            if (fault.name.contains(plan_.only)) faults_.push_back(fault);
        }
        if (faults_.empty()) throw std::runtime_error("no fault is called " + plan_.only);
    }

    nlohmann::json run() {
        {
            const LoadPlan load{
                .clients = 8, .calls_per_second = plan_.calls_per_second, .seed = plan_.seed
            };
            Clients clients(history_, cluster_.doors(), cluster_.functions(), load);
            const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(plan_.seconds);
            while (std::chrono::steady_clock::now() < end) {
                if (!strike(next_fault())) break;
            }
        }
        wait_until("the end", now_ms(), [this] { return cluster_.live() == 0; });
        check();
        return report();
    }

private:
    /// Each once before any twice, in an order of their own.
    const Fault& next_fault() {
        if (order_.empty()) {
            for (std::size_t i = 0; i < faults_.size(); ++i) order_.push_back(i);
            std::ranges::shuffle(order_, random_);
        }
        const auto& fault = faults_[order_.back()];
        order_.pop_back();
        return fault;
    }

    /// False: it is stuck.
    bool strike(const Fault& fault) {
        say(fmt::format("{}: {}", now_ms(), fault.name));
        const auto mend = fault.strike(cluster_, random_);
        std::uniform_int_distribution<int> lasts_ms(0, fault.lasts_ms_max);
        std::this_thread::sleep_for(std::chrono::milliseconds(lasts_ms(random_)));
        const auto mended_at = now_ms();
        mend();
        return wait_until_ended(fault.name, mended_at);
    }

    bool wait_until_ended(const std::string& after, std::int64_t accepted_before) {
        return wait_until(after, accepted_before, [this, accepted_before] {
            return cluster_.waiting_since(accepted_before) == 0;
        });
    }

    template <class IsSo>
    bool wait_until(const std::string& after, std::int64_t since, IsSo is_so) {
        const auto limit = std::chrono::steady_clock::now() + recovery_max;
        while (!is_so()) {
            if (std::chrono::steady_clock::now() > limit) {
                history_.violate("calls did not end", after);
                say(cluster_.describe_waiting());
                return false;
            }
            std::this_thread::sleep_for(look_again);
        }
        recoveries_[after].push_back(now_ms() - since);
        return true;
    }

    void check() {
        auto rows = cluster_.rows();
        for (auto& row : rows) {
            if (logs_compared_++ >= logs_max) break;
            row.log = cluster_.apis().front().process.log_of(row.id);
            row.has_log = true;
        }
        history_.check(rows);
        for (const auto& left : cluster_.stop()) history_.violate("left behind", left);
    }

    nlohmann::json report() const {
        return {
            {"seed", plan_.seed},
            {"seconds", plan_.seconds},
            {"counts", history_.counts()},
            {"recovery_ms", recoveries_},
            {"violations", history_.violations()},
        };
    }

    const CampaignPlan plan_;
    History history_;
    Random random_;
    Cluster cluster_;
    std::vector<Fault> faults_;
    std::vector<std::size_t> order_;
    Recoveries recoveries_;
    std::size_t logs_compared_ = 0;
};

}  // namespace

nlohmann::json run_campaign(const CampaignPlan& plan) { return Campaign(plan).run(); }

}  // namespace stoker::test
