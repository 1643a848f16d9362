#pragma once

// Reads the stream of JSON lines with which the engine reports a pull or a load: sums up the layers
// and catches the error that such a stream, begun with status 200, may end in. No I/O.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "worker/containers/container_spec.hpp"

namespace stoker {

class PullProgressParser {
public:
    /// True when a line was completed, so that progress() has news.
    bool feed(std::string_view bytes);
    /// At the end of the stream, whose last line may lack its newline.
    void finish();

    const PullProgress& progress() const { return progress_; }
    /// The engine's words for why it failed.
    const std::optional<std::string>& error() const { return error_; }

private:
    struct Layer {
        std::uint64_t done = 0;
        std::uint64_t total = 0;
        bool complete = false;
    };
    void read_line(std::string_view line);
    void update(Layer& layer, Layer now);

    std::string line_;
    std::map<std::string, Layer> layers_;
    PullProgress progress_;
    std::optional<std::string> error_;
};

}  // namespace stoker
