#pragma once

// CallEvents for all processes on one database: what one publishes, the subscribers of every
// process get, by NOTIFY and LISTEN. Events are hints (model/call_events.hpp): those that come
// while the server is away, or faster than it passes them on, are dropped; this process's own
// subscribers get them in any case. Several events share a message, and messages one transaction,
// which writes nothing to disk.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "datastore/postgres/pool.hpp"
#include "datastore/postgres/target.hpp"
#include "model/call_events.hpp"

namespace stoker {

class PostgresCallEvents final : public CallEvents {
public:
    PostgresCallEvents(postgres::Target target, Metrics& metrics);
    ~PostgresCallEvents() override { pool_.close(); }

    void publish(const CallEvent& event) override;
    std::unique_ptr<Subscription> subscribe_call(std::string_view call_id, Executor lane) override;
    std::unique_ptr<Subscription> subscribe_fn(std::string_view fn_id, Executor lane) override;

private:
    static constexpr std::size_t waiting_events_max = 10'000;

    void send();
    void take(const postgres::Notice& notice);

    const std::unique_ptr<CallEvents> here_ = make_local_call_events();
    const postgres::Statement notify_;
    Counter& dropped_;
    postgres::Pool pool_;
    bool is_sending_ = false;  ///< of the pool's lane

    std::mutex mutex_;
    std::vector<CallEvent> waiting_;
};

namespace postgres {

/// As many events as go into one message each.
std::vector<std::string> to_messages(const std::vector<CallEvent>& events);
/// What it cannot read (a newer program's, say) is left out.
std::vector<CallEvent> from_message(std::string_view message);

}  // namespace postgres

}  // namespace stoker
