#include "worker/function_output.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "worker/live_calls.hpp"

using namespace stoker;

namespace {

/// The pipes of a function: what it prints is there at once, and read only when a call begins or
/// ends, for no lane runs here.
class Function {
public:
    void print(LogStream to, std::string_view text) {
        const auto& end = to == LogStream::out ? out_ : err_;
        REQUIRE(::write(end.get(), text.data(), text.size()) == std::ssize(text));
    }
    void print_frame(std::string_view id) {
        for (const auto to : {LogStream::out, LogStream::err}) {
            print(to, fmt::format("\nFN_CALL={}\n", id));
        }
    }

private:
    /// Its own end; the other one goes to `agent`.
    static UniqueFd pipe(UniqueFd& agent) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        agent = UniqueFd(ends[0]);
        return UniqueFd(ends[1]);
    }
    OutputPipes pipes_;
    UniqueFd out_ = pipe(pipes_.out);
    UniqueFd err_ = pipe(pipes_.err);
    asio::io_context lane_;

public:
    const std::shared_ptr<FunctionOutput> output =
        std::make_shared<FunctionOutput>(lane_.get_executor(), std::move(pipes_));
};

std::shared_ptr<CallLog> make_log() { return std::make_shared<CallLog>(10'000); }

std::string text_of(CallLog& log) {
    std::string text;
    for (const auto& chunk : log.take()) text += chunk.data;
    return text;
}

}  // namespace

TEST_CASE("FunctionOutput: late output before the next call's frame is its own call's") {
    Function function;
    const auto first = make_log();
    function.output->begin(first, "a");
    function.print_frame("a");
    function.print(LogStream::err, "own");
    function.output->end();
    CHECK(text_of(*first) == "own");

    const auto second = make_log();
    function.output->begin(second, "b");
    function.print(LogStream::err, "late err");
    function.print(LogStream::out, "late out");
    function.print_frame("b");
    function.print(LogStream::out, "next");
    function.output->end();
    CHECK(text_of(*second) == "next");
    CHECK(text_of(*first) == "late outlate err");
}

TEST_CASE("FunctionOutput: calls without a log are framed, too") {
    Function function;
    const auto log = make_log();
    const auto call = [&](std::string_view id, std::shared_ptr<CallLog> its_log) {
        function.output->begin(std::move(its_log), id);
        function.print(LogStream::out, fmt::format("late before {} ", id));
        function.print_frame(id);
        function.output->end();
    };
    call("a", nullptr);
    call("b", log);
    CHECK(text_of(*log).empty());
    call("c", nullptr);
    CHECK(text_of(*log) == "late before c ");
    call("d", nullptr);
    call("e", make_log());
    CHECK(text_of(*log).empty());
    CHECK(
        function.output->own_output() == "late before a late before b late before d late before e "
    );
}

TEST_CASE("FunctionOutput: lines of both streams stay whole in the first call, too") {
    Function function;
    const auto log = make_log();
    function.output->begin(log, "a");
    function.print(LogStream::out, "out\n");
    function.print(LogStream::err, "err\n");
    function.output->end();
    CHECK(text_of(*log) == "out\nerr\n");
}

TEST_CASE("FunctionOutput: of a function without frames all is the call's that runs") {
    Function function;
    const auto first = make_log();
    function.output->begin(first, "a");
    function.print(LogStream::err, "own\n");
    function.output->end();
    CHECK(text_of(*first) == "own\n");
    function.print(LogStream::err, "after\n");
    const auto second = make_log();
    function.output->begin(second, "b");
    CHECK(text_of(*first) == "after\n");
    function.print(LogStream::err, "late\n");
    function.output->end();
    CHECK(text_of(*second) == "late\n");
    CHECK(text_of(*first).empty());
}

TEST_CASE("FunctionOutput: late output of an ended call is reported while the next one runs") {
    Function function;
    LiveCalls live;
    live.own("w", deadline_in(std::chrono::hours(1)));
    const auto waiting_of = [](const std::string&, const std::string&) { return Waiting{}; };
    const auto begin = [&](const std::string& id) {
        auto call = live.add({id, "w", 1}, std::make_shared<FnSpec>(), 10'000);
        REQUIRE(call->begin(nullptr, wall_now()));
        function.output->begin(call->log, id);
        return call;
    };
    auto first = begin("a");
    function.print_frame("a");
    function.output->end();
    live.remove(first);
    first.reset();
    live.changes(waiting_of);

    const auto second = begin("b");
    live.changes(waiting_of);
    function.print(LogStream::out, "late");
    function.print_frame("b");
    function.output->end();
    const auto changes = live.changes(waiting_of);
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].fence.call_id == "a");
    REQUIRE(changes[0].logs.size() == 1);
    CHECK(changes[0].logs[0].data == "late");
}
