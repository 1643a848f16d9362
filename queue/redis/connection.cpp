#include "queue/redis/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <hiredis/hiredis.h>

#include <cstdlib>
#include <new>

#include "common/async/one_shot.hpp"

namespace stoker::redis {

namespace {

using tcp = asio::ip::tcp;

/// Ours are far smaller; a server that sends more than this in one reply is none of ours.
constexpr std::size_t reply_bytes_max = std::size_t{64} << 20U;

struct FreeReply {
    void operator()(redisReply* reply) const { ::freeReplyObject(reply); }
};
using OwnedReply = std::unique_ptr<redisReply, FreeReply>;

Reply to_value(const redisReply& reply) {
    Reply value;
    switch (reply.type) {
        case REDIS_REPLY_INTEGER:
            value.kind = Reply::Kind::integer;
            value.integer = reply.integer;
            break;
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
        case REDIS_REPLY_ERROR:  // inside a list, where none of ours has any
            value.kind = Reply::Kind::text;
            value.text.assign(reply.str, reply.len);
            break;
        case REDIS_REPLY_ARRAY:
            value.kind = Reply::Kind::list;
            value.items.reserve(reply.elements);
            for (const auto* item : std::span(reply.element, reply.elements)) {
                value.items.push_back(to_value(*item));
            }
            break;
        default: break;
    }
    return value;
}

Result<Reply> to_result(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ERROR) return to_value(reply);
    std::string text(reply.str, reply.len);
    const auto fault = classify(text);
    return failed(fault, std::move(text));
}

/// Names go through the system's resolver on a thread of Asio's, which may go on past the deadline.
Task<Result<std::vector<tcp::endpoint>>> resolve(Address address, Deadline deadline) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(address.host, not_literal);
    if (!not_literal) co_return std::vector{tcp::endpoint(literal, address.port)};

    using Resolver = asio::ip::basic_resolver<tcp, Executor>;
    using Found = std::pair<error_code, std::vector<tcp::endpoint>>;
    const OneShot<Found> found(co_await asio::this_coro::executor);
    const auto resolver = std::make_shared<Resolver>(found.lane());
    resolver->async_resolve(
        address.host,
        std::to_string(address.port),
        [resolver, found](error_code failure, const Resolver::results_type& results) {
            Found answer{failure, {}};
            for (const auto& entry : results) answer.second.push_back(entry.endpoint());
            found.set(std::move(answer));
        }
    );
    auto answer = co_await found.wait(deadline);
    if (!answer) co_return failed(Fault::timed_out, "looking up " + address.host);
    if (answer->first) {
        co_return failed(Fault::unreachable, address.host + ": " + answer->first.message());
    }
    co_return std::move(answer->second);
}

}  // namespace

/// A command under way.
struct Connection::Pending {
    Pending(Executor lane, Deadline deadline) : timer(lane, deadline) {}

    void answer(Result<Reply> with) {
        result = std::move(with);
        timer.cancel();
    }
    Timer timer;
    std::optional<Result<Reply>> result;
};

void Connection::FreeReader::operator()(redisReader* reader) const { ::redisReaderFree(reader); }

Connection::Connection(Socket socket) :
    socket_(std::move(socket)),
    closed_(socket_.get_executor(), Deadline::max()),
    reader_(::redisReaderCreate()) {
    if (!reader_) throw std::bad_alloc();
}

Connection::~Connection() = default;

Task<Result<std::shared_ptr<Connection>>> Connection::connect(Address address, Deadline deadline) {
    const auto endpoints = co_await resolve(address, deadline);
    if (!endpoints) co_return std::unexpected(endpoints.error());
    const auto lane = co_await asio::this_coro::executor;
    error_code problem = asio::error::host_not_found;
    for (const auto& endpoint : *endpoints) {
        Socket socket(lane);
        Timer timer(lane, deadline);
        timer.async_wait([&socket](error_code cancelled) {
            error_code ignored;
            if (!cancelled) socket.close(ignored);
        });
        co_await socket.async_connect(endpoint, asio::redirect_error(use_task, problem));
        // The timer's handler refers to the socket: it has run, or will see that it is cancelled.
        const bool in_time = timer.cancel() > 0;
        if (!in_time) {
            co_await asio::post(lane, use_task);
            co_return failed(Fault::timed_out, "connecting to " + address.text());
        }
        if (problem) continue;
        socket.set_option(tcp::no_delay(true), problem);
        socket.set_option(asio::socket_base::keep_alive(true), problem);
        // Not make_shared: the constructor is private.
        std::shared_ptr<Connection> connection(new Connection(std::move(socket)));
        connection->read_more();
        co_return connection;
    }
    co_return failed(Fault::unreachable, address.text() + ": " + problem.message());
}

