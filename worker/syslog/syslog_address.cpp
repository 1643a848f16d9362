#include "worker/syslog/syslog_address.hpp"

namespace stoker {

namespace {

constexpr std::uint16_t standard_port = 514;

bool has_port(std::string_view host) {
    const auto colon = host.rfind(':');
    return colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
}

}  // namespace

std::expected<SyslogAddress, std::string> parse_syslog_url(std::string_view url) {
    const auto end = url.find("://");
    const auto scheme = url.substr(0, end == std::string_view::npos ? 0 : end);
    auto rest = std::string(url.substr(end == std::string_view::npos ? url.size() : end + 3));
    const bool is_path = scheme == "unix" || scheme == "unixgram";
    if (!is_path && scheme != "tcp" && scheme != "udp") {
        return std::unexpected("syslog over " + std::string(scheme) + " is not supported");
    }
    while (!is_path && rest.ends_with('/')) rest.pop_back();
    if (!is_path && !has_port(rest)) rest += ":" + std::to_string(standard_port);
    auto peer = parse_http_address((is_path ? "unix://" : "tcp://") + rest);
    if (!peer) return std::unexpected(peer.error());
    return SyslogAddress{
        .datagrams = scheme == "udp" || scheme == "unixgram", .peer = std::move(*peer)
    };
}

}  // namespace stoker
