#include "tests/common/raw_requests/raw_request.hpp"

#include <iterator>

namespace stoker::test {

std::string get(const std::string& fields, const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
    return "POST /echo HTTP/1.1\r\n" + host_a + fields + "\r\n" + body;
}

std::string times(std::size_t count, std::string_view text) {
    std::string all;
    while (count-- > 0) all += text;
    return all;
}

RawRequests all_raw_requests() {
    RawRequests all;
    for (auto* const theme :
         {request_line_requests,
          target_requests,
          host_requests,
          field_requests,
          length_requests,
          encoding_requests,
          chunk_requests,
          pipelined_requests,
          cut_requests}) {
        auto rows = theme();
        all.insert(
            all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end())
        );
    }
    return all;
}

ServerLimits raw_request_limits() {
    ServerLimits limits;
    limits.uri_bytes_max = 1024;
    limits.header_bytes_max = 4096;
    limits.header_fields_max = 50;
    return limits;
}

}  // namespace stoker::test
