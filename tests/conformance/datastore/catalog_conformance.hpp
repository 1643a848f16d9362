#pragma once

// Apps and fns in a Datastore, and what deleting them does to calls.

#include <algorithm>

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: apps", Backend, datastore_apps) {
    Fixture<Backend> t;

    SUBCASE("an app is read back as it was inserted") {
        App app;
        app.id = t.ids.next();
        app.name = "other";
        app.config = {{"A", "1"}, {"B", "with \"quotes\" and ümläut"}};
        app.annotations = {{"k", R"({"z":1,"a":[true,null]})"}};
        app.syslog_url = "tcp://logs.example:514";
        app.created_at = app.updated_at = t.clock.now();
        CHECK(t.run(t.store->insert_app(app)) == app);
        CHECK(t.run(t.store->get_app(app.id)) == app);
    }
    SUBCASE("a name is used once, but the same insert may be repeated") {
        App same_name = t.app;
        same_name.id = t.ids.next();
        const auto taken = t.run(t.store->insert_app(same_name));
        CHECK(error_of(taken) == Errc::conflict);
        CHECK(taken.error().text() == "App already exists");
        CHECK(t.run(t.store->insert_app(t.app)) == t.app);
    }
    SUBCASE("apps are listed by name, in pages, or by their exact name") {
        for (const auto* name : {"c", "a", "b"}) t.add_app(name);
        const auto first = t.run(t.store->list_apps({}, {.after = "", .items_max = 3}));
        CHECK(names_of(first) == Names{"a", "app", "b"});
        const auto second = t.run(t.store->list_apps({}, {.after = "b", .items_max = 3}));
        CHECK(names_of(second) == Names{"c"});
        const auto exact = t.run(t.store->list_apps({.name = "b"}, {}));
        CHECK(names_of(exact) == Names{"b"});
    }
    SUBCASE("an update merges and moves updated_at only when something changed") {
        t.clock.advance(Millis(1000));
        AppPatch patch;
        patch.config = {{"KEY", "value"}};
        const auto updated = t.run(t.store->update_app(t.app.id, patch));
        REQUIRE(updated);
        CHECK(updated->config == Config{{"KEY", "value"}});
        CHECK(updated->updated_at == t.clock.now());
        t.clock.advance(Millis(1000));
        CHECK(t.run(t.store->update_app(t.app.id, patch)) == *updated);
        CHECK(t.run(t.store->get_app(t.app.id)) == *updated);
    }
    SUBCASE("an app that does not exist is said so") {
        CHECK(error_of(t.run(t.store->get_app("none"))) == Errc::app_not_found);
        CHECK(error_of(t.run(t.store->update_app("none", {}))) == Errc::app_not_found);
        CHECK(error_of(t.run(t.store->delete_app("none"))) == Errc::app_not_found);
    }
    SUBCASE("an update that breaks a rule changes nothing") {
        AppPatch patch;
        patch.name = "renamed";
        CHECK(error_of(t.run(t.store->update_app(t.app.id, patch))) == Errc::conflict);
        CHECK(t.run(t.store->get_app(t.app.id)) == t.app);
    }
    SUBCASE("deleting an app deletes its fns and cancels what waits for them, nothing else") {
        const auto other_app = t.add_app("other");
        const auto other_fn = t.add_fn(other_app, "fn");
        const auto waiting = t.accept();
        const auto running = t.run_one();
        const auto of_other = t.accept(other_fn);
        const auto cancelled = t.run(t.store->delete_app(t.app.id));
        CHECK(ids_of(cancelled) == Names{waiting});
        CHECK(error_of(t.run(t.store->get_app(t.app.id))) == Errc::app_not_found);
        CHECK(error_of(t.run(t.store->get_fn(t.fn.id))) == Errc::fn_not_found);
        CHECK(t.status_of(waiting) == CallStatus::cancelled);
        CHECK(t.status_of(of_other) == CallStatus::queued);
        CHECK(t.run(t.store->finish(t.success(running))) == true);
        CHECK(t.status_of(running.call_id) == CallStatus::success);
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: fns", Backend, datastore_fns) {
    Fixture<Backend> t;

    SUBCASE("an fn is read back as it was inserted") {
        auto fn = t.new_fn(t.app, "other");
        fn.type = InvokeType::async;
        fn.format = FnFormat::cloudevent;
        fn.memory = 256;
        fn.cpus = 250;
        fn.tmpfs_size = 32;
        fn.timeout = 3600;
        fn.idle_timeout = 7;
        fn.retry.max_attempts = 9;
        fn.max_concurrency = 12;
        fn.min_idle = 3;
        fn.config = {{"A", "1"}};
        fn.annotations = {{"k", R"("v")"}};
        fn.rev = 4;
        CHECK(t.run(t.store->insert_fn(fn)) == fn);
        CHECK(t.run(t.store->get_fn(fn.id)) == fn);
    }
    SUBCASE("an fn needs its app and a name that is free within it") {
        auto orphan = t.new_fn(t.app, "orphan");
        orphan.app_id = t.ids.next();
        CHECK(error_of(t.run(t.store->insert_fn(orphan))) == Errc::app_not_found);
        const auto taken = t.run(t.store->insert_fn(t.new_fn(t.app, "fn")));
        CHECK(error_of(taken) == Errc::conflict);
        CHECK(taken.error().text() == "Fn with specified name already exists");
        CHECK(t.run(t.store->insert_fn(t.new_fn(t.add_app("other"), "fn"))).has_value());
        CHECK(t.run(t.store->insert_fn(t.fn)) == t.fn);
    }
    SUBCASE("fns of an app are listed by name, in pages, or by their exact name") {
        for (const auto* name : {"c", "a", "b"}) t.add_fn(t.app, name);
        t.add_fn(t.add_app("other"), "elsewhere");
        const auto list = [&](std::string name, Page page) {
            return names_of(t.run(t.store->list_fns({t.app.id, std::move(name)}, std::move(page))));
        };
        CHECK(list("", {.after = "", .items_max = 2}) == Names{"a", "b"});
        CHECK(list("", {.after = "b", .items_max = 9}) == Names{"c", "fn"});
        CHECK(list("c", {}) == Names{"c"});
    }
    SUBCASE("an update makes a new revision, an idle one does not") {
        FnPatch patch;
        patch.image = "registry.example/fn:2";
        patch.format = FnFormat::json;
        patch.cpus = 100;
        patch.tmpfs_size = 5;
        patch.max_concurrency = 6;
        patch.min_idle = 1;
        const auto updated = t.run(t.store->update_fn(t.fn.id, patch));
        REQUIRE(updated);
        CHECK(updated->rev == t.fn.rev + 1);
        CHECK(updated->format == FnFormat::json);
        CHECK(t.run(t.store->update_fn(t.fn.id, patch)) == *updated);
        CHECK(t.run(t.store->get_fn(t.fn.id)) == *updated);
    }
    SUBCASE("those to be kept warm are listed as a call would run them") {
        CHECK(t.run(t.store->list_warm_fns())->empty());
        FnPatch patch;
        patch.min_idle = 2;
        const auto warm = t.run(t.store->update_fn(t.fn.id, patch));
        REQUIRE(warm);
        const auto listed = t.run(t.store->list_warm_fns());
        REQUIRE(listed->size() == 1);
        const auto spec = make_fn_spec(t.app, *warm);
        CHECK(listed->front()->fn_id == t.fn.id);
        CHECK(listed->front()->min_idle == 2);
        CHECK(listed->front()->slot_key == spec->slot_key);
        REQUIRE(t.run(t.store->delete_fn(t.fn.id)));
        CHECK(t.run(t.store->list_warm_fns())->empty());
    }
    SUBCASE("an fn that does not exist is said so") {
        CHECK(error_of(t.run(t.store->get_fn("none"))) == Errc::fn_not_found);
        CHECK(error_of(t.run(t.store->update_fn("none", {}))) == Errc::fn_not_found);
        CHECK(error_of(t.run(t.store->delete_fn("none"))) == Errc::fn_not_found);
    }
    SUBCASE("deleting an fn cancels what waits for it and keeps every row") {
        const auto other = t.add_fn(t.app, "other");
        const auto done = t.run_one();
        REQUIRE(t.run(t.store->finish(t.success(done))) == true);
        const auto waiting = t.accept();
        const auto of_other = t.accept(other);
        const auto cancelled = t.run(t.store->delete_fn(t.fn.id));
        REQUIRE(cancelled);
        REQUIRE(cancelled->size() == 1);
        CHECK(cancelled->front().id == waiting);
        CHECK(cancelled->front().fn_id == t.fn.id);
        CHECK(cancelled->front().status == CallStatus::cancelled);
        const auto row = t.get(waiting);
        CHECK(row.status == CallStatus::cancelled);
        CHECK(row.error_code == "cancelled");
        CHECK(row.completed_at == t.clock.now());
        CHECK(t.status_of(done.call_id) == CallStatus::success);
        CHECK(t.status_of(of_other) == CallStatus::queued);
        CHECK(t.counts().queued == 1);
        CHECK(error_of(t.run(t.store->accept(t.new_call()))) == Errc::fn_not_found);
    }
}

}  // namespace stoker::test
