#include "queue/redis/putter.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"

namespace stoker::redis {

namespace {

constexpr std::size_t script_messages_max = 128;
constexpr std::size_t waiting_messages_max = 20'000;
constexpr Millis put_max{2'000};

std::string_view priority_word(std::uint8_t priority) {
    constexpr std::array<std::string_view, 3> words{"0", "1", "2"};
    return words.at(std::min<std::uint8_t>(priority, 2));
}

std::vector<Put> all_unknown(std::size_t count) { return std::vector<Put>(count, Put::unknown); }

/// An error for all of them, or one answer for each.
std::vector<Put> to_answers(const Result<Reply>& reply, std::size_t count) {
    if (!reply) {
        // A connection that is away is no refusal of theirs: nobody has seen them.
        const auto& spec = spec_of(reply.error().fault);
        const bool is_refusal = spec.has_not_run && !spec.prefix.empty();
        return std::vector<Put>(count, is_refusal ? Put::full : Put::unknown);
    }
    auto answers = all_unknown(count);
    for (std::size_t i = 0; i < std::min(count, reply->items.size()); ++i) {
        const auto code = reply->items[i].integer;
        answers[i] = code == 1 ? Put::queued : Put::full;
        if (code == 0) answers[i] = Put::duplicate;
    }
    return answers;
}

}  // namespace

/// One call of put(). Touched on the lane only, once it is submitted.
struct Putter::Job {
    Job(std::vector<Message> batch, Deadline by, Executor waiter) :
        messages(std::move(batch)),
        answers(all_unknown(messages.size())),
        unanswered(messages.size()),
        deadline(by),
        done(waiter) {}

    const std::vector<Message> messages;
    std::vector<Put> answers;
    std::size_t unanswered;
    const Deadline deadline;
    const OneShot<std::vector<Put>> done;
};

Putter::Putter(
    std::shared_ptr<Link> link,
    std::shared_ptr<Depths> depths,
    std::uint64_t depth_max,
    Executor lane,
    Metrics& metrics
) :
    link_(std::move(link)),
    depths_(std::move(depths)),
    depth_max_(std::to_string(depth_max)),
    lane_(lane),
    put_(metrics.counter("stoker_queue_put_total", "Messages queued")),
    full_(metrics.counter("stoker_queue_full_total", "Messages refused because of the depth")) {}

Task<std::vector<Put>> Putter::put(std::vector<Message> batch) {
    const auto self = shared_from_this();
    const auto pass = gate_.enter();
    const auto count = batch.size();
    if (count == 0 || !pass) co_return all_unknown(count);
    const auto job = std::make_shared<Job>(
        std::move(batch), deadline_in(put_max), co_await asio::this_coro::executor
    );
    if (!submit(job)) co_return all_unknown(count);
    auto answers = co_await job->done.wait(job->deadline);
    co_return answers ? std::move(*answers) : all_unknown(count);
}

Task<> Putter::drain(Deadline deadline) {
    const auto self = shared_from_this();
    co_await gate_.close(deadline);
}

/// Any thread. False when too much waits already.
bool Putter::submit(const std::shared_ptr<Job>& job) {
    const auto count = job->messages.size();
    {
        const std::scoped_lock lock(mutex_);
        if (waiting_messages_ > 0 && waiting_messages_ + count > waiting_messages_max) return false;
        for (std::size_t from = 0; from < count; from += script_messages_max) {
            waiting_.push_back({job, from, std::min(script_messages_max, count - from)});
        }
        waiting_messages_ += count;
        if (std::exchange(sending_, true)) return true;
    }
    spawn(lane_, "redis.put", send_all());
    return true;
}

Task<> Putter::send_all() {
    const auto self = shared_from_this();
    for (;;) {
        const auto batch = take_batch();
        if (batch.empty()) co_return;
        co_await send(batch);
    }
}

/// The next slices that fit into one script. Empty when there are none: then nobody sends any more.
std::vector<Putter::Slice> Putter::take_batch() {
    const std::scoped_lock lock(mutex_);
    std::vector<Slice> batch;
    std::size_t count = 0;
    while (!waiting_.empty() && count + waiting_.front().count <= script_messages_max) {
        auto slice = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_messages_ -= slice.count;
        // Who waited for it has been told that it is unknown, and will come again.
        if (has_passed(slice.job->deadline)) continue;
        count += slice.count;
        batch.push_back(std::move(slice));
    }
    sending_ = !batch.empty();
    return batch;
}

Task<> Putter::send(const std::vector<Slice>& batch) {
    if (link_->state() == Link::State::connecting) {
        co_await link_->wait_first(batch.front().job->deadline);
    }
    std::vector<std::string_view> arguments{depth_max_};
    std::size_t count = 0;
    for (const auto& slice : batch) {
        for (const auto& message :
             std::span(slice.job->messages).subspan(slice.from, slice.count)) {
            arguments.emplace_back(message.call_id);
            arguments.emplace_back(message.fn_id);
            arguments.emplace_back(priority_word(message.priority));
            ++count;
        }
    }
    const auto reply = co_await link_->run_script(Script::enqueue, arguments, deadline_in(put_max));
    is_refused_.store(
        !reply && spec_of(reply.error().fault).remedy == Remedy::refuse, std::memory_order_relaxed
    );
    const auto answers = to_answers(reply, count);
    put_.add(static_cast<std::uint64_t>(std::ranges::count(answers, Put::queued)));
    // A server that takes nothing at all is counted among the faults.
    if (reply) full_.add(static_cast<std::uint64_t>(std::ranges::count(answers, Put::full)));
    answer(batch, answers);
}

void Putter::answer(const std::vector<Slice>& batch, const std::vector<Put>& answers) {
    auto next = answers.begin();
    for (const auto& slice : batch) {
        auto& job = *slice.job;
        for (std::size_t i = slice.from; i < slice.from + slice.count; ++i, ++next) {
            job.answers[i] = *next;
            if (*next == Put::queued) depths_->queued(job.messages[i].fn_id);
        }
        job.unanswered -= slice.count;
        if (job.unanswered == 0) job.done.set(std::move(job.answers));
    }
}

}  // namespace stoker::redis
