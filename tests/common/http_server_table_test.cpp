// Raw requests and the status each must get. The table is the point: framing that two parsers could
// read differently must never be let through.

#include <doctest/doctest.h>

#include <array>

#include "tests/common/http_server_fixture.hpp"

namespace stoker::test {

namespace {

struct RawRequest {
    std::string name;
    std::string bytes;
    int status;
    bool closes;  ///< the connection ends after the answer
};

const std::string host = "Host: a\r\n";

std::string get(const std::string& fields, const std::string& target = "/x") {
    return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body) {
    return "POST /echo HTTP/1.1\r\n" + host + fields + "\r\n" + body;
}
const std::string chunked = "Transfer-Encoding: chunked\r\n";

std::vector<RawRequest> request_line_table() {
    return {
        {"plain", get(host), 200, false},
        {"version 1.0", "GET /x HTTP/1.0\r\n\r\n", 200, true},
        {"version 1.0 kept alive", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false},
        {"version 2.0", "GET /x HTTP/2.0\r\n" + host + "\r\n", 505, true},
        {"version 1.2", "GET /x HTTP/1.2\r\n" + host + "\r\n", 505, true},
        {"version 0.9 style", "GET /x\r\n\r\n", 400, true},
        {"other protocol", "GET /x HTTQ/1.1\r\n" + host + "\r\n", 400, true},
        {"lower-case version", "GET /x http/1.1\r\n" + host + "\r\n", 400, true},
        {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), 400, true},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
        {"one empty line before", "\r\n" + get(host), 200, false},
        {"two empty lines before", "\r\n\r\n" + get(host), 200, false},
        {"many empty lines before", "\r\n\r\n\r\n\r\n" + get(host), 400, true},
        {"space before the method", " GET /x HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"two spaces", "GET  /x HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"tab between", "GET\t/x HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"space in the target", "GET /x y HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"space after the version", "GET /x HTTP/1.1 \r\n" + host + "\r\n", 400, true},
        {"no method", "/x HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"method with a bracket", "GE(T /x HTTP/1.1\r\n" + host + "\r\n", 400, true},
        {"any token is a method", "FROB /x HTTP/1.1\r\n" + host + "\r\n", 200, false},
        {"control character in the target", get(host, "/x\x01"), 400, true},
        {"NUL in the target", get(host, std::string("/x\0y", 4)), 400, true},
        {"fragment", get(host, "/x#y"), 400, true},
        {"target without slash", get(host, "x"), 400, true},
        {"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 200, false},
        {"CONNECT", "CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n", 200, false},
        {"absolute target", get(host, "http://b/x?q"), 200, false},
        {"absolute target without path", get(host, "http://b"), 200, false},
        {"absolute target with other scheme", get(host, "ftp://b/x"), 400, true},
        {"absolute target without authority", get(host, "http:///x"), 400, true},
        {"escape", get(host, "/%41"), 200, false},
        {"escape cut short", get(host, "/%4"), 400, true},
        {"escape of nothing", get(host, "/%"), 400, true},
        {"escape not hex", get(host, "/%zz"), 400, true},
        {"escaped NUL", get(host, "/%00"), 400, true},
        {"bad escape in the query only", get(host, "/x?a=%zz"), 200, false},
        {"target at the bound", get(host, "/" + std::string(1023, 'x')), 200, false},
        {"target above the bound", get(host, "/" + std::string(1024, 'x')), 414, true},
        {"target far above the bound", get(host, "/" + std::string(9000, 'x')), 414, true},
    };
}

std::vector<RawRequest> field_table() {
    return {
        {"no Host", get(""), 400, true},
        {"two Hosts", get(host + "Host: b\r\n"), 400, true},
        {"empty Host", get("Host:\r\n"), 200, false},
        {"Host with a space", get("Host: a b\r\n"), 400, true},
        {"Host with a slash", get("Host: a/b\r\n"), 400, true},
        {"Host with port", get("Host: [::1]:8080\r\n"), 200, false},
        {"bare line feeds", "GET /x HTTP/1.1\nHost: a\n\n", 400, true},
        {"one bare line feed", "GET /x HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, true},
        {"bare carriage return", get(host + "X: a\rb\r\n"), 400, true},
        {"folded field", get(host + "X: a\r\n b\r\n"), 400, true},
        {"folded with tab", get(host + "X: a\r\n\tb\r\n"), 400, true},
        {"folded first field", get(" Host: a\r\n"), 400, true},
        {"space before the colon", get(host + "X : y\r\n"), 400, true},
        {"no colon", get(host + "X\r\n"), 400, true},
        {"no name", get(host + ": y\r\n"), 400, true},
        {"name with a space", get(host + "X Y: z\r\n"), 400, true},
        {"NUL in a value", get(host + std::string("X: a\0b\r\n", 8)), 400, true},
        {"DEL in a value", get(host + "X: a\x7f\r\n"), 400, true},
        {"Latin-1 in a value", get(host + "X: \xe9\r\n"), 200, false},
        {"empty value", get(host + "X:\r\n"), 200, false},
        {"header at the bound", get(host + "X: " + std::string(3900, 'x') + "\r\n"), 200, false},
        {"header above the bound", get(host + "X: " + std::string(4200, 'x') + "\r\n"), 431, true},
        {"endless header", get(host + "X: " + std::string(40000, 'x')), 431, true},
        {"too many fields",
         get(host +
             [] {
                 std::string fields;
                 for (int i = 0; i < 60; ++i) fields += "X: y\r\n";
                 return fields;
             }()),
         431,
         true},
        {"close asked for", get(host + "Connection: close\r\n"), 200, true},
        {"close among others", get(host + "Connection: x, Close\r\n"), 200, true},
        {"Expect something", post("Expect: tea\r\nContent-Length: 1\r\n", "x"), 417, true},
        {"Expect two things",
         post("Expect: 100-continue, tea\r\nContent-Length: 1\r\n", "x"),
         417,
         true},
        {"Expect on 1.0 is nothing",
         "POST /echo HTTP/1.0\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx",
         200,
         true},
    };
}

std::vector<RawRequest> body_table() {
    return {
        {"length", post("Content-Length: 3\r\n", "abc"), 200, false},
        {"length 0", post("Content-Length: 0\r\n", ""), 200, false},
        {"no length", post("", ""), 200, false},
        {"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, true},
        {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400, true},
        {"list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400, true},
        {"negative length", post("Content-Length: -3\r\n", "abc"), 400, true},
        {"signed length", post("Content-Length: +3\r\n", "abc"), 400, true},
        {"hex length", post("Content-Length: 0x3\r\n", "abc"), 400, true},
        {"empty length", post("Content-Length:\r\n", ""), 400, true},
        {"length beyond 64 bits", post("Content-Length: 99999999999999999999\r\n", "abc"), 400, true
        },
        {"huge length", post("Content-Length: 1000000000000\r\n", "abc"), 413, true},
        {"above the handler's bound",
         post("Content-Length: 65537\r\n", std::string(65537, 'x')),
         413,
         true},
        {"chunked", post(chunked, "3\r\nabc\r\n0\r\n\r\n"), 200, false},
        {"chunked in capitals", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 200, false},
        {"chunk extension", post(chunked, "3;a=b\r\nabc\r\n0;c\r\n\r\n"), 200, false},
        {"trailer", post(chunked, "3\r\nabc\r\n0\r\nX: y\r\n\r\n"), 200, false},
        {"upper-case size", post(chunked, "A\r\n0123456789\r\n0\r\n\r\n"), 200, false},
        {"leading zeros", post(chunked, "0003\r\nabc\r\n000\r\n\r\n"), 200, false},
        {"chunk size beyond 64 bits",
         post(chunked, "10000000000000003\r\nabc\r\n0\r\n\r\n"),
         400,
         true},
        {"chunk without size", post(chunked, "\r\nabc\r\n0\r\n\r\n"), 400, true},
        {"chunk size not hex", post(chunked, "xyz\r\nabc\r\n0\r\n\r\n"), 400, true},
        {"signed chunk size", post(chunked, "+3\r\nabc\r\n0\r\n\r\n"), 400, true},
        {"0x chunk size", post(chunked, "0x3\r\nabc\r\n0\r\n\r\n"), 400, true},
        {"chunk longer than told", post(chunked, "3\r\nabcd\r\n0\r\n\r\n"), 400, true},
        {"chunk with bare line feed", post(chunked, "3\nabc\n0\n\n\r\n"), 400, true},
        {"chunk too large",
         post(chunked, "20000\r\n" + std::string(0x20000, 'x') + "\r\n0\r\n\r\n"),
         413,
         true},
        {"endless chunk size", post(chunked, std::string(100000, '0')), 400, true},
        {"endless chunk extension", post(chunked, "3;" + std::string(100000, 'x')), 400, true},
        {"endless trailer", post(chunked, "0\r\nX: " + std::string(100000, 'x')), 400, true},
        {"bad trailer", post(chunked, "0\r\nX\r\n\r\n"), 400, true},
        {"chunked and length", post(chunked + "Content-Length: 3\r\n", "0\r\n\r\n"), 400, true},
        {"length and chunked", post("Content-Length: 3\r\n" + chunked, "0\r\n\r\n"), 400, true},
        {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400, true},
        {"chunked, gzip",
         post("Transfer-Encoding: chunked, gzip\r\nContent-Length: 3\r\n", "abc"),
         400,
         true},
        {"identity", post("Transfer-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), 400, true
        },
        {"chunked twice", post(chunked + chunked, "0\r\n\r\n"), 400, true},
        {"chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400, true
        },
        {"chunked with parameter", post("Transfer-Encoding: chunked;x\r\n", "0\r\n\r\n"), 400, true
        },
        {"chunked quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400, true},
        {"chunked with a control before",
         post(
             "Transfer-Encoding: \x0b"
             "chunked\r\n",
             "0\r\n\r\n"
         ),
         400,
         true},
        {"empty encoding", post("Transfer-Encoding:\r\nContent-Length: 3\r\n", "abc"), 400, true},
        {"chunked on 1.0", "POST /echo HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", 400, true},
        {"length on 1.0", "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", 200, true},
        {"GET with a body",
         "GET /echo HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc",
         200,
         false},
        {"small body nobody reads",
         "POST /ignore HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc",
         200,
         false},
        {"large body nobody reads",
         "POST /ignore HTTP/1.1\r\n" + host + "Content-Length: 300000\r\n\r\n" +
             std::string(300000, 'x'),
         200,
         true},
        {"chunked body nobody reads",
         "POST /ignore HTTP/1.1\r\n" + host + chunked + "\r\n3\r\nabc\r\n0\r\n\r\n",
         200,
         true},
    };
}

void check_table(const std::vector<RawRequest>& table) {
    ServerLimits limits;
    limits.uri_bytes_max = 1024;
    limits.header_bytes_max = 4096;
    limits.header_fields_max = 50;
    limits.linger_time = Millis{200};
    const ServerFixture fixture(limits);
    for (const auto& row : table) {
        CAPTURE(row.name);
        auto client = fixture.connect();
        client.send(row.bytes);
        const auto answer = client.receive();
        CHECK(answer.status == row.status);
        CHECK((answer.header("Connection") == "close") == row.closes);
        if (row.closes) {
            CHECK(client.ended());
        } else {
            // What came after the request, if anything, has not been taken for one.
            const auto next = client.request(get(host, "/next"));
            CHECK(next.status == 200);
            CHECK(next.body == "GET /next");
        }
    }
}

}  // namespace

TEST_CASE("HttpServer: request lines get the status of the table") {
    check_table(request_line_table());
}

TEST_CASE("HttpServer: header fields get the status of the table") { check_table(field_table()); }

TEST_CASE("HttpServer: bodies get the status of the table") { check_table(body_table()); }

TEST_CASE("HttpServer: the table holds when every byte comes alone") {
    ServerLimits limits;
    limits.uri_bytes_max = 1024;
    limits.header_bytes_max = 4096;
    limits.header_fields_max = 50;
    limits.linger_time = Millis{200};
    const ServerFixture fixture(limits);
    for (const auto& table : {request_line_table(), field_table(), body_table()}) {
        for (const auto& row : table) {
            if (row.bytes.size() > 300) continue;
            CAPTURE(row.name);
            auto client = fixture.connect();
            for (const char byte : row.bytes) {
                if (!client.send(std::string_view(&byte, 1))) break;
            }
            CHECK(client.receive().status == row.status);
        }
    }
}

}  // namespace stoker::test
