#include "queue/embedded/id_set.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <set>

using namespace stoker;

namespace {

IdBits id_of(std::uint64_t high, std::uint64_t low) {
    IdBits id{};
    std::memcpy(id.data(), &high, sizeof high);
    std::memcpy(id.data() + sizeof high, &low, sizeof low);
    return id;
}

}  // namespace

TEST_CASE("IdSet: an id is in it from its insert to its erase") {
    IdSet ids;
    const auto id = id_of(1, 2);
    CHECK_FALSE(ids.contains(id));
    CHECK_FALSE(ids.erase(id));
    CHECK(ids.insert(id));
    CHECK_FALSE(ids.insert(id));
    CHECK(ids.contains(id));
    CHECK_FALSE(ids.contains(id_of(2, 1)));
    CHECK(ids.size() == 1);
    CHECK(ids.erase(id));
    CHECK_FALSE(ids.erase(id));
    CHECK_FALSE(ids.contains(id));
    CHECK(ids.size() == 0);
}

TEST_CASE("IdSet: the id of zero bits is refused") {
    IdSet ids;
    CHECK_FALSE(ids.insert(IdBits{}));
    CHECK_FALSE(ids.contains(IdBits{}));
    CHECK_FALSE(ids.erase(IdBits{}));
}

TEST_CASE("IdSet: it agrees with std::set over random inserts and erases") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    IdSet ids;
    std::set<IdBits> model;
    // Few different ids, so that tables fill, shrink and have gaps closed again and again.
    for (int round = 0; round < 200'000; ++round) {
        const bool growing = (round / 20'000) % 2 == 0;
        const auto id = id_of(random() % 16, 1 + random() % 2048);
        if (random() % 4 == (growing ? 0U : 1U) || (!growing && random() % 4 != 0)) {
            REQUIRE(ids.erase(id) == (model.erase(id) == 1));
        } else {
            REQUIRE(ids.insert(id) == model.insert(id).second);
        }
        REQUIRE(ids.size() == model.size());
    }
    for (std::uint64_t high = 0; high < 16; ++high) {
        for (std::uint64_t low = 1; low <= 2048; ++low) {
            REQUIRE(ids.contains(id_of(high, low)) == model.contains(id_of(high, low)));
        }
    }
}
