#include "common/http/server_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <optional>

#include "common/http/authority.hpp"
#include "common/http/url.hpp"

namespace stoker {

namespace http = boost::beast::http;

namespace {

constexpr std::size_t empty_lines_max = 2;      // a few clients send one after a body
constexpr std::size_t request_line_slack = 64;  // method, version and spaces beside the target

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// `HTTP/d.d` at the end of the request line: then it is only the version that we do not speak.
bool names_http_version(std::string_view header) {
    const auto line = header.substr(0, header.find("\r\n"));
    const auto version = line.substr(line.rfind(' ') + 1);
    return std::ranges::count(line, ' ') == 2 && version.size() == 8 &&
           version.starts_with("HTTP/") && version[6] == '.' && is_digits(version.substr(5, 1)) &&
           is_digits(version.substr(7, 1));
}

bool has_folded_line(std::string_view lines) {
    return lines.contains("\n ") || lines.contains("\n\t");
}

HttpFault fault_of(const boost::beast::error_code& failed, std::string_view header) {
    if (failed == http::error::header_limit) return HttpFault::headers_too_large;
    if (failed == http::error::bad_version && names_http_version(header)) {
        return HttpFault::bad_version;
    }
    return HttpFault::malformed;
}

/// Collects what Beast finds in one request.
class Collector final : public http::basic_parser<true> {
public:
    explicit Collector(Request& request) : request_(request) {}

    std::string_view piece;  ///< of the body, found by the last put()
    int hosts = 0;
    int content_lengths = 0;
    int transfer_encodings = 0;
    bool expects_continue = false;
    bool strange_expectation = false;
    bool bad_length = false;

private:
    using string_view = boost::beast::string_view;
    using error_code = boost::beast::error_code;

    static std::string_view plain(string_view text) { return {text.data(), text.size()}; }

    void on_request_impl(
        http::verb /*verb*/, string_view method, string_view target, int version, error_code& failed
    ) override {
        failed = {};
        request_.method = plain(method);
        request_.target = plain(target);
        request_.http_1_0 = version == 10;
    }

    void on_response_impl(int /*code*/, string_view /*reason*/, int /*version*/, error_code& failed)
        override {
        failed = {};
    }

    void on_field_impl(http::field field, string_view name, string_view value, error_code& failed)
        override {
        failed = {};
        if (header_ended_) return;  // a trailer: nobody here asks for them
        switch (field) {
            case http::field::host:
                ++hosts;
                request_.host = plain(value);
                break;
            case http::field::content_length:
                ++content_lengths;
                bad_length = bad_length || !is_digits(plain(value));
                break;
            case http::field::transfer_encoding: ++transfer_encodings; break;
            case http::field::expect:
                (same_header_name(plain(value), "100-continue") ? expects_continue
                                                                : strange_expectation) = true;
                break;
            default: break;
        }
        request_.headers.emplace_back(plain(name), plain(value));
    }

    void on_header_impl(error_code& failed) override {
        failed = {};
        header_ended_ = true;
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, error_code& failed)
        override {
        failed = {};
    }

    std::size_t on_body_impl(string_view bytes, error_code& failed) override {
        failed = {};
        piece = plain(bytes);
        return bytes.size();
    }

    void on_chunk_header_impl(std::uint64_t /*size*/, string_view extensions, error_code& failed)
        override {
        failed = {};
        // Beast lets a bare line feed through within quotes.
        if (!is_valid_header("x", plain(extensions))) failed = http::error::bad_chunk_extension;
    }

    std::size_t on_chunk_body_impl(
        std::uint64_t /*remaining*/, string_view bytes, error_code& failed
    ) override {
        failed = {};
        piece = plain(bytes);
        return bytes.size();
    }

    void on_finish_impl(error_code& failed) override { failed = {}; }

    Request& request_;
    bool header_ended_ = false;
};

}  // namespace

class RequestParser::Impl {
public:
    Request request;
    std::optional<Collector> collector;
};

RequestParser::RequestParser(const ServerLimits& limits) :
    limits_(limits),
    impl_(std::make_unique<Impl>()) {
    reset();
}

RequestParser::~RequestParser() = default;

Request& RequestParser::request() { return impl_->request; }
const Request& RequestParser::request() const { return impl_->request; }
bool RequestParser::ended() const { return impl_->collector->is_done(); }
bool RequestParser::keeps_alive() const { return impl_->collector->keep_alive(); }
bool RequestParser::expects_continue() const { return impl_->collector->expects_continue; }

void RequestParser::reset() {
    scanned_ = first_line_ = 0;
    lines_ = 0;
    auto& request = impl_->request;
    request.headers.clear();
    request.content_length.reset();
    request.host.clear();
    auto& collector = impl_->collector.emplace(request);
    collector.eager(false);
    collector.body_limit(boost::none);  // it is the handler that limits
    // The size is checked here before Beast sees the header.
    collector.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max + 1));
}

