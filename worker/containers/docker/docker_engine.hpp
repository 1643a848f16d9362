#pragma once

// The Engine API as requests and answers: finds the API version both sides speak, puts it before
// the path, and turns a lost engine into Errc::engine_unavailable. What an answer's status means is
// left to the caller. Thread-safe: one connection a request, nothing shared but the version.

#include <atomic>
#include <string>
#include <string_view>

#include "common/http/client.hpp"
#include "model/error.hpp"

namespace stoker {

class DockerEngine {
public:
    // Engine 20.10 speaks 1.12 to 1.41 and engine 29 refuses anything below 1.44, so no single
    // version serves all; what we use did not change between these two.
    static constexpr int api_minor_min = 41;
    static constexpr int api_minor_max = 44;

    explicit DockerEngine(HttpAddress address);

    /// Asks whether the engine is there, and which versions it speaks.
    Task<Result<void>> ping(Deadline deadline);
    /// `path` begins after the version. A body is sent as JSON.
    Task<Result<HttpAnswer>> call(
        std::string method, std::string path, std::string json_body, Deadline deadline
    );
    Task<Result<HttpStream>> open(HttpRequest request, Deadline deadline);
    /// A raw connection in place of the answer, or the answer that refused it.
    Task<Result<HttpUpgraded>> hijack(std::string path, Deadline deadline);

private:
    /// "/v1.41", asking for it the first time.
    Task<Result<std::string>> version_prefix(Deadline deadline);
    /// Notices an engine that was replaced by another version under our feet.
    bool refuses_version(const HttpAnswer& answer);

    HttpClient client_;
    std::atomic<int> api_minor_{0};
};

/// The engine's words: {"message": …}, or the body itself.
std::string engine_message(std::string_view body);
/// For paths and queries.
std::string percent_encode(std::string_view text);
/// The path of a container in the engine's API; `rest` goes on from there.
std::string container_path(std::string_view id, std::string_view rest);
/// An answer that the caller has no better word for.
std::unexpected<Error> refused(std::string_view doing, const HttpAnswer& answer);
std::unexpected<Error> unreachable(const HttpClientError& error);

}  // namespace stoker
