#include "worker/image_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "worker/containers/docker/image_reference.hpp"

namespace stoker {

std::string listed_name(std::string_view image) {
    const auto reference = parse_image_reference(image);
    return reference ? reference->familiar_text() : std::string(image);
}

void ImageRecord::pulled(std::string_view image) {
    auto name = listed_name(image);
    const std::scoped_lock lock(mutex_);
    auto& entry = entries_[std::move(name)];
    entry.pulled = true;
    entry.used_at = clock_.now();
}

ImageRecord::Use ImageRecord::use(std::string_view image) {
    auto name = listed_name(image);
    const std::scoped_lock lock(mutex_);
    auto& entry = entries_[name];
    ++entry.users;
    entry.used_at = clock_.now();
    return Use(this, std::move(name));
}

void ImageRecord::leave(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    if (--found->second.users == 0 && !found->second.pulled) entries_.erase(found);
}

void ImageRecord::used(std::string_view image) {
    const auto name = listed_name(image);
    const std::scoped_lock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) {
        found->second.used_at = clock_.now();
    }
}

void ImageRecord::forget(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return;
    found->second.pulled = false;
    if (found->second.users == 0) entries_.erase(found);
}

ImageRecord::Total ImageRecord::compare(const std::vector<StoredImage>& stored) {
    Total total;
    std::set<std::string, std::less<>> present;
    const std::scoped_lock lock(mutex_);
    for (const auto& image : stored) {
        bool ours = false;
        for (const auto& name : image.names) {
            const auto found = entries_.find(name);
            if (found == entries_.end() || !found->second.pulled) continue;
            ours = true;
            present.insert(name);
        }
        if (ours) total.bytes += image.bytes;
    }
    std::vector<std::pair<WallTime, std::string>> order;
    for (auto at = entries_.begin(); at != entries_.end();) {
        auto& [name, entry] = *at;
        if (!present.contains(name)) entry.pulled = false;
        if (entry.pulled && entry.users == 0) order.emplace_back(entry.used_at, name);
        at = entry.pulled || entry.users > 0 ? std::next(at) : entries_.erase(at);
    }
    std::ranges::sort(order);
    for (auto& [used_at, name] : order) total.removable.push_back(std::move(name));
    return total;
}

std::string ImageRecord::text() const {
    std::vector<std::pair<std::int64_t, std::string>> lines;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [name, entry] : entries_) {
            if (entry.pulled) lines.emplace_back(to_ms(entry.used_at), name);
        }
    }
    std::ranges::sort(lines);
    std::string text;
    for (const auto& [ms, name] : lines) text += fmt::format("{} {}\n", ms, name);
    return text;
}

void ImageRecord::read(std::string_view text) {
    const std::scoped_lock lock(mutex_);
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::int64_t ms = 0;
        const auto [at, failed] = std::from_chars(line.data(), line.data() + line.size(), ms);
        const auto rest = line.substr(static_cast<std::size_t>(at - line.data()));
        // A line that cannot be read costs an image that is never cleaned away, no more.
        if (failed != std::errc{} || rest.size() < 2 || rest[0] != ' ') continue;
        auto& entry = entries_[std::string(rest.substr(1))];
        entry.pulled = true;
        entry.used_at = from_ms(ms);
    }
}

}  // namespace stoker
