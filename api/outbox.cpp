#include "api/outbox.hpp"

#include <algorithm>
#include <iterator>

#include "common/async/spawn.hpp"

namespace stoker {

namespace {

bool is_queued(Put put) { return put == Put::queued || put == Put::duplicate; }

}  // namespace

Outbox::Outbox(MessageQueue& queue, OutboxLimits limits, Metrics& metrics) :
    queue_(queue),
    limits_(limits),
    put_again_(metrics.counter(
        "stoker_outbox_parked_total", "Calls that were not queued at the first attempt"
    )) {
    metrics.gauge("stoker_outbox_parked", "Calls waiting to be queued again", [this] {
        return static_cast<double>(parked());
    });
}

Task<> Outbox::put(Message message) {
    const auto lane = co_await asio::this_coro::executor;
    const OneShot<bool> done(lane);
    spawn(gate_, lane, "outbox.put", put_or_park(std::move(message), done));
    co_await done.wait(deadline_in(limits_.put_wait));
}

Task<> Outbox::put_or_park(Message message, OneShot<bool> done) {
    // Not braces: a list of one vector is that vector.
    std::vector<Message> batch(1, message);
    const auto puts = co_await queue_.put(std::move(batch));
    const bool queued = !puts.empty() && is_queued(puts.front());
    if (!queued) park(std::vector<Message>(1, message));
    done.set(queued);
}

void Outbox::park(std::vector<Message> messages) {
    put_again_.add(messages.size());
    const std::scoped_lock lock(mutex_);
    std::ranges::move(messages, std::back_inserter(parked_));
    parked_count_ = parked_.size();
}

std::vector<Message> Outbox::take_batch(std::size_t count_max) {
    const std::scoped_lock lock(mutex_);
    const auto count = std::min({count_max, limits_.batch_max, parked_.size()});
    const auto end = parked_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Message> batch(
        std::make_move_iterator(parked_.begin()), std::make_move_iterator(end)
    );
    parked_.erase(parked_.begin(), end);
    parked_count_ = parked_.size();
    return batch;
}

Task<std::size_t> Outbox::retry() {
    std::size_t left = parked();
    std::size_t queued = 0;
    while (left > 0) {
        auto batch = take_batch(left);
        if (batch.empty()) break;
        left -= std::min(left, batch.size());
        const auto puts = co_await queue_.put(batch);
        std::vector<Message> failed;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (i < puts.size() && is_queued(puts[i])) {
                ++queued;
            } else {
                failed.push_back(std::move(batch[i]));
            }
        }
        const bool refused = !failed.empty();
        if (refused) park(std::move(failed));
        if (refused) break;  // the queue is not well: not before the next round
    }
    co_return queued;
}

void Outbox::start(Executor lane) {
    stop_ = std::make_unique<OneShot<bool>>(lane);
    spawn(gate_, lane, "outbox.retry", retry_until_stopped());
}

Task<> Outbox::retry_until_stopped() {
    const auto stop = *stop_;
    while (!co_await stop.wait(deadline_in(limits_.retry_interval))) co_await retry();
}

Task<> Outbox::stop(Deadline deadline) {
    if (stop_) stop_->set(true);
    co_await gate_.close(deadline);
}

}  // namespace stoker
