#pragma once

// The parts of a URL that servers take apart: percent-encoding and query parameters.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker {

/// Every '%' starts a well-formed escape, and none stands for NUL.
bool is_percent_encoded(std::string_view text);
/// Empty for a malformed escape or an escaped NUL.
std::optional<std::string> percent_decode(std::string_view text);

/// `a=1&b=two+words`, decoded, in order. Malformed escapes are kept as they are.
class QueryParams {
public:
    explicit QueryParams(std::string_view query);
    /// The first value of that name; null when absent.
    const std::string* find(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> params_;
};

}  // namespace stoker
