#include "worker/log_framer.hpp"

#include <fmt/format.h>

#include <utility>

namespace stoker {

namespace {

/// Where the frame begins, or what may be the beginning of it; else the end.
std::size_t find_frame(std::string_view bytes, std::string_view frame) {
    // The only line breaks of a frame are its ends: one begins at a line break and nowhere else.
    for (auto at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
        if (frame.starts_with(bytes.substr(at, frame.size()))) return at;
    }
    return bytes.size();
}

}  // namespace

void LogFramer::begin(std::string_view call_id) {
    if (!expects_frames()) return;
    frame_ = fmt::format("\n{}={}\n", log_frame_name, call_id);
    searching_ = true;
    at_frame_ = false;
}

std::vector<LogFramer::Piece> LogFramer::take(std::string_view bytes) {
    std::vector<Piece> pieces;
    if (!searching_) {
        add_own(pieces, bytes);
        return pieces;
    }
    if (!kept_.empty()) {
        joined_ = std::exchange(kept_, {}).append(bytes);
        bytes = joined_;
    }
    auto at = find_frame(bytes, frame_);
    // Most functions have no frames, and end what they print with a line break: kept back, it would
    // come behind what they print to their other stream meanwhile.
    if (frames_ == Frames::unknown && bytes.size() - at == 1) at = bytes.size();
    if (at > 0) pieces.push_back(before_frame(bytes.substr(0, at)));
    if (bytes.size() - at < frame_.size()) {
        kept_ = bytes.substr(at);
        return pieces;
    }
    frames_ = Frames::shown;
    searching_ = false;
    at_frame_ = true;
    add_own(pieces, bytes.substr(at + frame_.size()));
    return pieces;
}

std::vector<LogFramer::Piece> LogFramer::end() {
    at_frame_ = false;
    if (!std::exchange(searching_, false)) return {};
    joined_ = std::exchange(kept_, {});
    std::vector<Piece> pieces;
    if (!joined_.empty()) pieces.push_back(before_frame(joined_));
    frames_ = Frames::none;
    return pieces;
}

LogFramer::Piece LogFramer::before_frame(std::string_view bytes) const {
    return {frames_ == Frames::shown ? Whose::previous_call : Whose::current_call, bytes};
}

void LogFramer::add_own(std::vector<Piece>& pieces, std::string_view bytes) {
    if (bytes.empty()) return;
    // Some kits print an empty line behind their frame.
    if (std::exchange(at_frame_, false) && bytes.front() == '\n') bytes.remove_prefix(1);
    if (!bytes.empty()) pieces.push_back({Whose::current_call, bytes});
}

}  // namespace stoker
