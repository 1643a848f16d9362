#include "queue/redis/consumer.hpp"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <iterator>

#include "common/log.hpp"

namespace stoker::redis {

namespace {

/// At once in one script: bounds how long it keeps the server from others.
constexpr std::uint32_t script_messages_max = 128;
/// Ended leases and delays are noticed this late, at most.
constexpr Millis tick{1'000};
constexpr Millis reserve_max{2'000};
constexpr std::size_t head_fields = 2;
constexpr std::size_t lease_fields = 6;

}  // namespace

Consumer::Consumer(
    ConsumerLinks links,
    std::shared_ptr<Settler> settler,
    const QueueOptions& options,
    Executor lane,
    Metrics& metrics
) :
    links_(std::move(links)),
    settler_(std::move(settler)),
    visibility_ms_(std::to_string(options.visibility.count())),
    deliveries_max_(std::to_string(options.max_deliveries)),
    wake_key_(links_.wake->key_prefix() + "wake"),
    lane_(lane),
    delivered_(metrics.counter("stoker_queue_delivered_total", "Deliveries made")),
    dropped_(
        metrics.counter("stoker_queue_dropped_total", "Messages dropped after too many deliveries")
    ),
    credit_changed_(lane) {}

void Consumer::start(Executor lane, MessageQueue::OnDeliveries deliver) {
    {
        const std::scoped_lock lock(mutex_);
        target_.emplace(
            lane, std::make_shared<const MessageQueue::OnDeliveries>(std::move(deliver))
        );
    }
    asio::post(lane_, [self = shared_from_this()] { self->credit_changed_.cancel(); });
}

void Consumer::credit(std::uint32_t allowed) {
    {
        const std::scoped_lock lock(mutex_);
        credit_ = allowed;
    }
    if (allowed == 0) return;
    asio::post(lane_, [self = shared_from_this()] { self->credit_changed_.cancel(); });
}

void Consumer::close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
}

void Consumer::stop() {
    close();
    stopped_ = true;
    credit_changed_.cancel();
}

Task<> Consumer::run() {
    const auto self = shared_from_this();
    while (!stopped_) {
        const auto count = std::min(wanted(), script_messages_max);
        if (count == 0) {
            co_await wait_for_credit();
            continue;
        }
        auto reserved = co_await reserve(count);
        if (!reserved) {
            co_await wait_without_server(tick);
            continue;
        }
        const bool may_be_more = reserved->leases.size() == count;
        const auto longest = std::min(tick, reserved->next_due.value_or(tick));
        hand_over(std::move(reserved->leases));
        if (!may_be_more) co_await wait_for_work(longest);
    }
}

std::uint32_t Consumer::wanted() const {
    const std::scoped_lock lock(mutex_);
    if (closed_ || !target_ || credit_ <= in_transit_) return 0;
    return credit_ - in_transit_;
}

Task<Result<Consumer::Reserved>> Consumer::reserve(std::uint32_t count) {
    const auto count_text = std::to_string(count);
    const std::array<std::string_view, 3> arguments{count_text, visibility_ms_, deliveries_max_};
    const auto reply =
        co_await links_.work->run_script(Script::reserve, arguments, deadline_in(reserve_max));
    if (!reply) co_return std::unexpected(reply.error());
    co_return read(*reply);
}

Result<Consumer::Reserved> Consumer::read(const Reply& reply) {
    const auto& fields = reply.items;
    if (fields.size() < head_fields || (fields.size() - head_fields) % lease_fields != 0) {
        return failed(Fault::protocol, "this is not what reserve.lua answers");
    }
    Reserved reserved;
    if (fields[0].integer >= 0) reserved.next_due = Millis(fields[0].integer);
    if (const auto dropped = fields[1].integer; dropped > 0) {
        dropped_.add(static_cast<std::uint64_t>(dropped));
        log::warn("queue.dropped", {{"messages", dropped}, {"why", "delivered too often"}});
    }
    for (std::size_t at = head_fields; at < fields.size(); at += lease_fields) {
        reserved.leases.push_back(
            {.message =
                 {.call_id = fields[at].text,
                  .fn_id = fields[at + 3].text,
                  .priority = static_cast<std::uint8_t>(fields[at + 4].integer)},
             .token = fields[at + 1].integer,
             .deliveries = static_cast<std::uint32_t>(fields[at + 2].integer),
             .put_at = from_ms(std::atoll(fields[at + 5].text.c_str()))}
        );
    }
    return reserved;
}

void Consumer::hand_over(std::vector<Lease> leases) {
    if (leases.empty()) return;
    std::optional<Executor> lane;
    {
        const std::scoped_lock lock(mutex_);
        in_transit_ += static_cast<std::uint32_t>(leases.size());
        lane = target_->lane;
    }
    asio::post(*lane, [self = shared_from_this(), leases = std::move(leases)]() mutable {
        self->deliver(std::move(leases));
    });
}

/// On the consumer's lane: credit that was taken back before this counts.
void Consumer::deliver(std::vector<Lease> leases) {
    std::shared_ptr<const MessageQueue::OnDeliveries> consumer;
    std::size_t allowed = 0;
    {
        const std::scoped_lock lock(mutex_);
        in_transit_ -= static_cast<std::uint32_t>(leases.size());
        allowed = closed_ ? 0 : std::min<std::size_t>(credit_, leases.size());
        credit_ -= static_cast<std::uint32_t>(allowed);
        consumer = target_->deliver;
    }
    std::vector<Lease> surplus(
        std::make_move_iterator(leases.begin() + static_cast<std::ptrdiff_t>(allowed)),
        std::make_move_iterator(leases.end())
    );
    if (!surplus.empty()) settler_->give_back(std::move(surplus));
    if (allowed == 0) return;
    std::vector<Delivery> deliveries;
    deliveries.reserve(allowed);
    for (std::size_t i = 0; i < allowed; ++i) {
        deliveries.push_back(settler_->deliver(std::move(leases[i])));
    }
    delivered_.add(allowed);
    (*consumer)(std::move(deliveries));
}

Task<> Consumer::wait_for_credit() {
    credit_changed_.expires_at(Deadline::max());
    error_code ignored;
    co_await credit_changed_.async_wait(asio::redirect_error(use_task, ignored));
}

/// Until somebody has put or given back something, or for as long as said.
Task<> Consumer::wait_for_work(Millis longest) {
    // Redis takes 0 for ever.
    const auto seconds =
        std::to_string(static_cast<double>(std::max(longest, Millis{1}).count()) / 1000);
    const std::array<std::string_view, 3> wait{"BZPOPMIN", wake_key_, seconds};
    const auto mark = co_await links_.wake->command(wait, deadline_in(longest + reserve_max));
    if (!mark) co_return co_await wait_without_server(longest);
    const bool is_raised = mark->is_list();
    if (!is_raised || wanted() > 0) co_return;
    const std::array<std::string_view, 4> raise{"ZADD", wake_key_, "0", "0"};
    co_await links_.work->command(raise, deadline_in(reserve_max));
}

/// The links come back by themselves.
Task<> Consumer::wait_without_server(Millis longest) {
    if (stopped_) co_return;
    credit_changed_.expires_after(longest);
    error_code ignored;
    co_await credit_changed_.async_wait(asio::redirect_error(use_task, ignored));
}

}  // namespace stoker::redis
