#include "cli/runner_settings.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ranges>

#include "common/http/connection.hpp"
#include "datastore/open_datastore.hpp"
#include "queue/open_queue.hpp"

namespace stoker {

namespace {

std::string joined(const std::string& host, std::uint16_t port) {
    return host.contains(':') ? fmt::format("[{}]:{}", host, port)
                              : fmt::format("{}:{}", host, port);
}

SettingKind<std::string> runner_url_kind() {
    auto kind = text_kind("URL");
    kind.parse = [](std::string_view text) -> std::expected<std::string, std::string> {
        const auto address =
            text.starts_with("http://") ? parse_http_address(text) : std::unexpected(std::string());
        if (address) return std::string(text);
        return std::unexpected(fmt::format("\"{}\" is not a URL such as http://10.0.0.5:8090", text)
        );
    };
    return kind;
}

SettingKind<std::vector<std::string>> workers_kind() {
    SettingKind<std::vector<std::string>> kind;
    kind.placeholder = "HOST:PORT,...";
    kind.parse = [](std::string_view text) -> std::expected<std::vector<std::string>, std::string> {
        std::vector<std::string> workers;
        for (const auto part : text | std::views::split(',')) {
            const std::string worker(part.begin(), part.end());
            if (!parse_http_address("tcp://" + worker)) {
                return std::unexpected(
                    fmt::format("\"{}\" is not a list such as 10.0.0.5:8090,10.0.0.6:8090", text)
                );
            }
            workers.push_back(worker);
        }
        return workers;
    };
    kind.print = [](const std::vector<std::string>& workers) {
        return fmt::format("{}", fmt::join(workers, ","));
    };
    return kind;
}

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

}  // namespace

void add_runner_endpoint(Settings& table, RunnerSettings& to) {
    table.add(
        "runner-listen", to.listen, listen_kind(), "Where to take synchronous calls from the APIs"
    );
    table.add(
        "runner-url",
        to.url,
        runner_url_kind(),
        "How the APIs reach that; by default the address, or this host's name for all of them"
    );
}

void add_runner_list(Settings& table, RunnerSettings& to) {
    table.add(
        "workers",
        to.workers,
        workers_kind(),
        "Runner endpoints of the workers; by default those found in the datastore"
    );
}

void check_shared(
    const std::string& db, const std::string& queue, std::vector<std::string>& errors
) {
    if (!is_shared_datastore(db)) {
        errors.push_back(fmt::format(
            "--db{}: {}; name a PostgreSQL database that all of them share, "
            "postgres://USER:PASSWORD@HOST/DATABASE, or run `stoker start`",
            db.empty() ? "" : " " + redacted_url(db),
            db.empty() ? "apis and workers need a datastore that they share"
                       : "a SQLite file belongs to one process"
        ));
    }
    if (!is_shared_queue(queue)) {
        errors.push_back(fmt::format(
            "--queue{}: {}; name a Redis or Kafka that all of them share, redis://HOST or "
            "kafka://HOST, "
            "or run `stoker start`",
            queue.empty() ? "" : " " + redacted_url(queue),
            queue.empty() ? "apis and workers need a queue that they share"
                          : "the embedded queue lives in the memory of one process"
        ));
    }
}

std::string advertised_address(const RunnerSettings& settings, std::uint16_t port) {
    if (!settings.url.empty()) {
        const auto address = parse_http_address(settings.url);
        return joined(address->host, address->port);
    }
    const auto& host = settings.listen.host;
    return joined(host == "0.0.0.0" || host == "::" ? host_name() : host, port);
}

}  // namespace stoker
