// Bad requests through the whole API: each gets a 4xx that says what is wrong, in Fn's words where
// Fn has some, whether it comes at once or byte by byte. Bytes that are no sound HTTP get an error
// body as well, and never a 5xx but 505.

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"
#include "tests/common/raw_requests/raw_request.hpp"

namespace stoker::test {

namespace {

struct BadRequest {
    std::string name;
    std::string method;
    std::string path;  ///< with {app}, {fn} and {call} for ids that exist
    std::string body;
    int status;
    std::string message;  ///< how it begins
    Headers headers{};
};

std::vector<BadRequest> route_table() {
    return {
        {"unknown path", "GET", "/v2/nothing", "", 404, "Path not found: GET /v2/nothing"},
        {"root of the API", "GET", "/v2", "", 404, "Path not found"},
        {"other version", "GET", "/v3/apps", "", 404, "Path not found"},
        {"path in capitals", "GET", "/V2/APPS", "", 404, "Path not found"},
        {"two slashes", "GET", "//v2/apps", "", 404, "Path not found"},
        {"dot segments", "GET", "/v2/apps/../apps", "", 404, "Path not found"},
        {"escaped slash", "GET", "/v2%2Fapps", "", 404, "Path not found"},
        {"escaped line end", "GET", "/v2/%0d%0aX:%20y", "", 404, "Path not found"},
        {"asterisk", "OPTIONS", "*", "", 404, "Path not found"},
        {"CONNECT", "CONNECT", "here:80", "", 404, "Path not found"},
        {"TRACE", "TRACE", "/v2/apps", "", 405, "Method not allowed: TRACE /v2/apps"},
        {"OPTIONS", "OPTIONS", "/v2/apps", "", 405, "Method not allowed"},
        {"PATCH", "PATCH", "/v2/apps/{app}", "{}", 405, "Method not allowed"},
        {"DELETE of a list", "DELETE", "/v2/apps", "", 405, "Method not allowed"},
        {"method in lower case", "get", "/v2/apps", "", 405, "Method not allowed"},
        {"unknown method", "FROB", "/v2/fns/{fn}", "", 405, "Method not allowed"},
        {"GET of invoke", "GET", "/invoke/{fn}", "", 405, "Method not allowed"},
        {"POST of a call", "POST", "/v2/calls/{call}", "", 405, "Method not allowed"},
        {"invoke without fn", "POST", "/invoke/", "", 404, ""},
    };
}

std::vector<BadRequest> app_table() {
    const auto post = [](std::string name, std::string body, std::string message) {
        return BadRequest{std::move(name), "POST", "/v2/apps", std::move(body), 400, message};
    };
    const auto put = [](std::string name, std::string body, int status, std::string message) {
        return BadRequest{
            std::move(name), "PUT", "/v2/apps/{app}", std::move(body), status, message
        };
    };
    const std::string json = "Invalid JSON";
    return {
        post("no body", "", json),
        post("text", "name=app", json),
        post("open object", "{", json),
        post("open string", R"({"name":"a)", json),
        post("list", "[]", json),
        post("null", "null", json),
        post("number", "1", json),
        post("text after the object", R"({"name":"a"} x)", json),
        post("two objects", R"({"name":"a"}{"name":"b"})", json),
        post("comma at the end", R"({"name":"a",})", json),
        post("single quotes", "{'name':'a'}", json),
        post("comment", R"({"name":"a"/* */})", json),
        post("byte-order mark in UTF-16", std::string("\xff\xfe{\0}\0", 6), json),
        post("not UTF-8", "{\"name\":\"\xff\"}", json),
        post("half a surrogate", R"({"name":"\ud800"})", json),
        post("control character in a text", "{\"name\":\"a\nb\"}", json),
        post("NaN", R"({"name":NaN})", json),
        post(
            "nested too deeply",
            R"({"annotations":{"a":)" + times(200, "[") + times(200, "]") + "}}",
            json
        ),
        post("too many keys", R"({"config":{)" + times(5000, R"("a":"",)") + R"("b":""}})", json),
        post("name a number", R"({"name":1})", json),
        post("name a list", R"({"name":["a"]})", json),
        post("config a text", R"({"name":"a","config":"x"})", json),
        post("config value a number", R"({"name":"a","config":{"A":1}})", json),
        post("annotations a list", R"({"name":"a","annotations":[]})", json),
        post("syslog URL a number", R"({"name":"a","syslog_url":1})", json),
        post("no name", "{}", "Missing Name"),
        post("empty name", R"({"name":""})", "Missing Name"),
        post("null name", R"({"name":null})", "Missing Name"),
        post("name with a space", R"({"name":"a b"})", "Invalid app name"),
        post("name with a slash", R"({"name":"a/b"})", "Invalid app name"),
        post("name with NUL", R"({"name":"a\u0000b"})", "Invalid app name"),
        post("long name", R"({"name":")" + times(256, "a") + "\"}", "App name must be 255"),
        post("id given", R"({"name":"a","id":"x"})", "App ID cannot be supplied on create"),
        post("config key with =", R"({"name":"a","config":{"A=B":"x"}})", "Invalid config key"),
        post(
            "annotation key empty", R"({"name":"a","annotations":{"":1}})", "Invalid annotation key"
        ),
        post(
            "annotation key with a space",
            R"({"name":"a","annotations":{"a b":1}})",
            "Invalid annotation key"
        ),
        post(
            "annotation key long",
            R"({"name":"a","annotations":{")" + times(129, "k") + R"(":1}})",
            "Invalid annotation key length"
        ),
        post(
            "annotation value null",
            R"({"name":"a","annotations":{"k":null}})",
            "Invalid annotation value"
        ),
        post(
            "annotation value long",
            R"({"name":"a","annotations":{"k":")" + times(600, "v") + R"("}})",
            "Invalid annotation value length"
        ),
        post(
            "syslog URL of another scheme",
            R"({"name":"a","syslog_url":"http://x"})",
            "invalid syslog url"
        ),
        {"name taken", "POST", "/v2/apps", R"({"name":"app"})", 409, "App already exists"},
        {"1 MiB and more",
         "POST",
         "/v2/apps",
         times(1024 * 1024 + 1, " "),
         413,
         "Content-Length too large for this server, 1048577 > max 1048576"},
        put("update: no JSON", "x", 400, json),
        put("update: wrong type", R"({"config":[]})", 400, json),
        put("update: other id", R"({"id":"x"})", 400, "App ID in path does not match ID in body"),
        put("update: other name", R"({"name":"b"})", 409, "Could not update - name is immutable"),
        put("update: bad annotation", R"({"annotations":{"a b":1}})", 400, "Invalid annotation key"
        ),
        {"id unknown", "GET", "/v2/apps/01ARZ3NDEKTSV4RRFFQ69G5FAV", "", 404, "App not found"},
        {"id of no form", "GET", "/v2/apps/%27%20OR%201=1", "", 404, "App not found"},
        {"id not UTF-8", "GET", "/v2/apps/%ff%fe", "", 404, "App not found"},
        {"id very long", "DELETE", "/v2/apps/" + times(8000, "a"), "", 404, "App not found"},
    };
}

std::vector<BadRequest> fn_table() {
    const auto post = [](std::string name, const std::string& fields, std::string message) {
        return BadRequest{
            std::move(name),
            "POST",
            "/v2/fns",
            R"({"app_id":"{app}","name":"f2","image":"i",)" + fields + "}",
            400,
            std::move(message)
        };
    };
    const auto bare = [](std::string name, std::string body, std::string message) {
        return BadRequest{std::move(name), "POST", "/v2/fns", std::move(body), 400, message};
    };
    const auto put = [](std::string name, std::string body, int status, std::string message) {
        return BadRequest{std::move(name), "PUT", "/v2/fns/{fn}", std::move(body), status, message};
    };
    const std::string json = "Invalid JSON";
    const std::string memory = "memory value is out of range. It should be between 0 and 8192";
    const std::string timeout = "timeout value is out of range, must be between 0 and 300";
    return {
        bare("fn: no JSON", "x", json),
        bare("fn: no app", R"({"name":"f","image":"i"})", "Missing AppID on Fn"),
        bare("fn: no name", R"({"app_id":"{app}","image":"i"})", "Missing Fn name"),
        bare("fn: no image", R"({"app_id":"{app}","name":"f"})", "Missing image on Fn"),
        bare(
            "fn: name with a slash",
            R"({"app_id":"{app}","name":"a/b","image":"i"})",
            "name must be a valid string"
        ),
        bare(
            "fn: name with NUL",
            R"({"app_id":"{app}","name":"a\u0000","image":"i"})",
            "name must be a valid string"
        ),
        bare(
            "fn: long name",
            R"({"app_id":"{app}","image":"i","name":")" + times(256, "a") + "\"}",
            "Fn name must be 255"
        ),
        {"fn: unknown app",
         "POST",
         "/v2/fns",
         R"({"app_id":"x","name":"f","image":"i"})",
         404,
         "App not found"},
        {"fn: name taken",
         "POST",
         "/v2/fns",
         R"({"app_id":"{app}","name":"fn","image":"i"})",
         409,
         "Fn"},
        post("fn: id given", R"("id":"x")", "ID cannot be provided for Fn creation"),
        post("fn: memory negative", R"("memory":-1)", memory),
        post("fn: memory too much", R"("memory":8193)", memory),
        post("fn: memory beyond 64 bits", R"("memory":99999999999999999999)", ""),
        post("fn: memory a text", R"("memory":"128")", json),
        post("fn: memory a fraction", R"("memory":1.5)", json),
        post(
            "fn: memory that never fits",
            R"("memory":2048)",
            "Requested CPU/Memory cannot be allocated"
        ),
        post("fn: timeout negative", R"("timeout":-1)", timeout),
        post("fn: timeout too long", R"("timeout":301)", timeout),
        post(
            "fn: async timeout too long",
            R"("type":"async","timeout":3601)",
            "timeout value is out of range, must be between 0 and 3600"
        ),
        post("fn: timeout no duration", R"("timeout":"soon")", "timeout is not a duration"),
        post(
            "fn: timeout of half a second", R"("timeout":"500ms")", "timeout must be whole seconds"
        ),
        post("fn: timeout a list", R"("timeout":[])", json),
        post("fn: timeout beyond 64 bits", R"("timeout":1e400)", json),
        post("fn: idle timeout too long", R"("idle_timeout":3601)", "idle_timeout value is out of"),
        post("fn: unknown type", R"("type":"batch")", "Invalid Fn type"),
        post("fn: type a number", R"("type":1)", json),
        post("fn: priority too high", R"("priority":3)", "priority value is out of range"),
        post("fn: priority below 0", R"("priority":-1)", "priority value is out of range"),
        post("fn: age below 0", R"("max_age":-1)", "max_age value is out of range"),
        post("fn: age no duration", R"("max_age":"old")", "max_age is not a duration"),
        post("fn: retry a number", R"("retry":3)", json),
        post(
            "fn: retry with unknown field", R"("retry":{"delay":1})", "retry.delay is not supported"
        ),
        post("fn: retry attempts 0", R"("retry":{"max_attempts":0})", "retry.max_attempts value"),
        post(
            "fn: retry attempts too many", R"("retry":{"max_attempts":101})", "retry.max_attempts"
        ),
        post("fn: retry on anything", R"("retry":{"on":["anything"]})", "retry.on is a list of"),
        post("fn: retry on no list", R"("retry":{"on":"error"})", json),
        post("fn: retry pause below 0", R"("retry":{"base_ms":-1})", "retry.base_ms value"),
        post("fn: retry pause of years", R"("retry":{"cap_ms":99999999999})", "retry.cap_ms value"),
        post("fn: retry attempts a text", R"("retry":{"max_attempts":"3"})", json),
        post("fn: config a list", R"("config":[])", json),
        post("fn: config key empty", R"("config":{"":"x"})", "Invalid config key"),
        post("fn: config key with =", R"("config":{"A=B":"x"})", "Invalid config key"),
        post("fn: config key with NUL", R"("config":{"A\u0000":"x"})", "Invalid config key"),
        post("fn: config value with NUL", R"("config":{"A":"x\u0000y"})", "Invalid config value"),
        post("fn: annotation key with a space", R"("annotations":{"a b":1})", "Invalid annotation"),
        put("fn update: no JSON", "[1]", 400, json),
        put("fn update: other id", R"({"id":"x"})", 400, "Fn ID in path does not match that in body"
        ),
        put("fn update: memory too much", R"({"memory":8193})", 400, memory),
        put("fn update: memory that never fits", R"({"memory":2048})", 400, "Requested CPU/Memory"),
        put("fn update: timeout too long", R"({"timeout":301})", 400, timeout),
        put("fn update: config key with =", R"({"config":{"A=B":"x"}})", 400, "Invalid config key"),
        {"fn unknown", "GET", "/v2/fns/nobody", "", 404, "Fn not found"},
        {"fn update: unknown", "PUT", "/v2/fns/nobody", "{}", 404, "Fn not found"},
        {"fn delete: unknown", "DELETE", "/v2/fns/nobody", "", 404, "Fn not found"},
    };
}

