#include "tests/fault/witness.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <sstream>
#include <stdexcept>

#include "tests/support/network_lab.hpp"

namespace stoker::test {

namespace {

constexpr int look_ms = 50;
constexpr int backlog = 256;

/// A socket belongs to the namespace of the thread that makes it.
UniqueFd listen_in(const std::string& network_namespace) {
    UniqueFd listener;
    std::thread([&] {
        if (enter_network(network_namespace)) {
            listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        }
    }).join();
    sockaddr_in any{};
    any.sin_family = AF_INET;
    if (!listener ||
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::listen(listener.get(), backlog) != 0) {
        throw std::runtime_error("the witness cannot listen");
    }
    return listener;
}

}  // namespace

Witness::Witness(History& history, const std::string& network_namespace) :
    history_(history),
    listener_(listen_in(network_namespace)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

Witness::~Witness() {
    is_over_ = true;
    thread_.join();
}

void Witness::serve() {
    while (!is_over_) {
        std::vector<pollfd> ready{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
        for (const auto& teller : tellers_) {
            ready.push_back({.fd = teller.fd.get(), .events = POLLIN, .revents = 0});
        }
        if (::poll(ready.data(), ready.size(), look_ms) <= 0) continue;
        std::vector<Teller> left;
        for (std::size_t i = 0; i < tellers_.size(); ++i) {
            if (ready[i + 1].revents == 0 || hear(tellers_[i])) {
                left.push_back(std::move(tellers_[i]));
            }
        }
        tellers_ = std::move(left);
        if (ready[0].revents == 0) continue;
        UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (fd) tellers_.push_back({.fd = std::move(fd), .text = {}, .id = {}, .attempt = 0});
    }
}

bool Witness::hear(Teller& teller) {
    std::array<char, 1024> buffer{};
    const auto got = ::recv(teller.fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    teller.text.append(buffer.data(), static_cast<std::size_t>(got));
    for (std::size_t end = 0; (end = teller.text.find('\n')) != std::string::npos;) {
        take(teller, teller.text.substr(0, end));
        teller.text.erase(0, end + 1);
    }
    return true;
}

void Witness::take(Teller& teller, const std::string& line) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "start") {
        std::string token;
        std::int64_t at = 0;
        words >> token >> teller.id >> teller.attempt >> at;
        history_.started(token, teller.id, teller.attempt, at);
        return;
    }
    history_.ended(teller.id, teller.attempt);
    ::send(teller.fd.get(), "\n", 1, MSG_NOSIGNAL);
}

}  // namespace stoker::test
