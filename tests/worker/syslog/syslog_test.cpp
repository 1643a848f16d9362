// Syslog against servers played by sockets of this test, on loopback and in a folder of its own.

#include "worker/syslog/syslog.hpp"

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

const SyslogSource source{.host = "h", .app_id = "A", .fn_id = "F", .container = "C"};

/// Waits for something to read; a test that waits a minute has failed.
void await_readable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    REQUIRE(::poll(&polled, 1, 60'000) == 1);
}

std::string receive(int fd) {
    await_readable(fd);
    std::array<char, 65536> buffer;
    const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))};
}

struct UnixServer {
    explicit UnixServer(const std::string& path, int type) :
        socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 8) == 0);
    }
    UniqueFd socket;
};

struct InetServer {
    explicit InetServer(int type) : socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket.get(), raw, size) == 0);
        if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 8) == 0);
        REQUIRE(::getsockname(socket.get(), raw, &size) == 0);
        port = ntohs(address.sin_port);
    }
    UniqueFd socket;
    int port = 0;
};

UniqueFd accepted(const UniqueFd& listening) {
    await_readable(listening.get());
    return UniqueFd(::accept(listening.get(), nullptr, nullptr));
}

/// Reads octet-counted messages until there are so many.
std::vector<std::string> read_counted(int fd, std::size_t count) {
    std::vector<std::string> messages;
    std::string bytes;
    while (messages.size() < count) {
        const auto more = receive(fd);
        REQUIRE_FALSE(more.empty());
        bytes += more;
        for (auto blank = bytes.find(' '); blank != std::string::npos; blank = bytes.find(' ')) {
            const auto size = std::stoul(bytes.substr(0, blank));
            if (bytes.size() < blank + 1 + size) break;
            messages.push_back(bytes.substr(blank + 1, size));
            bytes.erase(0, blank + 1 + size);
        }
    }
    return messages;
}

struct Fixture {
    Fixture() { lanes.start(); }
    ~Fixture() {
        stop(20s);
        lanes.stop();
    }
    void stop(std::chrono::milliseconds patience) {
        asio::co_spawn(lanes.at(0), syslog.stop(deadline_in(patience)), asio::use_future).get();
    }
    std::uint64_t dropped() { return metrics.counter("stoker_syslog_dropped_total", "").value(); }

    TempDir folder;
    Lanes lanes{2};
    Metrics metrics;
    Syslog syslog{lanes, metrics};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Syslog: lines go to a TCP server, each with its length before it") {
    const InetServer server(SOCK_STREAM);
    auto tap = syslog.tap("tcp://127.0.0.1:" + std::to_string(server.port), source);
    REQUIRE(tap);
    tap->write(LogStream::out, "one\ntwo\nthr");
    tap->write(LogStream::err, "broken\n");
    tap->write(LogStream::out, "ee\n");
    const auto connection = accepted(server.socket);
    const auto messages = read_counted(connection.get(), 4);
    CHECK(messages[0].starts_with("<14>1 "));
    CHECK(messages[0].ends_with(" h app_id=A,fn_id=F C - - one"));
    CHECK(messages[1].ends_with(" - - two"));
    CHECK(messages[2].starts_with("<11>1 "));
    CHECK(messages[2].ends_with(" - - broken"));
    CHECK(messages[3].ends_with(" - - three"));
    CHECK(dropped() == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "Syslog: containers of one app share a connection; the last line needs no end"
) {
    const UnixServer server(folder.file("log"), SOCK_STREAM);
    const auto url = "unix://" + folder.file("log");
    auto first = syslog.tap(url, source);
    auto second = syslog.tap(url, source);
    first->write(LogStream::out, "from the first");
    first.reset();
    second->write(LogStream::out, "from the second\n");
    const auto connection = accepted(server.socket);
    const auto messages = read_counted(connection.get(), 2);
    CHECK(messages[0].ends_with("from the first"));
    CHECK(messages[1].ends_with("from the second"));
}

TEST_CASE_FIXTURE(Fixture, "Syslog: over datagrams each line is one") {
    const UnixServer local(folder.file("log"), SOCK_DGRAM);
    auto tap = syslog.tap("unixgram://" + folder.file("log"), source);
    tap->write(LogStream::out, "one\ntwo\n");
    CHECK(receive(local.socket.get()).ends_with(" - - one"));
    CHECK(receive(local.socket.get()).ends_with(" - - two"));

    const InetServer inet(SOCK_DGRAM);
    auto other = syslog.tap("udp://127.0.0.1:" + std::to_string(inet.port), source);
    other->write(LogStream::out, "three\n");
    CHECK(receive(inet.socket.get()).ends_with(" - - three"));
}

TEST_CASE_FIXTURE(
    Fixture, "Syslog: what was printed before the server came is sent when it comes"
) {
    const auto path = folder.file("late");
    auto tap = syslog.tap("unix://" + path, source);
    tap->write(LogStream::out, "early\n");
    const UnixServer server(path, SOCK_STREAM);
    const auto connection = accepted(server.socket);
    CHECK(read_counted(connection.get(), 1)[0].ends_with("early"));
}

TEST_CASE_FIXTURE(Fixture, "Syslog: a server that is away costs lines, not memory or time") {
    auto tap = syslog.tap("unix://" + folder.file("nobody"), source);
    const std::string line(16'000, 'x');
    const auto lines = 3 * SyslogSender::queue_bytes_max / line.size();
    for (std::size_t i = 0; i < lines; ++i) tap->write(LogStream::out, line + "\n");
    CHECK(dropped() > 0);
    tap.reset();
    stop(1ms);
    CHECK(dropped() >= lines / 3);
}

TEST_CASE_FIXTURE(Fixture, "Syslog: what cannot be spoken gives no tap") {
    CHECK_FALSE(syslog.tap("tcp+tls://logs", source));
    CHECK_FALSE(syslog.tap("nonsense", source));
}

TEST_CASE_FIXTURE(
    Fixture, "Syslog: a server that nobody writes to any more is left, and found again"
) {
    const InetServer server(SOCK_STREAM);
    const auto url = "tcp://127.0.0.1:" + std::to_string(server.port);
    syslog.tap(url, source)->write(LogStream::out, "one\n");
    const auto first = accepted(server.socket);
    CHECK(read_counted(first.get(), 1)[0].ends_with("one"));
    CHECK(receive(first.get()).empty());  // closed
    syslog.tap(url, source)->write(LogStream::out, "two\n");
    const auto second = accepted(server.socket);
    CHECK(read_counted(second.get(), 1)[0].ends_with("two"));
}
