#include "model/call.hpp"

#include <doctest/doctest.h>

#include <set>
#include <utility>

using namespace stoker;

namespace {

using S = CallStatus;
constexpr std::array statuses{
    S::delayed, S::queued, S::running, S::success, S::error, S::timeout, S::killed, S::cancelled
};

}  // namespace

TEST_CASE("Call: exactly the steps of the state machine exist") {
    const std::set<std::pair<S, S>> steps{
        {S::delayed, S::queued},
        {S::delayed, S::timeout},
        {S::delayed, S::cancelled},
        {S::queued, S::running},
        {S::queued, S::timeout},
        {S::queued, S::cancelled},
        {S::running, S::success},
        {S::running, S::error},
        {S::running, S::timeout},
        {S::running, S::killed},
        {S::running, S::cancelled},
        {S::running, S::delayed},
        {S::running, S::queued},
    };
    for (const auto from : statuses) {
        for (const auto to : statuses) {
            CAPTURE(to_word(from));
            CAPTURE(to_word(to));
            CHECK(can_step(from, to) == steps.contains({from, to}));
        }
    }
}

TEST_CASE("Call: a terminal status has no step") {
    for (const auto from : statuses) {
        bool any = false;
        for (const auto to : statuses) any = any || can_step(from, to);
        CHECK(any == !is_terminal(from));
    }
}

TEST_CASE("Call: status and phase words round-trip, and other words are refused") {
    for (const auto status : statuses) CHECK(parse_call_status(to_word(status)) == status);
    CHECK(to_word(S::cancelled) == "cancelled");
    for (const auto* bad : {"", "Queued", "canceled", "done"}) CHECK_FALSE(parse_call_status(bad));

    using P = CallPhase;
    for (const auto phase : {P::queued, P::slot, P::pulling, P::starting, P::executing}) {
        CHECK(parse_call_phase(to_word(phase)) == phase);
    }
    CHECK(to_word(P::executing) == "executing");
    for (const auto* bad : {"", "Slot", "running"}) CHECK_FALSE(parse_call_phase(bad));
}

TEST_CASE("Call: every error of the agent ends a call with a terminal status and its word") {
    for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
        const auto code = static_cast<Errc>(i);
        const auto end = end_of({code, {}, "detail"});
        CHECK(is_terminal(end.status));
        CHECK(end.status != S::success);
        CHECK(end.error_code == spec_of(code).word);
        CHECK(end.error == spec_of(code).message);
    }
}

TEST_CASE("Call: timeouts, kills and cancels have statuses of their own") {
    CHECK(end_of({Errc::function_timeout, {}, {}}).status == S::timeout);
    CHECK(end_of({Errc::expired, {}, {}}).status == S::timeout);
    CHECK(end_of({Errc::out_of_memory, {}, {}}).status == S::killed);
    CHECK(end_of({Errc::cancelled, {}, {}}).status == S::cancelled);
    for (const auto code :
         {Errc::function_failed, Errc::container_exit, Errc::init_timeout, Errc::worker_lost}) {
        CHECK(end_of({code, {}, {}}).status == S::error);
    }
    CHECK(
        end_of({Errc::container_exit, "container exit code 3", {}}).error == "container exit code 3"
    );
}
