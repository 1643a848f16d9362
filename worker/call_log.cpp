#include "worker/call_log.hpp"

#include <fmt/format.h>

namespace stoker {

namespace {
constexpr std::size_t chunk_bytes_max = 64 * 1024;
}

void CallLog::append(LogStream stream, std::string_view bytes) {
    const std::scoped_lock lock(mutex_);
    if (full_ || bytes.empty()) return;
    const auto room = bytes_max_ - bytes_;
    push(stream, bytes.substr(0, room));
    if (bytes.size() < room) return;
    full_ = true;
    push(
        stream,
        fmt::format("\n-----max log size {} bytes exceeded, truncating log-----\n", bytes_max_)
    );
}

void CallLog::push(LogStream stream, std::string_view bytes) {
    if (bytes.empty()) return;
    bytes_ += bytes.size();
    // Small writes that follow each other share a chunk: a row each would cost more than the text.
    if (!chunks_.empty() && chunks_.back().stream == stream &&
        chunks_.back().data.size() + bytes.size() <= chunk_bytes_max) {
        chunks_.back().data += bytes;
        return;
    }
    chunks_.push_back({next_seq_++, wall_now(), stream, std::string(bytes)});
}

std::vector<LogChunk> CallLog::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(chunks_, {});
}

bool CallLog::has_chunks() const {
    const std::scoped_lock lock(mutex_);
    return !chunks_.empty();
}

}  // namespace stoker
