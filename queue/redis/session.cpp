#include "queue/redis/session.hpp"

#include <charconv>

namespace stoker::redis {

namespace {

using ConnectionRef = std::shared_ptr<Connection>;

/// Closes what it holds unless it was taken: nobody else would.
class Opening {
public:
    explicit Opening(ConnectionRef connection) : connection_(std::move(connection)) {}
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;
    ~Opening() {
        if (connection_) connection_->close({Fault::closed, "not used"});
    }
    Connection& operator*() const { return *connection_; }
    ConnectionRef take() { return std::move(connection_); }

private:
    ConnectionRef connection_;
};

Task<Result<Address>> ask_sentinel(
    const Address& sentinel, const std::string& master_name, Millis step_max
) {
    auto connected = co_await Connection::connect(sentinel, deadline_in(step_max));
    if (!connected) co_return std::unexpected(std::move(connected.error()));
    const Opening opening(*std::move(connected));
    const std::array<std::string_view, 3> words{"SENTINEL", "get-master-addr-by-name", master_name};
    const auto reply = co_await (*opening).command(words, deadline_in(step_max));
    if (!reply) co_return std::unexpected(reply.error());
    if (!reply->is_list() || reply->items.size() != 2) {
        co_return failed(
            Fault::unreachable, "Sentinel " + sentinel.text() + " knows no master " + master_name
        );
    }
    const auto& port = reply->items[1].text;
    Address master{.host = reply->items[0].text, .port = 0};
    std::from_chars(port.data(), port.data() + port.size(), master.port);
    if (master.host.empty() || master.port == 0) {
        co_return failed(Fault::protocol, "Sentinel " + sentinel.text() + " names no address");
    }
    co_return master;
}

Task<Result<Address>> find_server(const Settings& settings, Millis step_max) {
    if (!settings.asks_sentinels()) co_return settings.servers.front();
    Error last{Fault::unreachable, "no Sentinel"};
    for (const auto& sentinel : settings.servers) {
        auto master = co_await ask_sentinel(sentinel, settings.master_name, step_max);
        if (master) co_return master;
        last = std::move(master.error());
    }
    co_return std::unexpected(std::move(last));
}

Task<Result<void>> authenticate(Connection& connection, const Settings& settings, Millis step_max) {
    if (settings.password.empty()) co_return Result<void>{};
    std::vector<std::string_view> words{"AUTH"};
    if (!settings.user.empty()) words.emplace_back(settings.user);
    words.emplace_back(settings.password);
    const auto reply = co_await connection.command(words, deadline_in(step_max));
    if (!reply) co_return std::unexpected(reply.error());
    co_return Result<void>{};
}

Task<Result<void>> select_database(Connection& connection, int db, Millis step_max) {
    if (db == 0) co_return Result<void>{};
    const auto number = std::to_string(db);
    const std::array<std::string_view, 2> words{"SELECT", number};
    const auto reply = co_await connection.command(words, deadline_in(step_max));
    if (!reply) co_return std::unexpected(reply.error());
    co_return Result<void>{};
}

/// After a failover the old master may come back as a replica before the Sentinels tell us.
Task<Result<void>> check_role(Connection& connection, Millis step_max) {
    const std::array<std::string_view, 1> words{"ROLE"};
    const auto reply = co_await connection.command(words, deadline_in(step_max));
    // A user may be forbidden to ask: then the first write tells.
    if (!reply && reply.error().fault == Fault::not_permitted) co_return Result<void>{};
    if (!reply) co_return std::unexpected(reply.error());
    const bool is_master =
        reply->is_list() && !reply->items.empty() && reply->items.front().text == "master";
    if (!is_master) co_return failed(Fault::read_only, "this server is not the master");
    co_return Result<void>{};
}

}  // namespace

Task<Result<std::shared_ptr<Connection>>> open_session(const Settings& settings, Millis step_max) {
    const auto server = co_await find_server(settings, step_max);
    if (!server) co_return std::unexpected(server.error());
    auto connected = co_await Connection::connect(*server, deadline_in(step_max));
    if (!connected) co_return std::unexpected(std::move(connected.error()));
    Opening opening(*std::move(connected));
    auto step = co_await authenticate(*opening, settings, step_max);
    if (step) step = co_await select_database(*opening, settings.db, step_max);
    if (step) step = co_await check_role(*opening, step_max);
    if (!step) co_return std::unexpected(std::move(step.error()));
    co_return opening.take();
}

}  // namespace stoker::redis
