#include "common/http/server_connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <charconv>

#include "common/http/server_answer.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

constexpr std::size_t read_bytes = 2048;
constexpr std::size_t read_bytes_body = 64UL * 1024;
constexpr std::size_t inline_body_bytes_max = 16UL * 1024;

}  // namespace

ServerConnection::ServerConnection(ServerLane& lane, ServerLane::Socket socket) :
    lane_(lane),
    socket_(std::move(socket)),
    parser_(lane.limits()),
    input_(std::max(lane.limits().header_bytes_max, read_bytes_body) + 4096) {
    error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    from_loopback_ = socket_.remote_endpoint(ignored).address().is_loopback();
    lane_.add(*this);
}

ServerConnection::~ServerConnection() { lane_.remove(*this); }

Task<> ServerConnection::serve() {
    for (;;) {
        const auto header = co_await read_header();
        if (!header) {
            if (header.error() != HttpFault::closed) co_await refuse(header.error());
            co_return;
        }
        busy_ = true;
        co_await handle();
        if (!co_await finish()) co_return;
        busy_ = false;
        if (lane_.stopping()) co_return;
        // What was pipelined waits for its turn: a request that never has to wait would otherwise
        // keep the lane for all those behind it.
        if (!input_.unread().empty()) {
            co_await asio::post(co_await asio::this_coro::executor, use_task);
        }
    }
}

/// An idle connection ends with `closed`, whoever ends it.
Task<Received<void>> ServerConnection::read_header() {
    const auto& limits = lane_.limits();
    Deadline header_deadline = never;
    for (;;) {
        const auto unread = input_.unread();
        if (!unread.empty()) {
            const auto taken = parser_.header(unread);
            if (!taken) co_return std::unexpected(taken.error());
            if (*taken > 0) {
                input_.consume(*taken);
                break;
            }
            if (header_deadline == never) header_deadline = lane_.now() + limits.header_time;
        }
        const bool idle = unread.empty();
        const auto received =
            co_await receive(idle ? lane_.now() + limits.idle_time : header_deadline, read_bytes);
        if (!received && idle) co_return std::unexpected(HttpFault::closed);
        if (!received) co_return std::unexpected(received.error());
    }
    parser_.request().from_loopback = from_loopback_;
    continue_pending_ = parser_.expects_continue() && !parser_.ended();
    status_ = 0;
    answer_ended_ = false;
    read_fault_.reset();
    body_received_ = 0;
    body_waited_ = {};
    when_gone_ = nullptr;
    co_return Received<void>{};
}

Task<> ServerConnection::handle() {
    try {
        co_await lane_.handler().handle(*this);
    } catch (const std::exception& e) {
        log::error("http.handler_threw", {{"what", e.what()}});
    }
    if (status_ == 0) co_await refuse(HttpFault::handler_failed);
}

Task<> ServerConnection::refuse(HttpFault fault) {
    keep_alive_ = false;
    status_ = 0;
    auto response = lane_.handler().refusal(fault);
    // The header may not have been understood, so nothing of it may be asked here.
    output_.clear();
    status_ = response.status;
    answer_ended_ = true;
    append_answer_head(
        output_,
        status_,
        response.headers,
        {.length = response.body.size(), .close = true, .date = lane_.date()}
    );
    const bool sent = (co_await send({output_, response.body, {}})).has_value();
    if (sent && !busy_) co_await linger();
}

/// Whether the next request can follow.
Task<bool> ServerConnection::finish() {
    if (broken_ || !answer_ended_) co_return false;
    if (!keep_alive_) {
        if (!parser_.ended()) co_await linger();
        co_return false;
    }
    while (!parser_.ended()) {
        // The answer promised to go on, so the rest of the body is small.
        const auto skipped = co_await next_piece();
        if (!skipped) co_return false;
    }
    parser_.reset();
    input_.shrink();
    if (output_.capacity() > inline_body_bytes_max * 2) output_ = {};
    co_return true;
}

/// Closing with unread bytes would reset the connection and could take the answer with it.
Task<> ServerConnection::linger() {
    const auto& limits = lane_.limits();
    error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    const auto deadline = lane_.now() + limits.linger_time;
    std::uint64_t discarded = 0;
    while (discarded < limits.linger_bytes_max && !lane_.stopping()) {
        input_.consume(input_.unread().size());
        const auto received = co_await receive(deadline, read_bytes_body);
        if (!received) co_return;
        discarded += *received;
    }
}

