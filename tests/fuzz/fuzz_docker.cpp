// Any bytes as what the container engine sends, in pieces of any size, and as an image's name.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>

#include "worker/containers/docker/frame_demultiplexer.hpp"
#include "worker/containers/docker/image_reference.hpp"
#include "worker/containers/docker/json_fields.hpp"
#include "worker/containers/docker/pull_progress.hpp"

namespace {

using namespace stoker;

/// Feeds `step` bytes at a time.
template <class Feed>
void in_pieces(std::string_view bytes, std::size_t step, Feed feed) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        feed(bytes.substr(0, step));
    }
}

/// The output of both streams, each byte with its stream.
std::string demultiplexed(std::string_view bytes, std::size_t step) {
    FrameDemultiplexer frames;
    std::string text;
    in_pieces(bytes, step, [&](std::string_view piece) {
        frames.feed(piece);
        while (const auto frame = frames.next()) {
            if (frame->data.empty()) std::abort();
            for (const char c : frame->data) {
                text += static_cast<char>('0' + static_cast<int>(frame->stream));
                text += c;
            }
        }
    });
    return text + (frames.malformed() ? "malformed" : "");
}

std::string pulled(std::string_view bytes, std::size_t step) {
    PullProgressParser parser;
    in_pieces(bytes, step, [&](std::string_view piece) { parser.feed(piece); });
    parser.finish();
    const auto& progress = parser.progress();
    return progress.status + ' ' + std::to_string(progress.bytes_done) + ' ' +
           std::to_string(progress.bytes_total) + parser.error().value_or("");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (demultiplexed(bytes, 1) != demultiplexed(bytes, size + 1)) std::abort();
    if (pulled(bytes, 1) != pulled(bytes, size + 1)) std::abort();
    if (const auto image = parse_image_reference(bytes)) {
        if (parse_image_reference(image->text()) != image) std::abort();
    }
    const auto json = nlohmann::json::parse(bytes, nullptr, false);
    (void)text_at(object_at(json, "State"), "Error");
    (void)integer_at(object_at(json, "State"), "ExitCode");
    (void)flag_at(json, "OOMKilled");
    (void)texts_at(json, "RepoDigests");
    return 0;
}
