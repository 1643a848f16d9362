#pragma once

// Takes apart the byte stream of Docker's attach: frames of an 8-byte header (stream, three zeros,
// length as 32 bits big-endian) and data. No I/O. Data is given out as it comes, so a frame may
// arrive as several pieces and no length claimed by the engine costs memory.

#include <optional>
#include <string>
#include <string_view>

#include "worker/containers/container_spec.hpp"

namespace stoker {

class FrameDemultiplexer {
public:
    void feed(std::string_view bytes) { waiting_ += bytes; }
    /// The next piece of output; empty when more bytes are needed, and for good once malformed().
    std::optional<OutputFrame> next();
    /// A header that no engine sends: the bytes are of another protocol.
    bool malformed() const { return malformed_; }

private:
    bool read_header();

    std::string waiting_;
    OutputStream stream_ = OutputStream::standard_output;
    std::size_t frame_bytes_left_ = 0;
    bool malformed_ = false;
};

}  // namespace stoker
