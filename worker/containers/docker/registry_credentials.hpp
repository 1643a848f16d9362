#pragma once

// The credentials of image registries, as Docker keeps them: the `auths` of a config.json, the
// older .dockercfg, or the same as text. Read once at start and immutable from then on. Holds
// secrets: nothing of it is printed, and an error names the place that is wrong, never the value.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"

namespace stoker {

class RegistryCredentials {
public:
    /// `place` is what an error calls the text.
    static Result<RegistryCredentials> parse(std::string_view json, std::string_view place);
    /// `configured` is JSON or the path of a file with it. When it is empty, the first of `files`
    /// that exists counts, and none is fine.
    static Result<RegistryCredentials> load(
        const std::string& configured, const std::vector<std::string>& files
    );

    /// The header X-Registry-Auth for pulling an image of this name; empty when nothing is known
    /// about its registry.
    std::string header_for(std::string_view image_name) const;

    std::size_t size() const { return headers_.size(); }
    /// The configuration leaves (some) passwords to helper programs, which are not asked.
    bool needs_helpers() const { return needs_helpers_; }

private:
    std::map<std::string, std::string, std::less<>> headers_;  ///< by registry
    bool needs_helpers_ = false;
};

/// The registry an image comes from: `host[:port]`, or "docker.io" when its name has none.
std::string_view registry_of(std::string_view image_name);

}  // namespace stoker
