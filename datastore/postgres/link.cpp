#include "datastore/postgres/link.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <vector>

namespace stoker::postgres {

namespace {

using Socket = asio::posix::basic_stream_descriptor<Executor>;
using namespace asio::experimental::awaitable_operators;

/// libpq may change the socket from one step to the next (another host, no TLS), so it is watched
/// for one wait at a time. False at the deadline.
Task<bool> wait_for(const pg_conn* connection, Socket::wait_type what, Deadline deadline) {
    const auto lane = co_await asio::this_coro::executor;
    Socket socket(lane, PQsocket(connection));
    Timer timer(lane, deadline);
    bool is_ready = false;
    try {
        const auto first =
            co_await (socket.async_wait(what, use_task) || timer.async_wait(use_task));
        is_ready = first.index() == 0;
    } catch (const boost::system::system_error&) {
        is_ready = false;
    }
    socket.release();
    co_return is_ready;
}

ConnectionHandle begin_connecting(const Target& target) {
    const TargetWords words(target);
    return ConnectionHandle(PQconnectStartParams(words.names.data(), words.values.data(), 0));
}

/// By default libpq prints what the server remarks.
void ignore_remarks(pg_conn* connection) {
    PQsetNoticeProcessor(connection, [](void*, const char*) {}, nullptr);
}

/// Empty when it is connected, else why it is not.
Task<std::string> finish_connecting(pg_conn* connection, Deadline deadline) {
    if (PQstatus(connection) == CONNECTION_BAD) co_return words_of(connection);
    auto state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED) co_return words_of(connection);
        const auto what = state == PGRES_POLLING_READING ? Socket::wait_read : Socket::wait_write;
        if (!co_await wait_for(connection, what, deadline)) co_return "no answer in time";
        state = PQconnectPoll(connection);
    }
    co_return std::string{};
}

/// The same for a statement in text; only before pipeline mode.
Task<std::string> execute(pg_conn* connection, const std::string& sql, Deadline deadline) {
    if (PQsendQuery(connection, sql.c_str()) == 0) co_return words_of(connection);
    for (;;) {
        while (PQisBusy(connection) != 0) {
            const bool came = co_await wait_for(connection, Socket::wait_read, deadline);
            if (!came) co_return "no answer in time";
            if (PQconsumeInput(connection) == 0) co_return words_of(connection);
        }
        const ResultHandle result(PQgetResult(connection));
        if (!result) co_return std::string{};
        if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) co_return words_of(connection);
    }
}

}  // namespace

void FinishConnection::operator()(pg_conn* connection) const { PQfinish(connection); }

Task<Link::Opened> Link::open(const Target& target, std::string setup_sql, Deadline deadline) {
    const auto lane = co_await asio::this_coro::executor;
    auto connection = begin_connecting(target);
    if (!connection) co_return std::unexpected("out of memory");
    ignore_remarks(connection.get());
    auto why = co_await finish_connecting(connection.get(), deadline);
    if (why.empty()) why = co_await execute(connection.get(), setup_sql, deadline);
    if (!why.empty()) co_return std::unexpected(std::move(why));
    const bool is_set =
        PQsetnonblocking(connection.get(), 1) == 0 && PQenterPipelineMode(connection.get()) == 1;
    if (!is_set) co_return std::unexpected(words_of(connection.get()));
    co_return std::unique_ptr<Link>(new Link(lane, std::move(connection)));
}

Link::Link(Executor lane, ConnectionHandle connection) :
    connection_(std::move(connection)),
    socket_(lane, PQsocket(connection_.get())) {}

Link::~Link() {
    // It is libpq's: PQfinish closes it.
    socket_.release();
}

Task<bool> Link::wait_readable() {
    error_code failed;
    co_await socket_.async_wait(Socket::wait_read, asio::redirect_error(use_task, failed));
    co_return !failed;
}

bool Link::take_in() { return PQconsumeInput(connection_.get()) == 1; }

/// libpq gives the results of a query, then a null; an end of a job has no null after it. A second
/// null in a row says that it knows of nothing else.
Link::Event Link::next_event() {
    for (int nulls = 0; nulls < 2;) {
        if (PQisBusy(connection_.get()) != 0) return {};
        ResultHandle result(PQgetResult(connection_.get()));
        if (!result) {
            ++nulls;
            continue;
        }
        switch (PQresultStatus(result.get())) {
            case PGRES_PIPELINE_SYNC: return {Event::Kind::job_end, std::move(result)};
            case PGRES_PIPELINE_ABORTED: return {Event::Kind::skipped, std::move(result)};
            case PGRES_TUPLES_OK:
            case PGRES_COMMAND_OK: return {Event::Kind::rows, std::move(result)};
            default: return {Event::Kind::failed, std::move(result)};
        }
    }
    return {};
}

std::optional<Notice> Link::next_notice() {
    struct FreeNotice {
        void operator()(PGnotify* notice) const { PQfreemem(notice); }
    };
    const std::unique_ptr<PGnotify, FreeNotice> notice(PQnotifies(connection_.get()));
    if (!notice) return std::nullopt;
    return Notice{notice->extra, notice->be_pid};
}

bool Link::is_prepared(const Statement& statement) const {
    return prepared_.contains(statement.name);
}

bool Link::prepare(const Statement& statement) {
    prepared_.insert(statement.name);
    const auto& [name, sql] = statement;
    return PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr) == 1;
}

void Link::forget(const Statement& statement) { prepared_.erase(statement.name); }

bool Link::send(const Step& step) {
    constexpr int binary = 1;
    const auto count = step.params.size();
    std::vector<const char*> values(count);
    std::vector<int> lengths(count);
    const std::vector<int> formats(count, binary);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = step.params.data(i);
        lengths[i] = step.params.length(i);
    }
    return PQsendQueryPrepared(
               connection_.get(),
               step.statement->name.c_str(),
               static_cast<int>(count),
               values.data(),
               lengths.data(),
               formats.data(),
               binary
           ) == 1;
}

bool Link::send_job_end() { return PQpipelineSync(connection_.get()) == 1; }

Link::Flushed Link::flush() {
    switch (PQflush(connection_.get())) {
        case 0: return Flushed::all;
        case 1: return Flushed::partly;
        default: return Flushed::broken;
    }
}

void Link::when_writable(std::function<void()> ready) {
    socket_.async_wait(Socket::wait_write, [ready = std::move(ready)](error_code failed) {
        if (!failed) ready();
    });
}

void Link::abort() {
    error_code ignored;
    socket_.cancel(ignored);
}

std::string Link::last_words() const { return words_of(connection_.get()); }

int Link::process_id() const { return PQbackendPID(connection_.get()); }

Failure failure_of(const pg_result* result) {
    const auto* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return {
        .kind = Failure::Kind::refused,
        .sqlstate = state == nullptr ? "" : state,
        .message = trimmed(PQresultErrorMessage(result))
    };
}

}  // namespace stoker::postgres
