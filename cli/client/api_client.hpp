#pragma once

// The server's API as the client commands use it. Belongs to one lane.

#include <nlohmann/json.hpp>

#include <expected>
#include <string>
#include <string_view>

#include "common/http/client.hpp"

namespace stoker {

/// Why the server did not do what was asked, ready to print.
struct ClientError {
    std::string text;
    int status = 0;  ///< of the answer; 0 when there was none

    bool is_passing() const { return status == 0 || status >= 500; }
};

template <class T>
using Answer = std::expected<T, ClientError>;

class ApiClient {
public:
    explicit ApiClient(HttpAddress address);

    /// The body of a 200; anything else is an error with the server's message.
    Task<Answer<nlohmann::ordered_json>> get(std::string target, Deadline deadline) const;
    Task<Answer<std::string>> get_text(std::string target, Deadline deadline) const;
    /// Any status, the body not read yet.
    Task<Answer<HttpStream>> open(HttpRequest request, Deadline deadline) const;
    /// The id of a function named by its app's name and its own.
    Task<Answer<std::string>> find_fn(std::string app, std::string fn) const;

private:
    Task<Answer<std::string>> find_id(std::string target, std::string what) const;
    ClientError unreachable(const HttpClientError& error) const;

    HttpClient http_;
    std::string where_;
};

/// What a refusal says: the server's message if there is one.
ClientError refusal(int status, std::string_view body);

HttpRequest request_for(std::string method, std::string target);

/// For a value in a query.
std::string percent_encoded(std::string_view text);

inline Deadline soon() { return deadline_in(std::chrono::seconds{30}); }

}  // namespace stoker
