// Any bytes as a function's answer. They wait in a socket whose other end has stopped writing, so
// nothing is ever waited for. What reaches the caller is within what was sent.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

#include "common/unique_fd.hpp"
#include "worker/protocols/http_stream.hpp"

namespace {

using namespace stoker;

class Counted final : public FunctionAnswer {
public:
    Task<Result<void>> head(AnswerHead head, std::string_view raw) override {
        if (heads_++ > 0 || !raw.ends_with("\r\n\r\n")) std::abort();
        for (const auto& [name, value] : head.headers) {
            if (is_hop_by_hop(name)) std::abort();
        }
        raw_bytes += raw.size();
        co_return Result<void>{};
    }
    Task<Result<void>> data(std::string_view raw, std::string_view decoded, bool last) override {
        if (heads_ != 1 || ended) std::abort();
        raw_bytes += raw.size();
        decoded_bytes += decoded.size();
        ended = last;
        co_return Result<void>{};
    }

    std::size_t raw_bytes = 0;
    std::size_t decoded_bytes = 0;
    bool ended = false;

private:
    int heads_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t socket_bytes_max = 64UL * 1024;  // what a socket holds without a reader
    if (size > socket_bytes_max) return 0;
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    const UniqueFd ours(ends[0]);
    const UniqueFd function(ends[1]);
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    if (size > 0 && ::send(function.get(), data, size, MSG_NOSIGNAL) < 0) std::abort();
    ::shutdown(function.get(), SHUT_WR);

    Invocation invocation;
    invocation.call_id = "01";
    InlineBody body("");
    Counted answer;
    asio::io_context lane(1);
    std::optional<ExchangeEnd> end;
    asio::co_spawn(
        lane,
        exchange_http_stream(
            ours.get(),
            invocation,
            body,
            answer,
            {.head_bytes_max = 4096},
            deadline_in(Millis{60'000})
        ),
        [&](const std::exception_ptr& failed, ExchangeEnd ended) {
            if (failed) std::abort();
            end = std::move(ended);
        }
    );
    lane.run();
    if (!end || answer.raw_bytes > size || answer.decoded_bytes > answer.raw_bytes) std::abort();
    if (end->connection_ok && !answer.ended) std::abort();
    return 0;
}
