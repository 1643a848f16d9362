// Header fields: Host, the form of names and values, their bounds, Connection, Expect, Upgrade.

#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

constexpr auto kept = Fate::kept;
constexpr auto closed = Fate::closed;

/// With a good Host and this field more.
std::string with(const std::string& field) { return get(host_a + field + "\r\n"); }
std::string with_host(const std::string& host) { return get("Host: " + host + "\r\n"); }
std::string expecting(const std::string& expectation, const std::string& body = "x") {
    return post(
        "Expect: " + expectation + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n",
        body
    );
}

/// A request whose header is exactly so many bytes.
std::string header_of(std::size_t bytes) {
    const auto without = get(host_a + "X: \r\n").size();
    return get(host_a + "X: " + times(bytes - without, "x") + "\r\n");
}

}  // namespace

RawRequests host_requests() {
    return {
        {"no Host", get(""), {400}, closed},
        {"no Host on 1.0", "GET /x HTTP/1.0\r\nX: y\r\n\r\n", {200}, closed},
        {"empty Host", get("Host:\r\n"), {200}, kept},
        {"two Hosts", get(host_a + "Host: b\r\n"), {400}, closed},
        {"two equal Hosts", get(host_a + host_a), {400}, closed},
        {"two Hosts in different case", get(host_a + "hOST: a\r\n"), {400}, closed},
        {"two Hosts on 1.0", "GET /x HTTP/1.0\r\n" + host_a + host_a + "\r\n", {400}, closed},
        {"Host in capitals", get("HOST: A\r\n"), {200}, kept},
        {"Host with port", with_host("a.example:8080"), {200}, kept},
        {"Host with an empty port", with_host("a:"), {200}, kept},
        {"Host IPv4", with_host("192.0.2.1"), {200}, kept},
        {"Host IPv6 with port", with_host("[::1]:8080"), {200}, kept},
        {"Host with underscore", with_host("a_b"), {200}, kept},
        {"Host IPv6 without brackets", with_host("::1"), {400}, closed},
        {"Host with an open bracket", with_host("[::1"), {400}, closed},
        {"Host with empty brackets", with_host("[]"), {400}, closed},
        {"Host with text after brackets", with_host("[::1]x"), {400}, closed},
        {"Host with a port that is no number", with_host("a:x"), {400}, closed},
        {"Host with a port too large", with_host("a:65536"), {400}, closed},
        {"Host with a negative port", with_host("a:-1"), {400}, closed},
        {"Host with two ports", with_host("a:1:2"), {400}, closed},
        {"Host of a port alone", with_host(":80"), {400}, closed},
        {"Host with a space", with_host("a b"), {400}, closed},
        {"Host with a tab", with_host("a\tb"), {400}, closed},
        {"Host with a slash", with_host("a/b"), {400}, closed},
        {"Host with a backslash", with_host("a\\b"), {400}, closed},
        {"Host with a question mark", with_host("a?b"), {400}, closed},
        {"Host with a fragment", with_host("a#b"), {400}, closed},
        {"Host with userinfo", with_host("u@a"), {400}, closed},
        {"Host as URL", with_host("http://a"), {400}, closed},
        {"Host list", with_host("a, b"), {400}, closed},
        {"Host with NUL", with_host(bytes("a\0b")), {400}, closed},
        {"Host with a quote", with_host("\"a\""), {400}, closed},
        {"Host with angle brackets", with_host("<a>"), {400}, closed},
        {"Host with Latin-1", with_host("\xe9"), {400}, closed},
        {"Host with a bad escape", with_host("a%zz"), {400}, closed},
        {"Host folded", get("Host:\r\n a\r\n"), {400}, closed},
        {"space before Host", get(" Host: a\r\n"), {400}, closed},
        {"space after Host", get("Host : a\r\n"), {400}, closed},
    };
}