std::vector<BadRequest> query_table() {
    const auto get = [](std::string path, int status, std::string message) {
        return BadRequest{path, "GET", path, "", status, std::move(message)};
    };
    const std::string cursor = "Invalid cursor";
    return {
        get("/v2/apps?cursor=%21", 400, cursor),
        get("/v2/apps?cursor=A", 400, cursor),
        get("/v2/apps?cursor=QQ==", 400, cursor),
        get("/v2/apps?cursor=QR", 400, cursor),
        get("/v2/fns", 400, "Missing AppID on Fn"),
        get("/v2/fns?app_id=", 400, "Missing AppID on Fn"),
        get("/v2/fns?app_id={app}&cursor=*", 400, cursor),
        get("/v2/fns/{fn}/calls?cursor=AAAA", 400, cursor),
        get("/v2/fns/{fn}/calls?from_time=yesterday", 400, "from_time is not an epoch time"),
        get("/v2/fns/{fn}/calls?from_time=1.5", 400, "from_time is not an epoch time"),
        get("/v2/fns/{fn}/calls?to_time=99999999999999999999", 400, "to_time is not an epoch time"),
        get("/v2/fns/{fn}/calls?to_time=0x1", 400, "to_time is not an epoch time"),
        get("/v2/fns/{fn}/calls?status=lost", 400, "Invalid call status"),
        get("/v2/fns/nobody/calls", 404, "Fn not found"),
        get("/v2/calls/{call}?wait=soon", 400, "wait is not a duration"),
        get("/v2/calls/{call}?wait=-1s", 400, "wait is not a duration"),
        get("/v2/calls/{call}?wait=61s", 400, "wait value is out of range"),
        get("/v2/calls/{call}?wait=99999999999999999999", 400, "wait is not a duration"),
        get("/v2/calls/nobody", 404, "Call not found"),
        get("/v2/calls/nobody?wait=1s", 404, "Call not found"),
        get("/v2/calls/nobody/log", 404, "Call log not found"),
        get("/v2/calls/nobody/response", 404, "Call not found"),
        get("/v2/calls/{call}/response", 409, "Call has not ended"),
        get("/v2/fns/nobody/calls/{call}", 404, "Call not found"),
    };
}

