#include "worker/containers/docker/frame_demultiplexer.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace stoker;

namespace {

std::string frame(char stream, std::string_view data) {
    std::string out{stream, 0, 0, 0};
    for (int shift = 24; shift >= 0; shift -= 8) {
        out += static_cast<char>(data.size() >> static_cast<unsigned>(shift) & 0xff);
    }
    return out + std::string(data);
}

/// Everything the demultiplexer gives, pieces of one stream joined.
std::vector<OutputFrame> drain(FrameDemultiplexer& frames) {
    std::vector<OutputFrame> all;
    while (auto next = frames.next()) {
        if (!all.empty() && all.back().stream == next->stream) {
            all.back().data += next->data;
        } else {
            all.push_back(std::move(*next));
        }
    }
    return all;
}

const OutputFrame out_abc{OutputStream::standard_output, "abc"};
const OutputFrame err_xy{OutputStream::standard_error, "xy"};

}  // namespace

TEST_CASE("FrameDemultiplexer: frames of both streams come out in order") {
    FrameDemultiplexer frames;
    frames.feed(frame(1, "abc") + frame(2, "xy") + frame(1, "abc"));
    CHECK(drain(frames) == std::vector{out_abc, err_xy, out_abc});
    CHECK_FALSE(frames.malformed());
}

TEST_CASE("FrameDemultiplexer: the same comes out wherever the bytes are cut") {
    const auto bytes = frame(1, "abc") + frame(2, "") + frame(2, "xy") + frame(0, "abc");
    const std::vector expected{out_abc, err_xy, out_abc};
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        FrameDemultiplexer frames;
        frames.feed(bytes.substr(0, cut));
        auto all = drain(frames);
        frames.feed(bytes.substr(cut));
        for (auto& next : drain(frames)) {
            if (!all.empty() && all.back().stream == next.stream) {
                all.back().data += next.data;
            } else {
                all.push_back(std::move(next));
            }
        }
        CHECK(all == expected);
    }
}

TEST_CASE("FrameDemultiplexer: data is given out before its frame is complete") {
    FrameDemultiplexer frames;
    frames.feed(std::string("\1\0\0\0\xff\xff\xff\xff", 8) + "abc");
    CHECK(frames.next() == out_abc);
    CHECK_FALSE(frames.next());
    frames.feed("abc");
    CHECK(frames.next() == out_abc);
}

TEST_CASE("FrameDemultiplexer: what is no frame header ends it") {
    for (const std::string& header :
         {std::string("\3\0\0\0\0\0\0\1", 8),
          std::string("\1\0\1\0\0\0\0\1", 8),
          std::string("hello, w")}) {
        FrameDemultiplexer frames;
        frames.feed(frame(1, "abc") + header + "z");
        CHECK(frames.next() == out_abc);
        CHECK_FALSE(frames.next());
        CHECK(frames.malformed());
        frames.feed(frame(1, "abc"));
        CHECK_FALSE(frames.next());
    }
}
