#pragma once

// Doubles of what stands behind the api: a datastore that fails when told to, a queue that answers
// what it is told, an invoker that runs a script.

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "model/invoker.hpp"
#include "queue/message_queue.hpp"

namespace stoker::test {

/// Passes everything to a real store, but for the failures asked for.
class FaultyStore final : public Datastore {
public:
    explicit FaultyStore(Datastore& inner) : inner_(inner) {}

    std::atomic<int> fail_accepts{0};  ///< these many do nothing and answer store_unavailable
    std::atomic<int> lose_answers{0};  ///< these many store the call and answer store_unavailable
    std::atomic<int> accepts{0};
    std::atomic<int> fn_reads{0};
    std::atomic<int> fail_sweeps{0};
    std::atomic<int> sweeps{0};
    std::atomic<int> forgets{0};
    std::atomic<int> fail_counts{0};
    std::atomic<bool> throw_in_get_app{false};
    std::atomic<bool> slow_reads{false};  ///< get_fn takes until another lane had its turn
    std::vector<MovedCall> swept;         ///< what the next sweep moved

    void be_unhealthy(std::string reason) {
        const std::scoped_lock lock(mutex_);
        reason_ = std::move(reason);
    }

    Task<Result<std::vector<App>>> list_apps(AppFilter filter, Page page) override {
        return inner_.list_apps(std::move(filter), std::move(page));
    }
    Task<Result<App>> get_app(std::string id) override {
        if (throw_in_get_app) throw std::runtime_error("as asked");
        return inner_.get_app(std::move(id));
    }
    Task<Result<App>> insert_app(App app) override { return inner_.insert_app(std::move(app)); }
    Task<Result<App>> update_app(std::string id, AppPatch patch) override {
        return inner_.update_app(std::move(id), std::move(patch));
    }
    Task<Result<std::vector<MovedCall>>> delete_app(std::string id) override {
        return inner_.delete_app(std::move(id));
    }
    Task<Result<std::vector<Fn>>> list_fns(FnFilter filter, Page page) override {
        return inner_.list_fns(std::move(filter), std::move(page));
    }
    Task<Result<Fn>> get_fn(std::string id) override {
        ++fn_reads;
        if (slow_reads) co_await sleep_for(Millis{5});
        co_return co_await inner_.get_fn(std::move(id));
    }
    Task<Result<Fn>> insert_fn(Fn fn) override { return inner_.insert_fn(std::move(fn)); }
    Task<Result<Fn>> update_fn(std::string id, FnPatch patch) override {
        return inner_.update_fn(std::move(id), std::move(patch));
    }
    Task<Result<std::vector<MovedCall>>> delete_fn(std::string id) override {
        return inner_.delete_fn(std::move(id));
    }
    ScheduleStore& schedules() override { return inner_.schedules(); }
    Task<Result<int>> forget_keys(int items_max) override {
        ++forgets;
        return inner_.forget_keys(items_max);
    }
    Task<Result<std::string>> accept(NewCall call) override {
        ++accepts;
        if (fail_accepts > 0 && fail_accepts-- > 0) co_return fail(Errc::store_unavailable);
        auto accepted = co_await inner_.accept(std::move(call));
        if (lose_answers > 0 && lose_answers-- > 0) co_return fail(Errc::store_unavailable);
        co_return accepted;
    }
    Task<Result<DueStep>> release_due(int items_max) override {
        return inner_.release_due(items_max);
    }
    Task<Result<std::vector<ClaimedCall>>> claim(std::string worker, std::vector<std::string> ids)
        override {
        return inner_.claim(std::move(worker), std::move(ids));
    }
    Task<Result<bool>> finish(FinishedCall finished) override {
        return inner_.finish(std::move(finished));
    }
    Task<Result<bool>> retry(FinishedCall attempt, Millis after) override {
        return inner_.retry(std::move(attempt), after);
    }
    Task<Result<bool>> hand_back(Fence fence, HandBack how) override {
        return inner_.hand_back(std::move(fence), how);
    }
    Task<Result<void>> progress(std::vector<CallProgress> entries) override {
        return inner_.progress(std::move(entries));
    }
    Task<Result<Call>> cancel(Scope scope, std::string id) override {
        return inner_.cancel(std::move(scope), std::move(id));
    }
    Task<Result<Call>> get_call(Scope scope, std::string id) override {
        return inner_.get_call(std::move(scope), std::move(id));
    }
    Task<Result<std::vector<Call>>> list_calls(Scope scope, CallFilter filter, Page page) override {
        return inner_.list_calls(std::move(scope), std::move(filter), std::move(page));
    }
    Task<Result<Fn>> pause_fn(std::string id) override { return inner_.pause_fn(std::move(id)); }
    Task<Result<Fn>> resume_fn(std::string id) override { return inner_.resume_fn(std::move(id)); }
    Task<Result<std::vector<MovedCall>>> purge_fn(std::string id) override {
        return inner_.purge_fn(std::move(id));
    }
    Task<Result<CallRequest>> get_request(Scope scope, std::string id) override {
        return inner_.get_request(std::move(scope), std::move(id));
    }
    Task<Result<CallResponse>> get_response(Scope scope, std::string id) override {
        return inner_.get_response(std::move(scope), std::move(id));
    }
    Task<Result<std::vector<LogChunk>>> get_log(Scope scope, std::string id, std::int64_t from)
        override {
        return inner_.get_log(std::move(scope), std::move(id), from);
    }
    Task<Result<std::vector<MovedCall>>> list_queued(std::string after, int items_max) override {
        return inner_.list_queued(std::move(after), items_max);
    }
    Task<Result<RedispatchStep>> redispatch(
        std::string after, int items_max, DeliveredBefore delivered, Millis slack
    ) override {
        return inner_.redispatch(std::move(after), items_max, std::move(delivered), slack);
    }
    Task<Result<std::vector<FnSpecRef>>> list_warm_fns() override { return inner_.list_warm_fns(); }
    Task<Result<std::vector<MovedCall>>> expire(int items_max) override {
        return inner_.expire(items_max);
    }
    Task<Result<CallCounts>> count_calls() override {
        if (fail_counts > 0 && fail_counts-- > 0) co_return fail(Errc::store_unavailable);
        co_return co_await inner_.count_calls();
    }
    Task<Result<void>> register_worker(std::string id, std::string host, Millis lease) override {
        return inner_.register_worker(std::move(id), std::move(host), lease);
    }
    Task<Result<Heartbeat>> heartbeat(std::string id, Millis lease) override {
        return inner_.heartbeat(std::move(id), lease);
    }
    Task<Result<void>> describe_worker(std::string id, WorkerProfile profile) override {
        return inner_.describe_worker(std::move(id), std::move(profile));
    }
    Task<Result<std::vector<KnownWorker>>> list_workers() override { return inner_.list_workers(); }
    Task<Result<void>> remove_worker(std::string id) override {
        return inner_.remove_worker(std::move(id));
    }
    Task<Result<std::vector<MovedCall>>> sweep_lost(Millis grace) override {
        ++sweeps;
        if (fail_sweeps > 0 && fail_sweeps-- > 0) co_return fail(Errc::store_unavailable);
        if (!swept.empty()) co_return std::exchange(swept, {});
        co_return co_await inner_.sweep_lost(grace);
    }
    Task<Result<std::vector<MovedCall>>> recover_all() override { return inner_.recover_all(); }

