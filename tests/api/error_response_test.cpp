#include "api/error_response.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace stoker::test {

namespace {

class Responses {
public:
    Response of(Errc code, std::string message = {}, std::string detail = {}) {
        return error_response({code, std::move(message), std::move(detail)}, ids_);
    }
    Response of(HttpFault fault) { return refusal_response(fault, ids_); }

private:
    SystemClock clock_;
    IdSource ids_{clock_, 1};
};

std::string header(const Response& response, std::string_view name) {
    const auto* value = find_header(response.headers, name);
    return value ? *value : "";
}

}  // namespace

TEST_CASE("error_response: message, code and status of the table") {
    const auto response = Responses().of(Errc::fn_not_found);
    CHECK(response.status == 404);
    CHECK(response.body == "{\"message\":\"Fn not found\",\"code\":\"fn_not_found\"}\n");
    CHECK(header(response, "Content-Type") == "application/json; charset=utf-8");
    CHECK(header(response, "Retry-After").empty());
}

TEST_CASE("error_response: every Errc has an answer of an error status that is JSON") {
    Responses responses;
    for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
        const auto code = static_cast<Errc>(i);
        const auto response = responses.of(code);
        CHECK(response.status >= 400);
        CHECK(nlohmann::json::parse(response.body)["code"] == std::string(spec_of(code).word));
        const bool later = response.status == 503 || response.status == 429;
        if (later) CHECK_FALSE(header(response, "Retry-After").empty());
    }
    CHECK(header(responses.of(Errc::server_busy), "Retry-After") == "15");
    CHECK(header(responses.of(Errc::call_not_ended), "Retry-After") == "1");
}

TEST_CASE("error_response: an internal error shows an id and never its detail") {
    const auto response = Responses().of(Errc::internal, {}, "password=secret");
    CHECK(response.status == 500);
    const auto body = nlohmann::json::parse(response.body);
    CHECK(body["message"] == "internal server error");
    CHECK(is_id(body["error_id"].get<std::string>()));
    CHECK_FALSE(response.body.contains("secret"));
}

TEST_CASE("error_response: a message may hold any bytes") {
    const auto response = Responses().of(Errc::invalid_request, "bad \"\xff\" \n");
    CHECK(nlohmann::json::parse(response.body)["code"] == "invalid_request");
}

TEST_CASE("error_response: refusals of the server have statuses of their own") {
    Responses responses;
    CHECK(responses.of(HttpFault::malformed).status == 400);
    CHECK(responses.of(HttpFault::bad_version).status == 505);
    CHECK(responses.of(HttpFault::uri_too_long).status == 414);
    CHECK(responses.of(HttpFault::headers_too_large).status == 431);
    CHECK(responses.of(HttpFault::bad_expectation).status == 417);
    CHECK(responses.of(HttpFault::body_too_large).status == 413);
    CHECK(responses.of(HttpFault::timed_out).status == 408);
    CHECK(responses.of(HttpFault::handler_failed).status == 500);
    const auto crowded = responses.of(HttpFault::too_many_connections);
    CHECK(crowded.status == 503);
    CHECK(header(crowded, "Retry-After") == "15");
}

TEST_CASE("error_of: a told length above the limit is named") {
    Request request;
    request.content_length = 20;
    CHECK(
        error_of(HttpFault::body_too_large, request, 10).text() ==
        "Content-Length too large for this server, 20 > max 10"
    );
    request.content_length.reset();
    CHECK(error_of(HttpFault::body_too_large, request, 10).text() == "Request content too large");
}

}  // namespace stoker::test
