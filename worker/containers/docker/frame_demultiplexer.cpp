#include "worker/containers/docker/frame_demultiplexer.hpp"

#include <algorithm>

namespace stoker {

namespace {

constexpr std::size_t header_bytes = 8;
constexpr unsigned last_known_stream = 2;  // 0 and 1 are stdout, 2 is stderr

}  // namespace

bool FrameDemultiplexer::read_header() {
    if (malformed_ || waiting_.size() < header_bytes) return false;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(waiting_[i]); };
    if (byte(0) > last_known_stream || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) {
        malformed_ = true;
        return false;
    }
    stream_ = byte(0) == 2 ? OutputStream::standard_error : OutputStream::standard_output;
    for (std::size_t i = 4; i < header_bytes; ++i) {
        frame_bytes_left_ = frame_bytes_left_ << 8 | byte(i);
    }
    waiting_.erase(0, header_bytes);
    return true;
}

std::optional<OutputFrame> FrameDemultiplexer::next() {
    while (frame_bytes_left_ == 0) {
        if (!read_header()) return {};
    }
    if (waiting_.empty()) return {};
    const auto bytes = std::min(frame_bytes_left_, waiting_.size());
    OutputFrame frame{stream_, {}};
    if (bytes == waiting_.size()) {
        frame.data = std::exchange(waiting_, {});
    } else {
        frame.data = waiting_.substr(0, bytes);
        waiting_.erase(0, bytes);
    }
    frame_bytes_left_ -= bytes;
    return frame;
}

}  // namespace stoker
