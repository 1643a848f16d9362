#include "worker/containers/docker/pull_progress.hpp"

#include <nlohmann/json.hpp>

#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;
constexpr std::size_t layers_max = 1024;

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
    const auto layer = text_at(report, "id");
    // Unpacking is reported with the same fields as downloading; only the latter counts as bytes.
    if (layer.empty() || progress_.status != "Downloading") return;
    if (layers_.size() >= layers_max && !layers_.contains(layer)) return;
    const auto& detail = object_at(report, "progressDetail");
    auto& known = layers_[layer];
    const Layer now{
        static_cast<std::uint64_t>(std::max<std::int64_t>(integer_at(detail, "current"), 0)),
        static_cast<std::uint64_t>(std::max<std::int64_t>(integer_at(detail, "total"), 0))
    };
    progress_.bytes_done += now.done - known.done;
    progress_.bytes_total += now.total - known.total;
    known = now;
}

}  // namespace stoker
