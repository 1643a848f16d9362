#include "worker/image_record.hpp"

#include <doctest/doctest.h>

using namespace stoker;

namespace {

struct Hand final : Clock {
    WallTime now() const override { return from_ms(ms); }
    std::int64_t ms = 1000;
};

StoredImage stored(std::string id, std::vector<std::string> names, std::uint64_t bytes) {
    return {std::move(id), std::move(names), bytes};
}

struct Fixture {
    Hand clock;
    ImageRecord record{clock};

    void pulled(std::string_view image) {
        ++clock.ms;
        record.pulled(image);
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("ImageRecord: only what was pulled counts and may go, least recently used first") {
    Fixture t;
    t.pulled("docker.io/library/a");
    t.pulled("reg:5000/b:1");
    t.pulled("c:1");
    ++t.clock.ms;
    t.record.used("a");
    const auto total = t.record.compare(
        {stored("1", {"a:latest"}, 1),
         stored("2", {"reg:5000/b:1", "reg:5000/b@sha256:1"}, 20),
         stored("3", {"c:1"}, 300),
         stored("4", {"somebody:1"}, 4000)}
    );
    CHECK(total.bytes == 321);
    CHECK(total.removable == Names{"reg:5000/b:1", "c:1", "a:latest"});
}

TEST_CASE("ImageRecord: two names of one image count its size once") {
    Fixture t;
    t.pulled("a:1");
    t.pulled("a:2");
    const auto total = t.record.compare({stored("1", {"a:1", "a:2"}, 7)});
    CHECK(total.bytes == 7);
    CHECK(total.removable == Names{"a:1", "a:2"});
}

TEST_CASE("ImageRecord: what is about to be used may not go") {
    Fixture t;
    t.pulled("a:1");
    const std::vector<StoredImage> here{stored("1", {"a:1"}, 7)};
    {
        const auto use = t.record.use("a:1");
        const auto second = t.record.use("a:1");
        CHECK(t.record.compare(here).removable.empty());
        CHECK(t.record.compare(here).bytes == 7);
    }
    CHECK(t.record.compare(here).removable == Names{"a:1"});
}

TEST_CASE("ImageRecord: an image used but not pulled by us is never ours, and leaves no trace") {
    Fixture t;
    {
        const auto use = t.record.use("theirs:1");
    }
    t.record.used("theirs:1");
    const auto total = t.record.compare({stored("1", {"theirs:1"}, 7)});
    CHECK(total.bytes == 0);
    CHECK(total.removable.empty());
}

TEST_CASE("ImageRecord: what the engine no longer has is forgotten, even while it is in use") {
    Fixture t;
    t.pulled("a:1");
    {
        const auto use = t.record.use("a:1");
        CHECK(t.record.compare({}).bytes == 0);
    }
    CHECK(t.record.compare({stored("1", {"a:1"}, 7)}).bytes == 0);
    t.pulled("a:1");
    t.record.forget("a:1");
    CHECK(t.record.text().empty());
}

TEST_CASE("ImageRecord: its text is read back, and lines that make no sense are passed over") {
    Fixture t;
    t.pulled("b:1");
    t.pulled("a:1");
    CHECK(t.record.text() == "1001 b:1\n1002 a:1\n");
    Fixture again;
    again.record.read(t.record.text());
    CHECK(again.record.text() == t.record.text());
    again.record.read("x\n\n17\n18 \n-\n999999999999999999999 z\n1003 c:1");
    CHECK(again.record.text() == "1001 b:1\n1002 a:1\n1003 c:1\n");
}
