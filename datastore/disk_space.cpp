#include "datastore/disk_space.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "common/log.hpp"
#include "common/unique_fd.hpp"
#include "datastore/private_folder.hpp"

namespace stoker {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t bound_max = 1024 * mib;
constexpr std::uint64_t part_of_disk = 20;  // the reserve and the bound are a twentieth at most

std::uint64_t size_of(const std::filesystem::path& file) {
    struct stat status{};
    return ::stat(file.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// Real blocks, also where the file system cannot promise them without writing.
bool allocate(int fd, std::uint64_t bytes) {
    if (::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0) return true;
    if (errno != EOPNOTSUPP) return false;
    const std::string zeros(mib, '\0');
    for (std::uint64_t at = 0; at < bytes;) {
        const auto wanted = static_cast<std::size_t>(std::min(mib, bytes - at));
        const auto written = ::write(fd, zeros.data(), wanted);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += static_cast<std::uint64_t>(written);
    }
    return true;
}

}  // namespace

DiskSpace::DiskSpace(std::filesystem::path folder, DiskSpaceOptions options, Metrics& metrics) :
    folder_(std::move(folder)),
    reserve_file_(folder_ / "reserve"),
    options_(options) {
    const auto show = [&](const char* name, const char* help, auto read) {
        metrics.gauge(name, help, [shown = shown_, read] {
            return static_cast<double>(read(*shown).load(std::memory_order_relaxed));
        });
    };
    show(
        "stoker_disk_free_bytes",
        "Free on the disk of the data folder",
        [](Shown& shown) -> auto& { return shown.free; }
    );
    show(
        "stoker_disk_free_bytes_min",
        "Free bytes below which no new call is accepted",
        [](Shown& shown) -> auto& { return shown.needed; }
    );
    show(
        "stoker_disk_reserve_bytes",
        "Held back for the ends of running calls; 0 after it was given up",
        [](Shown& shown) -> auto& { return shown.reserve; }
    );
}

std::string DiskSpace::reason() const {
    const auto mebibytes = [](const std::atomic<std::uint64_t>& bytes) {
        return bytes.load() / mib;
    };
    switch (state()) {
        case State::enough: break;
        case State::low:
            return fmt::format(
                "the datastore has too little space left: {} MiB are free, new calls need {} MiB",
                mebibytes(shown_->free),
                mebibytes(shown_->needed)
            );
        case State::full:
            return fmt::format(
                "the datastore has no space left: {} MiB are free", mebibytes(shown_->free)
            );
    }
    return {};
}

void DiskSpace::ran_out(std::string_view what) {
    const std::scoped_lock lock(mutex_);
    const auto held = shown_->reserve.exchange(0);
    if (state() != State::full || held > 0) {
        log::error(
            "store.full",
            {{"what", what},
             {"reserve_given_up", held},
             {"hint", "new calls are refused and running ones end; make room on the disk"}}
        );
    }
    spent_ = true;
    enter(State::full);
    // Some file systems free the blocks only with their next commit.
    if (::unlink(reserve_file_.c_str()) == 0) std::ignore = sync_folder(folder_);
}

void DiskSpace::look() {
    const std::scoped_lock lock(mutex_);
    Room room;
    if (measure(room)) judge(room);
}

bool DiskSpace::measure(Room& room) const {
    struct statvfs status{};
    if (::statvfs(folder_.c_str(), &status) != 0) return false;
    room.total = static_cast<std::uint64_t>(status.f_blocks) * status.f_frsize;
    room.free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
    return true;
}

void DiskSpace::judge(const Room& room) {
    const auto part = room.total / part_of_disk;
    const auto reserve = std::min(options_.reserve_bytes, part);
    auto free = room.free;
    if (spent_) {
        // More than giving it up sets free, or it would be made and given up in turn.
        const auto held = size_of(reserve_file_);
        const bool is_room = free + held >= 2 * reserve + std::min(mib, part);
        if (is_room && make_reserve(reserve)) {
            spent_ = false;
            free -= std::min(free, reserve - std::min(reserve, held));
        }
    }
    const auto bound =
        options_.free_bytes_min > 0 ? options_.free_bytes_min : std::min(part, bound_max);
    shown_->free = free;
    shown_->needed = bound;
    if (spent_) {
        enter(State::full);
        return;
    }
    // Once low, somewhat more is needed: no flapping at the bound.
    const auto needed = state() == State::enough ? bound : bound + bound / 4;
    enter(free < needed ? State::low : State::enough);
}

bool DiskSpace::make_reserve(std::uint64_t bytes) {
    if (bytes != size_of(reserve_file_)) {
        ::unlink(reserve_file_.c_str());
        if (bytes > 0) {
            const UniqueFd file(::open(reserve_file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)
            );
            if (!file || !allocate(file.get(), bytes)) {
                ::unlink(reserve_file_.c_str());
                return false;
            }
        }
    }
    shown_->reserve = bytes;
    return true;
}

void DiskSpace::enter(State next) {
    const auto before = shown_->state.exchange(next);
    if (before == next) return;
    if (next == State::enough) {
        log::info("store.space_back", {{"free", shown_->free.load()}});
    } else if (next == State::low) {
        log::warn("store.space_low", {{"why", reason()}});
    }
}

void DiskSpace::start() {
    look();
    if (options_.look_every.count() == 0) return;
    watcher_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "disk-space");
        watch();
    });
}

void DiskSpace::watch() {
    std::unique_lock lock(stop_mutex_);
    while (!stop_wake_.wait_for(lock, options_.look_every, [this] { return stopping_; })) {
        lock.unlock();
        look();
        lock.lock();
    }
}

void DiskSpace::stop() {
    {
        const std::scoped_lock lock(stop_mutex_);
        stopping_ = true;
    }
    stop_wake_.notify_all();
    if (watcher_.joinable()) watcher_.join();
}

}  // namespace stoker
