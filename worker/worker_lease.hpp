#pragma once

// The lease by which a worker owns its calls: registered with the datastore under an incarnation id
// and renewed by heartbeats, which also bring the wishes to cancel. A worker that was declared dead
// has lost its calls; it goes on under a new id. While the datastore does not answer nothing is
// given up: fencing decides, and it may be back in time. One lane; the hooks run on it.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "common/async/latch.hpp"
#include "datastore/datastore.hpp"
#include "model/id.hpp"

namespace stoker {

class WorkerLease {
public:
    struct Settings {
        std::string host;
        Millis heartbeat{3'000};
        Millis lease{15'000};
    };
    struct Hooks {
        /// Calls may be claimed for this id. Again with another id after a loss.
        std::function<void(const std::string& worker_id)> granted;
        /// The id's lease lasts at least until then.
        std::function<void(const std::string& worker_id, Deadline until)> renewed;
        /// The calls of the last id belong to others now.
        std::function<void()> lost;
        /// Users want these running calls stopped.
        std::function<void(const std::vector<std::string>& call_ids)> cancelled;
    };

    WorkerLease(Datastore& store, IdSource& ids, Settings settings, Hooks hooks);

    /// With every sign of life this goes to the others, too. Before keep().
    void tell(std::function<WorkerProfile()> profile) { profile_ = std::move(profile); }

    /// Registers, then renews until end(). To be awaited once.
    Task<> keep();
    /// The drain has begun: a lost lease is not taken anew. What is held is renewed until end(),
    /// for the calls that still run are ours.
    void drain();
    void end();
    /// After keep() has returned: frees at once what this worker may still own.
    Task<> leave();

    bool was_granted() const { return granted_; }

private:
    Task<bool> take_new();
    Task<> register_new();
    Task<> beat();
    Task<> tell_profile();

    Datastore& store_;
    IdSource& ids_;
    const Settings settings_;
    const Hooks hooks_;
    std::function<WorkerProfile()> profile_;
    std::string id_;  // of this incarnation; empty before the first
    std::atomic<bool> granted_{false};
    Latch<bool> draining_;
    Latch<bool> ended_;
};

}  // namespace stoker
