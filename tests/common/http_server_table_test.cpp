// Every raw request of the tables against the server, sent at once and byte by byte.

#include <doctest/doctest.h>

#include <set>

#include "tests/common/http_server_fixture.hpp"
#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

using Send = void (*)(RawClient& client, std::string_view bytes);

void send_at_once(RawClient& client, std::string_view bytes) { client.send(bytes); }

void send_bytes(RawClient& client, std::string_view bytes) {
    for (const char& byte : bytes) {
        if (!client.send({&byte, 1})) return;
    }
}

void check_row(const ServerFixture& fixture, const RawRequest& row, Send send) {
    CAPTURE(row.name);
    auto client = fixture.connect();
    send(client, row.bytes);
    if (row.client_ends) client.end_sending();
    bool to_head = row.bytes.starts_with("HEAD");
    bool said_close = false;
    for (const int status : row.statuses) {
        const auto answer = client.receive(std::exchange(to_head, false));
        CHECK(answer.status == status);
        if (answer.status != status) return;
        CHECK(answer.complete);
        said_close = answer.header("Connection") == "close";
    }
    if (row.fate == Fate::closed) {
        const bool will_end = said_close || row.client_ends;
        CHECK(will_end);
        if (will_end) CHECK(client.ended());
        return;
    }
    CHECK_FALSE(said_close);
    if (said_close) return;
    // What came after the requests, if anything, has not been taken for one.
    const auto next = client.request(get(host_a, "/next"));
    CHECK(next.status == 200);
    CHECK(next.body == "GET /next");
}

void check_all(Send send) {
    const ServerFixture fixture(raw_request_limits());
    for (const auto& row : all_raw_requests()) check_row(fixture, row, send);
}

}  // namespace

TEST_CASE("HttpServer: every raw request gets the answers of the tables") {
    check_all(send_at_once);
}

TEST_CASE("HttpServer: the tables hold when every byte comes alone") { check_all(send_bytes); }

TEST_CASE("raw requests: there are many, and no two alike") {
    const auto rows = all_raw_requests();
    CHECK(rows.size() >= 200);
    std::set<std::string> bytes;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(bytes.insert(row.bytes).second);
    }
}

}  // namespace stoker::test
