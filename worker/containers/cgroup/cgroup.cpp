#include "worker/containers/cgroup/cgroup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/unique_fd.hpp"
#include "worker/containers/cgroup/cgroup_text.hpp"

namespace stoker {

namespace {

using std::chrono::microseconds;

// Version 1 tells nobody that a group stands still, so it is asked; that costs microseconds.
constexpr microseconds look_first{50};
constexpr microseconds look_pause_max{5'000};

/// These files are made by the kernel when they are read, in one piece and small.
std::string read_text(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    std::array<char, 16 * 1024> buffer;
    const auto size = ::read(file.get(), buffer.data(), buffer.size());
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

Result<void> write_text(const std::filesystem::path& path, std::string_view text) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const bool written =
        file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (written) return {};
    return fail(Errc::internal, {}, path.string() + ": " + std::strerror(errno));
}

}  // namespace

std::shared_ptr<const Cgroup> Cgroup::find(
    const CgroupMounts& mounts,
    int pid,
    std::string_view container_id,
    const std::filesystem::path& root
) {
    const auto process = root / "proc" / std::to_string(pid);
    const auto groups = read_text(process / "cgroup");
    const auto freezer = mounts.group_of(groups, "freezer", container_id);
    if (!freezer) return nullptr;
    Files files;
    files.unified = freezer->unified;
    files.freezer = freezer->folder / (freezer->unified ? "cgroup.freeze" : "freezer.state");
    files.state = freezer->folder / (freezer->unified ? "cgroup.events" : "freezer.state");
    if (::access(files.freezer.c_str(), W_OK) != 0) return nullptr;
    if (const auto cpu = mounts.group_of(groups, "cpuacct", container_id)) {
        files.unified_cpu = cpu->unified;
        files.cpu = cpu->folder / (cpu->unified ? "cpu.stat" : "cpuacct.usage");
    }
    if (const auto memory = mounts.group_of(groups, "memory", container_id)) {
        files.memory_peak =
            memory->folder / (memory->unified ? "memory.peak" : "memory.max_usage_in_bytes");
    }
    if (const auto disk = mounts.group_of(groups, "blkio", container_id)) {
        files.unified_disk = disk->unified;
        files.disk = disk->folder / (disk->unified ? "io.stat" : "blkio.throttle.io_service_bytes");
    }
    files.net = process / "net/dev";
    return std::shared_ptr<const Cgroup>(new Cgroup(std::move(files)));
}

Task<Result<void>> Cgroup::freeze(Deadline deadline) const {
    if (auto begun = write_text(files_.freezer, files_.unified ? "1" : "FROZEN"); !begun) {
        co_return begun;
    }
    for (auto pause = look_first; !stands_still(); pause = std::min(pause * 2, look_pause_max)) {
        if (has_passed(deadline)) {
            std::ignore = thaw();
            co_return fail(Errc::internal, {}, files_.state.string() + ": does not freeze");
        }
        co_await sleep_for(pause);
    }
    co_return Result<void>();
}

Result<void> Cgroup::thaw() const {
    return write_text(files_.freezer, files_.unified ? "0" : "THAWED");
}

bool Cgroup::is_frozen() const {
    const auto text = read_text(files_.freezer);
    return files_.unified ? text.starts_with('1') : text.starts_with("FR");
}

bool Cgroup::stands_still() const {
    const auto text = read_text(files_.state);
    return files_.unified ? number_after(text, "frozen ") == 1 : text.starts_with("FROZEN");
}

ContainerStats Cgroup::stats() const {
    ContainerStats stats;
    const auto cpu = read_text(files_.cpu);
    stats.cpu = files_.unified_cpu
                    ? std::chrono::nanoseconds(number_after(cpu, "usage_usec ") * 1000)
                    : std::chrono::nanoseconds(number_after(cpu, ""));
    stats.memory_peak_bytes =
        static_cast<std::uint64_t>(number_after(read_text(files_.memory_peak), ""));
    const auto disk = read_text(files_.disk);
    stats.disk_read_bytes = sum_after(disk, files_.unified_disk ? "rbytes=" : " Read ");
    stats.disk_written_bytes = sum_after(disk, files_.unified_disk ? "wbytes=" : " Write ");
    const auto traffic = traffic_of(read_text(files_.net));
    stats.net_received_bytes = traffic.received;
    stats.net_sent_bytes = traffic.sent;
    return stats;
}

}  // namespace stoker
