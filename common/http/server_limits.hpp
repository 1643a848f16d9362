#pragma once

// What a client of an HttpServer may ask of it before it is refused or cut off.

#include <cstddef>
#include <cstdint>

#include "common/async/task.hpp"

namespace stoker {

struct ServerLimits {
    std::size_t header_bytes_max = 64UL * 1024;  ///< the request line and all fields → 431
    std::size_t header_fields_max = 256;         ///< → 431
    std::size_t uri_bytes_max = 16UL * 1024;     ///< → 414
    std::size_t connections_max = 10'000;        ///< further ones get a 503
    std::size_t refusals_max = 256;  ///< of those 503s at a time; the rest is just closed

    Millis header_time{10'000};  ///< from the first byte of a request → 408
    Millis idle_time{60'000};    ///< without a request → closed
    /// The wait for body bytes: at one stretch, and in all on top of what `body_rate_min` allows.
    Millis body_stall{30'000};
    std::uint64_t body_rate_min = 1024;  ///< bytes/s
    Millis write_stall{30'000};          ///< no byte taken by the client → cut

    /// After an answer that ends the connection: how long and how much of what the client still
    /// sends is read, so that it gets to see the answer instead of a reset.
    Millis linger_time{5'000};
    std::uint64_t linger_bytes_max = 16ULL * 1024 * 1024;
    /// An unread rest of a body up to this is read to keep the connection.
    std::uint64_t skip_bytes_max = 256ULL * 1024;
};

}  // namespace stoker
