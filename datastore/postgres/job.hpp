#pragma once

// A piece of work for the server: statements that stand or fall together, sent in one go and
// answered in one go. Private to datastore/postgres.

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/async/task.hpp"
#include "datastore/postgres/params.hpp"
#include "datastore/postgres/rows.hpp"

namespace stoker::postgres {

/// Prepared once on each connection, when it is first used there. The name tells statements apart.
struct Statement {
    std::string name;
    std::string sql;
};

struct Step {
    const Statement* statement;
    Params params;
};

template <class... Values>
Step step(const Statement& statement, const Values&... values) {
    return {&statement, Params(values...)};
}

/// One for each step.
using Answer = std::vector<Rows>;

struct Failure {
    enum class Kind : std::uint8_t {
        not_done,  ///< certain: nothing changed
        refused,   ///< the server said no: nothing changed
        unknown,   ///< it went away, or took too long, while it had the job
    };
    Kind kind = Kind::not_done;
    std::string sqlstate;  ///< of a refusal
    std::string message;
};

using Outcome = std::expected<Answer, Failure>;

/// Whether a job whose connection broke may be sent again: its statements then find what they did
/// the first time.
enum class Repeat : std::uint8_t { never, until_done };

struct Job {
    std::vector<Step> steps;
    Repeat repeat = Repeat::until_done;
    Deadline give_up{};  ///< nobody waits for it any more
    /// Called once, on the pool's lane.
    std::move_only_function<void(Outcome)> done;

    // Of the connection that has it.
    std::size_t sent_steps = 0;
    Answer answer;
    std::optional<Failure> failure;
    int deadlocks = 0;

    void start_anew() {
        sent_steps = 0;
        answer.clear();
        failure.reset();
    }
};

}  // namespace stoker::postgres
