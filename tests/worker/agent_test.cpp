#include "worker/agent.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("Agent: an exit by a kill, neither ours nor the engine's, is the kernel's for memory") {
    CHECK(error_of_exit({137}, false, false).code == Errc::out_of_memory);
    CHECK(error_of_exit({137}, true, false).code == Errc::out_of_memory);
    CHECK(error_of_exit({137}, false, true).code == Errc::container_exit);
    CHECK(error_of_exit({137, true}, false, false).code == Errc::container_exit);
    // The first process outlived the one that was killed, and made its own end of it.
    CHECK(error_of_exit({1}, true, false).code == Errc::out_of_memory);
}

TEST_CASE("Agent: any other exit is told with its code, where the engine knows it") {
    const auto error = error_of_exit({139}, false, false);
    CHECK(error.code == Errc::container_exit);
    CHECK(error.message == "error receiving function response: container exit code 139");
    CHECK(error_of_exit({}, false, false).code == Errc::container_exit);
    CHECK(error_of_exit({}, false, false).message.empty());
}
