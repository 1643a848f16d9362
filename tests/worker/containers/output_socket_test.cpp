#include "worker/containers/output_socket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/worker/containers/read_pipe.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Pipe make_pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd connect_to(const std::filesystem::path& socket_path) {
    // The test folders' paths may be too long for an address, as the agent's may.
    const UniqueFd folder(::open(socket_path.parent_path().c_str(), O_PATH | O_DIRECTORY));
    const auto path =
        "/proc/self/fd/" + std::to_string(folder.get()) + "/" + socket_path.filename().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fd.reset();
    return fd;
}

void send_to(int connection, std::string payload, const std::vector<int>& descriptors) {
    iovec part{payload.data(), payload.size()};
    std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptors.size()));
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        auto* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
        std::memcpy(CMSG_DATA(header), descriptors.data(), sizeof(int) * descriptors.size());
    }
    REQUIRE(::sendmsg(connection, &message, 0) == static_cast<ssize_t>(payload.size()));
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// What receive() makes of one message.
Result<OutputPipes> hand_over(
    const std::string& payload, const std::vector<int>& descriptors, bool with_input = false
) {
    return run(
        [](std::string bytes, std::vector<int> sent, bool input) -> Task<Result<OutputPipes>> {
            const TempDir folder;
            auto socket =
                OutputSocket::listen(co_await asio::this_coro::executor, folder.path()).value();
            {
                const auto connection = connect_to(folder.path() / OutputSocket::file_name);
                if (!bytes.empty()) send_to(connection.get(), bytes, sent);
            }
            auto received = co_await socket.receive(deadline_in(std::chrono::seconds(30)), input);
            CHECK_FALSE(std::filesystem::exists(folder.path() / OutputSocket::file_name));
            co_return received;
        }(payload, descriptors, with_input)
    );
}

}  // namespace

