// The request line without its target: what stands before it, the method, the version.

#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

constexpr auto kept = Fate::kept;
constexpr auto closed = Fate::closed;

/// A good request but for its first line.
std::string line(const std::string& text) { return text + "\r\n" + host_a + "\r\n"; }
std::string with_method(const std::string& method) { return line(method + " /x HTTP/1.1"); }
std::string with_version(const std::string& version) { return line("GET /x " + version); }

}  // namespace

RawRequests request_line_requests() {
    return {
        // Versions.
        {"HTTP/1.1", get(host_a), {200}, kept},
        {"HTTP/1.0", "GET /x HTTP/1.0\r\n\r\n", {200}, closed},
        {"HTTP/1.0 kept alive", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {200}, kept},
        {"HTTP/1.0 with Host", with_version("HTTP/1.0"), {200}, closed},
        {"HTTP/0.9 by number", with_version("HTTP/0.9"), {505}, closed},
        {"HTTP/0.9 by form", "GET /x\r\n\r\n", {400}, closed},
        {"HTTP/1.2", with_version("HTTP/1.2"), {505}, closed},
        {"HTTP/1.9", with_version("HTTP/1.9"), {505}, closed},
        {"HTTP/2.0", with_version("HTTP/2.0"), {505}, closed},
        {"HTTP/3.0", with_version("HTTP/3.0"), {505}, closed},
        {"HTTP/9.9", with_version("HTTP/9.9"), {505}, closed},
        {"version without minor", with_version("HTTP/1"), {400}, closed},
        {"version with an empty minor", with_version("HTTP/1."), {400}, closed},
        {"version with two digits", with_version("HTTP/1.10"), {400}, closed},
        {"version with a leading zero", with_version("HTTP/01.1"), {400}, closed},
        {"version with a sign", with_version("HTTP/+1.1"), {400}, closed},
        {"version with a comma", with_version("HTTP/1,1"), {400}, closed},
        {"version without slash", with_version("HTTP1.1"), {400}, closed},
        {"version with a space inside", with_version("HTTP/ 1.1"), {400}, closed},
        {"version with text after", with_version("HTTP/1.1x"), {400}, closed},
        {"version with NUL after", with_version(bytes("HTTP/1.1\0")), {400}, closed},
        {"version in lower case", with_version("http/1.1"), {400}, closed},
        {"version in hex", with_version("HTTP/0x1.1"), {400}, closed},
        {"version named twice", with_version("HTTP/1.1 HTTP/1.1"), {400}, closed},
        {"version of another protocol", with_version("HTTQ/1.1"), {400}, closed},
        {"version of RTSP", with_version("RTSP/1.0"), {400}, closed},
        {"no version but a space", line("GET /x "), {400}, closed},

        // What is no HTTP at all.
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, closed},
        {"TLS hello", bytes("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), {400}, closed},
        {"SSH banner", "SSH-2.0-OpenSSH_9.2\r\n\r\n", {400}, closed},
        {"SMTP", "HELO example.com\r\n\r\n", {400}, closed},
        {"PROXY line", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get(host_a), {400}, closed},
        {"an answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {400}, closed},
        {"JSON", "{\"name\":\"app\"}\r\n\r\n", {400}, closed},
        {"byte-order mark", "\xef\xbb\xbf" + get(host_a), {400}, closed},
        {"NULs", std::string(64, '\0') + "\r\n\r\n", {400}, closed},

        // Before the line.
        {"one empty line before", "\r\n" + get(host_a), {200}, kept},
        {"two empty lines before", "\r\n\r\n" + get(host_a), {200}, kept},
        {"many empty lines before", "\r\n\r\n\r\n\r\n" + get(host_a), {400}, closed},
        {"bare line feed before", "\n" + get(host_a), {400}, closed},
        {"bare carriage return before", "\r" + get(host_a), {400}, closed},
        {"line of a space before", " \r\n" + get(host_a), {400}, closed},
        {"space before", " " + get(host_a), {400}, closed},
        {"tab before", "\t" + get(host_a), {400}, closed},

        // Between its parts.
        {"two spaces before the target", line("GET  /x HTTP/1.1"), {400}, closed},
        {"two spaces before the version", line("GET /x  HTTP/1.1"), {400}, closed},
        {"space after the version", line("GET /x HTTP/1.1 "), {400}, closed},
        {"tab before the target", line("GET\t/x HTTP/1.1"), {400}, closed},
        {"tab before the version", line("GET /x\tHTTP/1.1"), {400}, closed},
        {"vertical tab between", line("GET\x0b/x HTTP/1.1"), {400}, closed},
        {"form feed between", line("GET\x0c/x HTTP/1.1"), {400}, closed},
        {"no-break space between", line("GET\xc2\xa0/x HTTP/1.1"), {400}, closed},
        {"carriage return between", line("GET\r/x HTTP/1.1"), {400}, closed},
        {"line ends with a bare line feed", "GET /x HTTP/1.1\n" + host_a + "\r\n", {400}, closed},
        {"line ends with two carriage returns", line("GET /x HTTP/1.1\r"), {400}, closed},
        {"line ends with line feed, return", "GET /x HTTP/1.1\n\r" + host_a + "\r\n", {400}, closed
        },

        // Methods: any token is one; what it means is the handler's.
        {"unknown method", with_method("FROB"), {200}, kept},
        {"method in lower case", with_method("get"), {200}, kept},
        {"method of all token characters", with_method("A!#$%&'*+-.^_`|~9"), {200}, kept},
        {"long method", with_method(times(200, "M")), {200}, kept},
        {"method beyond the line's bound", with_method(times(2000, "M")), {414}, closed},
        {"no method", line("/x HTTP/1.1"), {400}, closed},
        {"method with a bracket", with_method("GE(T"), {400}, closed},
        {"method with a quote", with_method("\"GET\""), {400}, closed},
        {"method with a colon", with_method("GET:"), {400}, closed},
        {"method with a slash", with_method("GET/"), {400}, closed},
        {"method with NUL", with_method(bytes("GE\0T")), {400}, closed},
        {"method with a control character", with_method("GE\x01T"), {400}, closed},
        {"method with DEL", with_method("GE\x7fT"), {400}, closed},
        {"method with Latin-1", with_method("G\xc9T"), {400}, closed},
        {"OPTIONS", with_method("OPTIONS"), {200}, kept},
        {"TRACE", with_method("TRACE"), {200}, kept},
        {"HEAD", with_method("HEAD"), {200}, kept},
    };
}

}  // namespace stoker::test
