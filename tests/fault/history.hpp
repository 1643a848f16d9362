#pragma once

// What the clients of a cluster, its functions and its datastore said of each call, and the checker
// of it: the promises of docs/calls.md, as seen from outside. What is said is checked at once where
// it can be, the rest at the end. Thread-safe.

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace stoker::test {

/// One clock for all of one machine: milliseconds since the epoch.
std::int64_t now_ms();

/// A row of the datastore, after all is over.
struct FinalCall {
    std::string id;
    std::string status;
    int attempt = 0;
    int max_attempts = 0;
    bool has_log = false;  ///< `log` was asked for
    std::string log;
};

class History {
public:
    // --- clients. A token names what one client wanted, however often it had to ask. ---

    void accepted(const std::string& token, const std::string& id, std::int64_t not_before);
    /// A clear no: nothing of it may exist or run.
    void refused(const std::string& token, int status);
    /// No answer, or one that leaves it open.
    void unknown(const std::string& token);
    void observed(const std::string& id, int http_status, std::string_view status, int attempt);
    /// It will never run, or run again.
    void cancelled(const std::string& id);
    /// A synchronous call is made: it may run once and no more.
    void called(const std::string& token);
    /// It gave the function's own answer.
    void answered(const std::string& token);

    // --- functions, through the witness ---

    /// `at` as now_ms().
    void started(const std::string& token, const std::string& id, int attempt, std::int64_t at);
    void ended(const std::string& id, int attempt);

    // --- the end ---

    /// All rows there are.
    void check(const std::vector<FinalCall>& rows);

    void violate(std::string_view what, std::string_view of);
    /// The first hundred of each kind.
    std::vector<std::string> violations() const;
    /// States that were reached, and how often: a campaign without some of them proves little.
    std::map<std::string, std::uint64_t> counts() const;
    void count(std::string_view what, std::uint64_t times = 1);
    std::vector<std::string> accepted_ids() const;

private:
    struct Run {
        int attempt = 0;
        std::int64_t started_at = 0;
        bool ended = false;
    };
    struct Story {
        std::string token;
        bool is_accepted = false;
        std::int64_t not_before = 0;
        std::int64_t cancelled_at = 0;
        std::vector<Run> runs;
        int seen_attempt = 0;
        std::string seen_end;
    };
    void check_call(const FinalCall& row);
    void check_start(const std::string& id, const Story& story, const Run& run);
    void check_synchronous();
    void check_runs(const FinalCall& row, const Story& story);
    void require(bool holds, std::string_view what, std::string_view of);

    mutable std::mutex mutex_;
    std::map<std::string, Story> calls_;
    std::map<std::string, std::string> id_of_token_;
    std::set<std::string> refused_tokens_;
    std::set<std::string> open_tokens_;
    std::map<std::string, bool> synchronous_;  ///< token: was it answered
    std::map<std::string, std::vector<std::string>> violations_;
    std::map<std::string, std::uint64_t> counts_;
};

}  // namespace stoker::test
