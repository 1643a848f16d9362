#include "cli/ground.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "cli/part_settings.hpp"
#include "common/process_metrics.hpp"
#include "datastore/open_datastore.hpp"
#include "queue/open_queue.hpp"

namespace stoker {

namespace {

/// Runs a task on a lane and waits for it on this thread.
template <class T>
T wait_for(Lanes& lanes, Task<T> task) {
    return asio::co_spawn(lanes.at(0), std::move(task), asio::use_future).get();
}

}  // namespace

Ground::Ground(std::size_t lane_count, std::uint16_t port) :
    ids(clock, machine_bits(port)),
    lanes(lane_count) {
    add_process_metrics(metrics);
}

Ground::~Ground() = default;

Result<std::unique_ptr<Ground>> Ground::open(const StartSettings& settings, std::uint16_t port) {
    const auto lane_count = settings.lanes > 0 ? static_cast<std::size_t>(settings.lanes) : cores();
    auto ground = std::make_unique<Ground>(lane_count, port);
    auto store =
        open_datastore(settings.db, datastore_options(settings), ground->clock, ground->metrics);
    if (!store) return fail(std::move(store.error()));
    ground->store = std::move(*store);
    const QueueOptions options{
        .visibility = settings.visibility,
        .max_depth = static_cast<std::uint64_t>(settings.queue_depth)
    };
    auto queue = open_queue(settings.queue, options, ground->lanes.at(0), ground->metrics);
    if (!queue) return fail(std::move(queue.error()));
    ground->queue = std::move(*queue);
    ground->is_shared_ = is_shared_datastore(settings.db);
    ground->events = open_call_events(settings.db, ground->metrics);
    return ground;
}

Result<std::size_t> Ground::start() {
    lanes.start();
    // Of calls that others may run, too, the sweeps find out which are lost.
    if (is_shared_) return 0;
    // We hold the data folder's lock, so whoever ran these calls before is dead.
    const auto recovered = wait_for(lanes, store->recover_all());
    if (!recovered) {
        lanes.stop();
        return fail(recovered.error());
    }
    return recovered->size();
}

void Ground::close() {
    store->close();
    lanes.stop();
}

}  // namespace stoker
