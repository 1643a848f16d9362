// How long a body is: Content-Length, Transfer-Encoding, chunks and trailers.

#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

constexpr auto kept = Fate::kept;
constexpr auto closed = Fate::closed;

/// The body `abc` with this Content-Length.
std::string of_length(const std::string& length) {
    return post("Content-Length: " + length + "\r\n", "abc");
}
/// An empty chunked body announced with these fields.
std::string encoded(const std::string& fields) { return post(fields + "\r\n", "0\r\n\r\n"); }
/// This chunked body.
std::string chunks(const std::string& body) { return post(chunked, body); }
std::string to_ignore(const std::string& fields, const std::string& body) {
    return "POST /ignore HTTP/1.1\r\n" + host_a + fields + "\r\n" + body;
}

}  // namespace

RawRequests length_requests() {
    return {
        {"length", of_length("3"), {200}, kept},
        {"length 0", post("Content-Length: 0\r\n", ""), {200}, kept},
        {"no length", post("", ""), {200}, kept},
        {"length with leading zeros", of_length("0003"), {200}, kept},
        {"length with spaces around", of_length("  3 \t"), {200}, kept},
        {"length on 1.0", "POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", {200}, closed},
        {"length in lower case", post("content-length: 3\r\n", "abc"), {200}, kept},
        {"length at the handler's bound",
         post("Content-Length: 65536\r\n", times(65536, "x")),
         {200},
         kept},
        {"length above the handler's bound",
         post("Content-Length: 65537\r\n", times(65537, "x")),
         {413},
         closed},
        {"huge length", of_length("1000000000000"), {413}, closed},
        {"length of 64 bits", of_length("18446744073709551614"), {413}, closed},
        {"length beyond 64 bits", of_length("18446744073709551619"), {400}, closed},
        {"length far beyond 64 bits", of_length(times(300, "9")), {400}, closed},
        {"two equal lengths", of_length("3\r\nContent-Length: 3"), {400}, closed},
        {"two lengths", of_length("3\r\nContent-Length: 4"), {400}, closed},
        {"two lengths in different case", of_length("3\r\ncontent-LENGTH: 3"), {400}, closed},
        {"list of equal lengths", of_length("3, 3"), {400}, closed},
        {"list of lengths", of_length("0,3"), {400}, closed},
        {"length and a comma", of_length("3,"), {400}, closed},
        {"negative length", of_length("-3"), {400}, closed},
        {"length with a plus", of_length("+3"), {400}, closed},
        {"hex length", of_length("0x3"), {400}, closed},
        {"hex digits", of_length("a"), {400}, closed},
        {"decimal point", of_length("3.0"), {400}, closed},
        {"exponent", of_length("3e0"), {400}, closed},
        {"quoted length", of_length("\"3\""), {400}, closed},
        {"length with a parameter", of_length("3;x"), {400}, closed},
        {"length with a space within", of_length("1 3"), {400}, closed},
        {"length with digit grouping", of_length("1_000"), {400}, closed},
        {"length with a control after", of_length("3\x0b"), {400}, closed},
        {"length with NUL after", of_length(bytes("3\0")), {400}, closed},
        {"length in full-width digits", of_length("\xef\xbc\x93"), {400}, closed},
        {"empty length", of_length(""), {400}, closed},
        {"space before the colon of the length",
         post("Content-Length : 3\r\n", "abc"),
         {400},
         closed},
        {"length after a bare line feed", post("X: y\nContent-Length: 3\r\n", "abc"), {400}, closed
        },
        {"length after a bare return", post("X: y\rContent-Length: 3\r\n", "abc"), {400}, closed},
        {"GET with a body",
         "GET /echo HTTP/1.1\r\n" + host_a + "Content-Length: 3\r\n\r\nabc",
         {200},
         kept},
        {"HEAD with a body",
         "HEAD /echo HTTP/1.1\r\n" + host_a + "Content-Length: 3\r\n\r\nabc",
         {200},
         kept},
        {"DELETE with a body",
         "DELETE /echo HTTP/1.1\r\n" + host_a + chunked + "\r\n0\r\n\r\n",
         {200},
         kept},
        {"small body nobody reads", to_ignore("Content-Length: 3\r\n", "abc"), {200}, kept},
        {"large body nobody reads",
         to_ignore("Content-Length: 300000\r\n", times(300000, "x")),
         {200},
         closed},
        {"chunked body nobody reads", to_ignore(chunked, "3\r\nabc\r\n0\r\n\r\n"), {200}, closed},
    };
}