Task<Result<Reply>> Connection::command(Words words, Deadline deadline) {
    const auto self = shared_from_this();
    if (failure_) co_return std::unexpected(*failure_);
    const auto pending = std::make_shared<Pending>(socket_.get_executor(), deadline);
    pending_.push_back(pending);
    send(words);
    if (!pending->result) {
        error_code ignored;
        co_await pending->timer.async_wait(asio::redirect_error(use_task, ignored));
    }
    if (!pending->result) {
        close({Fault::timed_out, "no answer to " + std::string(words.front())});
    }
    co_return std::move(*pending->result);
}

void Connection::send(Words words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    texts.reserve(words.size());
    sizes.reserve(words.size());
    for (const auto word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    char* formatted = nullptr;
    const int bytes = ::redisFormatCommandArgv(
        &formatted, static_cast<int>(words.size()), texts.data(), sizes.data()
    );
    if (bytes < 0) throw std::bad_alloc();
    outgoing_.append(formatted, static_cast<std::size_t>(bytes));
    ::redisFreeCommand(formatted);
    if (writing_.empty()) write_out();
}

void Connection::write_out() {
    writing_.swap(outgoing_);
    asio::async_write(
        socket_,
        asio::buffer(writing_),
        [self = shared_from_this()](error_code problem, std::size_t) {
            if (self->failure_) return;
            if (problem) {
                self->close({Fault::closed, problem.message()});
                return;
            }
            self->writing_.clear();
            if (!self->outgoing_.empty()) self->write_out();
        }
    );
}

void Connection::read_more() {
    socket_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](error_code problem, std::size_t bytes) {
            if (self->failure_) return;
            if (problem) {
                const bool is_end = problem == asio::error::eof;
                self->close(
                    {Fault::closed, is_end ? "the server closed the connection" : problem.message()}
                );
                return;
            }
            self->take(bytes);
            if (!self->failure_) self->read_more();
        }
    );
}

void Connection::take(std::size_t bytes) {
    if (::redisReaderFeed(reader_.get(), chunk_.data(), bytes) != REDIS_OK) {
        close({Fault::protocol, static_cast<const char*>(reader_->errstr)});
        return;
    }
    while (take_reply()) {
    }
    if (!failure_ && reader_->len > reply_bytes_max) {
        close({Fault::protocol, "a reply is too large"});
    }
}

/// False when no whole reply is there.
bool Connection::take_reply() {
    void* raw = nullptr;
    if (::redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
        close({Fault::protocol, static_cast<const char*>(reader_->errstr)});
        return false;
    }
    const OwnedReply reply(static_cast<redisReply*>(raw));
    if (!reply) return false;
    auto result = to_result(*reply);
    if (pending_.empty()) {
        // A server that has too many clients says so before it hangs up.
        close(result ? Error{Fault::protocol, "a reply that nobody asked for"} : result.error());
        return false;
    }
    const auto pending = std::move(pending_.front());
    pending_.pop_front();
    pending->answer(std::move(result));
    return true;
}

void Connection::close(Error why) {
    if (failure_) return;
    failure_ = std::move(why);
    error_code ignored;
    socket_.close(ignored);
    for (const auto& pending : pending_) pending->answer(std::unexpected(*failure_));
    pending_.clear();
    closed_.cancel();
}

Task<Error> Connection::wait_closed() {
    const auto self = shared_from_this();
    if (!failure_) {
        error_code ignored;
        co_await closed_.async_wait(asio::redirect_error(use_task, ignored));
    }
    co_return *failure_;
}

}  // namespace stoker::redis
