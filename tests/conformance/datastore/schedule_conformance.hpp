#pragma once

// Schedules in a Datastore: kept, listed when due, and fired once for each due time, whoever else
// tries, changes or deletes.

#include <map>
#include <set>

#include "datastore/schedule_store.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

template <class Backend>
struct ScheduleFixture : Fixture<Backend> {
    using Fixture<Backend>::Fixture;

    ScheduleStore& schedules() { return this->store->schedules(); }

    Schedule new_schedule(const Fn& of, std::string cron = "* * * * *") {
        Schedule made;
        made.id = this->ids.next();
        made.app_id = of.app_id;
        made.fn_id = of.id;
        made.cron = std::move(cron);
        made.created_at = made.updated_at = this->clock.now();
        const auto begins = begun(made, this->clock.now());
        REQUIRE(begins);
        return *begins;
    }
    Schedule add(const Fn& of, std::string cron = "* * * * *") {
        const auto added = this->run(schedules().insert(new_schedule(of, std::move(cron))));
        REQUIRE(added);
        return *added;
    }
    Schedule add() { return add(this->fn); }

    Schedule get(const std::string& id) {
        const auto found = this->run(schedules().get(id));
        REQUIRE(found);
        return *found;
    }

    DueSchedules list_due(DueCursor after = {}, int items_max = 100) {
        const auto due = this->run(schedules().list_due(std::move(after), items_max));
        REQUIRE(due);
        return *due;
    }

    /// What is due of it now, with a call for each.
    Firing firing_of(const Schedule& schedule) {
        const auto due = due_times(schedule, this->clock.now());
        REQUIRE(due);
        Firing firing{schedule.id, schedule.rev, due->next, std::nullopt, {}};
        for (const auto at : due->calls) {
            auto call = this->new_call();
            call.call.app_id = schedule.app_id;
            call.call.fn_id = schedule.fn_id;
            firing.calls.push_back(std::move(call));
            firing.last_at = at;
        }
        return firing;
    }
    std::vector<bool> fire(std::vector<Firing> firings) {
        const auto fired = this->run(schedules().fire(std::move(firings)));
        REQUIRE_MESSAGE(fired, (fired ? "" : fired.error().detail));
        return *fired;
    }
    using Fixture<Backend>::get;
};

