// Several requests on one connection, requests hidden in others, and requests cut short.

#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

constexpr auto kept = Fate::kept;
constexpr auto closed = Fate::closed;

const std::string again = get(host_a);
const std::string hidden = get(host_a, "/hidden");

std::string length_of(const std::string& text) {
    return "Content-Length: " + std::to_string(text.size()) + "\r\n";
}
std::string old(const std::string& fields) { return "GET /x HTTP/1.0\r\n" + fields + "\r\n"; }

}  // namespace

RawRequests pipelined_requests() {
    const std::string body = "3\r\nabc\r\n0\r\n\r\n";
    return {
        {"two", again + again, {200, 200}, kept},
        {"ten", times(10, again), std::vector<int>(10, 200), kept},
        {"empty line between", again + "\r\n" + again, {200, 200}, kept},
        {"length, then another", post("Content-Length: 3\r\n", "abc") + again, {200, 200}, kept},
        {"chunked, then another", post(chunked, body) + again, {200, 200}, kept},
        {"trailer, then another", post(chunked, "0\r\nX: y\r\n\r\n") + again, {200, 200}, kept},
        {"HEAD, then another", "HEAD /x HTTP/1.1\r\n" + host_a + "\r\n" + again, {200, 200}, kept},
        {"1.0 kept alive, then another", old("Connection: keep-alive\r\n") + again, {200, 200}, kept
        },
        {"continue, then another",
         post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc") + again,
         {200, 200},
         kept},
        {"small unread body, then another",
         "POST /ignore HTTP/1.1\r\n" + host_a + "Content-Length: 3\r\n\r\nabc" + again,
         {200, 200},
         kept},
        {"upgrade, then another",
         get(host_a + "Connection: Upgrade\r\nUpgrade: websocket\r\n") + again,
         {200, 200},
         kept},

        // Nothing after these is answered.
        {"close, then another", get(host_a + "Connection: close\r\n") + again, {200}, closed},
        {"1.0, then another", old("") + again, {200}, closed},
        {"bad, then another", get("") + again, {400}, closed},
        {"bad version, then another", "GET /x HTTP/2.0\r\n\r\n" + again, {505}, closed},
        {"long target, then another", get(host_a, "/" + times(1024, "x")) + again, {414}, closed},
        {"large header, then another",
         get(host_a + "X: " + times(5000, "x") + "\r\n") + again,
         {431},
         closed},
        {"bad expectation, then another", get(host_a + "Expect: tea\r\n") + again, {417}, closed},
        {"too large, then another", post("Content-Length: 999999\r\n", "") + again, {413}, closed},
        {"bad chunk, then another", post(chunked, "3\r\nabcd\r\n" + again), {400}, closed},
        {"unread chunked body, then another",
         "POST /ignore HTTP/1.1\r\n" + host_a + chunked + "\r\n" + body + again,
         {200},
         closed},
        {"another, then bad", again + get(""), {200, 400}, closed},
        {"another, then nothing like HTTP", again + "\x16\x03\x01\r\n\r\n", {200, 400}, closed},
        {"two, then a bad target", again + again + get(host_a, "/%zz"), {200, 200, 400}, closed},
        {"three empty lines between", again + "\r\n\r\n\r\n" + again, {200, 400}, closed},

        // Smuggling: a request in what another parser would take for a body, or the reverse.
        {"CL.TE",
         post(length_of("0\r\n\r\n" + hidden) + chunked, "0\r\n\r\n" + hidden),
         {400},
         closed},
        {"TE.CL", post(chunked + "Content-Length: 4\r\n", "5c\r\n" + hidden), {400}, closed},
        {"TE.TE", post(chunked + "Transfer-Encoding: x\r\n", "0\r\n\r\n" + hidden), {400}, closed},
        {"TE.TE with a comma",
         post("Transfer-Encoding: chunked, x\r\n", "0\r\n\r\n" + hidden),
         {400},
         closed},
        {"CL.CL", post("Content-Length: 0\r\n" + length_of(hidden), hidden), {400}, closed},
        {"CL.0: the length counts on GET", get(host_a + length_of(hidden)) + hidden, {200}, kept},
        {"CL.0 on HEAD",
         "HEAD /x HTTP/1.1\r\n" + host_a + length_of(hidden) + "\r\n" + hidden,
         {200},
         kept},
        {"0.CL: no length, no body", post("", hidden), {200, 200}, kept},
        {"hidden in a chunk",
         post(
             chunked,
             "28\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n1234567\r\n"
             "0\r\n\r\n"
         ),
         {200},
         kept},
        {"hidden in a chunk extension", post(chunked, "3;" + hidden), {400}, closed},
        {"hidden after the last chunk", post(chunked, "0\r\n" + hidden), {400}, closed},
        {"hidden behind a bare line feed", get(host_a + "X: y\n\n" + hidden), {400}, closed},
        {"hidden behind bare returns", get(host_a + "X: y\r\r" + hidden), {400}, closed},
        {"hidden behind a fold", get(host_a + "X: y\r\n \r\n") + hidden, {400}, closed},
        {"body longer than told", post("Content-Length: 1\r\n", "abc\r\n\r\n"), {200, 400}, closed},
        {"body behind the last chunk", post(chunked, "0\r\n\r\n(abc)\r\n\r\n"), {200, 400}, closed},
        {"body on 1.0 without length",
         "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n(abc)\r\n\r\n",
         {200, 400},
         closed},
    };
}

RawRequests cut_requests() {
    const auto cut = [](std::string name, std::string bytes, std::vector<int> statuses) {
        return RawRequest{std::move(name), std::move(bytes), std::move(statuses), closed, true};
    };
    return {
        cut("nothing sent", "", {}),
        cut("an empty line and no more", "\r\n", {}),
        cut("cut in the method", "GE", {}),
        cut("cut in the target", "GET /x", {}),
        cut("cut after the request line", "GET /x HTTP/1.1\r\n", {}),
        cut("cut in a field", "GET /x HTTP/1.1\r\nHost", {}),
        cut("cut before the last line feed", "GET /x HTTP/1.1\r\nHost: a\r\n\r", {}),
        cut("cut before the body", post("Content-Length: 3\r\n", ""), {400}),
        cut("cut in the body", post("Content-Length: 3\r\n", "ab"), {400}),
        cut("cut before the first chunk", post(chunked, ""), {400}),
        cut("cut in a chunk size", post(chunked, "3"), {400}),
        cut("cut in a chunk", post(chunked, "3\r\nab"), {400}),
        cut("cut after a chunk", post(chunked, "3\r\nabc\r\n"), {400}),
        cut("cut before the end of the last chunk", post(chunked, "0\r\n"), {400}),
        cut("cut in a trailer", post(chunked, "0\r\nX: y\r\n"), {400}),
        cut("cut in the largest chunk", post(chunked, "ffffffffffffffff\r\nabc"), {400}),
        cut("whole, then cut in the next", get(host_a) + "GET /", {200}),
    };
}

}  // namespace stoker::test