RawRequests encoding_requests() {
    const std::string te = "Transfer-Encoding: ";
    return {
        {"chunked", encoded(te + "chunked"), {200}, kept},
        {"chunked in capitals", encoded("TRANSFER-ENCODING: CHUNKED"), {200}, kept},
        {"chunked without space", encoded("Transfer-Encoding:chunked"), {200}, kept},
        {"chunked with spaces around", encoded(te + "\t chunked \t"), {200}, kept},
        {"chunked and length", encoded(te + "chunked\r\nContent-Length: 3"), {400}, closed},
        {"length and chunked", encoded("Content-Length: 3\r\n" + te + "chunked"), {400}, closed},
        {"chunked and length 0", encoded(te + "chunked\r\nContent-Length: 0"), {400}, closed},
        {"chunked and a bad length", encoded(te + "chunked\r\nContent-Length: x"), {400}, closed},
        {"gzip, chunked", encoded(te + "gzip, chunked"), {400}, closed},
        {"chunked, gzip with a length",
         encoded(te + "chunked, gzip\r\nContent-Length: 5"),
         {400},
         closed},
        {"gzip alone", encoded(te + "gzip"), {400}, closed},
        {"identity", encoded(te + "identity\r\nContent-Length: 5"), {400}, closed},
        {"identity, chunked", encoded(te + "identity, chunked"), {400}, closed},
        {"chunked, identity", encoded(te + "chunked, identity"), {400}, closed},
        {"chunked twice", encoded(te + "chunked\r\n" + te + "chunked"), {400}, closed},
        {"chunked, then identity", encoded(te + "chunked\r\n" + te + "identity"), {400}, closed},
        {"identity, then chunked", encoded(te + "identity\r\n" + te + "chunked"), {400}, closed},
        {"chunked, chunked", encoded(te + "chunked, chunked"), {400}, closed},
        {"chunked and a comma", encoded(te + "chunked,"), {400}, closed},
        {"a comma and chunked", encoded(te + ", chunked"), {400}, closed},
        {"chunked with a parameter", encoded(te + "chunked;q=1"), {400}, closed},
        {"chunked quoted", encoded(te + "\"chunked\""), {400}, closed},
        {"chunked in single quotes", encoded(te + "'chunked'"), {400}, closed},
        {"xchunked", encoded(te + "xchunked"), {400}, closed},
        {"chunk", encoded(te + "chunk"), {400}, closed},
        {"chunked cut in two", encoded(te + "chu nked"), {400}, closed},
        {"empty encoding", encoded(te + "\r\nContent-Length: 5"), {400}, closed},
        {"chunked after a vertical tab", encoded(te + "\x0b" + "chunked"), {400}, closed},
        {"chunked after a no-break space", encoded(te + "\xa0" + "chunked"), {400}, closed},
        {"chunked before NUL", encoded(te + bytes("chunked\0")), {400}, closed},
        {"chunked before a return", encoded(te + "chunked\r"), {400}, closed},
        {"space before the colon of the encoding",
         encoded("Transfer-Encoding : chunked"),
         {400},
         closed},
        {"space before the encoding", encoded("X: y\r\n " + te + "chunked"), {400}, closed},
        {"encoding after a bare line feed", encoded("X: y\n" + te + "chunked"), {400}, closed},
        {"encoding after a bare return", encoded("X: y\r" + te + "chunked"), {400}, closed},
        {"encoding folded", encoded(te + "\r\n chunked"), {400}, closed},
        {"NUL in the name of the encoding",
         encoded(bytes("Transfer-\0Encoding: chunked")),
         {400},
         closed},
        {"encoding with underscore is another field",
         encoded("Transfer_Encoding: chunked\r\nContent-Length: 5"),
         {200},
         kept},
        {"content encoding is another field",
         encoded("Content-Encoding: chunked\r\nContent-Length: 5"),
         {200},
         kept},
        {"chunked on 1.0", "POST /echo HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n", {400}, closed},
        {"chunked on 1.0 kept alive",
         "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n" + chunked + "\r\n0\r\n\r\n",
         {400},
         closed},
    };
}

