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
    std::string name;
    {
        const auto first = load_instance(data.path(), ids);
        REQUIRE(first);
        name = first->name;
    }
    CHECK(is_id(name));
    CHECK(load_instance(data.path(), ids)->name == name);
    CHECK(
        std::distance(
            std::filesystem::directory_iterator(data.path()), std::filesystem::directory_iterator()
        ) == 1
    );
}

TEST_CASE("Instance: one process at a time has it") {
    const TempDir data;
    const SystemClock clock;
    IdSource ids(clock, 7);
    const auto folder = data.file("new");
    auto held = load_instance(folder, ids);
    REQUIRE(held);
    const auto second = load_instance(folder, ids);
    REQUIRE_FALSE(second);
    CHECK(second.error().text().contains(folder));
    CHECK(second.error().text().contains("--data"));
    held->lock.reset();
    CHECK(load_instance(folder, ids)->name == held->name);
}

TEST_CASE("Instance: what is no name, and a folder that cannot be made, are said") {
    const TempDir data;
    const SystemClock clock;
    IdSource ids(clock, 7);
    data.write("instance", "not an id\n");
    CHECK_FALSE(load_instance(data.path(), ids));
    const auto impossible = load_instance(data.file("instance/x"), ids);
    REQUIRE_FALSE(impossible);
    CHECK(impossible.error().text().contains("instance"));
}

}  // namespace stoker::test
