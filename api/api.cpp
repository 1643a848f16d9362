#include "api/api.hpp"

#include "api/apps.hpp"
#include "api/call_actions.hpp"
#include "api/calls.hpp"
#include "api/dispatcher.hpp"
#include "api/fn_actions.hpp"
#include "api/schedules.hpp"

namespace stoker {

namespace {

std::vector<ReadyCheck> all_checks(
    const ApiDeps& deps, const Acceptor& acceptor, const Outbox& outbox
) {
    std::vector<ReadyCheck> checks = deps.ready_checks;
    checks.emplace_back([&acceptor] { return acceptor.closed() ? "shutting down" : std::string{}; }
    );
    checks.emplace_back([&store = deps.store] { return store.unhealthy_reason(); });
    checks.emplace_back([&queue = deps.queue] {
        return queue.health() == Health::down ? "the queue does not answer" : std::string{};
    });
    checks.emplace_back([&outbox] {
        return outbox.full() ? "too many calls wait to be queued again" : std::string{};
    });
    return checks;
}

}  // namespace

/// In the order they are built; the server goes first when they are destroyed.
struct Api::Parts {
    Parts(const ApiDeps& deps, const ApiSettings& settings) :
        lanes(deps.lanes),
        cache(deps.store, settings.fn_cache),
        outbox(deps.queue, settings.outbox, deps.metrics),
        delayed(deps.store, outbox, deps.events, deps.clock, settings.delayed, deps.metrics),
        sweeper(deps.store, deps.queue, outbox, deps.events, settings.sweeper, deps.metrics),
        acceptor(
            deps.store,
            deps.queue,
            outbox,
            delayed,
            sweeper.waits(),
            deps.events,
            deps.clock,
            settings.accept,
            deps.metrics,
            deps.expect_image
        ),
        scheduler(
            {deps.store.schedules(), cache, acceptor, deps.ids, deps.clock, settings.public_url},
            settings.scheduler,
            deps.metrics
        ),
        apps(deps.store, cache, deps.events, deps.ids, deps.clock, deps.catalog_changed),
        fns(
            {deps.store,
             cache,
             deps.events,
             deps.ids,
             deps.clock,
             deps.container_fits,
             deps.catalog_changed,
             settings.public_url}
        ),
        invoke(
            {cache,
             acceptor,
             deps.invoker,
             deps.ids,
             deps.clock,
             deps.container_fits,
             settings.invoke,
             settings.keep_authorization,
             settings.public_url}
        ),
        schedules(deps.store.schedules(), deps.ids, deps.clock),
        fn_actions(deps.store, cache, deps.events),
        call_actions(
            {deps.store,
             cache,
             acceptor,
             deps.events,
             deps.ids,
             deps.clock,
             deps.container_fits,
             settings.invoke.options}
        ),
        calls(
            deps.store,
            deps.events,
            WaitingReasons(deps.store, deps.queue, sweeper.waits(), deps.clock),
            [this] { return acceptor.closed(); }
        ),
        system(settings.version, deps.metrics, all_checks(deps, acceptor, outbox)),
        router(make_router()),
        dispatcher(*router, deps.metrics, deps.ids),
        server(deps.lanes, settings.listen, settings.server, dispatcher, deps.metrics) {}

    std::unique_ptr<Router> make_router() {
        auto made = std::make_unique<Router>();
        apps.add_routes(*made);
        fns.add_routes(*made);
        invoke.add_routes(*made);
        schedules.add_routes(*made);
        calls.add_routes(*made);
        call_actions.add_routes(*made);
        fn_actions.add_routes(*made);
        system.add_routes(*made);
        return made;
    }

    Lanes& lanes;
    FnCache cache;
    Outbox outbox;
    DelayedCalls delayed;
    Sweeper sweeper;
    Acceptor acceptor;
    Scheduler scheduler;
    AppsApi apps;
    FnsApi fns;
    InvokeApi invoke;
    SchedulesApi schedules;
    FnActionsApi fn_actions;
    CallActionsApi call_actions;
    CallsApi calls;
    SystemApi system;
    std::unique_ptr<Router> router;
    Dispatcher dispatcher;
    HttpServer server;
};

Api::Api(ApiDeps deps, const ApiSettings& settings) :
    parts_(std::make_unique<Parts>(deps, settings)) {}

Api::~Api() = default;

std::expected<void, std::string> Api::start() {
    if (auto listening = parts_->server.start(); !listening) return listening;
    parts_->outbox.start(parts_->lanes.next());
    parts_->delayed.start(parts_->lanes.next());
    parts_->sweeper.start(parts_->lanes.next());
    parts_->scheduler.start(parts_->lanes.next());
    return {};
}

std::uint16_t Api::port() const { return parts_->server.port(); }

void Api::drain() { parts_->acceptor.close(); }

Task<bool> Api::stop(Deadline deadline) {
    drain();
    const bool served = co_await parts_->server.stop(deadline);
    // Every operation of the loops ends by itself within this.
    const auto loops_end = std::max(deadline, deadline_in(Millis{12'000}));
    co_await parts_->scheduler.stop(loops_end);
    co_await parts_->sweeper.stop(loops_end);
    co_await parts_->delayed.stop(loops_end);
    co_await parts_->outbox.stop(loops_end);
    co_return served;
}

}  // namespace stoker
