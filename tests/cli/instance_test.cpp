#include "cli/instance.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <iterator>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {

TEST_CASE("Instance: a name is made once, kept, and nothing else is left") {
    const TempDir data;
    const SystemClock clock;
    IdSource ids(clock, 7);
    const auto first = load_instance(data.path(), ids);
    REQUIRE(first);
    CHECK(is_id(*first));
    CHECK(load_instance(data.path(), ids) == *first);
    CHECK(
        std::distance(
            std::filesystem::directory_iterator(data.path()), std::filesystem::directory_iterator()
        ) == 1
    );
}

TEST_CASE("Instance: a folder that is not there is made, for its owner only") {
    const TempDir data;
    const SystemClock clock;
    IdSource ids(clock, 7);
    REQUIRE(load_instance(data.file("absent"), ids));
    const auto mode = std::filesystem::status(data.file("absent")).permissions();
    CHECK(mode == std::filesystem::perms::owner_all);
}

TEST_CASE("Instance: what is no name, and a folder that cannot be made, are said") {
    const TempDir data;
    const SystemClock clock;
    IdSource ids(clock, 7);
    data.write("instance", "not an id\n");
    CHECK_FALSE(load_instance(data.path(), ids));
    const auto absent = load_instance(data.file("instance/absent"), ids);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().text().contains("absent"));
}

}  // namespace stoker::test