// Reading.

Task<Received<std::string>> ServerConnection::read_body(std::uint64_t bytes_max) {
    std::string body;
    for (;;) {
        const auto piece = co_await read_some(bytes_max);
        if (!piece) co_return std::unexpected(piece.error());
        if (piece->empty()) co_return body;
        body += *piece;
    }
}

Task<Received<std::string_view>> ServerConnection::read_some(std::uint64_t bytes_max) {
    if (!read_fault_ && !parser_.ended()) {
        if (request().content_length.value_or(0) > bytes_max) {
            read_fault_ = HttpFault::body_too_large;
        } else if (continue_pending_) {
            const auto sent = co_await send_continue();
            if (!sent) read_fault_ = sent.error();
        }
    }
    if (read_fault_) co_return std::unexpected(*read_fault_);
    auto piece = co_await next_piece();
    if (piece && body_received_ > bytes_max) {
        read_fault_ = HttpFault::body_too_large;
        co_return std::unexpected(*read_fault_);
    }
    co_return piece;
}

Task<Received<void>> ServerConnection::send_continue() {
    continue_pending_ = false;
    if (status_ != 0 || !input_.unread().empty()) co_return Received<void>{};
    co_return co_await send({"HTTP/1.1 100 Continue\r\n\r\n", {}, {}});
}

Task<Received<std::string_view>> ServerConnection::next_piece() {
    for (;;) {
        auto piece = buffered_piece();
        if (!piece || !piece->empty() || parser_.ended()) co_return piece;
        const auto before = lane_.now();
        const auto received = co_await receive(body_deadline(), read_bytes_body);
        body_waited_ += lane_.now() - before;
        if (!received) {
            read_fault_ = received.error();
            co_return std::unexpected(received.error());
        }
    }
}

/// What is in the buffer already; empty when more is needed.
Received<std::string_view> ServerConnection::buffered_piece() {
    while (!parser_.ended() && !input_.unread().empty()) {
        const auto piece = parser_.body(input_.unread());
        if (!piece) {
            read_fault_ = piece.error();
            return std::unexpected(piece.error());
        }
        input_.consume(piece->taken);
        if (!piece->bytes.empty()) {
            body_received_ += piece->bytes.size();
            return piece->bytes;
        }
        if (piece->taken == 0) break;
    }
    return std::string_view{};
}

Deadline ServerConnection::body_deadline() const {
    const auto& limits = lane_.limits();
    const std::chrono::steady_clock::duration allowed =
        limits.body_stall +
        Millis(body_received_ * 1000 / std::max<std::uint64_t>(limits.body_rate_min, 1));
    return lane_.now() +
           std::min<std::chrono::steady_clock::duration>(limits.body_stall, allowed - body_waited_);
}

Task<Received<std::size_t>> ServerConnection::receive(Deadline deadline, std::size_t bytes_wanted) {
    const auto room = input_.prepare(bytes_wanted);
    // Only a chunk header or a trailer without end can fill the buffer.
    if (room.empty()) co_return std::unexpected(HttpFault::malformed);
    read_deadline_ = deadline;
    error_code failed;
    const auto bytes = co_await socket_.async_read_some(
        asio::buffer(room.data(), room.size()), asio::redirect_error(use_task, failed)
    );
    read_deadline_ = never;
    const bool expired = std::exchange(read_expired_, false);
    if (!failed) {
        input_.commit(bytes);
        co_return bytes;
    }
    co_return std::unexpected(expired ? HttpFault::timed_out : HttpFault::closed);
}

// Writing.

bool ServerConnection::may_keep_alive() const {
    if (!parser_.keeps_alive() || lane_.stopping() || read_fault_) return false;
    if (parser_.ended()) return true;
    const auto length = request().content_length;
    return length && !continue_pending_ &&
           *length - body_received_ <= lane_.limits().skip_bytes_max;
}