std::vector<BadRequest> invoke_table() {
    const auto invoke = [](std::string name, Headers headers, int status, std::string message) {
        return BadRequest{
            std::move(name), "POST", "/invoke/{fn}", "x", status, std::move(message), headers
        };
    };
    return {
        {"invoke: unknown fn", "POST", "/invoke/nobody", "x", 404, "Fn not found"},
        invoke(
            "invoke: unknown type", {{"Fn-Invoke-Type", "later"}}, 400, "Invalid Fn-Invoke-Type"
        ),
        invoke("invoke: empty type", {{"Fn-Invoke-Type", ""}}, 400, "Invalid Fn-Invoke-Type"),
        invoke(
            "invoke: two types", {{"Fn-Invoke-Type", "sync, async"}}, 400, "Invalid Fn-Invoke-Type"
        ),
        {"invoke: async, too large",
         "POST",
         "/invoke/{fn}",
         times(70'000, "x"),
         413,
         "Content-Length too large",
         {{"Fn-Invoke-Type", "async"}}},
        {"invoke: sync, too large",
         "POST",
         "/invoke/{fn}",
         times(140'000, "x"),
         413,
         "Content-Length too large"},
        {"log: nothing acceptable",
         "GET",
         "/v2/calls/{call}/log",
         "",
         406,
         "unable to respond",
         {{"Accept", "image/png"}}},
    };
}

class BadRequestFixture : public ApiFixture {
public:
    BadRequestFixture() :
        ApiFixture([](ApiSettings& settings) {
            settings.invoke.async_body_bytes_max = 65'536;
            settings.invoke.sync_body_bytes_max = 131'072;
        }),
        app_(make_app()),
        fn_(make_fn(app_)),
        call_(accept_call(fn_)) {}

    std::string request_of(const BadRequest& row) const {
        return text_of(row.method, with_ids(row.path), with_ids(row.body), row.headers);
    }

private:
    std::string with_ids(std::string text) const {
        replace(text, "{app}", app_);
        replace(text, "{fn}", fn_);
        replace(text, "{call}", call_);
        return text;
    }
    static void replace(std::string& text, std::string_view what, const std::string& by) {
        if (const auto at = text.find(what); at != std::string::npos) {
            text.replace(at, what.size(), by);
        }
    }

    const std::string app_;
    const std::string fn_;
    const std::string call_;
};

void check_refusal(const Answer& answer, int status, const std::string& message) {
    CHECK_MESSAGE(answer.status == status, answer.body);
    CHECK(answer.header("Content-Type") == "application/json; charset=utf-8");
    const auto json = ApiFixture::json(answer);
    CHECK_MESSAGE(json.value("message", "").starts_with(message), answer.body);
    CHECK_FALSE(json.value("message", "").empty());
    CHECK_FALSE(json.value("code", "").empty());
}

}  // namespace

TEST_CASE("API: every bad request gets a 4xx that says what is wrong") {
    const BadRequestFixture api;
    for (const auto& table :
         {route_table(), app_table(), fn_table(), query_table(), invoke_table()}) {
        for (const auto& row : table) {
            CAPTURE(row.name);
            const auto bytes = api.request_of(row);
            check_refusal(api.connect().request(bytes), row.status, row.message);
            if (bytes.size() > 20'000) continue;
            auto slow = api.connect();
            for (const char& byte : bytes) slow.send({&byte, 1});
            check_refusal(slow.receive(), row.status, row.message);
        }
    }
    // All is as it was.
    CHECK(ApiFixture::json(api.get("/v2/apps"))["items"].size() == 1);
}

TEST_CASE("API: what is no sound HTTP gets an error body, and no 5xx but 505") {
    const ApiFixture api([](ApiSettings& settings) { settings.server = raw_request_limits(); });
    for (const auto& row : all_raw_requests()) {
        CAPTURE(row.name);
        if (row.statuses.empty()) continue;
        auto client = api.connect();
        client.send(row.bytes);
        if (row.client_ends) client.end_sending();
        const auto answer = client.receive(row.bytes.starts_with("HEAD"));
        CHECK((answer.status < 500 || answer.status == 505));
        // What the HTTP server refuses is refused before any route is looked at.
        const int first = row.statuses.front();
        if (first != 200 && !row.bytes.contains("/echo")) check_refusal(answer, first, "");
    }
}

}  // namespace stoker::test
