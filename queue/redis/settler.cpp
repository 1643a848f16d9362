#include "queue/redis/settler.hpp"

#include "common/async/spawn.hpp"

namespace stoker::redis {

namespace {

constexpr std::size_t script_messages_max = 128;
constexpr Millis send_max{2'000};

/// At most `count` of them, from the front.
template <class T>
std::vector<T> take_some(std::vector<T>& from, std::size_t count) {
    if (from.size() <= count) return std::exchange(from, {});
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<T> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
    from.erase(from.begin(), end);
    return taken;
}

}  // namespace

class Settler::Settle final : public Delivery::Settle {
public:
    Settle(std::weak_ptr<Settler> settler, Lease lease) :
        settler_(std::move(settler)),
        lease_(std::move(lease)) {}
    void ack() noexcept override {
        if (const auto settler = settler_.lock()) settler->ack(std::move(lease_));
    }
    void release(Millis after) noexcept override {
        if (const auto settler = settler_.lock()) settler->release(std::move(lease_), after);
    }

private:
    const std::weak_ptr<Settler> settler_;
    Lease lease_;
};

Settler::Settler(std::shared_ptr<Link> link, std::shared_ptr<Depths> depths, Executor lane) :
    link_(std::move(link)),
    depths_(std::move(depths)),
    lane_(lane) {}

Delivery Settler::deliver(Lease lease) {
    {
        const std::scoped_lock lock(mutex_);
        ++held_;
    }
    auto message = lease.message;
    const auto deliveries = lease.deliveries;
    const auto put_at = lease.put_at;
    return {
        std::move(message),
        deliveries,
        put_at,
        std::make_unique<Settle>(weak_from_this(), std::move(lease))
    };
}

void Settler::give_back(std::vector<Lease> leases) {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    for (auto& lease : leases) {
        ++held_;
        releases_.push_back({std::move(lease.message.call_id), std::to_string(lease.token), "0"});
    }
    wake();
}

void Settler::ack(Lease lease) {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    depths_->removing(lease.message.fn_id);
    acks_.push_back(
        {std::move(lease.message.call_id),
         std::to_string(lease.token),
         std::move(lease.message.fn_id)}
    );
    wake();
}

void Settler::release(Lease lease, Millis after) {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    releases_.push_back(
        {std::move(lease.message.call_id),
         std::to_string(lease.token),
         std::to_string(std::max<Millis::rep>(0, after.count()))}
    );
    wake();
}

/// Mutex held. Posted, so that what is settled in one go is sent in one go.
void Settler::wake() {
    if (std::exchange(sending_, true)) return;
    asio::post(lane_, [self = shared_from_this()] {
        spawn(self->lane_, "redis.settle", self->send_all());
    });
}

Task<> Settler::send_all() {
    const auto self = shared_from_this();
    for (;;) {
        std::vector<Ack> acks;
        std::vector<Release> releases;
        {
            const std::scoped_lock lock(mutex_);
            acks = take_some(acks_, script_messages_max);
            releases = take_some(releases_, script_messages_max);
            if (acks.empty() && releases.empty()) sending_ = false;
        }
        const auto count = acks.size() + releases.size();
        if (count == 0) co_return;
        if (!acks.empty()) co_await send_acks(std::move(acks));
        if (!releases.empty()) co_await send_releases(std::move(releases));
        settled(count);
    }
}

Task<> Settler::send_acks(std::vector<Ack> acks) {
    std::vector<std::string_view> arguments;
    for (const auto& ack : acks) {
        arguments.insert(arguments.end(), {ack.call_id, ack.token});
    }
    const auto reply = co_await link_->run_script(Script::ack, arguments, deadline_in(send_max));
    for (const auto& ack : acks) depths_->removed(ack.fn_id, reply.has_value());
}

Task<> Settler::send_releases(std::vector<Release> releases) {
    std::vector<std::string_view> arguments;
    for (const auto& release : releases) {
        arguments.insert(arguments.end(), {release.call_id, release.token, release.after_ms});
    }
    co_await link_->run_script(Script::release, arguments, deadline_in(send_max));
}

void Settler::settled(std::size_t count) {
    const std::scoped_lock lock(mutex_);
    held_ -= std::min(held_, count);
    if (held_ > 0) return;
    for (const auto& drained : draining_) drained.set(true);
    draining_.clear();
}

Task<> Settler::drain(Deadline deadline) {
    const auto self = shared_from_this();
    const OneShot<bool> drained(co_await asio::this_coro::executor);
    {
        const std::scoped_lock lock(mutex_);
        if (held_ == 0) co_return;
        draining_.push_back(drained);
    }
    co_await drained.wait(deadline);
}

void Settler::stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
}

}  // namespace stoker::redis
