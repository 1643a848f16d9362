#include "queue/kafka/putter.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "queue/kafka/message_text.hpp"

namespace stoker::kafka {

namespace {

constexpr Millis put_max{2'000};

std::vector<Put> all_unknown(std::size_t count) { return std::vector<Put>(count, Put::unknown); }

}  // namespace

/// One call of put(). Under the putter's mutex once it is submitted.
struct Putter::Job {
    Job(std::vector<Message> batch, Executor waiter) :
        messages(std::move(batch)),
        answers(all_unknown(messages.size())),
        unanswered(messages.size()),
        done(waiter) {}

    const std::vector<Message> messages;
    std::vector<Put> answers;
    std::size_t unanswered;
    const OneShot<std::vector<Put>> done;
};

Putter::Putter(
    const Settings& settings,
    std::shared_ptr<Lag> lag,
    std::shared_ptr<Condition> condition,
    std::uint64_t depth_max,
    Executor lane,
    Metrics& metrics
) :
    lag_(std::move(lag)),
    condition_(std::move(condition)),
    depth_max_(depth_max),
    put_(metrics.counter("stoker_queue_put_total", "Messages queued")),
    full_(metrics.counter("stoker_queue_full_total", "Messages refused because of the depth")),
    waker_(std::make_shared<Waker>(lane)),
    client_(
        Role::producer,
        settings,
        waker_,
        {.failed =
             [this](int code, std::string_view reason) {
                 const Fault fault{code, std::string(reason)};
                 const bool is_all = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
                 is_all ? condition_->went_down(fault) : condition_->failed(fault);
             },
         .reported = [this](const rd_kafka_message_t& report) { reported(report); },
         .rebalanced = {},
         .committed = {}}
    ) {
    for (std::size_t priority = 0; priority < topics_.size(); ++priority) {
        const auto name = settings.topic(static_cast<int>(priority));
        topics_.at(priority) = ::rd_kafka_topic_new(client_.handle(), name.c_str(), nullptr);
    }
}

Putter::~Putter() {
    for (auto* topic : topics_) ::rd_kafka_topic_destroy(topic);
}

Task<std::vector<Put>> Putter::put(std::vector<Message> batch) {
    const auto self = shared_from_this();
    const auto pass = gate_.enter();
    const auto count = batch.size();
    if (count == 0 || !pass || condition_->state() == Condition::State::down) {
        co_return all_unknown(count);
    }
    const auto deadline = deadline_in(put_max);
    const auto job = std::make_shared<Job>(std::move(batch), co_await asio::this_coro::executor);
    produce(job);
    auto answers = co_await job->done.wait(deadline);
    co_return answers ? std::move(*answers) : all_unknown(count);
}

void Putter::produce(const std::shared_ptr<Job>& job) {
    const auto depth = lag_->all();
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < job->messages.size(); ++i) {
        const bool has_room = depth + pending_.size() < depth_max_;
        const auto refused = has_room ? produce_one(job, i) : Put::full;
        if (refused == Put::full) full_.add();
        if (refused != Put::queued) answer(job, i, refused);
    }
}

/// Mutex held. Queued is: on its way.
Put Putter::produce_one(const std::shared_ptr<Job>& job, std::size_t index) {
    const auto& message = job->messages[index];
    auto* topic = topics_.at(std::min<std::size_t>(message.priority, topics_.size() - 1));
    const auto text = to_text(message);
    const auto id = ++last_id_;
    // Copied there and then, in spite of the type.
    auto* bytes = const_cast<char*>(text.data());
    // No key: spread over all partitions. The opaque pointer is a number of ours.
    const int failed = ::rd_kafka_produce(
        topic,
        RD_KAFKA_PARTITION_UA,
        RD_KAFKA_MSG_F_COPY,
        bytes,
        text.size(),
        nullptr,
        0,
        reinterpret_cast<void*>(id)  // NOLINT(performance-no-int-to-ptr)
    );
    if (failed != 0) {
        const auto code = ::rd_kafka_last_error();
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return Put::full;
        condition_->failed({code, ::rd_kafka_err2str(code)});
        return Put::unknown;
    }
    pending_.emplace(id, Pending{job, index});
    return Put::queued;
}

/// Mutex held.
void Putter::answer(const std::shared_ptr<Job>& job, std::size_t index, Put put) {
    job->answers[index] = put;
    if (--job->unanswered == 0) job->done.set(std::move(job->answers));
}

/// On the lane.
void Putter::reported(const rd_kafka_message_t& report) {
    const bool is_queued = report.err == RD_KAFKA_RESP_ERR_NO_ERROR;
    const std::scoped_lock lock(mutex_);
    const auto found = pending_.find(reinterpret_cast<std::uintptr_t>(report._private));
    if (found == pending_.end()) return;
    const auto [job, index] = found->second;
    pending_.erase(found);
    condition_->took_messages(is_queued);
    if (is_queued) {
        const auto topic = std::ranges::find(topics_, report.rkt) - topics_.begin();
        const auto priority = static_cast<std::uint8_t>(topic);
        lag_->put({priority, report.partition}, report.offset, job->messages[index].fn_id);
        put_.add();
    } else {
        condition_->failed({report.err, ::rd_kafka_err2str(report.err)});
    }
    answer(job, index, is_queued ? Put::queued : Put::unknown);
}

Task<> Putter::drain(Deadline deadline) {
    const auto self = shared_from_this();
    co_await gate_.close(deadline);
}

Task<> Putter::run() {
    const auto self = shared_from_this();
    while (!ended_) {
        client_.serve();
        co_await waker_->wait(Deadline::max());
    }
}

}  // namespace stoker::kafka
