#include "api/call_response.hpp"

#include <boost/beast/http/parser.hpp>

#include <limits>

#include "common/http/append_body.hpp"

namespace stoker {

namespace http = boost::beast::http;

namespace {

using Parser = http::response_parser<AppendBody>;

/// False when the parser does not want all of it, or finds it wrong.
bool feed(Parser& parser, std::string_view bytes) {
    while (!bytes.empty() && !parser.is_done()) {
        boost::beast::error_code failed;
        const auto taken = parser.put(boost::asio::buffer(bytes), failed);
        bytes.remove_prefix(taken);
        if (failed) return false;
    }
    return true;
}

std::string_view plain(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<Response> replay(const CallResponse& stored) {
    Parser parser;
    parser.body_limit(boost::none);
    parser.header_limit(std::numeric_limits<std::uint32_t>::max());
    parser.eager(true);
    bool sound = feed(parser, stored.head) && parser.is_header_done();
    // A body that was cut off is shown as far as it came.
    if (sound) static_cast<void>(feed(parser, stored.body.bytes));
    if (!sound || (!stored.body.is_inline() && stored.body.bytes.empty())) {
        return fail(Errc::internal, {}, "the stored response cannot be read");
    }
    auto& message = parser.get();
    if (message.result_int() < 200) return fail(Errc::internal, {}, "the stored response is none");
    Response response{static_cast<int>(message.result_int()), {}, std::move(message.body())};
    for (const auto& field : message) {
        response.headers.emplace_back(plain(field.name_string()), plain(field.value()));
    }
    return response;
}

}  // namespace stoker
