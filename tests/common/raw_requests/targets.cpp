// Request targets: their four forms, percent-encoding, length.

#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

constexpr auto kept = Fate::kept;
constexpr auto closed = Fate::closed;

std::string to(const std::string& target) { return get(host_a, target); }
std::string ask(const std::string& method, const std::string& target) {
    return method + " " + target + " HTTP/1.1\r\n" + host_a + "\r\n";
}

}  // namespace

RawRequests target_requests() {
    return {
        // Origin form.
        {"root", to("/"), {200}, kept},
        {"two slashes", to("//x"), {200}, kept},
        {"dot segments stay", to("/a/../../x/./y"), {200}, kept},
        {"semicolon and sub-delimiters", to("/a;b=c,d!$&'()*+:@"), {200}, kept},
        {"empty query", to("/x?"), {200}, kept},
        {"question marks in the query", to("/x?a?b"), {200}, kept},
        {"no target", ask("GET", ""), {400}, closed},
        {"no slash", to("x"), {400}, closed},
        {"query alone", to("?x"), {400}, closed},
        {"backslash first", to("\\x"), {400}, closed},
        {"fragment", to("/x#y"), {400}, closed},
        {"fragment in the query", to("/x?y#z"), {400}, closed},
        {"space", to("/x y"), {400}, closed},
        {"NUL", to(bytes("/x\0y")), {400}, closed},
        {"control character", to("/x\x01"), {400}, closed},
        {"tab", to("/x\ty"), {400}, closed},
        {"DEL", to("/x\x7f"), {400}, closed},
        {"line feed", to("/x\ny"), {400}, closed},
        {"carriage return", to("/x\ry"), {400}, closed},

        // Percent-encoding.
        {"escape", to("/%41"), {200}, kept},
        {"escape in lower case", to("/%c3%a9"), {200}, kept},
        {"escaped slash", to("/a%2Fb"), {200}, kept},
        {"escaped percent", to("/%2541"), {200}, kept},
        {"escaped line end", to("/%0d%0aX:%20y"), {200}, kept},
        {"escaped overlong UTF-8", to("/%c0%af"), {200}, kept},
        {"escape cut short", to("/%4"), {400}, closed},
        {"escape of nothing", to("/%"), {400}, closed},
        {"escape before a slash", to("/%4/x"), {400}, closed},
        {"escape not hex", to("/%zz"), {400}, closed},
        {"escape half hex", to("/%4g"), {400}, closed},
        {"escape with a sign", to("/%+1"), {400}, closed},
        {"escape of UCS-2", to("/%u0041"), {400}, closed},
        {"escaped NUL", to("/%00"), {400}, closed},
        {"escaped NUL within", to("/app%00.txt"), {400}, closed},
        {"bad escape in the query only", to("/x?a=%zz"), {200}, kept},

        // Absolute form.
        {"absolute", to("http://b/x?q"), {200}, kept},
        {"absolute, https", to("https://b/x"), {200}, kept},
        {"absolute, scheme in capitals", to("HTTP://b/x"), {200}, kept},
        {"absolute with port", to("http://b:8080/x"), {200}, kept},
        {"absolute, IPv6", to("http://[::1]:80/x"), {200}, kept},
        {"absolute without path", to("http://b"), {200}, kept},
        {"absolute without path but query", to("http://b?q"), {200}, kept},
        {"absolute without Host", get("", "http://b/x"), {400}, closed},
        {"absolute, other scheme", to("ftp://b/x"), {400}, closed},
        {"absolute, no scheme", to("://b/x"), {400}, closed},
        {"absolute, one slash", to("http:/b/x"), {400}, closed},
        {"absolute without authority", to("http:///x"), {400}, closed},
        {"absolute with a port alone", to("http://:80/x"), {400}, closed},
        {"absolute with userinfo", to("http://u:p@b/x"), {400}, closed},
        {"absolute with a bad port", to("http://b:x/x"), {400}, closed},
        {"absolute with a bad escape", to("http://b/%zz"), {400}, closed},
        {"absolute with a fragment", to("http://b/x#y"), {400}, closed},
        {"absolute with a backslash", to("http:\\\\b\\x"), {400}, closed},

        // Authority and asterisk form: each with its method alone.
        {"authority for CONNECT", ask("CONNECT", "a:80"), {200}, kept},
        {"authority for GET", to("a:80"), {400}, closed},
        {"path for CONNECT", ask("CONNECT", "/x"), {400}, closed},
        {"absolute for CONNECT", ask("CONNECT", "http://a/x"), {400}, closed},
        {"no port for CONNECT", ask("CONNECT", "a"), {400}, closed},
        {"asterisk for OPTIONS", ask("OPTIONS", "*"), {200}, kept},
        {"asterisk for GET", to("*"), {400}, closed},
        {"asterisk and more", ask("OPTIONS", "*/x"), {400}, closed},

        // Length.
        {"at the bound", to("/" + times(1023, "x")), {200}, kept},
        {"above the bound", to("/" + times(1024, "x")), {414}, closed},
        {"far above the bound", to("/" + times(9000, "x")), {414}, closed},
        {"query above the bound", to("/x?" + times(1100, "y")), {414}, closed},
        {"endless", "GET /" + times(9000, "x"), {414}, closed},
    };
}

}  // namespace stoker::test
