#include "queue/redis/link.hpp"

#include <boost/asio/redirect_error.hpp>

#include "common/log.hpp"
#include "queue/redis/session.hpp"

namespace stoker::redis {

namespace {

/// Less than what a put may take, so that a first put learns that the server is away.
constexpr Millis step_max{1'500};
constexpr Millis pause_first{50};
constexpr Millis pause_most{5'000};

}  // namespace

Link::Link(
    std::string_view name, Settings settings, Executor lane, Metrics& metrics, Prepare prepare
) :
    name_(name),
    settings_(std::move(settings)),
    key_prefix_(settings_.key_prefix()),
    lane_(lane),
    prepare_(std::move(prepare)),
    metrics_(metrics),
    connected_(metrics.counter(
        "stoker_queue_connects_total",
        "Connections made to the queue's server",
        {{"link", std::string(name)}}
    )),
    scripts_loaded_(
        metrics.counter("stoker_queue_scripts_loaded_total", "Scripts sent to the queue's server")
    ),
    pause_(lane),
    backoff_(pause_first, pause_most, std::random_device{}()) {}

Task<> Link::run() {
    const auto self = shared_from_this();
    while (!stopped_) {
        auto opened = co_await open_session(settings_, step_max);
        if (opened && prepare_ && !stopped_) {
            const auto connection = *opened;
            if (auto prepared = co_await prepare_(*connection); !prepared) {
                connection->close({Fault::closed, "not used"});
                opened = std::unexpected(std::move(prepared.error()));
            }
        }
        if (opened) {
            co_await serve(*std::move(opened));
        } else {
            count(opened.error());
            tell("redis.down", opened.error());
            enter(State::down);
        }
        if (!stopped_) co_await pause();
    }
    enter(State::down);
}

Task<> Link::serve(std::shared_ptr<Connection> connection) {
    if (stopped_) {
        connection->close({Fault::closed, "stopped"});
        co_return;
    }
    connected_.add();
    connection_ = std::move(connection);
    enter(State::up);
    const auto held = connection_;
    const auto why = co_await held->wait_closed();
    connection_.reset();
    enter(State::down);
    if (stopped_) co_return;
    count(why);
    tell("redis.down", why);
}

Task<> Link::pause() {
    pause_.expires_after(backoff_.next());
    error_code ignored;
    co_await pause_.async_wait(asio::redirect_error(use_task, ignored));
}

void Link::stop() {
    stopped_ = true;
    pause_.cancel();
    if (connection_) connection_->close({Fault::closed, "stopped"});
}

Task<bool> Link::wait_first(Deadline deadline) {
    const auto self = shared_from_this();
    co_await first_attempt_ended_.wait(deadline);
    co_return state() == State::up;
}

void Link::enter(State state) {
    state_.store(state, std::memory_order_relaxed);
    first_attempt_ended_.set(true);
}

/// Says nothing of whether commands succeed: a server that refuses them all answers it, too.
Task<> Link::ping(Deadline deadline) {
    const auto connection = connection_;
    if (!connection) co_return;
    const std::array<std::string_view, 1> words{"PING"};
    auto reply = co_await connection->command(words, deadline);
    if (!reply) connection->close(std::move(reply.error()));
}

Task<Result<Reply>> Link::command(Words words, Deadline deadline) {
    const auto self = shared_from_this();
    co_return co_await send(words, deadline);
}

Task<Result<Reply>> Link::run_script(Script script, Words arguments, Deadline deadline) {
    const auto self = shared_from_this();
    const auto& sha = shas_.at(static_cast<std::size_t>(script));
    for (bool is_loaded = false;; is_loaded = true) {
        if (is_loaded || sha.empty()) {
            const auto loaded = co_await load(script, deadline);
            if (!loaded) co_return std::unexpected(loaded.error());
        }
        std::vector<std::string_view> words{"EVALSHA", sha, "1", key_prefix_};
        words.insert(words.end(), arguments.begin(), arguments.end());
        auto reply = co_await send(words, deadline);
        const bool is_missing = !reply && reply.error().fault == Fault::script_missing;
        if (!is_missing || is_loaded) co_return reply;
    }
}

Task<Result<void>> Link::load(Script script, Deadline deadline) {
    const std::array<std::string_view, 3> words{"SCRIPT", "LOAD", text_of(script)};
    auto reply = co_await send(words, deadline);
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    if (!stopped_) scripts_loaded_.add();
    shas_.at(static_cast<std::size_t>(script)) = std::move(reply->text);
    co_return Result<void>{};
}

/// A fault is counted, and what it asks for is done, here and nowhere else.
Task<Result<Reply>> Link::send(Words words, Deadline deadline) {
    const auto connection = connection_;
    if (!connection) co_return failed(Fault::unreachable, "not connected");
    auto reply = co_await connection->command(words, deadline);
    if (reply) {
        backoff_.succeeded();
        if (told_) {
            log::info("redis.up", {{"link", name_}});
            told_.reset();
        }
        co_return reply;
    }
    const auto& error = reply.error();
    const auto remedy = spec_of(error.fault).remedy;
    if (remedy == Remedy::reconnect) {
        connection->close(error);  // told and counted by serve(), once for all who waited
    } else {
        count(error);
        if (remedy == Remedy::refuse) tell("redis.refused", error);
    }
    co_return reply;
}

void Link::count(const Error& error) {
    if (stopped_) return;
    metrics_
        .counter(
            "stoker_queue_faults_total",
            "What went wrong with the queue's server",
            {{"fault", std::string(spec_of(error.fault).word)}}
        )
        .add();
}

void Link::tell(std::string_view event, const Error& error) {
    if (told_ == error.fault) return;
    told_ = error.fault;
    const auto& spec = spec_of(error.fault);
    log::warn(
        event, {{"link", name_}, {"fault", spec.word}, {"detail", error.text}, {"hint", spec.hint}}
    );
}

}  // namespace stoker::redis