RawRequests chunk_requests() {
    const std::string end = "0\r\n\r\n";
    return {
        {"one chunk", chunks("3\r\nabc\r\n" + end), {200}, kept},
        {"data that looks like lines", chunks("7\r\n\r\n \r\n\n\t\r\n" + end), {200}, kept},
        {"many chunks", chunks(times(1000, "1\r\nx\r\n") + end), {200}, kept},
        {"size in capitals", chunks("A\r\n0123456789\r\n" + end), {200}, kept},
        {"size with leading zeros", chunks("0003\r\nabc\r\n000\r\n\r\n"), {200}, kept},
        {"size not hex", chunks("xyz\r\nabc\r\n" + end), {400}, closed},
        {"size half hex", chunks("3g\r\nabc\r\n" + end), {400}, closed},
        {"no size", chunks("\r\nabc\r\n" + end), {400}, closed},
        {"size with a plus", chunks("+3\r\nabc\r\n" + end), {400}, closed},
        {"negative size", chunks("-3\r\nabc\r\n" + end), {400}, closed},
        {"size with 0x", chunks("0x3\r\nabc\r\n" + end), {400}, closed},
        {"size with an underscore", chunks("0_3\r\nabc\r\n" + end), {400}, closed},
        {"size beyond 64 bits", chunks("10000000000000003\r\nabc\r\n" + end), {400}, closed},
        {"size far beyond 64 bits", chunks(times(100, "f") + "\r\nabc\r\n" + end), {400}, closed},
        {"space before the size", chunks(" 3\r\nabc\r\n" + end), {400}, closed},
        {"space after the size", chunks("3 \r\nabc\r\n" + end), {400}, closed},
        {"tab after the size", chunks("3\t\r\nabc\r\n" + end), {400}, closed},
        {"size before NUL", chunks(bytes("3\0\r\nabc\r\n") + end), {400}, closed},
        {"size before a bare line feed", chunks("3\nabc\r\n" + end), {400}, closed},
        {"size before a bare return", chunks("3\rabc\r\n" + end), {400}, closed},
        {"size before two returns", chunks("3\r\r\nabc\r\n" + end), {400}, closed},
        {"data before a bare line feed", chunks("3\r\nabc\n" + end), {400}, closed},
        {"data before a bare return", chunks("3\r\nabc\r" + end), {400}, closed},
        {"data longer than told", chunks("3\r\nabcd\r\n" + end), {400}, closed},
        {"data shorter than told", chunks("4\r\nabc\r\n" + end), {400}, closed},
        {"everything with bare line feeds", chunks("3\nabc\n0\n\n\r\n"), {400}, closed},
        {"above the handler's bound",
         chunks("20000\r\n" + times(0x20000, "x") + "\r\n" + end),
         {413},
         closed},
        {"endless size", chunks(times(80000, "0")), {400}, closed},

        {"extension", chunks("3;a=b\r\nabc\r\n0;c\r\n\r\n"), {200}, kept},
        {"extension quoted", chunks("3;a=\"b;c\"\r\nabc\r\n" + end), {200}, kept},
        {"extension with a bare line feed", chunks("3;a\nb\r\nabc\r\n" + end), {400}, closed},
        {"extension with a bare return", chunks("3;a\rb\r\nabc\r\n" + end), {400}, closed},
        {"extension with a quoted line end", chunks("3;a=\"\r\n\"\r\nabc\r\n" + end), {400}, closed
        },
        {"extension with a quoted line feed", chunks("3;a=\"\n\"\r\nabc\r\n" + end), {400}, closed},
        {"extension with a tab", chunks("3;\ta\r\nabc\r\n" + end), {200}, kept},
        {"extension with NUL", chunks(bytes("3;a\0b\r\nabc\r\n") + end), {400}, closed},
        {"extension without end", chunks("3;" + times(80000, "x")), {400}, closed},
        {"extension of the last chunk with a bare line feed", chunks("0;a\n\r\n\r\n"), {400}, closed
        },

        {"trailer", chunks("3\r\nabc\r\n0\r\nX: y\r\n\r\n"), {200}, kept},
        {"trailer without colon", chunks("0\r\nX\r\n\r\n"), {400}, closed},
        {"trailer with a space before the colon", chunks("0\r\nX : y\r\n\r\n"), {400}, closed},
        {"trailer folded", chunks("0\r\nX: y\r\n z\r\n\r\n"), {400}, closed},
        {"trailer folded at once", chunks("0\r\n X: y\r\n\r\n"), {400}, closed},
        {"trailer with a bare line feed", chunks("0\r\nX: y\nY: z\r\n\r\n"), {400}, closed},
        {"trailer with a bare return", chunks("0\r\nX: y\rY: z\r\n\r\n"), {400}, closed},
        {"trailer with NUL", chunks(bytes("0\r\nX: \0\r\n\r\n")), {400}, closed},
        {"trailer that names a length", chunks("0\r\nContent-Length: 3\r\n\r\n"), {400}, closed},
        {"trailer that names an encoding", chunks("0\r\n" + chunked + "\r\n"), {400}, closed},
        {"trailer with a second Host", chunks("0\r\nHost: b\r\n\r\n"), {200}, kept},
        {"trailer without end", chunks("0\r\nX: " + times(80000, "x")), {400}, closed},
        {"trailers without end", chunks("0\r\n" + times(14000, "X: y\r\n")), {400}, closed},
    };
}

}  // namespace stoker::test
