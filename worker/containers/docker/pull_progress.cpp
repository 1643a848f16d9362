#include "worker/containers/docker/pull_progress.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t layers_max = 1024;

/// "Pulling from x" comes with the tag where layers have their ids.
bool is_of_layer(std::string_view status) {
    constexpr std::array<std::string_view, 7> words{
        "Pulling fs layer",
        "Waiting",
        "Already exists",
        "Downloading",
        "Download complete",
        "Extracting",
        "Pull complete"
    };
    return std::ranges::find(words, status) != words.end();
}

std::uint64_t positive(std::int64_t n) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0));
}

}  // namespace

bool PullProgressParser::feed(std::string_view bytes) {
    bool completed = false;
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        // A longer line is cut and then no JSON any more: ignored like every line we cannot read.
        if (line_.size() < line_bytes_max) line_ += bytes.substr(0, end);
        if (end == std::string_view::npos) break;
        read_line(line_);
        line_.clear();
        completed = true;
        bytes.remove_prefix(end + 1);
    }
    return completed;
}

void PullProgressParser::finish() {
    read_line(line_);
    line_.clear();
}

void PullProgressParser::read_line(std::string_view line) {
    const auto report = nlohmann::json::parse(line, nullptr, false);
    if (!report.is_object()) return;
    if (auto error = text_at(report, "error"); !error.empty()) error_ = std::move(error);
    if (const auto& detail = object_at(report, "errorDetail"); !error_ && !detail.empty()) {
        error_ = text_at(detail, "message");
    }
    progress_.status = text_at(report, "status");
    const auto id = text_at(report, "id");
    if (id.empty() || !is_of_layer(progress_.status)) return;
    if (layers_.size() >= layers_max && !layers_.contains(id)) return;
    auto& layer = layers_[id];
    progress_.layers_total = layers_.size();
    auto now = layer;
    // Unpacking is reported with the same fields as downloading; only the latter counts as bytes.
    if (progress_.status == "Downloading") {
        const auto& detail = object_at(report, "progressDetail");
        now.done = positive(integer_at(detail, "current"));
        now.total = positive(integer_at(detail, "total"));
    } else if (progress_.status == "Download complete") {
        now.done = layer.total;
    }
    now.complete = progress_.status == "Pull complete" || progress_.status == "Already exists";
    update(layer, now);
}

void PullProgressParser::update(Layer& layer, Layer now) {
    progress_.bytes_done += now.done - layer.done;
    progress_.bytes_total += now.total - layer.total;
    if (now.complete && !layer.complete) ++progress_.layers_done;
    now.complete = now.complete || layer.complete;
    layer = now;
}

}  // namespace stoker
