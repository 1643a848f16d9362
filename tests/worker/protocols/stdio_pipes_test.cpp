#include "worker/protocols/stdio_pipes.hpp"

#include "tests/worker/protocols/function_end.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("stdio: pipes between calls are quiet when nothing is in them") {
    const PipePair pair;
    CHECK(are_quiet(pair.agent, false));
    CHECK(are_quiet(pair.agent, true));
}

TEST_CASE("stdio: bytes that nobody asked for are not quiet, white space where it is allowed") {
    PipePair pair;
    pair.function.write(" \n");
    CHECK(are_quiet(pair.agent, true));
    pair.function.write("\n");
    CHECK_FALSE(are_quiet(pair.agent, false));
    pair.function.write("\nx");
    CHECK_FALSE(are_quiet(pair.agent, true));
}

TEST_CASE("stdio: a function that has gone, or let go of an end, is not quiet") {
    PipePair gone;
    gone.function.close();
    CHECK_FALSE(are_quiet(gone.agent, true));
    PipePair deaf;
    deaf.function.in.reset();
    CHECK_FALSE(are_quiet(deaf.agent, true));
    PipePair mute;
    mute.function.out.reset();
    CHECK_FALSE(are_quiet(mute.agent, true));
}

TEST_CASE("stdio: a request that was not read is not quiet, but for its line break") {
    const PipePair pair;
    REQUIRE(::write(pair.agent.in.get(), "\n", 1) == 1);
    CHECK(are_quiet(pair.agent, true));
    CHECK_FALSE(are_quiet(pair.agent, false));
    REQUIRE(::write(pair.agent.in.get(), "x", 1) == 1);
    CHECK_FALSE(are_quiet(pair.agent, true));
}
