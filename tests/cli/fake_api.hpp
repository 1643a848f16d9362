#pragma once

// An HTTP server on a free port whose answers a test scripts, and a client command run against it.

#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "common/async/lanes.hpp"
#include "common/http/server.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {

struct SeenRequest {
    std::string line;  ///< `GET /v2/apps?name=x`
    Headers headers;
    std::string body;
};

class FakeApi final : public HttpHandler {
public:
    FakeApi() : server_(lanes_, {.host = "127.0.0.1", .port = 0}, ServerLimits{}, *this, metrics_) {
        const auto started = server_.start();
        if (!started) throw std::runtime_error(started.error());
        lanes_.start();
        add("GET /v2/apps?name=shop", {200, {}, R"({"items":[{"id":"A","name":"shop"}]})"});
        add("GET /v2/apps?name=none", {200, {}, R"({"items":[]})"});
        add("GET /v2/fns?app_id=A&name=resize", {200, {}, R"({"items":[{"id":"F"}]})"});
    }
    ~FakeApi() override {
        run(server_.stop(deadline_in(std::chrono::seconds{30})));
        lanes_.stop();
    }
    FakeApi(const FakeApi&) = delete;
    FakeApi& operator=(const FakeApi&) = delete;

    /// Answers of one request line, in turn; the last is repeated.
    void add(const std::string& line, Response response) {
        const std::scoped_lock lock(mutex_);
        answers_[line].push_back(std::move(response));
    }

    std::vector<SeenRequest> seen() {
        const std::scoped_lock lock(mutex_);
        return seen_;
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

    Task<> handle(Exchange& exchange) override {
        const auto& request = exchange.request();
        const auto line = request.method + ' ' + request.target;
        auto body = co_await exchange.read_body(1 << 20);
        co_await exchange.respond(answer(line, request.headers, body ? *body : ""));
    }
    Response refusal(HttpFault /*fault*/) const override { return {400, {}, ""}; }

private:
    Response answer(const std::string& line, const Headers& headers, std::string body) {
        const std::scoped_lock lock(mutex_);
        seen_.push_back({line, headers, std::move(body)});
        auto& scripted = answers_[line];
        if (scripted.empty()) return {404, {}, R"({"message":"not scripted"})"};
        auto response = scripted.front();
        if (scripted.size() > 1) scripted.erase(scripted.begin());
        return response;
    }

    std::mutex mutex_;
    std::map<std::string, std::vector<Response>> answers_;
    std::vector<SeenRequest> seen_;
    Metrics metrics_;
    Lanes lanes_{1};
    HttpServer server_;
};

struct Ran {
    int exit_code = -1;
    std::string out;
    std::string err;
};

inline Ran run_command(
    const std::vector<std::string>& words,
    const std::map<std::string, std::string>& variables = {},
    const std::string& input = "",
    bool in_is_terminal = false
) {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Console console{
        .in = in,
        .out = out,
        .err = err,
        .in_is_terminal = in_is_terminal,
        .out_is_terminal = false,
        .environment =
            [&](const std::string& name) {
                const auto found = variables.find(name);
                return found == variables.end() ? std::nullopt : std::optional(found->second);
            },
    };
    const int exit_code = run_client(words, console);
    return {exit_code, out.str(), err.str()};
}

inline Ran run_against(
    FakeApi& api, const std::vector<std::string>& words, const std::string& input = ""
) {
    return run_command(words, {{"STOKER_URL", api.url()}}, input);
}

}  // namespace stoker::test
