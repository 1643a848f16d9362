#include "model/id.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <thread>

using namespace stoker;

namespace {

struct HandClock final : Clock {
    WallTime time = from_ms(1'500'000'000'000);
    WallTime now() const override { return time; }
};

}  // namespace

TEST_CASE("Id: 16 random bytes survive the text, in either case") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 1000; ++round) {
        std::array<std::uint8_t, 16> bits{};
        for (auto& byte : bits) byte = static_cast<std::uint8_t>(random());
        auto text = encode_id(bits);
        CHECK(text.size() == id_chars);
        CHECK(decode_id(text) == bits);
        for (auto& c : text) c = static_cast<char>(std::tolower(c));
        CHECK(decode_id(text) == bits);
    }
}

TEST_CASE("Id: the extremes encode as zeros and as 7ZZZ") {
    std::array<std::uint8_t, 16> bits{};
    CHECK(encode_id(bits) == std::string(26, '0'));
    bits.fill(0xFF);
    CHECK(encode_id(bits) == "7" + std::string(25, 'Z'));
}

TEST_CASE("Id: a wrong length, a wrong character and more than 128 bits are refused") {
    CHECK(is_id("01D2TJ0DXBNG8G00GZJ0000001"));
    for (const auto* bad :
         {"",
          "01D2TJ0DXBNG8G00GZJ000000",
          "01D2TJ0DXBNG8G00GZJ00000011",
          "81D2TJ0DXBNG8G00GZJ0000001",
          "01D2TJ0DXBNG8G00GZJ000000I",
          "01D2TJ0DXBNG8G00GZJ000000-",
          "01D2TJ0DXBNG8G00GZJ000000U"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_id(bad));
        CHECK_FALSE(time_of_id(bad));
    }
}

TEST_CASE("Id: a process that starts again at the same moment makes other ids") {
    const HandClock clock;
    std::set<std::string> made;
    for (int life = 0; life < 20; ++life) made.insert(IdSource(clock, 7).next());
    CHECK(made.size() == 20);
}

TEST_CASE("Id: a clock that is set back keeps the order, whatever it was set to") {
    HandClock clock;
    IdSource ids(clock, 7);
    std::string previous;
    for (const std::int64_t at : {1'500'000'000'000, 0L, 2'200'000'000'000, 1'500'000'000'000}) {
        clock.time = from_ms(at);
        const auto id = ids.next();
        CHECK(id > previous);
        previous = id;
    }
}

TEST_CASE("Id: text order is the order of making, and the time can be read back") {
    HandClock clock;
    IdSource ids(clock, 0x7F0000011F90);
    std::string previous;
    for (int i = 0; i < 1000; ++i) {
        if (i % 10 == 0) clock.time += std::chrono::milliseconds{1};
        const auto id = ids.next();
        CHECK(id > previous);
        CHECK(time_of_id(id) == clock.time);
        previous = id;
    }
}

TEST_CASE("Id: ids still sort when the clock steps back") {
    HandClock clock;
    IdSource ids(clock, 1);
    const auto before = ids.next();
    clock.time -= std::chrono::hours{1};
    CHECK(ids.next() > before);
}

TEST_CASE("Id: threads never get the same id") {
    const SystemClock clock;
    IdSource ids(clock, 1);
    std::array<std::vector<std::string>, 4> made;
    std::vector<std::jthread> threads;
    for (auto& mine : made) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5000; ++i) mine.push_back(ids.next());
        });
    }
    threads.clear();
    std::set<std::string> all;
    for (const auto& mine : made) all.insert(mine.begin(), mine.end());
    CHECK(all.size() == 20'000);
}

TEST_CASE("Id: the machine part ends with the port") {
    CHECK((machine_bits(8080) & 0xFFFFU) == 8080);
    CHECK((machine_bits(8080) >> 48U) == 0);
}
