#include "worker/container_exchange.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "worker/protocols/cold.hpp"
#include "worker/protocols/envelope_exchange.hpp"
#include "worker/protocols/http_stdio.hpp"
#include "worker/protocols/http_stream.hpp"

namespace stoker {

namespace {

// Servers close idle connections; Fn's agent gives up its own first, after a second, and functions
// rely on it.
constexpr std::chrono::seconds connection_idle_max{1};

/// Connects anew unless the connection of the last call is still good.
bool connect(Container& container) {
    if (container.connection) {
        char byte = 0;
        const auto peeked = ::recv(container.connection.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        // Bytes nobody asked for: nothing this container says next can be trusted.
        if (peeked > 0) return false;
        const auto idle = std::chrono::steady_clock::now() - container.connection_used;
        if (peeked < 0 && errno == EAGAIN && idle < connection_idle_max) return true;
    }
    auto connected = connect_to(container.socket);
    container.connection = connected ? std::move(*connected) : UniqueFd{};
    return connected.has_value();
}

Task<ExchangeEnd> exchange_over_socket(
    Container& container,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    auto end = co_await exchange_http_stream(
        container.connection.get(), invocation, body, answer, limits, deadline
    );
    container.connection_used = std::chrono::steady_clock::now();
    if (!end.connection_ok) container.connection.reset();
    co_return end;
}

}  // namespace

bool is_ready(Container& container) {
    if (!container.speaks_stdio()) return connect(container);
    // A fresh one that has died already is the call's to report: the next would die, too.
    if (!container.served) return true;
    return are_quiet(container.stdio, container.fn->format != FnFormat::http);
}

Task<ExchangeEnd> exchange_in(
    Container& container,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline begun
) {
    container.served = true;
    const std::chrono::seconds time(container.fn->timeout_s);
    const auto deadline = begun + time;
    const auto pipes = container.stdio.ends();
    switch (container.fn->format) {
        case FnFormat::http_stream:
            return exchange_over_socket(container, invocation, body, answer, limits, deadline);
        case FnFormat::http:
            return exchange_http_stdio(pipes, invocation, body, answer, limits, deadline);
        case FnFormat::json:
            return exchange_envelope(
                json_envelope(), pipes, invocation, body, answer, limits, time
            );
        case FnFormat::cloudevent:
            return exchange_envelope(
                cloudevent_envelope(), pipes, invocation, body, answer, limits, time
            );
        case FnFormat::cold: break;
    }
    return exchange_cold(container.stdio, container.exited, body, answer, limits, deadline);
}

}  // namespace stoker
