#include "common/http/server.hpp"

#include <boost/asio/post.hpp>

#include "common/http/server_lane.hpp"

namespace stoker {

namespace {

/// After the deadline the sockets are closed; handlers see it at their next read or write.
constexpr Millis cut_time{5'000};

}  // namespace

HttpServer::HttpServer(
    Lanes& lanes,
    ListenAddress address,
    const ServerLimits& limits,
    HttpHandler& handler,
    Metrics& metrics
) :
    lanes_(lanes),
    address_(std::move(address)),
    limits_(limits),
    handler_(handler),
    accepted_(metrics.counter("stoker_http_connections_total", "Connections accepted")),
    refused_(metrics.counter(
        "stoker_http_connections_refused_total", "Connections refused because there were too many"
    )) {}

HttpServer::~HttpServer() = default;

std::expected<void, std::string> HttpServer::start() {
    error_code failed;
    const auto host = asio::ip::make_address(address_.host, failed);
    if (failed) return std::unexpected("cannot listen on " + address_.host + ": not an IP address");
    port_ = address_.port;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        auto& lane = server_lanes_.emplace_back(std::make_shared<ServerLane>(*this, lanes_.at(i)));
        lane->listen({host, port_}, i == 0, failed);
        if (failed) {
            server_lanes_.clear();
            return std::unexpected(
                "cannot listen on " + address_.host + " port " + std::to_string(port_) + ": " +
                failed.message()
            );
        }
        port_ = lane->port();
    }
    for (auto& lane : server_lanes_) lane->start();
    return {};
}

Task<bool> HttpServer::stop(Deadline deadline) {
    const auto close_lanes = [this](bool all) {
        for (std::size_t i = 0; i < server_lanes_.size(); ++i) {
            asio::post(lanes_.at(i), [lane = server_lanes_[i], all] { lane->close(all); });
        }
    };
    close_lanes(false);
    if (co_await gate_.close(deadline)) co_return true;
    close_lanes(true);
    co_return co_await gate_.close(deadline_in(cut_time));
}

}  // namespace stoker
