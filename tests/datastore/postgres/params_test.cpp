#include "datastore/postgres/params.hpp"

#include <doctest/doctest.h>

#include "datastore/postgres/worker_beats.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/support/postgres_backend.hpp"

namespace stoker::test {

TEST_CASE("Params: what text cannot hold on the server becomes a replacement character") {
    const auto stored = [](std::string_view text) {
        const postgres::Params params(text);
        return std::string(params.data(0), static_cast<std::size_t>(params.length(0)));
    };
    CHECK(stored("") == "");
    CHECK(stored("plain") == "plain");
    CHECK(stored("ümläut €") == "ümläut €");
    CHECK(
        stored(std::string_view("a\0b", 3)) ==
        "a\xEF\xBF\xBD"
        "b"
    );
    CHECK(
        stored("a\xFF"
               "b") ==
        "a\xEF\xBF\xBD"
        "b"
    );
    CHECK(stored("\xC3") == "\xEF\xBF\xBD");
}

TEST_CASE("Params: numbers are eight bytes, the highest first; absent values are NULL") {
    const postgres::Params params(std::int64_t{-2}, true, std::optional<std::string>{});
    CHECK(
        std::string_view(params.data(0), 8) ==
        std::string_view("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE", 8)
    );
    CHECK(std::string_view(params.data(1), 1) == "\1");
    CHECK(params.data(2) == nullptr);
}

TEST_CASE("PostgresDatastore: bytes that are no text come back from requests as they were") {
    Fixture<PostgresBackend> t;
    auto accepted = t.new_call();
    accepted.request.url = "/\xFF";
    accepted.request.headers = {{"X-Bytes", "\x80 \xC3"}};
    accepted.request.content_type = "text/\xE4";
    REQUIRE(t.run(t.store->accept(accepted)));
    const auto claimed = t.run(t.store->claim("worker-1", {accepted.call.id}));
    REQUIRE(claimed);
    CHECK(claimed->at(0).request.url == accepted.request.url);
    CHECK(claimed->at(0).request.content_type == accepted.request.content_type);
    CHECK(t.run(t.store->get_app(std::string("a\0b", 3))).error().code == Errc::app_not_found);
}

TEST_CASE("WorkerBeats: who has seen no sign for a lease and the grace tells, nobody else") {
    postgres::WorkerBeats beats;
    const Deadline start{};
    const postgres::Beat first{"w", 1, Millis(100)};
    CHECK(beats.silent({first}, start, Millis(10)).empty());
    CHECK(beats.silent({first}, start + Millis(110), Millis(10)).empty());
    CHECK(beats.silent({first}, start + Millis(111), Millis(10)).size() == 1);

    const postgres::Beat second{"w", 2, Millis(100)};
    beats.saw(second, start + Millis(111));
    CHECK(beats.silent({second}, start + Millis(221), Millis(10)).empty());
    CHECK(beats.silent({second}, start + Millis(222), Millis(10)).size() == 1);

    // After an outage it is looked at anew.
    beats.start_anew();
    CHECK(beats.silent({second}, start + Millis(500), Millis(10)).empty());
    // One that left and comes again is another.
    CHECK(beats.silent({}, start + Millis(501), Millis(10)).empty());
    CHECK(beats.silent({second}, start + Millis(900), Millis(10)).empty());
}

}  // namespace stoker::test
