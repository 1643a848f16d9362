// The checker must see each broken promise, and none where all were kept.

#include "tests/fault/history.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace stoker::test;

namespace {

const FinalCall good{
    .id = "c1",
    .status = "success",
    .attempt = 1,
    .max_attempts = 3,
    .has_log = true,
    .log = "ran t1 1\n"
};

/// One call, accepted, run and over.
void live_well(History& history) {
    history.accepted("t1", "c1", 100);
    history.observed("c1", 200, "queued", 0);
    history.started("t1", "c1", 1, 150);
    history.observed("c1", 200, "running", 1);
    history.ended("c1", 1);
    history.observed("c1", 200, "success", 1);
}

bool has(const History& history, std::string_view what) {
    return std::ranges::any_of(history.violations(), [&](const std::string& violation) {
        return violation.starts_with(what);
    });
}

}  // namespace

TEST_CASE("fault history: a call that lived well breaks no promise") {
    History history;
    live_well(history);
    history.check({good});
    CHECK(history.violations().empty());
}

TEST_CASE("fault history: what is lost, never ends or ends twice is seen") {
    History history;
    live_well(history);
    SUBCASE("lost") {
        history.check({});
        CHECK(has(history, "accepted, and lost"));
    }
    SUBCASE("not found") {
        history.observed("c1", 404, "", 0);
        CHECK(has(history, "accepted, and not found"));
    }
    SUBCASE("never ended") {
        auto row = good;
        row.status = "running";
        history.check({row});
        CHECK(has(history, "never ended"));
    }
    SUBCASE("ended twice") {
        history.observed("c1", 200, "error", 1);
        CHECK(has(history, "seen to end twice"));
        auto row = good;
        row.status = "killed";
        history.check({row});
        CHECK(has(history, "ended twice"));
    }
}

TEST_CASE("fault history: runs that may not be are seen") {
    History history;
    live_well(history);
    auto row = good;
    SUBCASE("an attempt twice") {
        history.started("t1", "c1", 1, 160);
        CHECK(has(history, "one attempt ran twice"));
    }
    SUBCASE("too many attempts") {
        row.max_attempts = 0;
        history.check({row});
        CHECK(has(history, "ran more often than it may"));
    }
    SUBCASE("a success without a run") {
        row.attempt = 2;
        history.check({row});
        CHECK(has(history, "a success that never ran"));
    }
    SUBCASE("before its time") {
        history.accepted("t2", "c2", 1'000);
        history.started("t2", "c2", 1, 999);
        CHECK(has(history, "ran before its time"));
    }
    SUBCASE("after its cancel") {
        history.accepted("t2", "c2", 0);
        history.cancelled("c2");
        history.started("t2", "c2", 1, now_ms() + 1'000);
        CHECK(has(history, "ran after its cancel"));
    }
    SUBCASE("refused") {
        history.refused("t2", 503);
        history.started("t2", "c2", 1, 0);
        CHECK(has(history, "refused, and ran"));
    }
    SUBCASE("the log of another attempt") {
        row.log = "ran t1 2\n";
        history.check({row});
        CHECK(has(history, "the log of another attempt"));
    }
}

TEST_CASE("fault history: calls nobody made, keys of two calls and repeated ones are seen") {
    History history;
    live_well(history);
    SUBCASE("a ghost") {
        auto ghost = good;
        ghost.id = "c9";
        history.check({good, ghost});
        CHECK(has(history, "more calls than were asked for"));
    }
    SUBCASE("one that was left open is none") {
        history.unknown("t9");
        auto open = good;
        open.id = "c9";
        open.has_log = false;
        history.started("t9", "c9", 1, 200);
        history.ended("c9", 1);
        history.check({good, open});
        CHECK(history.violations().empty());
    }
    SUBCASE("a key of two calls") {
        history.accepted("t1", "c2", 0);
        CHECK(has(history, "one key is two calls"));
    }
    SUBCASE("a synchronous call that was repeated") {
        history.called("t3");
        history.started("t3", "s1", 1, 0);
        history.started("t3", "s2", 1, 0);
        history.check({good});
        CHECK(has(history, "a synchronous call was repeated"));
    }
    SUBCASE("a synchronous answer out of nothing") {
        history.called("t3");
        history.answered("t3");
        history.check({good});
        CHECK(has(history, "a synchronous answer without a run"));
    }
}