/// Looks at line ends only. Beast joins folded fields before it shows them, so they are refused
/// here.
Received<std::size_t> RequestParser::find_header_end(std::string_view input) {
    for (;;) {
        const auto line_end = input.find('\n', scanned_);
        const bool line_ended = line_end != std::string_view::npos;
        const auto seen = (line_ended ? line_end + 1 : input.size()) - first_line_;
        if (lines_ == 0 && seen > limits_.uri_bytes_max + request_line_slack) {
            return std::unexpected(HttpFault::uri_too_long);
        }
        if (seen > limits_.header_bytes_max) return std::unexpected(HttpFault::headers_too_large);
        if (!line_ended) return 0;
        if (line_end == scanned_ || input[line_end - 1] != '\r') {
            return std::unexpected(HttpFault::malformed);
        }
        const auto line = input.substr(scanned_, line_end - 1 - scanned_);
        scanned_ = line_end + 1;
        if (lines_ == 0 && line.empty()) {
            first_line_ = scanned_;
            if (first_line_ > 2 * empty_lines_max) return std::unexpected(HttpFault::malformed);
            continue;
        }
        if (line.empty()) return scanned_;
        if (line.front() == ' ' || line.front() == '\t') {
            return std::unexpected(HttpFault::malformed);
        }
        if (std::cmp_greater(++lines_, limits_.header_fields_max + 1)) {
            return std::unexpected(HttpFault::headers_too_large);
        }
    }
}

Received<std::size_t> RequestParser::header(std::string_view input) {
    const auto end = find_header_end(input);
    if (!end || *end == 0) return end;
    const auto header = input.substr(first_line_, *end - first_line_);
    boost::beast::error_code failed;
    impl_->collector->put(boost::asio::buffer(header), failed);
    if (failed) return std::unexpected(fault_of(failed, header));
    if (!impl_->collector->is_header_done()) return std::unexpected(HttpFault::malformed);
    if (request().target.size() > limits_.uri_bytes_max) {
        return std::unexpected(HttpFault::uri_too_long);
    }
    if (auto sound = check_framing(); !sound) return std::unexpected(sound.error());
    if (auto sound = split_target(); !sound) return std::unexpected(sound.error());
    return end;
}

Received<void> RequestParser::check_framing() {
    auto& collector = *impl_->collector;
    auto& request = impl_->request;
    const auto malformed = std::unexpected(HttpFault::malformed);
    if (collector.content_lengths > 1 || collector.bad_length) return malformed;
    if (collector.transfer_encodings > 0) {
        const auto* encoding = find_header(request.headers, "Transfer-Encoding");
        const bool exact = collector.transfer_encodings == 1 && collector.content_lengths == 0 &&
                           same_header_name(*encoding, "chunked");
        if (!exact || request.http_1_0) return malformed;
    }
    if (collector.hosts > 1 || (collector.hosts == 0 && !request.http_1_0)) return malformed;
    if (!request.host.empty() && !is_authority(request.host)) return malformed;
    // HTTP/1.0 has no expectations.
    if (request.http_1_0) {
        collector.expects_continue = false;
    } else if (collector.strange_expectation) {
        return std::unexpected(HttpFault::bad_expectation);
    }
    request.chunked = collector.chunked();
    if (const auto length = collector.content_length(); length && collector.content_lengths > 0) {
        request.content_length = *length;
    }
    return {};
}

Received<void> RequestParser::split_target() {
    auto& request = impl_->request;
    const std::string_view target = request.target;
    const auto malformed = std::unexpected(HttpFault::malformed);
    request.path_at = 0;
    if (request.method == "CONNECT" || target == "*") return split_special_target();
    if (target.front() != '/') {
        // Absolute form: its authority stands above the Host field.
        const auto scheme = target.substr(0, target.find("://") + 3);
        if (!same_header_name(scheme, "http://") && !same_header_name(scheme, "https://")) {
            return malformed;
        }
        const auto end = target.find_first_of("/?", scheme.size());
        request.host = target.substr(scheme.size(), end - scheme.size());
        if (!is_authority(request.host)) return malformed;
        if (end == std::string_view::npos || target[end] == '?') {
            // `http://host` means `/`.
            request.target.insert(std::min(end, target.size()), "/");
            return split_target();
        }
        request.path_at = end;
    }
    const auto path = target.substr(request.path_at, target.find('?') - request.path_at);
    request.path_bytes = path.size();
    if (target.contains('#') || !is_percent_encoded(path)) return malformed;
    return {};
}

/// The forms that each go with one method alone: `host:port` and `*`.
Received<void> RequestParser::split_special_target() {
    auto& request = impl_->request;
    const bool sound = request.method == "CONNECT"
                           ? request.target.contains(':') && is_authority(request.target)
                           : request.method == "OPTIONS";
    if (!sound) return std::unexpected(HttpFault::malformed);
    request.path_bytes = request.target.size();
    return {};
}

Received<RequestParser::Piece> RequestParser::body(std::string_view input) {
    auto& collector = *impl_->collector;
    collector.piece = {};
    boost::beast::error_code failed;
    const auto taken = collector.put(boost::asio::buffer(input), failed);
    // The last call takes the last chunk's size and the trailer, no data.
    const bool folded_trailer =
        collector.is_done() && request().chunked && has_folded_line(input.substr(0, taken));
    if ((failed && failed != http::error::need_more) || folded_trailer) {
        return std::unexpected(HttpFault::malformed);
    }
    return Piece{taken, collector.piece};
}

}  // namespace stoker
