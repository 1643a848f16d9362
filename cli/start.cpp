#include "cli/start.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

#include "api/api.hpp"
#include "api/runners/remote_invoker.hpp"
#include "cli/ground.hpp"
#include "cli/part_settings.hpp"
#include "cli/runner_server.hpp"
#include "cli/signals.hpp"
#include "cli/start_settings.hpp"
#include "cli/version.hpp"
#include "cli/worker_part.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

constexpr int exit_failed = 1;
constexpr int exit_cut_short = 130;
constexpr std::chrono::seconds server_stop_max{10};
constexpr std::chrono::seconds queue_drain_max{2};

/// Says why it cannot go on, for a person at the terminal.
int give_up(std::string_view why) {
    fmt::print(stderr, "stoker: {}\n", why);
    return exit_failed;
}

/// Every connection and container costs descriptors; the soft limit is often far below the hard
/// one.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

log::Level level_of(const std::string& word) {
    if (word == "debug") return log::Level::debug;
    if (word == "warn") return log::Level::warn;
    return word == "error" ? log::Level::error : log::Level::info;
}

log::Format format_of(const std::string& word) {
    if (word == "json") return log::Format::json;
    return word == "text" ? log::Format::text : log::Format::automatic;
}

void log_listening(
    Role role, const std::string& host, std::uint16_t port, const StartSettings& settings
) {
    log::info(
        "stoker.listening",
        {{"role", to_word(role)},
         {"url", fmt::format("http://{}:{}", host, port)},
         {"version", version},
         {"data", has_worker(role) ? settings.data : ""}}
    );
}

/// A consumer that leaves its queue in order is replaced at once; one that just ends, only when its
/// leases or its session have.
Task<> drain_all(Task<> drain, MessageQueue& queue, Signals& signals) {
    co_await std::move(drain);
    co_await queue.drain(deadline_in(queue_drain_max));
    signals.wake();
}

/// Everything runs; the exit code once it has ended. `drain` ends all parts but the ground.
int serve_until_signal(Ground& ground, Signals& signals, Task<> drain) {
    const int signal = signals.wait();
    log::info(
        "stoker.draining",
        {{"signal", signal}, {"hint", "a second signal exits at once; no call is lost"}}
    );
    spawn(ground.lanes.at(0), "drain", drain_all(std::move(drain), *ground.queue, signals));
    if (signals.wait() != 0) {
        // Nothing to save: what was accepted is on disk, the next start goes on from there.
        log::warn("stoker.cut_short");
        ::_exit(exit_cut_short);
    }
    ground.close();
    log::info("stoker.stopped");
    return 0;
}

/// The lanes run already: they end before what they use.
int give_up(Ground& ground, std::string_view why) {
    ground.lanes.stop();
    return give_up(why);
}

/// Takes no more calls but answers questions until the running ones have ended, then stops all.
Task<> drain_both(Api& api, Worker& worker, Millis grace) {
    api.drain();
    co_await worker.stop(deadline_in(grace));
    co_await api.stop(deadline_in(server_stop_max));
}

int serve_both(const StartSettings& settings, Ground& ground, Signals& signals) {
    auto part = WorkerPart::open(ground, settings);
    if (!part) return give_up(part.error().text());
    auto& worker = (*part)->worker();
    Api api(
        {.lanes = ground.lanes,
         .store = *ground.store,
         .queue = *ground.queue,
         .invoker = worker,
         .events = *ground.events,
         .metrics = ground.metrics,
         .ids = ground.ids,
         .clock = ground.clock,
         .container_fits = [&](std::uint64_t mb, std::uint64_t milli_cpus
                           ) { return worker.can_ever_fit(mb, milli_cpus); },
         .ready_checks = {[&] { return worker.unready_reason(); }},
         .expect_image = [&](const std::string& image) { worker.expect_image(image); },
         .catalog_changed = [&] { worker.catalog_changed(); }},
        api_settings(settings)
    );
    const auto recovered = ground.start();
    if (!recovered) return give_up(recovered.error().text());
    if (const auto listening = api.start(); !listening) return give_up(ground, listening.error());
    log_listening(Role::start, settings.listen.host, api.port(), settings);
    if (*recovered > 0) log::info("calls.recovered", {{"calls", *recovered}});
    worker.start();
    return serve_until_signal(ground, signals, drain_both(api, worker, settings.drain));
}

