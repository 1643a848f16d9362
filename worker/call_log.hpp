#pragma once

// The log of one attempt while it runs: what its function wrote, cut at a limit. Filled by whoever
// drains the function's output, emptied in chunks by whoever stores them. Thread-safe.

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "model/call.hpp"

namespace stoker {

class CallLog {
public:
    explicit CallLog(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    /// Appends; past the limit one last line says so and the rest is dropped.
    void append(LogStream stream, std::string_view bytes);
    /// The chunks since the last take, numbered on.
    std::vector<LogChunk> take();
    bool has_chunks() const;

private:
    void push(LogStream stream, std::string_view bytes);

    const std::size_t bytes_max_;
    mutable std::mutex mutex_;
    std::vector<LogChunk> chunks_;
    std::size_t bytes_ = 0;
    std::int64_t next_seq_ = 0;
    bool full_ = false;
};

}  // namespace stoker
