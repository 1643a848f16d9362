#include "queue/kafka/consumer.hpp"

#include <algorithm>
#include <iterator>

#include "common/log.hpp"
#include "queue/kafka/handles.hpp"
#include "queue/kafka/message_text.hpp"

namespace stoker::kafka {

namespace {

constexpr std::array<std::uint8_t, 3> highest_first{2, 1, 0};
/// In one turn: bounds how long it keeps the lane from others.
constexpr std::size_t turn_messages_max = 128;
constexpr Millis commit_pause{500};
/// Without credit for that long, nothing is fetched any more.
constexpr Millis pause_after{5'000};
/// Of a close that was begun and that nobody waits for any more.
constexpr Millis close_max{1'000};
/// The group thinks that a member that does not poll is dead.
constexpr Millis poll_pause{1'000};

std::vector<Partition> read_list(
    const rd_kafka_topic_partition_list_t& list, const Settings& settings
) {
    std::vector<Partition> partitions;
    for (int i = 0; i < list.cnt; ++i) {
        for (const auto priority : highest_first) {
            if (settings.topic(priority) != list.elems[i].topic) continue;
            partitions.push_back({priority, list.elems[i].partition});
        }
    }
    return partitions;
}

WallTime put_time(const rd_kafka_message_t& message) {
    rd_kafka_timestamp_type_t type{};
    const auto ms = ::rd_kafka_message_timestamp(&message, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? wall_now() : from_ms(ms);
}

}  // namespace

void Consumer::EndQueue::operator()(rd_kafka_queue_s* queue) const {
    ::rd_kafka_queue_destroy(queue);
}

Consumer::Consumer(
    Settings settings,
    std::shared_ptr<Waker> waker,
    std::shared_ptr<InFlight> in_flight,
    std::shared_ptr<Condition> condition,
    Executor lane,
    Metrics& metrics
) :
    settings_(std::move(settings)),
    waker_(std::move(waker)),
    in_flight_(std::move(in_flight)),
    condition_(std::move(condition)),
    lane_(lane),
    delivered_(metrics.counter("stoker_queue_delivered_total", "Deliveries made")),
    unreadable_(metrics.counter(
        "stoker_queue_unreadable_total", "Messages in the topics that are none of ours"
    )) {}

// --- from any thread ---

void Consumer::start(Executor lane, MessageQueue::OnDeliveries deliver) {
    {
        const std::scoped_lock lock(mutex_);
        target_.emplace(
            lane, std::make_shared<const MessageQueue::OnDeliveries>(std::move(deliver))
        );
    }
    waker_->wake();
}

void Consumer::credit(std::uint32_t allowed) {
    {
        const std::scoped_lock lock(mutex_);
        credit_ = allowed;
    }
    waker_->wake();
}

void Consumer::close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
}

// --- the loop ---

void Consumer::topics_are_ready() {
    if (!std::exchange(topics_ready_, true)) waker_->wake();
}

Task<> Consumer::run() {
    const auto self = shared_from_this();
    while (!ended_ && !has_left_) {
        if (client_ || join()) turn();
        if (leaving_ && has_left()) break;
        co_await waker_->wait(next_turn(std::chrono::steady_clock::now()));
    }
    let_go();
}

/// True once we are in, or on the way.
bool Consumer::join() {
    if (!topics_ready_ || leaving_) return false;
    {
        const std::scoped_lock lock(mutex_);
        if (!target_ || closed_) return false;
    }
    client_ = std::make_unique<Client>(
        Role::consumer,
        settings_,
        waker_,
        Callbacks{
            .failed = [this](
                          int code, std::string_view reason
                      ) { condition_->failed({code, std::string(reason)}); },
            .reported = {},
            .rebalanced = [this](int code, auto* partitions) { rebalanced(code, partitions); },
            .committed = [this](int code, const auto* partitions) { committed(code, partitions); }
        }
    );
    const PartitionList topics(::rd_kafka_topic_partition_list_new(3));
    for (int priority = 0; priority < 3; ++priority) {
        queues_.at(static_cast<std::size_t>(priority))
            .reset(::rd_kafka_queue_new(client_->handle()));
        waker_->watch(queues_.at(static_cast<std::size_t>(priority)).get());
        const auto topic = settings_.topic(priority);
        ::rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
    }
    const auto code = ::rd_kafka_subscribe(client_->handle(), topics.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) condition_->failed({code, ::rd_kafka_err2str(code)});
    return true;
}

void Consumer::turn() {
    const auto now = std::chrono::steady_clock::now();
    serve_group();
    in_flight_->turn(now);
    if (take()) waker_->wake();
    steer(now);
    if (now >= commit_at_) {
        commit_at_ = now + commit_pause;
        commit();
    }
    std::uint64_t fetched = 0;
    for (const auto& queue : queues_) fetched += ::rd_kafka_queue_length(queue.get());
    fetched_ = fetched;
}

Deadline Consumer::next_turn(Deadline now) const {
    if (!client_) return Deadline::max();
    return std::min({in_flight_->next_turn(), std::max(commit_at_, now), now + poll_pause});
}

/// Rebalances and commits call back from here. Messages do not come this way, but errors do.
void Consumer::serve_group() {
    for (std::size_t i = 0; i < turn_messages_max; ++i) {
        const MessageHandle message(::rd_kafka_consumer_poll(client_->handle(), 0));
        if (!message) return;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            condition_->failed({message->err, ::rd_kafka_message_errstr(message.get())});
        }
    }
    waker_->wake();
}

// --- deliveries ---

std::uint32_t Consumer::wanted() const {
    const std::scoped_lock lock(mutex_);
    if (closed_ || !target_ || credit_ <= in_transit_) return 0;
    return credit_ - in_transit_;
}

/// True when there may be more to take.
bool Consumer::take() {
    const auto count = std::min<std::size_t>(wanted(), turn_messages_max);
    std::vector<Lease> leases;
    for (const auto priority : highest_first) {
        while (leases.size() < count) {
            auto lease = take_one(priority);
            if (!lease) break;
            leases.push_back(*std::move(lease));
        }
    }
    const bool may_be_more = count > 0 && leases.size() == count;
    hand_over(std::move(leases));
    return may_be_more;
}

std::optional<Lease> Consumer::take_one(std::uint8_t priority) {
    if (auto lease = in_flight_->take_returned(priority)) return lease;
    return fetch_one(priority);
}

std::optional<Lease> Consumer::fetch_one(std::uint8_t priority) {
    for (;;) {
        const MessageHandle message(::rd_kafka_consume_queue(queues_.at(priority).get(), 0));
        if (!message) return std::nullopt;
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            condition_->failed({message->err, ::rd_kafka_message_errstr(message.get())});
            continue;
        }
        if (auto lease = accept(*message, priority)) return lease;
    }
}

std::optional<Lease> Consumer::accept(const rd_kafka_message_t& message, std::uint8_t priority) {
    const Place place{{priority, message.partition}, message.offset};
    auto ours = from_text({static_cast<const char*>(message.payload), message.len}, priority);
    if (!ours) {
        unreadable_.add();
        log::warn(
            "kafka.unreadable",
            {{"topic", settings_.topic(priority)},
             {"partition", message.partition},
             {"offset", message.offset},
             {"then", "skipped"}}
        );
        in_flight_->skip(place);
        return std::nullopt;
    }
    auto lease = in_flight_->fetched(place, *std::move(ours), put_time(message));
    if (in_flight_->is_full(place.partition) && full_.insert(place.partition).second) {
        pause({place.partition}, true);
    }
    return lease;
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
    if (ended_) return;
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
    if (!surplus.empty()) in_flight_->give_back(std::move(surplus));
    if (allowed == 0) return;
    std::vector<Delivery> deliveries;
    deliveries.reserve(allowed);
    for (std::size_t i = 0; i < allowed; ++i) {
        deliveries.push_back(in_flight_->deliver(std::move(leases[i])));
    }
    delivered_.add(allowed);
    (*consumer)(std::move(deliveries));
}

// --- partitions ---

void Consumer::rebalanced(int code, rd_kafka_topic_partition_list_t* partitions) {
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assigned(partitions);
    } else {
        revoked(partitions);
    }
    partitions_ = ours_.size();
    full_.clear();
    is_paused_ = false;
    poor_since_.reset();
}

void Consumer::assigned(rd_kafka_topic_partition_list_t* partitions) {
    auto* handle = client_->handle();
    ours_ = read_list(*partitions, settings_);
    for (const auto& partition : ours_) {
        in_flight_->assign(partition);
        const auto topic = settings_.topic(partition.priority);
        // Said before anything is fetched, so that no message goes the way of the group.
        const kafka::Queue own(
            ::rd_kafka_queue_get_partition(handle, topic.c_str(), partition.number)
        );
        ::rd_kafka_queue_forward(own.get(), queues_.at(partition.priority).get());
    }
    ::rd_kafka_assign(handle, partitions);
    log::info("kafka.assigned", {{"partitions", ours_.size()}});
}

void Consumer::revoked(rd_kafka_topic_partition_list_t* partitions) {
    auto* handle = client_->handle();
    const bool is_lost = ::rd_kafka_assignment_lost(handle) != 0;
    // librdkafka lets the partitions go when the commit is through. Of those that others have by
    // now, nothing may be committed.
    if (!is_lost) commit();
    in_flight_->revoke();
    ours_.clear();
    ::rd_kafka_assign(handle, nullptr);
    log::info("kafka.revoked", {{"partitions", partitions->cnt}, {"lost", is_lost}});
}

/// What is fetched and not taken when a partition is paused counts no more, and comes again.
void Consumer::drop_fetched() {
    std::vector<Lease> taken;
    for (const auto priority : highest_first) {
        while (auto lease = fetch_one(priority)) taken.push_back(*std::move(lease));
    }
    in_flight_->give_back(std::move(taken));
}

/// Pauses and resumes what is fetched.
void Consumer::steer(Deadline now) {
    bool is_poor = false;
    {
        const std::scoped_lock lock(mutex_);
        is_poor = credit_ == 0;
    }
    if (!is_poor) {
        poor_since_.reset();
    } else if (!poor_since_) {
        poor_since_ = now;
    }
    const bool should_pause = is_poor && now - *poor_since_ >= pause_after;
    if (should_pause != is_paused_ && !ours_.empty()) {
        std::vector<Partition> partitions;
        std::ranges::copy_if(ours_, std::back_inserter(partitions), [&](const auto& partition) {
            return !full_.contains(partition);
        });
        pause(partitions, should_pause);
        is_paused_ = should_pause;
        if (should_pause) drop_fetched();
    }
    for (auto at = full_.begin(); at != full_.end();) {
        if (!in_flight_->has_room(*at)) {
            ++at;
            continue;
        }
        if (!is_paused_) pause({*at}, false);
        at = full_.erase(at);
    }
}

void Consumer::pause(const std::vector<Partition>& partitions, bool is_paused) {
    if (partitions.empty()) return;
    const PartitionList list(::rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())
    ));
    for (const auto& [priority, number] : partitions) {
        const auto topic = settings_.topic(priority);
        ::rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number);
    }
    if (is_paused) {
        ::rd_kafka_pause_partitions(client_->handle(), list.get());
    } else {
        ::rd_kafka_resume_partitions(client_->handle(), list.get());
    }
}

