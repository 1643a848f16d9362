#pragma once

// A running container of a function and everything that belongs to it: memory token, socket folder,
// the function's socket and the connection kept alive between calls, or its stdin and stdout, its
// output. One object owns them together, so nothing can leak one without the others. Shared by the
// slot pool, the call that uses it and the task that waits for its exit; it ends when the last of
// them lets go, which the pool arranges to be after the engine removed it.

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/async/latch.hpp"
#include "common/unique_fd.hpp"
#include "model/fn_spec.hpp"
#include "worker/containers/container_spec.hpp"
#include "worker/function_output.hpp"
#include "worker/memory.hpp"
#include "worker/networks.hpp"
#include "worker/protocols/stdio_pipes.hpp"
#include "worker/run_dir.hpp"

namespace stoker {

struct Container;
struct SlotKey;
using ContainerRef = std::shared_ptr<Container>;

/// Whether its processes run.
enum class Rest : std::uint8_t { awake, freezing, frozen };

struct Container {
    bool speaks_stdio() const { return fn->format != FnFormat::http_stream; }
    /// It serves one call and is never idle.
    bool is_cold() const { return fn->format == FnFormat::cold; }

    std::string name;  ///< ours, unique
    FnSpecRef fn;
    Executor home;  ///< the lane its background work runs on
    MemoryTokens::Token memory;
    Networks::Lease network;
    std::string engine_id;
    std::optional<SocketFolder> folder;
    UniqueFd socket;   ///< the function's socket, held by O_PATH; http-stream
    StdioPipes stdio;  ///< of every other format
    std::shared_ptr<FunctionOutput> output;
    Latch<ExitStatus> exited;
    std::function<void()> on_early_exit;  ///< home lane only: wakes who waits for it to come up
    std::atomic<bool> killed = false;     ///< by us: how it exits says nothing of the function

    // Used only by whoever holds the slot.
    UniqueFd connection;
    std::chrono::steady_clock::time_point connection_used{};
    bool served = false;      ///< it has been given a call
    ContainerStats measured;  ///< at the latest look; all zero at its start

    // The slot table's, under the slot pool's mutex.
    SlotKey* key = nullptr;
    bool idle = false;
    bool retired = false;
    std::size_t good_calls = 0;
    Rest rest = Rest::awake;
    std::chrono::steady_clock::time_point up_since{};
    std::chrono::steady_clock::time_point idle_since{};  ///< the latest time
    std::list<ContainerRef>::iterator place{};           // among all containers
    std::list<ContainerRef>::iterator key_place{};       // among those of its key

    // The slot pool's.
    std::shared_ptr<Latch<bool>> freeze_end;  ///< of the latest freeze: whether it is frozen
};

}  // namespace stoker
