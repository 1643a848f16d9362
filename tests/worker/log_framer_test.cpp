#include "worker/log_framer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace stoker;

namespace {

std::string frame(std::string_view id) { return fmt::format("\nFN_CALL={}\n", id); }

/// What the calls of one pipe were given, by the framer.
class Logs {
public:
    void begin(std::string_view id) { framer_.begin(id); }
    void take(std::string_view bytes) { add(framer_.take(bytes)); }
    void end() { add(framer_.end()); }
    /// A whole call, whose output comes in one read.
    void call(std::string_view id, std::string_view output) {
        begin(id);
        take(output);
        end();
    }

    bool expects_frames() const { return framer_.expects_frames(); }
    std::string previous;
    std::string current;

private:
    void add(const std::vector<LogFramer::Piece>& pieces) {
        for (const auto& [whose, bytes] : pieces) {
            REQUIRE_FALSE(bytes.empty());
            (whose == LogFramer::Whose::previous_call ? previous : current) += bytes;
        }
    }
    LogFramer framer_;
};

/// One that has shown a frame.
Logs framed() {
    Logs logs;
    logs.call("a", frame("a"));
    return logs;
}

}  // namespace

TEST_CASE("LogFramer: what comes before a call's frame is the previous call's, the frame nobody's"
) {
    auto logs = framed();
    logs.call("b", "late" + frame("b") + "own");
    CHECK(logs.previous == "late");
    CHECK(logs.current == "own");
}

TEST_CASE("LogFramer: a frame may be split over reads at every place") {
    const auto text = "late\n" + frame("b") + "own\n";
    for (std::size_t one = 0; one <= text.size(); ++one) {
        for (std::size_t two = one; two <= text.size(); ++two) {
            CAPTURE(one);
            CAPTURE(two);
            auto logs = framed();
            logs.begin("b");
            logs.take(std::string_view(text).substr(0, one));
            logs.take(std::string_view(text).substr(one, two - one));
            logs.take(std::string_view(text).substr(two));
            CHECK(logs.previous == "late\n");
            CHECK(logs.current == "own\n");
        }
    }
}

TEST_CASE("LogFramer: nothing of what a function without frames prints is kept back") {
    Logs logs;
    logs.begin("a");
    for (const std::string text : {"one\n", "\n", "two\nthree\n"}) {
        logs.current.clear();
        logs.take(text);
        CHECK(logs.current == text);
    }
}

TEST_CASE("LogFramer: the first frame of a pipe is found, and nothing is taken from its call") {
    Logs logs;
    logs.call("a", "starting" + frame("a") + "own");
    CHECK(logs.previous.empty());
    CHECK(logs.current == "startingown");
}

TEST_CASE("LogFramer: what looks like a frame and is none is output, as it came") {
    const auto id = std::string("call-1");
    for (const auto& text : {
             std::string("\n"),
             std::string("\n\n\nFN_CALL"),
             "\nFN_CALL=" + id,                  // cut
             "FN_CALL=" + id + "\n",             // inside a line
             "\nFN_CALL=" + id + " ",            // goes on
             "\nFN_CALL=" + id.substr(1) + "\n"  // of another call
         }) {
        CAPTURE(text);
        for (std::size_t split = 0; split <= text.size(); ++split) {
            auto logs = framed();
            logs.begin(id);
            logs.take(text.substr(0, split));
            logs.take(text.substr(split));
            logs.end();
            CHECK(logs.previous == text);
            CHECK(logs.current.empty());
        }
    }
}

TEST_CASE("LogFramer: a call's frame counts once") {
    auto logs = framed();
    logs.call("b", frame("b") + "x" + frame("b"));
    CHECK(logs.current == "x" + frame("b"));
}

TEST_CASE("LogFramer: an empty line right behind a frame belongs to it") {
    for (const bool together : {true, false}) {
        auto logs = framed();
        logs.begin("b");
        logs.take(frame("b") + (together ? "\n" : ""));
        logs.take(together ? "x" : "\n");
        logs.take("\n\n");
        logs.end();
        CHECK(logs.current == (together ? "x\n\n" : "\n\n"));
    }
}

TEST_CASE("LogFramer: the next frame's line break is no empty line of the last one") {
    auto logs = framed();
    logs.call("b", frame("b"));
    logs.call("c", frame("c") + "own");
    CHECK(logs.previous.empty());
    CHECK(logs.current == "own");
}

TEST_CASE("LogFramer: between calls nothing is kept back") {
    auto logs = framed();
    logs.take("late\n");
    CHECK(logs.current == "late\n");
}

TEST_CASE("LogFramer: without a frame in a whole call none is expected any more") {
    Logs logs;
    CHECK(logs.expects_frames());
    logs.call("a", "own\n");
    CHECK_FALSE(logs.expects_frames());
    logs.call("b", frame("b") + "own\n");
    CHECK(logs.previous.empty());
    CHECK(logs.current == "own\n" + frame("b") + "own\n");
}

TEST_CASE("LogFramer: a pipe that stops to show frames is believed for one more call") {
    auto logs = framed();
    logs.call("b", "one");
    CHECK(logs.previous == "one");
    logs.call("c", "two");
    CHECK(logs.current == "two");
}

TEST_CASE("LogFramer: line breaks without end are kept neither back nor in pieces") {
    LogFramer framer;
    framer.begin("a");
    const std::string breaks(100'000, '\n');
    const auto pieces = framer.take(breaks);
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0].bytes.size() == breaks.size());
    CHECK(framer.end().empty());
}
