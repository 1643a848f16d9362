#include "tests/fault/cluster.hpp"

#include <fmt/format.h>

#include <csignal>

#include "tests/system/fixture.hpp"

namespace stoker::test {

namespace {

const std::vector<std::string> api_flags{
    "--insecure", "--sweep-interval", "200ms", "--sweep-grace", "500ms"
};
const std::vector<std::string> worker_flags{
    "--insecure", "--heartbeat", "300ms", "--memory", "1GiB", "--drain", "3s"
};

/// What Redis keeps of calls that are over.
constexpr std::string_view counters_key_end = ":c";

nlohmann::json retry(int attempts, std::vector<std::string> on) {
    nlohmann::json policy{{"max_attempts", attempts}};
    if (!on.empty()) policy.update({{"on", on}, {"base_ms", 100}, {"cap_ms", 1'000}});
    return {{"retry", policy}};
}

}  // namespace

Cluster::Cluster(History& history, std::size_t apis, std::size_t workers) :
    queue_("--set 'maxmemory 64mb'"),
    engine_seat_(lab_.add_seat()),
    engine_(std::make_unique<PrivateEngine>(engine_seat_.name)),
    witness_(history, engine_seat_.name) {
    engine_->load(function_image());
    for (std::size_t i = 0; i < apis; ++i) add(apis_, Role::api);
    for (std::size_t i = 0; i < workers; ++i) add(workers_, Role::worker);
    for (auto* members : {&apis_, &workers_}) {
        for (auto& member : *members) member.process.start_ready();
    }
    for (const auto& api : apis_) doors_.push_back(api.process.address());
    make_functions();
}

Cluster::~Cluster() = default;

Cluster::Member& Cluster::add(std::deque<Member>& to, Role role) {
    const auto& seat = lab_.add_seat();
    auto& member = to.emplace_back(seat, store_.port(), queue_.port(), lab_.host());
    const auto db = fmt::format("postgres://stoker:stoker@{}/postgres", member.to_store.host());
    auto flags = role == Role::api ? api_flags : worker_flags;
    flags.insert(
        flags.end(),
        {"--db",
         db,
         "--queue",
         "redis://" + member.to_queue.host(),
         "--lease",
         "1500ms",
         "--visibility",
         "1s"}
    );
    if (role == Role::worker) flags.insert(flags.end(), {"--docker-host", engine_->host()});
    member.process.set_flags(std::move(flags));
    member.process.use_network(seat.name, seat.host);
    member.process.be(role);
    return member;
}

void Cluster::make_functions() {
    const auto make = [this](nlohmann::json more) {
        more["memory"] = 32;
        more["config"] = {{"WITNESS", fmt::format("172.17.0.1 {}", witness_.port())}};
        return apis_.front().process.make_fn(function_image(), std::move(more));
    };
    functions_.plain = make(retry(100, {}));
    functions_.once = make(retry(1, {}));
    functions_.tries = make(retry(50, {"error", "killed", "timeout"}));
}

void Cluster::heal(Member& member) {
    NetworkLab::heal(member.seat);
    for (auto* link : {&member.to_store, &member.to_queue}) {
        link->set_delay(std::chrono::milliseconds(0));
        link->cut_after(std::numeric_limits<std::int64_t>::max());
    }
    if (member.process.is_running()) member.process.send(SIGCONT);
}

void Cluster::start_all() {
    for (auto* members : {&apis_, &workers_}) {
        for (auto& member : *members) {
            if (!member.process.is_running()) member.process.start();
        }
    }
}

int Cluster::waiting_since(std::int64_t accepted_before) const {
    return std::stoi(store_.ask(fmt::format(
        "SELECT count(*) FROM calls WHERE status IN ('queued', 'running') AND created_at < {}",
        accepted_before
    )));
}

int Cluster::live() const {
    return std::stoi(
        store_.ask("SELECT count(*) FROM calls WHERE status IN ('queued', 'running', 'delayed')")
    );
}

std::string Cluster::describe_waiting() const {
    return store_.ask(
        "SELECT string_agg(concat_ws(' ', id, fn_id, status, phase, waiting_for, 'attempt', "
        "attempt, "
        "'put', dispatched_at, 'claimed', claimed_at, 'by', owner), E'\n') FROM (SELECT * FROM "
        "calls "
        "WHERE status IN ('queued', 'running', 'delayed') ORDER BY id LIMIT 20) c"
    );
}

std::vector<FinalCall> Cluster::rows() const {
    const auto text = store_.ask(
        "SELECT coalesce(string_agg(id || ' ' || status || ' ' || attempt || ' ' || max_attempts, "
        "E'\\n'), '') FROM calls"
    );
    std::vector<FinalCall> rows;
    std::istringstream in(text);
    for (FinalCall row; in >> row.id >> row.status >> row.attempt >> row.max_attempts;) {
        rows.push_back(row);
    }
    return rows;
}

std::vector<std::string> Cluster::stop() {
    std::vector<std::string> left;
    for (auto* members : {&apis_, &workers_}) {
        for (auto& member : *members) {
            member.process.send(SIGTERM);
            const int code = member.process.wait_exit();
            if (code != 0) left.push_back(fmt::format("{} ended with {}", member.seat.name, code));
        }
    }
    for (const auto& worker : workers_) {
        for (const auto& name : worker.process.containers()) left.push_back("container " + name);
    }
    std::istringstream keys(queue_.ask("KEYS *"));
    for (std::string key; keys >> key;) {
        if (!key.ends_with(counters_key_end)) left.push_back("in Redis " + key);
    }
    return left;
}

}  // namespace stoker::test