    std::string unhealthy_reason() const override {
        const std::scoped_lock lock(mutex_);
        return reason_.empty() ? inner_.unhealthy_reason() : reason_;
    }
    void close() override { inner_.close(); }

private:
    Datastore& inner_;
    mutable std::mutex mutex_;
    std::string reason_;
};

/// Keeps what it queued; answers `queued` unless told otherwise.
class FakeQueue final : public MessageQueue {
public:
    std::atomic<std::uint64_t> total_depth{0};
    std::atomic<std::uint64_t> fn_depth{0};
    std::atomic<bool> hangs{false};  ///< put() takes far longer than anybody waits
    std::atomic<bool> is_down{false};
    std::atomic<WallTime> delivered_to{};      ///< the low watermark
    std::atomic<std::size_t> room{1'000'000};  ///< further messages are `full`

    void answer(std::deque<Put> next) {
        const std::scoped_lock lock(mutex_);
        next_ = std::move(next);
    }
    std::vector<Message> queued() const {
        const std::scoped_lock lock(mutex_);
        return queued_;
    }
    std::size_t puts() const {
        const std::scoped_lock lock(mutex_);
        return puts_;
    }

    Task<std::vector<Put>> put(std::vector<Message> batch) override {
        if (hangs) co_await sleep_for(Millis{300});
        const std::scoped_lock lock(mutex_);
        ++puts_;
        std::vector<Put> answers;
        for (auto& message : batch) {
            auto answer = queued_.size() < room ? Put::queued : Put::full;
            if (!next_.empty()) {
                answer = next_.front();
                next_.pop_front();
            }
            if (answer == Put::queued) queued_.push_back(std::move(message));
            answers.push_back(answer);
        }
        co_return answers;
    }
    void start(Executor /*lane*/, OnDeliveries /*deliver*/) override {}
    void credit(std::uint32_t /*allowed*/) noexcept override {}
    Task<Result<QueueStats>> stats() override {
        if (is_down) co_return fail(Errc::store_unavailable);
        QueueStats stats;
        stats.low_watermark.fill(delivered_to.load());
        co_return stats;
    }
    Health health() const noexcept override { return is_down ? Health::down : Health::ok; }
    std::uint64_t depth(std::string_view /*fn_id*/) const noexcept override { return fn_depth; }
    std::uint64_t depth() const noexcept override { return total_depth; }
    Task<> drain(Deadline /*deadline*/) override { co_return; }

private:
    mutable std::mutex mutex_;
    std::deque<Put> next_;
    std::vector<Message> queued_;
    std::size_t puts_ = 0;
};

/// Runs the script given; by default it answers 200 with the body it got.
class FakeInvoker final : public Invoker {
public:
    using Script = std::function<Task<Result<void>>(Invocation, BodySource&, AnswerSink&)>;
    Script script = echo;
    std::atomic<int> invocations{0};

    Task<Result<void>> invoke(
        Invocation invocation, BodySource& body, AnswerSink& answer, Deadline /*give_up*/
    ) override {
        ++invocations;
        return script(std::move(invocation), body, answer);
    }

    static Task<Result<std::string>> read_all(BodySource& body) {
        std::string all;
        for (;;) {
            const auto piece = co_await body.read();
            if (!piece) co_return fail(piece.error());
            if (piece->empty()) co_return all;
            all += *piece;
        }
    }

    static Task<Result<void>> echo(Invocation invocation, BodySource& body, AnswerSink& answer) {
        const auto all = co_await read_all(body);
        if (!all) co_return fail(all.error());
        AnswerHead head{.headers = std::move(invocation.headers), .length = all->size()};
        head.headers.emplace_back("Content-Type", invocation.content_type);
        if (auto begun = co_await answer.head(std::move(head)); !begun) co_return begun;
        co_return co_await answer.write(*all, true);
    }
};

}  // namespace stoker::test
