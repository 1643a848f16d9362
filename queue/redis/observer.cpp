#include "queue/redis/observer.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cstdlib>

#include "common/log.hpp"

namespace stoker::redis {

namespace {

constexpr Millis tick{1'000};
constexpr Millis answer_max{2'000};
/// Beyond this the times of the server and of the rows are no longer comparable.
constexpr std::int64_t clock_skew_ms_max = 5'000;

// {now, depth, leased, delayed, three watermarks, (function, time)*, '', (function, count)*}
constexpr std::size_t head_fields = 7;

std::int64_t number_of(const Reply& reply) {
    return reply.is_integer() ? reply.integer : std::atoll(reply.text.c_str());
}

std::uint64_t count_of(const Reply& reply) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(reply)));
}

}  // namespace

Observer::Observer(
    std::shared_ptr<Link> work,
    std::shared_ptr<Link> puts,
    std::shared_ptr<Depths> depths,
    Millis visibility,
    Executor lane
) :
    work_(std::move(work)),
    puts_(std::move(puts)),
    depths_(std::move(depths)),
    slack_ms_(std::to_string(visibility.count())),
    tick_(lane) {}

Task<stoker::Result<QueueStats>> Observer::stats() {
    const auto self = shared_from_this();
    const std::array<std::string_view, 1> arguments{slack_ms_};
    const auto deadline = deadline_in(answer_max);
    if (work_->state() == Link::State::connecting) co_await work_->wait_first(deadline);
    const auto reply = co_await work_->run_script(Script::stats, arguments, deadline);
    if (!reply) co_return fail(Errc::store_unavailable, {}, reply.error().text);
    auto stats = read(*reply);
    if (!stats) co_return fail(Errc::store_unavailable, {}, "this is not what stats.lua answers");
    co_return *std::move(stats);
}

Task<> Observer::run() {
    const auto self = shared_from_this();
    while (!stopped_) {
        co_await puts_->ping(deadline_in(answer_max));
        if (work_->state() == Link::State::up) co_await stats();
        if (stopped_) break;
        tick_.expires_after(tick);
        error_code ignored;
        co_await tick_.async_wait(asio::redirect_error(use_task, ignored));
    }
}

void Observer::stop() {
    stopped_ = true;
    tick_.cancel();
}

std::optional<QueueStats> Observer::read(const Reply& reply) {
    const auto& fields = reply.items;
    if (fields.size() <= head_fields) return std::nullopt;
    const auto depth = count_of(fields[1]);
    QueueStats stats;
    stats.leased = count_of(fields[2]);
    const auto held_back = stats.leased + count_of(fields[3]);
    stats.ready = depth > held_back ? depth - held_back : 0;
    stats.exact = true;
    for (std::size_t priority = 0; priority < stats.low_watermark.size(); ++priority) {
        stats.low_watermark.at(priority) = from_ms(number_of(fields[4 + priority]));
    }
    std::size_t at = head_fields;
    for (; at + 1 < fields.size() && !fields[at].text.empty(); at += 2) {
        stats.lagging.emplace_back(fields[at].text, from_ms(number_of(fields[at + 1])));
    }
    Depths::OfFunctions of_functions;
    for (++at; at + 1 < fields.size(); at += 2) {
        of_functions[fields[at].text] = number_of(fields[at + 1]);
    }
    depths_->learn(static_cast<std::int64_t>(depth), std::move(of_functions));
    ready_ = stats.ready;
    leased_ = stats.leased;
    compare_clocks(from_ms(number_of(fields[0])));
    return stats;
}

void Observer::compare_clocks(WallTime server_now) {
    clock_skew_ms_ = (server_now - wall_now()).count();
    const bool is_far = std::abs(clock_skew_ms_) > clock_skew_ms_max;
    if (is_far && !skew_told_) {
        log::warn(
            "redis.clock_skew",
            {{"ms", clock_skew_ms_.load()},
             {"hint",
              "set both clocks by NTP: lost calls are found earlier or later than they should"}}
        );
    }
    skew_told_ = is_far;
}

}  // namespace stoker::redis
