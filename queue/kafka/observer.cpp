#include "queue/kafka/observer.hpp"

#include <boost/asio/redirect_error.hpp>
#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "common/log.hpp"

namespace stoker::kafka {

namespace {

using namespace std::chrono_literals;

constexpr Millis tick{1'000};
constexpr Millis topics_every{60'000};
/// A broker that hangs is down after this.
constexpr Millis look_max{2'000};
/// The end of a process may have to wait for that long. What was made by then is made.
constexpr Millis topics_max{2'500};
/// Topics that were just made are not known everywhere at once.
constexpr Millis soon{100};
/// Beyond what librdkafka was given.
constexpr Millis answer_slack{1'500};
constexpr Millis first_look_max{2'000};
/// How old what was delivered may be; young ones first.
constexpr std::array<Millis, 9> ages{5s, 20s, 1min, 5min, 30min, 2h, 12h, 72h, 168h};

Millis left_until(Deadline deadline) {
    const auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now());
    return std::max(left, Millis{1});
}

Partitions partitions_of(const Topics& topics) {
    Partitions partitions;
    for (std::uint8_t priority = 0; priority < topics.size(); ++priority) {
        for (int number = 0; number < topics.at(priority).partitions; ++number) {
            partitions.push_back({priority, number});
        }
    }
    return partitions;
}

bool is_of_topics(int code) {
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

}  // namespace

Observer::Observer(
    Settings settings,
    std::shared_ptr<Lag> lag,
    std::shared_ptr<InFlight> in_flight,
    std::shared_ptr<Condition> condition,
    std::function<void()> topics_ready,
    Executor lane
) :
    settings_(std::move(settings)),
    lag_(std::move(lag)),
    in_flight_(std::move(in_flight)),
    condition_(std::move(condition)),
    topics_ready_(std::move(topics_ready)),
    asker_(std::make_shared<Client>(
        Role::asker,
        settings_,
        std::make_shared<Waker>(lane),  // nobody waits: it is served with every look
        Callbacks{
            .failed = [condition = condition_](
                          int code, std::string_view reason
                      ) { condition->failed({code, std::string(reason)}); },
            .reported = {},
            .rebalanced = {},
            .committed = {}
        }
    )),
    tick_(lane) {}

Task<> Observer::run() {
    const auto self = shared_from_this();
    while (!ended_) {
        asker_->serve();
        co_await look();
        if (ended_) break;
        if (!is_settling_) {
            has_looked_ = true;
            for (const auto& waiting : waiting_) waiting.set(true);
            waiting_.clear();
        }
        tick_.expires_after(is_settling_ ? soon : tick);
        error_code ignored;
        co_await tick_.async_wait(asio::redirect_error(use_task, ignored));
    }
}

Task<> Observer::look() {
    if (partitions_.empty() || has_passed(topics_until_)) {
        const auto seen = co_await look_at_topics();
        if (ended_) co_return;
        is_settling_ = !seen && is_of_topics(seen.error().code);
        if (is_settling_) co_return;
        if (!seen) {
            condition_->went_down(seen.error());
            co_return;
        }
    }
    const auto asked_at = lag_->now();
    const auto found = co_await look_at_positions();
    if (ended_) co_return;
    is_settling_ = !found && is_of_topics(found.error().code);
    if (found) {
        learn(*found, asked_at);
        condition_->answered();
        topics_ready_();  // they have leaders, which answer
    } else if (is_settling_) {
        // Just made, or deleted by somebody, or their leaders change.
        partitions_.clear();
        condition_->failed(found.error());
    } else {
        condition_->went_down(found.error());
    }
}

Task<Result<void>> Observer::look_at_topics() {
    const auto ask = [asker = asker_, settings = settings_] {
        return ensure_topics(asker->handle(), settings, topics_max);
    };
    const auto topics = co_await pool_.run(ask, deadline_in(topics_max + answer_slack));
    if (!topics) co_return failed(RD_KAFKA_RESP_ERR__TIMED_OUT);
    if (!*topics) co_return std::unexpected(topics->error());
    tell_warnings(**topics);
    partitions_ = partitions_of(**topics);
    topics_until_ = deadline_in(topics_every);
    co_return Result<void>{};
}

/// Once for each set of them.
void Observer::tell_warnings(const Topics& topics) {
    std::vector<TopicWarning> warnings;
    for (const auto& topic : topics) {
        for (auto& warning : warnings_of(topic)) {
            if (std::ranges::find(warnings, warning) != warnings.end()) continue;
            warnings.push_back(std::move(warning));
        }
    }
    if (warnings == told_) return;
    for (const auto& [setting, value, hint] : warnings) {
        log::warn("kafka.setting", {{"setting", setting}, {"value", value}, {"hint", hint}});
    }
    told_ = std::move(warnings);
}

Task<Result<Observer::Look>> Observer::look_at_positions() {
    const auto deadline = deadline_in(look_max);
    auto question = [asker = asker_, settings = settings_, partitions = partitions_, deadline] {
        return ask(asker->handle(), settings, partitions, deadline);
    };
    auto answer = co_await pool_.run(std::move(question), deadline + answer_slack);
    if (!answer) co_return failed(RD_KAFKA_RESP_ERR__TIMED_OUT);
    co_return *std::move(answer);
}

/// On the pool's thread.
Result<Observer::Look> Observer::ask(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Deadline deadline
) {
    Look look;
    const auto now = wall_now();
    // First where the logs end: what is committed up to there was put before.
    auto ends = ask_ends(handle, settings, partitions, left_until(deadline));
    if (!ends) return std::unexpected(std::move(ends.error()));
    auto committed = ask_committed(handle, settings, partitions, left_until(deadline));
    if (!committed) return std::unexpected(std::move(committed.error()));
    if (std::ranges::count(*committed, no_offset) > 0) {
        // The group begins with what there is.
        const auto starts = ask_starts(handle, settings, partitions, left_until(deadline));
        if (!starts) return std::unexpected(starts.error());
        for (std::size_t i = 0; i < committed->size(); ++i) {
            if (committed->at(i) == no_offset) committed->at(i) = starts->at(i);
        }
    }
    look.ends = *std::move(ends);
    look.committed = *std::move(committed);
    auto asked = ask_watermarks(handle, settings, partitions, now, deadline, look);
    if (!asked) return std::unexpected(std::move(asked.error()));
    return look;
}

/// On the pool's thread.
Result<void> Observer::ask_watermarks(
    rd_kafka_s* handle,
    const Settings& settings,
    const Partitions& partitions,
    WallTime now,
    Deadline deadline,
    Look& look
) {
    // Those partitions of which something is not committed, and who has some.
    Partitions behind;
    Offsets committed;
    std::array<bool, 3> is_behind{};
    for (std::size_t i = 0; i < partitions.size(); ++i) {
        if (look.committed[i] >= look.ends[i]) continue;
        behind.push_back(partitions[i]);
        committed.push_back(look.committed[i]);
        is_behind.at(partitions[i].priority) = true;
    }
    for (std::size_t priority = 0; priority < is_behind.size(); ++priority) {
        if (!is_behind.at(priority)) look.watermarks.at(priority) = now;
    }
    for (const auto age : ages) {
        if (std::ranges::none_of(is_behind, std::identity{})) return {};
        const auto then = now - age;
        const auto offsets =
            ask_offsets_at(handle, settings, behind, to_ms(then), left_until(deadline));
        if (!offsets) return std::unexpected(offsets.error());
        auto is_older = is_behind;
        for (std::size_t i = 0; i < behind.size(); ++i) {
            // All that waits is older when nothing was put since then.
            const bool is_delivered = offsets->at(i) != no_offset && committed[i] >= offsets->at(i);
            if (!is_delivered) is_older.at(behind[i].priority) = false;
        }
        for (std::size_t priority = 0; priority < is_older.size(); ++priority) {
            if (!is_older.at(priority)) continue;
            look.watermarks.at(priority) = then;
            is_behind.at(priority) = false;
        }
    }
    return {};
}

void Observer::learn(const Look& look, std::uint64_t asked_at) {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        lag_->learn(partitions_[i], look.ends[i], look.committed[i], asked_at);
    }
    watermarks_ = look.watermarks;
}

Task<stoker::Result<QueueStats>> Observer::stats() {
    const auto self = shared_from_this();
    if (!has_looked_ && !ended_) {
        const OneShot<bool> looked(co_await asio::this_coro::executor);
        waiting_.push_back(looked);
        co_await looked.wait(deadline_in(first_look_max));
    }
    if (condition_->state() != Condition::State::up) {
        co_return fail(Errc::store_unavailable, {}, "the brokers do not answer");
    }
    QueueStats stats;
    const auto all = lag_->all();
    stats.leased = in_flight_->leased();
    stats.ready = all > stats.leased ? all - stats.leased : 0;
    stats.low_watermark = watermarks_;
    co_return stats;
}

}  // namespace stoker::kafka
