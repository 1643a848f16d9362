#include "tests/fault/faults.hpp"

#include <csignal>

namespace stoker::test {

namespace {

using Mend = std::function<void()>;
using Member = Cluster::Member;

/// Longer than the lease and its grace together.
constexpr int past_lease_ms = 4'000;

Member& one_of(std::deque<Member>& members, Random& random) {
    return members[random() % members.size()];
}

Member& any_member(Cluster& cluster, Random& random) {
    return one_of(random() % 2 == 0 ? cluster.apis() : cluster.workers(), random);
}

Mend start_again(Cluster& cluster) {
    return [&cluster] { cluster.start_all(); };
}

Mend kill(Cluster& cluster, Member& member) {
    member.process.kill_hard();
    return start_again(cluster);
}

Mend stand_still(Member& member) {
    member.process.send(SIGSTOP);
    return [&member] { member.process.send(SIGCONT); };
}

Mend heal(Member& member) {
    return [&member] { Cluster::heal(member); };
}

Mend block(Member& member, const StallingProxy& link, NetworkLab::Block how) {
    NetworkLab::block(member.seat, link.port(), how);
    return heal(member);
}

Mend kill_everything(Cluster& cluster, Random&) {
    for (auto* members : {&cluster.apis(), &cluster.workers()}) {
        for (auto& member : *members) member.process.send(SIGKILL);
    }
    cluster.queue().kill();
    cluster.store().kill();
    for (auto* members : {&cluster.apis(), &cluster.workers()}) {
        for (auto& member : *members) member.process.wait_exit();
    }
    return [&cluster] {
        cluster.store().start();
        cluster.queue().start();
        cluster.start_all();
    };
}

Mend drain(Cluster& cluster, Random& random) {
    auto& worker = one_of(cluster.workers(), random).process;
    worker.send(SIGTERM);
    if (const int code = worker.wait_exit(); code != 0) {
        throw std::runtime_error("a drained worker ended with " + std::to_string(code));
    }
    return start_again(cluster);
}

Mend lose_queue_memory(Cluster& cluster, Random&) {
    cluster.queue().ask("CONFIG SET maxmemory 1");
    return [&cluster] { cluster.queue().ask("CONFIG SET maxmemory 67108864"); };
}

Mend ask_queue(Cluster& cluster, const std::string& words) {
    cluster.queue().ask(words);
    return [] {};
}

std::vector<Fault> process_faults() {
    return {
        {"kill a worker", [](auto& c, auto& r) { return kill(c, one_of(c.workers(), r)); }, 2'000},
        {"kill an api", [](auto& c, auto& r) { return kill(c, one_of(c.apis(), r)); }, 2'000},
        {"kill everything", kill_everything, 1'000},
        {"a worker stands still",
         [](auto& c, auto& r) { return stand_still(one_of(c.workers(), r)); },
         past_lease_ms},
        {"an api stands still",
         [](auto& c, auto& r) { return stand_still(one_of(c.apis(), r)); },
         past_lease_ms},
        {"drain a worker", drain, 500},
        {"kill the container engine",
         [](auto& c, auto&) -> Mend {
             c.engine().kill_hard();
             return [&c] { c.engine().start(); };
         },
         2'000},
    };
}

std::vector<Fault> network_faults() {
    using enum NetworkLab::Block;
    return {
        {"cut off from PostgreSQL, silently",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             return block(member, member.to_store, drop);
         },
         past_lease_ms},
        {"cut off from PostgreSQL, refused",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             return block(member, member.to_store, reset);
         },
         past_lease_ms},
        {"cut off from Redis, silently",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             return block(member, member.to_queue, drop);
         },
         past_lease_ms},
        {"one packet of ten is lost",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             NetworkLab::lose(member.seat, member.to_store.port(), 0.1);
             NetworkLab::lose(member.seat, member.to_queue.port(), 0.1);
             return heal(member);
         },
         past_lease_ms},
        {"a slow link",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             member.to_store.set_delay(std::chrono::milliseconds(50 + r() % 150));
             member.to_queue.set_delay(std::chrono::milliseconds(50 + r() % 150));
             return heal(member);
         },
         past_lease_ms},
        // Sweeps through the exchanges: sooner or later amid each of them.
        {"a connection to PostgreSQL breaks",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             member.to_store.cut_after(static_cast<std::int64_t>(r() % 4'000));
             return heal(member);
         },
         1'000},
        {"a connection to Redis breaks",
         [](auto& c, auto& r) {
             auto& member = any_member(c, r);
             member.to_queue.cut_after(static_cast<std::int64_t>(r() % 2'000));
             return heal(member);
         },
         1'000},
    };
}

std::vector<Fault> server_faults() {
    return {
        {"kill PostgreSQL",
         [](auto& c, auto&) -> Mend {
             c.store().kill();
             return [&c] { c.store().start(); };
         },
         past_lease_ms},
        {"PostgreSQL ends its sessions",
         [](auto& c, auto&) -> Mend {
             c.store().ask(
                 "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                 "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
             );
             return [] {};
         },
         0},
        {"kill Redis",
         [](auto& c, auto&) -> Mend {
             c.queue().kill();
             return [&c] { c.queue().start(); };
         },
         past_lease_ms},
        {"Redis forgets all", [](auto& c, auto&) { return ask_queue(c, "FLUSHALL"); }, 0},
        {"Redis forgets the scripts", [](auto& c, auto&) { return ask_queue(c, "SCRIPT FLUSH"); }, 0
        },
        {"Redis pauses", [](auto& c, auto&) { return ask_queue(c, "CLIENT PAUSE 3000"); }, 3'000},
        {"Redis is full", lose_queue_memory, past_lease_ms},
    };
}

}  // namespace

const std::vector<Fault>& all_faults() {
    static const auto all = [] {
        std::vector<Fault> faults;
        for (auto& some : {process_faults(), network_faults(), server_faults()}) {
            faults.insert(faults.end(), some.begin(), some.end());
        }
        return faults;
    }();
    return all;
}

}  // namespace stoker::test
