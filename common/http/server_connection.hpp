#pragma once

// One accepted connection: reads requests, lets the handler answer them, one at a time, and decides
// after each whether the next can follow. Lives in the coroutine that serves it, on its lane.

#include <array>
#include <string>
#include <string_view>

#include "common/http/server_input.hpp"
#include "common/http/server_lane.hpp"
#include "common/http/server_parser.hpp"

namespace stoker {

class ServerConnection final : public Exchange {
public:
    ServerConnection(ServerLane& lane, ServerLane::Socket socket);
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;
    ~ServerConnection() override;

    /// Serves requests until the connection ends.
    Task<> serve();
    /// Answers with the fault and closes.
    Task<> refuse(HttpFault fault);

    // Called by the lane.
    void enforce_deadlines(Deadline now);
    bool is_idle() const { return !busy_; }
    void close();
    std::size_t slot = 0;  ///< in the lane's list

    // Exchange.
    const Request& request() const override { return parser_.request(); }
    Task<Received<std::string>> read_body(std::uint64_t bytes_max) override;
    Task<Received<std::string_view>> read_some(std::uint64_t bytes_max) override;
    bool body_ended() const override { return parser_.ended(); }
    bool say_processing() override;
    Task<> respond(Response response) override;
    void begin(int status, const Headers& headers, std::optional<std::uint64_t> length) override;
    Task<Received<void>> write(std::string_view bytes, bool last) override;
    bool answered() const override { return status_ != 0; }
    int status() const override { return status_; }
    void cut() override;
    bool client_gone() override;
    void when_client_gone(std::function<void()> told) override { when_gone_ = std::move(told); }

private:
    static constexpr Deadline never = Deadline::max();
    using Parts = std::array<std::string_view, 3>;

    Task<Received<void>> read_header();
    Task<> handle();
    Task<bool> finish();
    Task<> linger();
    Task<Received<std::string_view>> next_piece();
    Task<Received<void>> send_continue();
    Task<Received<std::size_t>> receive(Deadline deadline, std::size_t bytes_wanted);
    Task<Received<void>> send(Parts parts);
    Received<std::string_view> buffered_piece();
    Deadline body_deadline() const;
    bool may_keep_alive() const;

    ServerLane& lane_;
    ServerLane::Socket socket_;
    RequestParser parser_;
    InputBuffer input_;
    std::string output_;

    Deadline read_deadline_ = never;
    Deadline write_deadline_ = never;
    bool read_expired_ = false;
    bool from_loopback_ = false;

    // Of the request being served.
    bool busy_ = false;
    bool continue_pending_ = false;
    bool keep_alive_ = true;
    bool broken_ = false;  ///< no further byte can be sent
    bool chunked_answer_ = false;
    bool answer_ended_ = false;
    int status_ = 0;
    std::optional<std::uint64_t> answer_left_;  ///< of a length that was told
    std::optional<HttpFault> read_fault_;
    std::uint64_t body_received_ = 0;
    std::chrono::steady_clock::duration body_waited_{};
    std::function<void()> when_gone_;
};

}  // namespace stoker