TEST_CASE_TEMPLATE_DEFINE("Datastore: schedules", Backend, datastore_schedules) {
    ScheduleFixture<Backend> t;
    constexpr Millis minute{60'000};
    using Done = std::vector<bool>;

    SUBCASE("a schedule is read back as it was inserted") {
        auto made = t.new_schedule(t.fn, "@daily");
        made.name = "nächtlich";
        made.time_zone = "Europe/Berlin";
        made.missed = MissedRule::all;
        made.headers = {{"X-Twice", "a"}, {"X-Twice", "b"}};
        made.content_type = "application/octet-stream";
        made.body = std::string("\0\xff body", 7);
        CHECK(t.run(t.schedules().insert(made)) == made);
        CHECK(t.run(t.schedules().get(made.id)) == made);
        CHECK(t.run(t.schedules().insert(made)) == made);
        made.id = t.ids.next();
        made.paused = true;
        made.next_at.reset();
        CHECK(t.run(t.schedules().insert(made)) == made);
        CHECK(t.run(t.schedules().get(made.id)) == made);
    }
    SUBCASE("a schedule needs its fn, and gets its app") {
        auto orphan = t.new_schedule(t.fn);
        orphan.fn_id = t.ids.next();
        CHECK(error_of(t.run(t.schedules().insert(orphan))) == Errc::fn_not_found);
        auto stray = t.new_schedule(t.fn);
        stray.app_id = "";
        CHECK(t.run(t.schedules().insert(stray))->app_id == t.app.id);
    }
    SUBCASE("schedules are listed by id, in pages, of an app or a fn") {
        const auto other = t.add_fn(t.add_app("other"), "fn");
        const auto a = t.add();
        const auto b = t.add(other);
        const auto c = t.add();
        const auto list = [&](ScheduleFilter filter, Page page) {
            return ids_of(t.run(t.schedules().list(std::move(filter), std::move(page))));
        };
        CHECK(list({}, {.after = "", .items_max = 2}) == Names{a.id, b.id});
        CHECK(list({}, {.after = b.id, .items_max = 2}) == Names{c.id});
        CHECK(list({.app_id = t.app.id, .fn_id = {}}, {}) == Names{a.id, c.id});
        CHECK(list({.app_id = {}, .fn_id = other.id}, {}) == Names{b.id});
    }
    SUBCASE("an update merges, an idle one changes nothing") {
        const auto made = t.add();
        t.clock.advance(Millis{1000});
        SchedulePatch patch;
        patch.body = "body";
        patch.missed = MissedRule::skip;
        const auto updated = t.run(t.schedules().update(made.id, patch));
        REQUIRE(updated);
        CHECK(updated->body == "body");
        CHECK(updated->next_at == made.next_at);
        CHECK(updated->rev == made.rev + 1);
        CHECK(t.run(t.schedules().update(made.id, patch)) == *updated);
        CHECK(t.get(made.id) == *updated);
        patch.cron = "61 * * * *";
        CHECK(error_of(t.run(t.schedules().update(made.id, patch))) == Errc::invalid_request);
        CHECK(t.get(made.id) == *updated);
    }
    SUBCASE("a schedule that does not exist is said so") {
        CHECK(error_of(t.run(t.schedules().get("none"))) == Errc::schedule_not_found);
        CHECK(error_of(t.run(t.schedules().update("none", {}))) == Errc::schedule_not_found);
        CHECK(error_of(t.run(t.schedules().remove("none"))) == Errc::schedule_not_found);
        const auto made = t.add();
        CHECK(t.run(t.schedules().remove(made.id)).has_value());
        CHECK(error_of(t.run(t.schedules().get(made.id))) == Errc::schedule_not_found);
    }
    SUBCASE("deleting a fn or an app deletes its schedules, and no others") {
        const auto app = t.add_app("other");
        const auto of_app = t.add(t.add_fn(app, "fn"));
        const auto of_fn = t.add();
        const auto kept = t.add(t.add_fn(t.app, "kept"));
        REQUIRE(t.run(t.store->delete_fn(t.fn.id)));
        REQUIRE(t.run(t.store->delete_app(app.id)));
        CHECK(ids_of(t.run(t.schedules().list({}, {}))) == Names{kept.id});
    }
    SUBCASE("due ones are listed, the first due first, and when the next comes") {
        CHECK(t.list_due().due.empty());
        CHECK(t.list_due().next_in == std::nullopt);
        const auto late = t.add(t.fn, "@every 2m");
        const auto early = t.add(t.fn, "@every 1m");
        const auto paused = t.add(t.fn, "@every 1s");
        SchedulePatch pause;
        pause.paused = true;
        REQUIRE(t.run(t.schedules().update(paused.id, pause)));
        CHECK(t.list_due().due.empty());
        CHECK(t.list_due().next_in == minute);
        t.clock.advance(minute);
        CHECK(t.list_due().due == std::vector{early});
        CHECK(t.list_due().next_in == minute);
        t.clock.advance(minute);
        CHECK(t.list_due().due == std::vector{early, late});
        CHECK(t.list_due().next_in == std::nullopt);
        CHECK(t.list_due({}, 1).due == std::vector{early});
        CHECK(t.list_due({*early.next_at, early.id}, 1).due == std::vector{late});
        CHECK(t.list_due({*late.next_at, late.id}, 1).due.empty());
    }
    SUBCASE("firing accepts the calls and moves the schedule on") {
        const auto made = t.add();
        t.clock.advance(minute);
        const auto firing = t.firing_of(made);
        REQUIRE(firing.calls.size() == 1);
        const auto call_id = firing.calls.front().call.id;
        CHECK(t.fire({firing}) == Done{true});
        CHECK(t.status_of(call_id) == CallStatus::queued);
        CHECK(t.counts().queued == 1);
        const auto after = t.get(made.id);
        CHECK(after.next_at == firing.next_at);
        CHECK(after.last_at == firing.last_at);
        CHECK(after.last_call_id == call_id);
        CHECK(after.rev == made.rev + 1);
        CHECK(after.updated_at == made.updated_at);
        CHECK(t.list_due().due.empty());
        t.add_worker("worker-1");
        const auto claimed = t.run(t.store->claim("worker-1", {call_id}));
        REQUIRE(claimed->size() == 1);
        CHECK(claimed->front().request.body == firing.calls.front().request.body);
        CHECK(claimed->front().request.headers == firing.calls.front().request.headers);
    }
    SUBCASE("a due time is fired once: by whoever is first, again only as a repeated try") {
        const auto made = t.add();
        t.clock.advance(minute);
        const auto first = t.firing_of(made);
        const auto second = t.firing_of(made);
        CHECK(t.fire({first}) == Done{true});
        CHECK(t.fire({second}) == Done{false});
        CHECK(t.fire({first}) == Done{true});
        CHECK(t.counts().queued == 1);
        CHECK(t.get(made.id).last_call_id == first.last_call_id());
    }
    SUBCASE("many are fired at once, each for itself") {
        const auto a = t.add();
        const auto b = t.add();
        const auto c = t.add();
        const auto d = t.add();
        t.clock.advance(3 * minute);
        auto of_a = t.firing_of(a);
        of_a.calls.push_back(t.new_call());
        auto of_d = t.firing_of(d);
        of_d.calls.clear();
        of_d.last_at.reset();
        const std::vector firings{of_a, t.firing_of(b), t.firing_of(c), of_d};
        SchedulePatch patch;
        patch.body = "changed";
        REQUIRE(t.run(t.schedules().update(b.id, patch)));
        const auto done = t.fire(firings);
        CHECK(done.at(0));
        CHECK_FALSE(done.at(1));
        CHECK(done.at(2));
        std::set<std::string> expected{firings[2].last_call_id()};
        for (const auto& call : of_a.calls) expected.insert(call.call.id);
        const auto queued = t.run(t.store->list_queued("", 100));
        std::set<std::string> found;
        for (const auto& call : *queued) found.insert(call.id);
        CHECK(found == expected);
        CHECK(t.get(b.id).next_at == b.next_at);
        // Nothing to call: only moved on.
        CHECK(t.get(d.id).next_at == of_d.next_at);
        CHECK(t.get(d.id).last_at == std::nullopt);
        CHECK(t.fire({}) == Done{});
    }
    SUBCASE("what was deleted or paused meanwhile does not fire") {
        const auto deleted = t.add();
        const auto paused = t.add();
        const auto of_fn = t.add(t.add_fn(t.app, "deleted"));
        t.clock.advance(minute);
        const std::vector firings{t.firing_of(deleted), t.firing_of(paused), t.firing_of(of_fn)};
        REQUIRE(t.run(t.schedules().remove(deleted.id)));
        REQUIRE(t.run(t.store->delete_fn(of_fn.fn_id)));
        SchedulePatch pause;
        pause.paused = true;
        REQUIRE(t.run(t.schedules().update(paused.id, pause)));
        CHECK(t.fire(firings) == Done{false, false, false});
        CHECK(t.counts().queued == 0);
    }
    SUBCASE("what was fired is there after the store is opened again") {
        const auto made = t.add();
        t.clock.advance(minute);
        const auto firing = t.firing_of(made);
        CHECK(t.fire({firing}) == Done{true});
        t.reopen();
        CHECK(t.get(made.id).last_call_id == firing.last_call_id());
        CHECK(t.status_of(firing.last_call_id()) == CallStatus::queued);
    }
}

/// Fires all that is due until told to stop, as an api does; the calls it was told to have made.
template <class T>
Task<std::set<std::string>> fire_until(T& t, Datastore& store, std::atomic<bool>& over) {
    std::set<std::string> made;
    while (!over) {
        const auto due = co_await store.schedules().list_due({}, 100);
        if (!due) co_return std::set<std::string>{"failed: " + due.error().detail};
        std::vector<Firing> firings;
        for (const auto& schedule : due->due) firings.push_back(t.firing_of(schedule));
        const auto done = co_await store.schedules().fire(firings);
        if (!done) co_return std::set<std::string>{"failed: " + done.error().detail};
        for (std::size_t i = 0; i < firings.size(); ++i) {
            if (!done->at(i)) continue;
            for (const auto& call : firings[i].calls) made.insert(call.call.id);
        }
    }
    co_return made;
}

/// Time passes while several fire the same schedules and somebody changes and deletes some: each
/// due time of those that nobody touched has one call, and what the store has is what was told.
template <class T>
void race_for_schedules(T& t, const std::vector<Datastore*>& stores) {
    constexpr int steps = 20;
    std::vector<Schedule> kept;
    for (int i = 0; i < 20; ++i) kept.push_back(t.add(t.fn, "@every 10s"));
    const auto touched = t.add_fn(t.app, "touched");
    const auto deleted = t.add_fn(t.app, "deleted");
    const auto paused = t.add(touched, "@every 10s");
    t.add(deleted, "@every 10s");
    std::atomic<bool> over{false};
    std::vector<std::future<std::set<std::string>>> firing;
    for (auto* store : stores) firing.push_back(t.loop.start(fire_until(t, *store, over)));
    for (int step = 0; step < steps; ++step) {
        t.clock.advance(Millis{10'000});
        SchedulePatch patch;
        patch.body = std::to_string(step);
        CHECK(t.run(t.schedules().update(paused.id, patch)));
        if (step == steps / 2) CHECK(t.run(t.store->delete_fn(deleted.id)));
        // Nobody fires in vain for ever: a test that fails ends.
        const auto deadline = deadline_in(Millis{30'000});
        while (!t.list_due().due.empty() && !has_passed(deadline)) t.run(sleep_for(Millis{5}));
        REQUIRE_FALSE(has_passed(deadline));
    }
    over = true;
    std::set<std::string> told;
    std::size_t count = 0;
    for (auto& each : firing) {
        const auto made = each.get();
        count += made.size();
        told.insert(made.begin(), made.end());
    }
    CHECK(told.size() == count);
    std::map<std::string, std::size_t> of_fn;
    for (std::string after;;) {
        const auto queued = t.run(t.store->list_queued(after, 100));
        REQUIRE(queued);
        if (queued->empty()) break;
        for (const auto& call : *queued) {
            CHECK(told.contains(call.id));
            ++of_fn[call.fn_id];
        }
        after = queued->back().id;
    }
    CHECK(of_fn[t.fn.id] == kept.size() * steps);
    CHECK(of_fn[touched.id] == steps);
    CHECK(of_fn[deleted.id] == 0);
    for (const auto& schedule : kept) CHECK(t.get(schedule.id).rev == schedule.rev + steps);
}

TEST_CASE_TEMPLATE_DEFINE(
    "Datastore: several fire the same schedules", Backend, datastore_schedule_races
) {
    ScheduleFixture<Backend> t(3);
    race_for_schedules(t, std::vector<Datastore*>(3, t.store.get()));
}

}  // namespace stoker::test
