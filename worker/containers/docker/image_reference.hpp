#pragma once

// The name of an image as users write it, taken apart for the Engine API. Names reach the engine in
// paths and queries, so what is not a name stops here.

#include <optional>
#include <string>
#include <string_view>

namespace stoker {

struct ImageReference {
    std::string name;  ///< with the registry, if any
    std::string tag;   ///< a tag, or a digest with its algorithm ("sha256:…"); "latest" when absent
    bool digest = false;

    /// As `name:tag` or `name@digest`.
    std::string text() const;
    /// As the engine lists it: `docker.io/library/x:1` is `x:1`.
    std::string familiar_text() const;
    bool operator==(const ImageReference&) const = default;
};

/// Empty for what is no reference: other characters than [A-Za-z0-9._-/:@], an empty path
/// component,
/// "." or "..", nothing before or after a separator, or more than 512 bytes.
std::optional<ImageReference> parse_image_reference(std::string_view text);

}  // namespace stoker
