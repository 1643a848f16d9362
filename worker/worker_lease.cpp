#include "worker/worker_lease.hpp"

#include "common/log.hpp"

namespace stoker {

namespace {
constexpr Millis retry_pause{1'000};
}

WorkerLease::WorkerLease(Datastore& store, IdSource& ids, Settings settings, Hooks hooks) :
    store_(store),
    ids_(ids),
    settings_(std::move(settings)),
    hooks_(std::move(hooks)) {}

Task<> WorkerLease::keep() {
    co_await register_new();
    while (granted_ && !ended_.is_set()) {
        co_await ended_.wait(deadline_in(settings_.heartbeat));
        if (!ended_.is_set()) co_await beat();
    }
}

void WorkerLease::drain() { draining_.set(true); }

void WorkerLease::end() {
    drain();
    ended_.set(true);
}

Task<> WorkerLease::leave() {
    if (granted_) co_await store_.remove_worker(id_);
}

/// Until it succeeds or the drain begins.
Task<> WorkerLease::register_new() {
    while (!draining_.is_set() && !co_await take_new()) {
        co_await draining_.wait(deadline_in(retry_pause));
    }
}

Task<bool> WorkerLease::take_new() {
    auto id = ids_.next();
    // Counted from before the request: the datastore counts from when it has come.
    const auto until = deadline_in(settings_.lease);
    const auto done = co_await store_.register_worker(id, settings_.host, settings_.lease);
    if (!done) {
        log::warn("worker.register_failed", {{"code", spec_of(done.error().code).word}});
        co_return false;
    }
    id_ = std::move(id);
    granted_ = true;
    hooks_.renewed(id_, until);
    if (!draining_.is_set()) hooks_.granted(id_);
    co_await tell_profile();
    co_return true;
}

/// A hint: when it does not arrive, the next one will.
Task<> WorkerLease::tell_profile() {
    if (profile_) co_await store_.describe_worker(id_, profile_());
}

Task<> WorkerLease::beat() {
    const auto until = deadline_in(settings_.lease);
    const auto heartbeat = co_await store_.heartbeat(id_, settings_.lease);
    if (!heartbeat) {
        // Keep what runs and its results: fencing decides, and the datastore may be back in time.
        log::warn("worker.heartbeat_failed", {{"code", spec_of(heartbeat.error().code).word}});
        co_return;
    }
    if (heartbeat->alive) {
        hooks_.renewed(id_, until);
        hooks_.cancelled(heartbeat->cancel_calls);
        co_await tell_profile();
        co_return;
    }
    log::warn("worker.declared_dead", {{"worker", id_}});
    hooks_.lost();
    co_await register_new();
}

}  // namespace stoker
