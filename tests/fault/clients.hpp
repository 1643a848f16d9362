#pragma once

// The load of a campaign: clients that make calls of every kind at a steady rate, look at their own
// calls as soon as they are accepted and later, and tell the history what they were answered.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/cluster.hpp"
#include "tests/fault/history.hpp"

namespace stoker::test {

struct LoadPlan {
    std::size_t clients = 8;
    std::uint32_t calls_per_second = 100;
    std::uint64_t seed = 1;
};

class Clients {
public:
    /// `doors` are tried by turns and by chance.
    Clients(
        History& history,
        std::vector<HttpAddress> doors,
        Cluster::Functions functions,
        LoadPlan plan
    );
    /// Waits for the answers under way.
    void stop() { threads_.clear(); }

private:
    using Random = std::mt19937_64;
    struct Call {
        std::string token;
        std::string fn;
        std::string body;
        Headers headers;
        std::int64_t delay_ms = 0;
        bool is_repeated = false;
        bool is_cancelled = false;
        bool is_synchronous = false;
    };
    void make_calls(std::size_t number, const std::stop_token& stop);
    Call plan_call(Random& random);
    void make(const Call& call, Random& random);
    void call_synchronously(const Call& call, Random& random);
    /// Its id, when it was accepted.
    std::optional<std::string> accept(const Call& call, Random& random);
    void cancel(const std::string& id, Random& random);
    void look(const std::string& id, Random& random);
    std::optional<HttpAnswer> ask(HttpRequest request, Random& random) const;

    History& history_;
    const std::vector<HttpAddress> doors_;
    const Cluster::Functions functions_;
    const LoadPlan plan_;
    std::atomic<std::uint64_t> next_token_{1};
    std::vector<std::jthread> threads_;
};

}  // namespace stoker::test
