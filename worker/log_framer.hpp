#pragma once

// Finds in one of a function's output pipes where a call's own output begins: Fn's kits print a
// frame there, "\nFN_CALL=<call id>\n", before they run the call. A pipe that has shown a frame is
// held to it: what comes after a call has begun and before its frame is late output of the call
// before. A pipe in which a call went by without its frame has none, and all that comes while a
// call runs is that call's. No I/O; not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stoker {

/// What functions are told to print as a frame: a name, and the request's header with the value.
inline constexpr std::string_view log_frame_name = "FN_CALL";
inline constexpr std::string_view log_frame_header = "Fn-Call-Id";

class LogFramer {
public:
    enum class Whose : std::uint8_t { previous_call, current_call };
    /// A view of the bytes given, or of the framer's own until it is used again.
    struct Piece {
        Whose whose;
        std::string_view bytes;
    };

    /// The call before has ended; what comes from now on may be of this one.
    void begin(std::string_view call_id);
    /// What came, in order and without the frame: at most two pieces. What may be the beginning of
    /// a frame is kept back; a line break alone only where frames have been shown.
    std::vector<Piece> take(std::string_view bytes);
    /// All that the call has written before its end was taken. Returns what was kept back.
    std::vector<Piece> end();

    /// Calls may begin with a frame, as far as is known.
    bool expects_frames() const { return frames_ != Frames::none; }
    /// The current call's frame has not come.
    bool is_searching() const { return searching_; }

private:
    enum class Frames : std::uint8_t { unknown, shown, none };

    Piece before_frame(std::string_view bytes) const;
    void add_own(std::vector<Piece>& pieces, std::string_view bytes);

    Frames frames_ = Frames::unknown;
    bool searching_ = false;
    bool at_frame_ = false;  // the frame has come and nothing behind it
    std::string frame_;
    std::string kept_;    // of a frame, perhaps; never a whole one
    std::string joined_;  // what was kept and what came next
};

}  // namespace stoker
