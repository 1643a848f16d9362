#include "worker/image_cleaner.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/async/blocking_pool.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

std::set<std::string> listed_names(const std::vector<std::string>& images) {
    std::set<std::string> names;
    for (const auto& image : images) names.insert(listed_name(image));
    return names;
}

/// Renamed into place: a crash leaves the old file or the new one.
bool write_file(const std::string& path, const std::string& text) {
    const auto draft = path + ".new";
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    std::error_code failed;
    if (out) std::filesystem::rename(draft, path, failed);
    return out && !failed;
}

}  // namespace

ImageCleaner::ImageCleaner(
    ContainerDriver& driver, Images& images, Metrics& metrics, ImageCleanerSettings settings
) :
    driver_(driver),
    images_(images),
    settings_(std::move(settings)),
    exempt_(listed_names(settings_.exempt)),
    removed_(metrics.counter("stoker_images_removed_total", "Images removed to save disk space")) {
    if (settings_.bytes_max == 0) return;
    metrics.gauge(
        "stoker_images_bytes",
        "Size of the images that were pulled by this worker",
        [this] { return static_cast<double>(bytes_.load()); }
    );
}

void ImageCleaner::load() {
    std::ifstream file(settings_.record_path, std::ios::binary);
    saved_.assign(std::istreambuf_iterator<char>(file), {});
    images_.record().read(saved_);
}

void ImageCleaner::start(Executor lane) {
    images_.on_pulled([this] { wake(); });
    spawn(gate_, lane, "image_cleaner", run());
}

Task<> ImageCleaner::stop(Deadline deadline) {
    stopping_ = true;
    wake();
    co_await gate_.close(deadline);
}

Task<> ImageCleaner::run() {
    while (!stopping_) {
        co_await look();
        co_await pause();
    }
    co_await save();
}

Task<> ImageCleaner::look() {
    if (settings_.bytes_max > 0) co_await clean();
    co_await save();
}

Task<> ImageCleaner::pause() {
    OneShot<bool> woken(co_await asio::this_coro::executor);
    {
        const std::scoped_lock lock(mutex_);
        if (std::exchange(look_again_, false)) co_return;
        woken_ = woken;
    }
    co_await woken.wait(deadline_in(settings_.interval));
    const std::scoped_lock lock(mutex_);
    woken_.reset();
    look_again_ = false;
}

void ImageCleaner::wake() {
    const std::scoped_lock lock(mutex_);
    look_again_ = true;
    if (woken_) woken_->set(true);
}

Task<> ImageCleaner::clean() {
    std::set<std::string> needed;
    for (;;) {
        const auto stored = co_await driver_.list_images(deadline_in(EngineTimes{}.request));
        if (!stored || stopping_) co_return;
        const auto total = images_.record().compare(*stored);
        bytes_ = total.bytes;
        if (total.bytes <= settings_.bytes_max) co_return;
        // One at a time: removing one may free less than its size, or that of another, too.
        if (!co_await remove_oldest(total.removable, needed)) co_return;
    }
}

Task<bool> ImageCleaner::remove_oldest(
    const std::vector<std::string>& names, std::set<std::string>& needed
) {
    for (const auto& name : names) {
        if (exempt_.contains(name) || needed.contains(name)) continue;
        const auto removed = co_await driver_.remove_image(name, deadline_in(EngineTimes{}.remove));
        if (removed && *removed) {
            log::info("image.removed", {{"image", name}, {"hint", "image-clean-max-size"}});
            removed_.add();
            images_.record().forget(name);
            images_.forget(name);
            co_return true;
        }
        if (!removed) {
            log::warn("image.remove_failed", {{"image", name}, {"why", removed.error().detail}});
        }
        needed.insert(name);
    }
    co_return false;
}

Task<> ImageCleaner::save() {
    auto text = images_.record().text();
    if (settings_.record_path.empty() || text == saved_) co_return;
    // A thread of its own for the write: the lane must not wait for the disk.
    BlockingPool writer(1, 1);
    const auto write = [path = settings_.record_path, text] { return write_file(path, text); };
    const auto written = co_await writer.run(write, Deadline::max());
    if (written.value_or(false)) {
        saved_ = std::move(text);
    } else {
        log::warn("image.record_not_written", {{"path", settings_.record_path}});
    }
}

}  // namespace stoker
