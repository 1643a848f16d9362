#include "common/http/server_answer.hpp"

#include <boost/beast/http/status.hpp>

#include <array>
#include <charconv>

namespace stoker {

namespace {

constexpr std::array fault_specs{
    HttpFaultSpec{400, "Malformed request"},
    HttpFaultSpec{505, "HTTP version not supported"},
    HttpFaultSpec{414, "Request URI too long"},
    HttpFaultSpec{431, "Request headers too large"},
    HttpFaultSpec{417, "Expectation failed"},
    HttpFaultSpec{413, "Request content too large"},
    HttpFaultSpec{408, "Request timed out"},
    HttpFaultSpec{400, "Connection closed"},
    HttpFaultSpec{503, "Too many connections"},
    HttpFaultSpec{500, "internal server error"},
};
static_assert(fault_specs.size() == static_cast<std::size_t>(HttpFault::handler_failed) + 1);

void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

bool is_ours(std::string_view name) {
    return same_header_name(name, "Content-Length") || same_header_name(name, "Date");
}

}  // namespace

bool is_bodiless(int status) { return status < 200 || status == 204 || status == 304; }

std::string_view reason_of(int status) {
    const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
    if (known == boost::beast::http::status::unknown) return {};
    const auto reason = boost::beast::http::obsolete_reason(known);
    return {reason.data(), reason.size()};
}

void append_answer_head(
    std::string& out, int status, const Headers& headers, const AnswerFraming& framing
) {
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out += ' ';
    out += reason_of(status);
    out += "\r\n";
    if (!framing.date.empty()) {
        out += "Date: ";
        out += framing.date;
        out += "\r\n";
    }
    for (const auto& [name, value] : headers) {
        if (is_ours(name) || is_hop_by_hop(name) || !is_valid_header(name, value)) continue;
        out += name;
        out += ": ";
        out += value;
        out += "\r\n";
    }
    if (framing.length) {
        out += "Content-Length: ";
        append_number(out, *framing.length);
        out += "\r\n";
    }
    if (framing.chunked) out += "Transfer-Encoding: chunked\r\n";
    if (framing.close) {
        out += "Connection: close\r\n";
    } else if (framing.http_1_0) {
        out += "Connection: keep-alive\r\n";
    }
    out += "\r\n";
}

const HttpFaultSpec& spec_of(HttpFault fault) {
    return fault_specs.at(static_cast<std::size_t>(fault));
}

Response plain_refusal(HttpFault fault) {
    const auto& spec = spec_of(fault);
    Response response{spec.status, {{"Content-Type", "text/plain; charset=utf-8"}}, {}};
    response.body = spec.message;
    response.body += '\n';
    return response;
}

}  // namespace stoker