void ServerConnection::begin(
    int status, const Headers& headers, std::optional<std::uint64_t> length
) {
    assert(status_ == 0);
    status_ = status;
    const bool bodiless = is_bodiless(status);
    chunked_answer_ = !length && !bodiless && !request().http_1_0;
    keep_alive_ = may_keep_alive() && (length || bodiless || chunked_answer_);
    answer_left_ = length;
    output_.clear();
    append_answer_head(
        output_,
        status,
        headers,
        {.length = bodiless ? std::nullopt : length,
         .chunked = chunked_answer_,
         .close = !keep_alive_,
         .http_1_0 = request().http_1_0,
         .date = lane_.date()}
    );
    if (bodiless || request().method == "HEAD") {
        chunked_answer_ = false;
        answer_left_.reset();
    }
}

/// Without waiting: whoever does not even take these bytes is not there any more.
bool ServerConnection::say_processing() {
    constexpr std::string_view text = "HTTP/1.1 102 Processing\r\n\r\n";
    assert(status_ == 0);
    error_code failed;
    if (!broken_ && socket_.write_some(asio::buffer(text), failed) == text.size()) return true;
    broken_ = true;
    return false;
}

Task<> ServerConnection::respond(Response response) {
    begin(response.status, response.headers, response.body.size());
    answer_ended_ = true;
    const bool silent = is_bodiless(status_) || request().method == "HEAD";
    std::string_view body = silent ? std::string_view{} : response.body;
    if (body.size() <= inline_body_bytes_max) {
        output_ += body;
        body = {};
    }
    // A failure shows in finish().
    static_cast<void>(co_await send({output_, body, {}}));
}

Task<Received<void>> ServerConnection::write(std::string_view bytes, bool last) {
    assert(status_ != 0 && !answer_ended_);
    if (is_bodiless(status_) || request().method == "HEAD") bytes = {};
    if (answer_left_) {
        // More than was promised would be read as the next answer, less would never end.
        const bool wrong = bytes.size() > *answer_left_ || (last && bytes.size() < *answer_left_);
        if (wrong) {
            cut();
            co_return std::unexpected(HttpFault::malformed);
        }
        *answer_left_ -= bytes.size();
    }
    std::string_view tail;
    if (chunked_answer_) {
        if (!bytes.empty()) {
            std::array<char, 16> digits{};
            const auto end =
                std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16).ptr;
            output_.append(digits.data(), end);
            output_ += "\r\n";
            tail = last ? "\r\n0\r\n\r\n" : "\r\n";
        } else if (last) {
            output_ += "0\r\n\r\n";
        }
    }
    auto sent = co_await send({output_, bytes, tail});
    output_.clear();
    answer_ended_ = last;
    co_return sent;
}

/// Tries the socket first: an answer nearly always fits its buffer, so there is nothing to wait
/// for.
Task<Received<void>> ServerConnection::send(Parts parts) {
    if (broken_) co_return std::unexpected(HttpFault::closed);
    for (;;) {
        std::array<asio::const_buffer, 3> buffers;
        std::size_t left = 0;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            buffers.at(i) = asio::buffer(parts.at(i));
            left += parts.at(i).size();
        }
        if (left == 0) co_return Received<void>{};
        error_code failed;
        auto sent = socket_.write_some(buffers, failed);
        if (failed == asio::error::would_block) {
            write_deadline_ = lane_.now() + lane_.limits().write_stall;
            failed.clear();
            co_await socket_.async_wait(
                asio::socket_base::wait_write, asio::redirect_error(use_task, failed)
            );
            write_deadline_ = never;
        }
        if (failed) {
            broken_ = true;
            co_return std::unexpected(HttpFault::closed);
        }
        for (auto& part : parts) {
            const auto taken = std::min(sent, part.size());
            part.remove_prefix(taken);
            sent -= taken;
        }
    }
}

void ServerConnection::cut() {
    broken_ = true;
    keep_alive_ = false;
    close();
}

bool ServerConnection::client_gone() {
    if (broken_ || !socket_.is_open()) return true;
    char byte = 0;
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

// Called by the lane.

void ServerConnection::enforce_deadlines(Deadline now) {
    error_code ignored;
    if (read_deadline_ <= now) {
        read_deadline_ = never;
        read_expired_ = true;
        socket_.cancel(ignored);
    }
    if (write_deadline_ <= now) {
        write_deadline_ = never;
        socket_.cancel(ignored);
    }
    if (when_gone_ && client_gone()) std::exchange(when_gone_, nullptr)();
}

void ServerConnection::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace stoker