TEST_CASE("OutputSocket: two read ends arrive in order, non-blocking and closed on exec") {
    auto out = make_pipe();
    auto err = make_pipe();
    auto received = hand_over("\1", {out.read.get(), err.read.get()});
    REQUIRE(received);
    CHECK((::fcntl(received->out.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(received->err.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(received->pid == ::getpid());
    REQUIRE(::write(out.write.get(), "o", 1) == 1);
    REQUIRE(::write(err.write.get(), "e", 1) == 1);
    out.write.reset();
    err.write.reset();
    CHECK(run(read_pipe(std::move(received->out))) == "o");
    CHECK(run(read_pipe(std::move(received->err))) == "e");
}

TEST_CASE("OutputSocket: the write end of stdin comes third, when it is asked for") {
    auto out = make_pipe();
    auto in = make_pipe();
    const int output = out.read.get();
    auto received = hand_over("\1", {output, output, in.write.get()}, true);
    REQUIRE(received);
    CHECK((::fcntl(received->in.get(), F_GETFL) & O_NONBLOCK) != 0);
    in.write.reset();
    REQUIRE(::write(received->in.get(), "i", 1) == 1);
    received->in.reset();
    CHECK(run(read_pipe(std::move(in.read))) == "i");

    const auto other = make_pipe();
    for (const auto& wrong : std::vector<std::vector<int>>{
             {output, output}, {output, output, output}, {output, other.write.get(), output}
         }) {
        CHECK_FALSE(hand_over("\1", wrong, true));
    }
    CHECK_FALSE(hand_over("\1", {output, output, other.write.get()}, false));
}

TEST_CASE("OutputSocket: what was handed over before the end is not lost") {
    run([]() -> Task<> {
        const TempDir folder;
        auto out = make_pipe();
        auto socket =
            OutputSocket::listen(co_await asio::this_coro::executor, folder.path()).value();
        {
            const auto connection = connect_to(folder.path() / OutputSocket::file_name);
            send_to(connection.get(), "\1", {out.read.get(), out.read.get()});
        }
        socket.end();
        CHECK(co_await socket.receive(deadline_in(std::chrono::seconds(30))));
    }());
}

TEST_CASE("OutputSocket: anything but two read ends of pipes is refused and closed") {
    const auto pipe = make_pipe();
    const auto other = make_pipe();
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const UniqueFd nothing(::open("/", O_PATH | O_CLOEXEC));
    const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int good = pipe.read.get();
    (void)hand_over("\1", {});  // what the test's own lane opens stays open
    const auto before = open_descriptors();
    const std::vector<std::vector<int>> wrong{
        {},
        {good},
        {good, good, other.read.get()},
        std::vector<int>(20, good),
        {good, other.write.get()},
        {good, file.get()},
        {socket.get(), good},
        {nothing.get(), good},
    };
    for (const auto& descriptors : wrong) {
        CAPTURE(descriptors.size());
        const auto received = hand_over("\1", descriptors);
        REQUIRE_FALSE(received);
        CHECK(received.error().code == Errc::init_failed);
        CHECK(open_descriptors() == before);
    }
    for (const std::string payload : {"", "\2", "\1\1", "hello"}) {
        CAPTURE(payload.size());
        const auto received = hand_over(payload, {good, other.read.get()});
        REQUIRE_FALSE(received);
        CHECK(received.error().code == Errc::init_failed);
        CHECK(open_descriptors() == before);
    }
}

TEST_CASE("OutputSocket: nobody coming, or coming and saying nothing, is init_timeout") {
    for (const bool someone : {false, true}) {
        CAPTURE(someone);
        run([](bool comes) -> Task<> {
            const TempDir folder;
            auto socket =
                OutputSocket::listen(co_await asio::this_coro::executor, folder.path()).value();
            UniqueFd silent;
            if (comes) silent = connect_to(folder.path() / OutputSocket::file_name);
            const auto received = co_await socket.receive(deadline_in(Millis(5)));
            REQUIRE_FALSE(received);
            CHECK(received.error().code == Errc::init_timeout);
            CHECK_FALSE(std::filesystem::exists(folder.path() / OutputSocket::file_name));
        }(someone));
    }
}

TEST_CASE("OutputSocket: close ends a receive under way and removes the file") {
    for (const bool someone : {false, true}) {
        CAPTURE(someone);
        run([](bool comes) -> Task<> {
            const auto lane = co_await asio::this_coro::executor;
            const TempDir folder;
            auto socket = OutputSocket::listen(lane, folder.path()).value();
            UniqueFd silent;
            if (comes) silent = connect_to(folder.path() / OutputSocket::file_name);
            // Posted behind the steps that receive() takes at once.
            asio::co_spawn(
                lane,
                [](OutputSocket& closing) -> Task<> {
                    for (int i = 0; i < 10; ++i) co_await asio::post(use_task);
                    closing.end();
                }(socket),
                [](const std::exception_ptr&) {}
            );
            const auto received = co_await socket.receive(deadline_in(std::chrono::seconds(30)));
            REQUIRE_FALSE(received);
            CHECK(received.error().code == Errc::init_failed);
            CHECK_FALSE(std::filesystem::exists(folder.path() / OutputSocket::file_name));
        }(someone));
    }
}

TEST_CASE("OutputSocket: it is open to every user and its folder's path may be long") {
    run([]() -> Task<> {
        const TempDir root;
        const auto folder = root.path() / std::string(200, 'f');
        std::filesystem::create_directory(folder);
        auto socket = OutputSocket::listen(co_await asio::this_coro::executor, folder).value();
        struct stat about{};
        REQUIRE(::stat((folder / OutputSocket::file_name).c_str(), &about) == 0);
        CHECK(S_ISSOCK(about.st_mode));
        CHECK((about.st_mode & 0777U) == 0666U);
        auto moved = std::move(socket);
        CHECK(connect_to(folder / OutputSocket::file_name));
    }());
}

TEST_CASE("OutputSocket: a folder that is missing, or has the file already, cannot be listened in"
) {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        CHECK_FALSE(OutputSocket::listen(lane, "/no/such/folder"));
        const TempDir folder;
        const auto first = OutputSocket::listen(lane, folder.path());
        REQUIRE(first);
        CHECK_FALSE(OutputSocket::listen(lane, folder.path()));
    }());
}