void Consumer::commit() {
    const auto watermarks = in_flight_->take_watermarks();
    if (watermarks.empty()) return;
    const PartitionList list(::rd_kafka_topic_partition_list_new(static_cast<int>(watermarks.size())
    ));
    for (const auto& [partition, offset] : watermarks) {
        const auto topic = settings_.topic(partition.priority);
        ::rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition.number)->offset =
            offset;
    }
    constexpr int without_waiting = 1;
    const auto code = ::rd_kafka_commit(client_->handle(), list.get(), without_waiting);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) committed(code, list.get());
}

void Consumer::committed(int code, const rd_kafka_topic_partition_list_t* partitions) {
    if (partitions == nullptr || code == RD_KAFKA_RESP_ERR__NO_OFFSET) return;
    for (const auto& partition : read_list(*partitions, settings_)) {
        const auto topic = settings_.topic(partition.priority);
        const auto* found =
            ::rd_kafka_topic_partition_list_find(partitions, topic.c_str(), partition.number);
        const bool is_fine =
            code == RD_KAFKA_RESP_ERR_NO_ERROR && found->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        if (!is_fine) in_flight_->not_committed(partition);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        condition_->failed({code, ::rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code))});
    }
}

// --- the end ---

Task<> Consumer::leave(Deadline deadline) {
    const auto self = shared_from_this();
    if (has_left_ || ended_) co_return;
    const OneShot<bool> left(co_await asio::this_coro::executor);
    left_.push_back(left);
    if (!std::exchange(leaving_, true)) begin_leaving();
    waker_->wake();
    co_await left.wait(deadline);
}

void Consumer::begin_leaving() {
    if (!client_) return;
    commit();
    auto* handle = client_->handle();
    const kafka::Queue group(::rd_kafka_queue_get_consumer(handle));
    if (auto* error = ::rd_kafka_consumer_close_queue(handle, group.get())) {
        condition_->failed({::rd_kafka_error_code(error), ::rd_kafka_error_string(error)});
        ::rd_kafka_error_destroy(error);
    }
}

bool Consumer::has_left() const {
    return !client_ || ::rd_kafka_consumer_closed(client_->handle()) != 0;
}

void Consumer::let_go() {
    has_left_ = true;
    // librdkafka does not end in the middle of a close.
    const auto deadline = deadline_in(close_max);
    while (leaving_ && !has_left() && !has_passed(deadline)) {
        const MessageHandle ignored(::rd_kafka_consumer_poll(client_->handle(), 10));
    }
    for (auto& queue : queues_) queue.reset();
    client_.reset();
    partitions_ = 0;
    for (const auto& left : left_) left.set(true);
    left_.clear();
}

}  // namespace stoker::kafka
