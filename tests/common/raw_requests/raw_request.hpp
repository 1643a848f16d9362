#pragma once

// Raw requests and what each must get: the answers in their order, and whether the connection can
// be used afterwards. Held as data, by theme, for every server that should treat them alike. The
// point of the tables: framing that two parsers could read differently is never let through.

#include <string>
#include <vector>

#include "common/http/server_limits.hpp"

namespace stoker::test {

enum class Fate : std::uint8_t { kept, closed };

struct RawRequest {
    std::string name;
    std::string bytes;
    /// The status of each answer; none when the connection ends without one.
    std::vector<int> statuses;
    Fate fate;
    bool client_ends = false;  ///< it sends no more, and says so (FIN)
};

using RawRequests = std::vector<RawRequest>;

RawRequests request_line_requests();
RawRequests target_requests();
RawRequests host_requests();
RawRequests field_requests();
RawRequests length_requests();
RawRequests encoding_requests();
RawRequests chunk_requests();
RawRequests pipelined_requests();
RawRequests cut_requests();
/// All of the above.
RawRequests all_raw_requests();

/// The bounds that the tables are about. Small, so that going beyond them costs little.
ServerLimits raw_request_limits();

/// The pieces they are made of.
inline const std::string host_a = "Host: a\r\n";
inline const std::string chunked = "Transfer-Encoding: chunked\r\n";

/// `GET target` with these fields, each with its line end.
std::string get(const std::string& fields, const std::string& target = "/x");
/// `POST /echo` with Host and these fields.
std::string post(const std::string& fields, const std::string& body);
/// `count` times the text.
std::string times(std::size_t count, std::string_view text);
/// Bytes with NULs among them.
template <std::size_t size>
std::string bytes(const char (&literal)[size]) {
    return std::string(literal, size - 1);
}

}  // namespace stoker::test
