#include "model/call_events.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <atomic>
#include <deque>
#include <optional>
#include <utility>

namespace stoker {

namespace {

constexpr std::size_t backlog_events_max = 64;

/// The mailbox of one subscription. The hub's mutex guards all of it but the timer, which belongs
/// to the lane.
struct Mailbox {
    explicit Mailbox(Executor on) : lane(on), timer(on) {}
    const Executor lane;
    Timer timer;
    std::deque<CallEvent> backlog;
    bool wake_posted = false;
};
using MailboxRef = std::shared_ptr<Mailbox>;

struct Hub {
    using Index = std::unordered_map<std::string, std::vector<MailboxRef>>;
    std::mutex mutex;
    Index by_call;
    Index by_fn;
    /// Lets publish() leave at once when nobody listens, which is nearly always.
    std::atomic<std::size_t> subscriptions{0};
};

void deliver(Hub::Index& index, const std::string& key, const CallEvent& event) {
    const auto found = index.find(key);
    if (found == index.end()) return;
    for (const auto& mailbox : found->second) {
        if (mailbox->backlog.size() == backlog_events_max) mailbox->backlog.pop_front();
        mailbox->backlog.push_back(event);
        if (std::exchange(mailbox->wake_posted, true)) continue;
        asio::post(mailbox->lane, [mailbox] { mailbox->timer.cancel(); });
    }
}

class LocalSubscription final : public CallEvents::Subscription {
public:
    LocalSubscription(
        std::shared_ptr<Hub> hub, Hub::Index Hub::* index, std::string key, Executor lane
    ) :
        hub_(std::move(hub)),
        index_(index),
        key_(std::move(key)),
        mailbox_(std::make_shared<Mailbox>(lane)) {
        std::scoped_lock lock(hub_->mutex);
        ((*hub_).*index_)[key_].push_back(mailbox_);
        hub_->subscriptions.fetch_add(1);
    }

    LocalSubscription(const LocalSubscription&) = delete;
    LocalSubscription& operator=(const LocalSubscription&) = delete;

    ~LocalSubscription() override {
        std::scoped_lock lock(hub_->mutex);
        auto& index = (*hub_).*index_;
        const auto found = index.find(key_);
        std::erase(found->second, mailbox_);
        if (found->second.empty()) index.erase(found);
        hub_->subscriptions.fetch_sub(1);
    }

    Task<std::optional<CallEvent>> next(Deadline deadline) override {
        const auto mailbox = mailbox_;
        for (;;) {
            if (auto event = take()) co_return event;
            if (has_passed(deadline)) co_return std::nullopt;
            // The wake-up is posted to this lane, so it cannot run before the wait below began.
            mailbox->timer.expires_at(deadline);
            error_code ignored;
            co_await mailbox->timer.async_wait(asio::redirect_error(use_task, ignored));
        }
    }

private:
    std::optional<CallEvent> take() {
        std::scoped_lock lock(hub_->mutex);
        mailbox_->wake_posted = false;
        if (mailbox_->backlog.empty()) return std::nullopt;
        std::optional<CallEvent> event = std::move(mailbox_->backlog.front());
        mailbox_->backlog.pop_front();
        return event;
    }

    const std::shared_ptr<Hub> hub_;
    Hub::Index Hub::* const index_;
    const std::string key_;
    const MailboxRef mailbox_;
};

class LocalCallEvents final : public CallEvents {
public:
    void publish(const CallEvent& event) override {
        if (hub_->subscriptions.load() == 0) return;
        std::scoped_lock lock(hub_->mutex);
        deliver(hub_->by_call, event.call_id, event);
        deliver(hub_->by_fn, event.fn_id, event);
    }

    std::unique_ptr<Subscription> subscribe_call(std::string_view call_id, Executor lane) override {
        return std::make_unique<LocalSubscription>(hub_, &Hub::by_call, std::string(call_id), lane);
    }

    std::unique_ptr<Subscription> subscribe_fn(std::string_view fn_id, Executor lane) override {
        return std::make_unique<LocalSubscription>(hub_, &Hub::by_fn, std::string(fn_id), lane);
    }

private:
    const std::shared_ptr<Hub> hub_ = std::make_shared<Hub>();
};

}  // namespace

std::unique_ptr<CallEvents> make_local_call_events() { return std::make_unique<LocalCallEvents>(); }

}  // namespace stoker
