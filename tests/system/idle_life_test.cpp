// What becomes of a container between calls, and what a call tells of what it used.

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <csignal>

#include "common/unique_fd.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

bool is_frozen(const StokerProcess& stoker) {
    return metric(stoker, "stoker_containers{state=\"frozen\"}") == 1;
}

}  // namespace

TEST_CASE("idle life: an idle function is frozen and answers all the same") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    for (int i = 0; i < 3; ++i) {
        CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").body == "x");
        eventually("the idle container is frozen", [&] { return is_frozen(stoker); });
        CHECK(metric(stoker, "stoker_containers{state=\"idle\"}") == 0);
    }
    CHECK(stoker.ended(stoker.call_async(fn, "echo y")).at("status") == "success");
    CHECK(stoker.containers().size() == 1);
    CHECK(metric(stoker, "stoker_container_thaw_seconds_count") >= 3);
}

TEST_CASE("idle life: a frozen container is removed after its idle timeout") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"idle_timeout", 1}});
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    eventually("the frozen container is gone", [&] { return stoker.containers().empty(); });
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo y").body == "y");
}

TEST_CASE("idle life: frozen containers of a killed worker are removed by its next life") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    eventually("the idle container is frozen", [&] { return is_frozen(stoker); });
    const auto before = stoker.containers();
    stoker.kill_hard();
    stoker.start_ready();
    CHECK(stoker.containers().empty());
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo y").body == "y");
    CHECK(stoker.containers() != before);
}

TEST_CASE("idle life: frozen containers do not hold up a shutdown") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    eventually("the idle container is frozen", [&] { return is_frozen(stoker); });
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.containers().empty());
}

TEST_CASE("idle life: what a frozen function prints late is in its own call's log") {
    const Running stoker;
    const nlohmann::json config{{"MODE", "frames"}, {"FN_LOGFRAME_NAME", "not heeded"}};
    const auto fn = stoker.make_fn(function_image(), {{"config", config}});
    std::string late;
    eventually("a call's container is frozen before it has printed its late line", [&] {
        late = stoker.call_async(fn, "late words");
        CHECK(stoker.ended(late).at("status") == "success");
        eventually("the idle container is frozen", [&] { return is_frozen(stoker); });
        return stoker.log_of(late).empty();
    });
    // Thawed for this one, the function first does what it had begun.
    const auto next = stoker.call_async(fn, "say other");
    CHECK(stoker.ended(next).at("status") == "success");
    CHECK(has_both_lines(stoker.log_of(next), "other"));
    eventually("the late line is in its own call's log", [&] {
        return stoker.log_of(late) == "late: words\n";
    });
    CHECK(stoker.containers().size() == 1);
}

TEST_CASE("idle life: nothing is frozen when that is switched off") {
    const Running stoker({"--freeze-idle", "0"});
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "late words");  // printed well after the answer
    CHECK(stoker.ended(id).at("status") == "success");
    eventually("the late line is in the log", [&] { return stoker.log_of(id) == "late: words\n"; });
    CHECK(metric(stoker, "stoker_container_freeze_seconds_count") == 0);
}

TEST_CASE("call stats: a call that takes a while tells what it used") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto quick = stoker.ended(stoker.call_async(fn, "echo x"));
    CHECK_FALSE(quick.contains("stats"));
    const auto slow = stoker.ended(stoker.call_async(fn, "sleep 150"));
    REQUIRE(slow.contains("stats"));
    const auto& stats = slow.at("stats");
    CHECK(stats.at("memory_peak_bytes") > 0);
    for (const auto* field :
         {"cpu_ms", "disk_read_bytes", "disk_written_bytes", "net_received_bytes", "net_sent_bytes"
         }) {
        CHECK(stats.at(field).is_number_unsigned());
    }
}

TEST_CASE("syslog: what a function prints reaches the server of its app, and the call's log") {
    const Running stoker;
    const std::string path = stoker.data() / "syslog.sock";
    const UniqueFd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

    const auto fn = stoker.make_fn(function_image());
    const auto app = stoker.json("GET", "/v2/fns/" + fn).at("app_id").get<std::string>();
    stoker.json("PUT", "/v2/apps/" + app, R"({"syslog_url":"unixgram://)" + path + R"("})");
    const auto id = stoker.call_async(fn, "say hello");
    CHECK(stoker.ended(id).at("status") == "success");
    std::string lines;
    for (int i = 0; i < 2; ++i) {
        std::array<char, 4096> buffer;
        const auto size = ::recv(server.get(), buffer.data(), buffer.size(), 0);
        REQUIRE(size > 0);
        lines += std::string(buffer.data(), static_cast<std::size_t>(size)) + "\n";
    }
    CHECK(lines.contains("app_id=" + app + ",fn_id=" + fn));
    CHECK(lines.contains(" - - out: hello\n"));
    CHECK(lines.contains(" - - err: hello\n"));
    CHECK(has_both_lines(stoker.log_of(id), "hello"));
}
