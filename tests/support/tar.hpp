#pragma once

// A ustar archive in memory: enough of the format to hand an image's files to a container engine.

#include <string>
#include <string_view>

namespace stoker::test {

class TarWriter {
public:
    /// `path` of at most 100 bytes, relative.
    void add(std::string_view path, std::string_view bytes, unsigned mode);
    /// The archive with its end marker.
    std::string finish() &&;

private:
    std::string out_;
};

}  // namespace stoker::test