RawRequests field_requests() {
    return {
        // Line ends and folding.
        {"bare line feeds", "GET /x HTTP/1.1\nHost: a\n\n", {400}, closed},
        {"one bare line feed", with("X: a\nY: b"), {400}, closed},
        {"bare line feed ends the header", "GET /x HTTP/1.1\r\nHost: a\r\n\n", {400}, closed},
        {"bare carriage return", with("X: a\rb"), {400}, closed},
        {"bare carriage return hides a field", with("X: a\rY: b"), {400}, closed},
        {"carriage return before the line end", with("X: a\r"), {400}, closed},
        {"carriage return alone in a line", with("\r"), {400}, closed},
        {"folded", with("X: a\r\n b"), {400}, closed},
        {"folded with tab", with("X: a\r\n\tb"), {400}, closed},
        {"folded into an empty line", with("X: a\r\n "), {400}, closed},
        {"folded framing", with("Transfer-Encoding:\r\n chunked"), {400}, closed},

        // Names.
        {"space before the colon", with("X : y"), {400}, closed},
        {"tab before the colon", with("X\t: y"), {400}, closed},
        {"space within the name", with("X Y: z"), {400}, closed},
        {"no colon", with("X"), {400}, closed},
        {"no name", with(": y"), {400}, closed},
        {"name with NUL", with(bytes("X\0: y")), {400}, closed},
        {"name with a control character", with("X\x01: y"), {400}, closed},
        {"name with DEL", with("X\x7f: y"), {400}, closed},
        {"name with Latin-1", with("X\xe9: y"), {400}, closed},
        {"name with a bracket", with("X(Y): z"), {400}, closed},
        {"name with a slash", with("X/Y: z"), {400}, closed},
        {"name with a quote", with("\"X\": y"), {400}, closed},
        {"name with an at sign", with("X@Y: z"), {400}, closed},
        {"name of all token characters", with("a!#$%&'*+-.^_`|~9: y"), {200}, kept},
        {"name with underscore", with("X_Y: z"), {200}, kept},

        // Values.
        {"empty value", with("X:"), {200}, kept},
        {"value of spaces", with("X:   \t "), {200}, kept},
        {"no space before the value", with("X:y"), {200}, kept},
        {"spaces around the value", with("X: \t y \t "), {200}, kept},
        {"tab in a value", with("X: a\tb"), {200}, kept},
        {"colons in a value", with("X: a:b::c"), {200}, kept},
        {"Latin-1 in a value", with("X: \xe9"), {200}, kept},
        {"UTF-8 in a value", with("X: \xe2\x82\xac"), {200}, kept},
        {"NUL in a value", with(bytes("X: a\0b")), {400}, closed},
        {"control character in a value", with("X: a\x01"), {400}, closed},
        {"vertical tab in a value", with("X: a\x0b"), {400}, closed},
        {"escape character in a value", with("X: \x1b[31m"), {400}, closed},
        {"DEL in a value", with("X: a\x7f"), {400}, closed},

        // Bounds.
        {"header at the bound", header_of(4096), {200}, kept},
        {"header above the bound", header_of(4097), {431}, closed},
        {"one huge field", with("X: " + times(20000, "x")), {431}, closed},
        {"many fields above the bound",
         with(times(45, "X: " + times(100, "x") + "\r\n") + "Y: z"),
         {431},
         closed},
        {"as many fields as may be", get(host_a + times(49, "X: y\r\n")), {200}, kept},
        {"a field too many", get(host_a + times(50, "X: y\r\n")), {431}, closed},
        {"endless field", "GET /x HTTP/1.1\r\nX: " + times(9000, "x"), {431}, closed},
        {"endless name", "GET /x HTTP/1.1\r\n" + times(9000, "x"), {431}, closed},
        {"endless fields", "GET /x HTTP/1.1\r\n" + times(100, "X: y\r\n"), {431}, closed},

        // Connection and Upgrade.
        {"keep-alive", with("Connection: keep-alive"), {200}, kept},
        {"close", with("Connection: close"), {200}, closed},
        {"close in capitals", with("CONNECTION: CLOSE"), {200}, closed},
        {"close among others", with("Connection: x, Close"), {200}, closed},
        {"close and keep-alive", with("Connection: keep-alive, close"), {200}, closed},
        {"close in a second field",
         with("Connection: keep-alive\r\nConnection: close"),
         {200},
         closed},
        {"Connection names the framing",
         post("Connection: Content-Length\r\nContent-Length: 3\r\n", "abc"),
         {200},
         kept},
        {"websocket", with("Connection: Upgrade\r\nUpgrade: websocket"), {200}, kept},
        {"h2c",
         with("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM"),
         {200},
         kept},
        {"TE", with("TE: trailers, chunked"), {200}, kept},

        // Expect.
        {"continue", expecting("100-continue"), {200}, kept},
        {"continue in capitals", expecting("100-Continue"), {200}, kept},
        {"continue without a body", with("Expect: 100-continue"), {200}, kept},
        {"continue with length 0", expecting("100-continue", ""), {200}, kept},
        {"continue, chunked",
         post("Expect: 100-continue\r\n" + chunked, "3\r\nabc\r\n0\r\n\r\n"),
         {200},
         kept},
        {"continue, too large",
         post("Expect: 100-continue\r\nContent-Length: 999999\r\n", ""),
         {413},
         closed},
        {"tea expected", expecting("tea"), {417}, closed},
        {"nothing expected", expecting(""), {417}, closed},
        {"continue with a parameter", expecting("100-continue;q=1"), {417}, closed},
        {"continue and tea", expecting("100-continue, tea"), {417}, closed},
        {"continue, then tea", expecting("100-continue\r\nExpect: tea"), {417}, closed},
        {"tea expected without a body", with("Expect: tea"), {417}, closed},
        {"tea expected on 1.0",
         "POST /echo HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx",
         {200},
         closed},
        {"continue on 1.0",
         "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
         {200},
         closed},
    };
}

}  // namespace stoker::test
