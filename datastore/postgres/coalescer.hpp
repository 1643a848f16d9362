#pragma once

// Group commit: writes of one kind that wait while others are on their way to the server go
// together in the next transaction, as one set-based statement. There is no artificial linger. A
// Kind says how:
//   using Item, Value;
//   std::size_t bytes_of(const Item&) const;              // what it adds to the message
//   std::vector<Step> steps(std::span<const Item* const>);    // for all of them
//   // One for each, in order, from the answer of the last step.
//   std::vector<Result<Value>> read(const Rows&, std::span<const Item* const>);
// Any thread calls run(). Private to datastore/postgres.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "datastore/deliveries.hpp"
#include "datastore/postgres/failures.hpp"
#include "datastore/postgres/pool.hpp"
#include "datastore/waiting.hpp"

namespace stoker::postgres {

struct CoalescerLimits {
    std::size_t batches_max = 2;  ///< on their way at once
    std::size_t items_max = 256;  ///< in one batch
    std::size_t bytes_max = std::size_t{8} << 20U;
    std::size_t waiting_max = 100'000;
};

template <class Kind>
class Coalescer {
public:
    using Item = typename Kind::Item;
    using Outcome = Result<typename Kind::Value>;

    /// Before the pool starts.
    Coalescer(Pool& pool, const Kind& kind, CoalescerLimits limits) :
        pool_(pool),
        kind_(kind),
        limits_(limits) {
        pool_.on_room([this] { pump(); });
        pool_.on_tick([this](Deadline) { forget_left(); });
    }

    /// `unknown` is the error when nobody can say whether it was done.
    Task<Outcome> run(Item item, Errc unknown) {
        const auto deadline = deadline_in(operation_time_max);
        const auto entry =
            std::make_shared<Entry>(co_await asio::this_coro::executor, std::move(item), unknown);
        if (!submit(entry)) co_return fail(Errc::store_unavailable, {}, "too much waits for it");
        auto outcome = co_await entry->waiting.outcome(deadline, unknown);
        if (!outcome && outcome.error().detail.empty()) {
            outcome.error().detail = pool_.unhealthy_reason();
        }
        co_return outcome;
    }

private:
    struct Entry {
        Entry(Executor lane, Item what, Errc if_unknown) :
            item(std::move(what)),
            waiting(lane),
            unknown(if_unknown) {}
        Item item;
        Waiting<Outcome> waiting;
        Errc unknown;
        std::optional<Outcome> outcome;
    };
    using EntryRef = std::shared_ptr<Entry>;
    using Batch = std::vector<EntryRef>;

    bool submit(const EntryRef& entry) {
        if (pool_.is_closed()) return false;
        const std::scoped_lock lock(mutex_);
        if (waiting_.size() >= limits_.waiting_max) return false;
        waiting_.push_back(entry);
        if (!std::exchange(is_woken_, true)) pool_.post([this] { pump(); });
        return true;
    }

    /// On the pool's lane, as all below.
    void pump() {
        while (batches_ < limits_.batches_max && pool_.has_room()) {
            auto batch = take_batch();
            if (batch.empty()) return;
            ++batches_;
            send(std::move(batch));
        }
    }

    Batch take_batch() {
        const std::scoped_lock lock(mutex_);
        is_woken_ = false;
        Batch batch;
        std::size_t bytes = 0;
        while (!waiting_.empty() && batch.size() < limits_.items_max) {
            bytes += kind_.bytes_of(waiting_.front()->item);
            if (!batch.empty() && bytes > limits_.bytes_max) break;
            auto entry = std::move(waiting_.front());
            waiting_.pop_front();
            if (entry->waiting.begin()) batch.push_back(std::move(entry));
        }
        return batch;
    }

    /// While the server is away nothing is taken, but those who wait leave.
    void forget_left() {
        const std::scoped_lock lock(mutex_);
        std::erase_if(waiting_, [](const auto& entry) { return entry->waiting.is_left(); });
    }

    void send(Batch batch) {
        auto job = std::make_unique<Job>();
        job->steps = kind_.steps(items_of(batch));
        job->give_up = deadline_in(operation_time_max);
        job->done = [this, batch = std::move(batch)](postgres::Outcome outcome) {
            --batches_;
            tell(batch, std::move(outcome));
        };
        pool_.enqueue(std::move(job));
    }

    static std::vector<const Item*> items_of(const Batch& batch) {
        std::vector<const Item*> items;
        items.reserve(batch.size());
        for (const auto& entry : batch) items.push_back(&entry->item);
        return items;
    }

    void tell(const Batch& batch, postgres::Outcome outcome) {
        std::vector<Outcome> told;
        if (outcome) told = kind_.read(outcome->back(), items_of(batch));
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const auto& entry = batch[i];
            if (!entry->waiting.end()) continue;
            entry->outcome = outcome ? std::move(told[i])
                                     : Outcome(fail(to_error(outcome.error(), entry->unknown)));
            deliveries_.add(entry->waiting.lane(), [entry] {
                entry->waiting.deliver(std::move(*entry->outcome));
            });
        }
        deliveries_.flush();
    }

    Pool& pool_;
    const Kind& kind_;
    const CoalescerLimits limits_;
    std::size_t batches_ = 0;
    Deliveries deliveries_;
    std::mutex mutex_;
    std::deque<EntryRef> waiting_;
    bool is_woken_ = false;
};

}  // namespace stoker::postgres