Task<> drain_api(Api& api, RunnerDirectory& directory, Millis grace) {
    co_await api.stop(deadline_in(grace));
    co_await directory.stop(deadline_in(server_stop_max));
}

int serve_api(const StartSettings& settings, Ground& ground, Signals& signals) {
    RunnerList fixed;
    for (const auto& name : settings.runner.workers) {
        auto runner = make_runner(name);
        if (!runner) return give_up(runner.error());
        fixed.push_back(std::move(*runner));
    }
    RunnerDirectory directory(*ground.store, std::move(fixed));
    RemoteInvoker invoker(directory, make_two_choices_placer(), ground.metrics);
    Api api(
        {.lanes = ground.lanes,
         .store = *ground.store,
         .queue = *ground.queue,
         .invoker = invoker,
         .events = *ground.events,
         .metrics = ground.metrics,
         .ids = ground.ids,
         .clock = ground.clock,
         .container_fits = [&](std::uint64_t mb, std::uint64_t milli_cpus
                           ) { return directory.can_ever_fit(mb, milli_cpus); },
         .ready_checks = {}},
        api_settings(settings)
    );
    if (const auto started = ground.start(); !started) return give_up(started.error().text());
    if (const auto listening = api.start(); !listening) return give_up(ground, listening.error());
    directory.start(ground.lanes.next());
    log_listening(Role::api, settings.listen.host, api.port(), settings);
    return serve_until_signal(ground, signals, drain_api(api, directory, settings.drain));
}

Task<> drain_worker(RunnerServer& server, Worker& worker, Millis grace) {
    co_await worker.stop(deadline_in(grace));
    co_await server.stop(deadline_in(server_stop_max));
}

int serve_worker(const StartSettings& settings, Ground& ground, Signals& signals) {
    auto part = WorkerPart::open(ground, settings);
    if (!part) return give_up(part.error().text());
    auto& worker = (*part)->worker();
    RunnerServer server(ground, worker, settings);
    if (const auto started = ground.start(); !started) return give_up(started.error().text());
    if (const auto listening = server.start(); !listening) {
        return give_up(ground, listening.error());
    }
    log_listening(Role::worker, settings.runner.listen.host, server.port(), settings);
    worker.be_reached_at(advertised_address(settings.runner, server.port()));
    worker.start();
    return serve_until_signal(ground, signals, drain_worker(server, worker, settings.drain));
}

int serve(Role role, const StartSettings& settings, Signals& signals) {
    const auto port = has_api(role) ? settings.listen.port : settings.runner.listen.port;
    const auto ground = Ground::open(settings, port);
    if (!ground) return give_up(ground.error().text());
    switch (role) {
        case Role::api: return serve_api(settings, **ground, signals);
        case Role::worker: return serve_worker(settings, **ground, signals);
        case Role::start: break;
    }
    return serve_both(settings, **ground, signals);
}

}  // namespace

int run_server(Role role, std::span<const std::string> arguments) {
    const auto loaded = load_start_settings(arguments, process_environment(), role);
    if (!loaded.output.empty()) fmt::print("{}", loaded.output);
    for (const auto& error : loaded.errors) {
        fmt::print(stderr, "stoker {}: {}\n", to_word(role), error);
    }
    if (loaded.exit_code) return *loaded.exit_code;
    const auto& settings = loaded.settings;
    log::configure(level_of(settings.log_level), format_of(settings.log_format));
    raise_descriptor_limit();
    Signals signals;
    return serve(role, settings, signals);
}

}  // namespace stoker
