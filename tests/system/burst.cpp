#include "tests/system/burst.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "common/unique_fd.hpp"

namespace stoker::test {

namespace {

/// One kept connection that asks and waits for the answer; cheaper than a client per call.
class Caller {
public:
    explicit Caller(const HttpAddress& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(server.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{.tv_sec = 60, .tv_usec = 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0) {
            throw std::runtime_error("connect");
        }
    }

    std::string call(const std::string& fn, const std::string& body) {
        const auto request = fmt::format(
            "POST /invoke/{} HTTP/1.1\r\nHost: x\r\nFn-Invoke-Type: async\r\n"
            "Content-Length: {}\r\n\r\n{}",
            fn,
            body.size(),
            body
        );
        if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
            throw std::runtime_error("send");
        }
        // The body, a JSON object without another in it, ends the answer.
        std::string answer;
        std::array<char, 1024> buffer{};
        while (!answer.ends_with('}') && !answer.ends_with("}\n")) {
            const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
            if (got <= 0) throw std::runtime_error("no answer: " + answer);
            answer.append(buffer.data(), static_cast<std::size_t>(got));
        }
        const auto begin = answer.find("\r\n\r\n");
        if (!answer.starts_with("HTTP/1.1 202")) throw std::runtime_error(answer);
        return nlohmann::json::parse(answer.substr(begin)).at("call_id");
    }

private:
    UniqueFd fd_;
};

}  // namespace

std::vector<std::string> fire(
    const StokerProcess& stoker, const std::vector<std::string>& fns, const Burst& burst
) {
    std::vector<std::string> ids;
    std::vector<std::string> failures;
    std::mutex mutex;
    std::atomic<std::size_t> next{0};
    {
        std::vector<std::jthread> callers;
        for (std::size_t i = 0; i < burst.connections; ++i) {
            callers.emplace_back([&] {
                std::vector<std::string> mine;
                try {
                    Caller caller(stoker.address());
                    for (std::size_t at = 0; (at = next++) < burst.calls;) {
                        mine.push_back(caller.call(fns[at % fns.size()], burst.body));
                    }
                } catch (const std::exception& e) {
                    const std::scoped_lock lock(mutex);
                    failures.emplace_back(e.what());
                }
                const std::scoped_lock lock(mutex);
                ids.insert(ids.end(), mine.begin(), mine.end());
            });
        }
    }
    if (!failures.empty()) {
        throw std::runtime_error(fmt::format("{} callers: {}", failures.size(), failures.front()));
    }
    return ids;
}

std::map<std::string, std::size_t> count_statuses(
    const StokerProcess& stoker, const std::string& fn
) {
    std::map<std::string, std::size_t> counts;
    std::string cursor;
    do {
        auto target = "/v2/fns/" + fn + "/calls?per_page=100";
        if (!cursor.empty()) target += "&cursor=" + cursor;
        const auto page = stoker.json("GET", target);
        for (const auto& call : page.at("items")) ++counts[call.at("status")];
        cursor = page.value("next_cursor", "");
    } while (!cursor.empty());
    return counts;
}

}  // namespace stoker::test
