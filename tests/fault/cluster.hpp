#pragma once

// The cluster under test: apis and workers in network namespaces of their own, each with a link of
// its own to PostgreSQL and to Redis, and a container engine of its own. Timers are short, so that
// a minute sees many recoveries. Failures throw.

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/fault/history.hpp"
#include "tests/fault/witness.hpp"
#include "tests/support/network_lab.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/private_engine.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/stalling_proxy.hpp"
#include "tests/support/stoker_process.hpp"

namespace stoker::test {

class Cluster {
public:
    struct Member {
        const NetworkLab::Seat& seat;
        StallingProxy to_store;
        StallingProxy to_queue;
        StokerProcess process;

        Member(const NetworkLab::Seat& where, int store, int queue, const std::string& host) :
            seat(where),
            to_store(store, StallingProxy::never, host),
            to_queue(queue, StallingProxy::never, host) {}
    };
    /// The functions that the load calls.
    struct Functions {
        std::string plain;  ///< as many attempts as it takes
        std::string once;   ///< a single attempt
        std::string tries;  ///< tried again when it fails
    };

    Cluster(History& history, std::size_t apis, std::size_t workers);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    std::deque<Member>& apis() { return apis_; }
    std::deque<Member>& workers() { return workers_; }
    /// Addresses never change, whatever dies.
    const std::vector<HttpAddress>& doors() const { return doors_; }
    const Functions& functions() const { return functions_; }
    PostgresServer& store() { return store_; }
    RedisServer& queue() { return queue_; }
    PrivateEngine& engine() { return *engine_; }
    static void heal(Member& member);
    /// Starts those that do not run. They need not get ready.
    void start_all();

    /// Calls that have not ended and were accepted before that time, delayed ones not counted.
    int waiting_since(std::int64_t accepted_before) const;
    /// All that have not ended.
    int live() const;
    std::vector<FinalCall> rows() const;
    /// What those calls are doing, for people.
    std::string describe_waiting() const;
    /// Stops all; says what was left behind.
    std::vector<std::string> stop();

private:
    Member& add(std::deque<Member>& to, Role role);
    void make_functions();

    NetworkLab lab_;
    PostgresServer store_;
    RedisServer queue_;
    const NetworkLab::Seat& engine_seat_;
    std::unique_ptr<PrivateEngine> engine_;
    Witness witness_;
    std::deque<Member> apis_;
    std::deque<Member> workers_;
    std::vector<HttpAddress> doors_;
    Functions functions_;
};

}  // namespace stoker::test
