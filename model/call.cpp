#include "model/call.hpp"

#include <algorithm>
#include <utility>

namespace stoker {

namespace {

constexpr std::array<std::string_view, 8> status_words{
    "delayed", "queued", "running", "success", "error", "timeout", "killed", "cancelled"
};
constexpr std::array<std::string_view, 5> phase_words{
    "queued", "slot", "pulling", "starting", "executing"
};

template <class Enum, std::size_t n>
std::optional<Enum> find_word(const std::array<std::string_view, n>& words, std::string_view word) {
    const auto at = std::ranges::find(words, word);
    if (at == words.end()) return std::nullopt;
    return static_cast<Enum>(at - words.begin());
}

CallStatus status_of(Errc code) {
    switch (code) {
        case Errc::function_timeout:
        case Errc::expired: return CallStatus::timeout;
        case Errc::out_of_memory: return CallStatus::killed;
        case Errc::cancelled: return CallStatus::cancelled;
        default: return CallStatus::error;
    }
}

}  // namespace

std::string_view to_word(CallStatus status) { return status_words.at(std::to_underlying(status)); }

std::optional<CallStatus> parse_call_status(std::string_view word) {
    return find_word<CallStatus>(status_words, word);
}

bool can_step(CallStatus from, CallStatus to) {
    switch (from) {
        // Who waits for too long times out without ever having run.
        case CallStatus::delayed:
            return to == CallStatus::queued || to == CallStatus::timeout ||
                   to == CallStatus::cancelled;
        case CallStatus::queued:
            return to == CallStatus::running || to == CallStatus::timeout ||
                   to == CallStatus::cancelled;
        // Back to delayed is a retry, back to queued a lost worker or a hand-back.
        case CallStatus::running: return to != CallStatus::running;
        default: return false;
    }
}

std::string_view to_word(CallPhase phase) { return phase_words.at(std::to_underlying(phase)); }

std::optional<CallPhase> parse_call_phase(std::string_view word) {
    return find_word<CallPhase>(phase_words, word);
}

CallEnd end_of(const Error& error) {
    return {
        .status = status_of(error.code),
        .error = std::string(error.text()),
        .error_code = std::string(spec_of(error.code).word),
    };
}

}  // namespace stoker
