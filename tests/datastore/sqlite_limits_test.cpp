// What happens at the edges of the disk: no space, an I/O error, a process killed at any moment.

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <SQLiteCpp/Database.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "datastore/sqlite/connection.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/datastore/sqlite_backend.hpp"

namespace stoker::test {
namespace {

/// Waits for the child that runs `work` and never returns from it.
template <class Work>
int status_of_child(Work work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        work();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

std::string integrity_of(const std::filesystem::path& file) {
    SQLite::Database db(file.string(), SQLite::OPEN_READONLY);
    return db.execAndGet("PRAGMA integrity_check").getString();
}

NewCall call_of_size(Fixture<SqliteBackend>& t, std::size_t bytes) {
    auto call = t.new_call();
    call.request.body = BodyRef::of(std::string(bytes, 'x'));
    return call;
}

}  // namespace

TEST_CASE("SqliteDatastore: a full disk refuses with store_full and harms nothing") {
    Fixture<SqliteBackend> t;
    t.backend.options.file_pages_max = 400;
    t.backend.options.space.look_every = Millis(0);  // else it would see that the disk is not full
    t.reopen();
    Names accepted;
    for (;;) {
        const auto call = call_of_size(t, 20'000);
        const auto result = t.run(t.store->accept(call));
        if (!result) {
            CHECK(result.error().code == Errc::store_full);
            const auto read = t.run(t.store->get_call(Scope::all(), call.call.id));
            CHECK(error_of(read) == Errc::call_not_found);
            break;
        }
        accepted.push_back(call.call.id);
        REQUIRE(accepted.size() < 400);
    }
    CHECK(t.store->unhealthy_reason().contains("space"));
    CHECK(error_of(t.store->admission()) == Errc::store_full);
    CHECK(t.counts().queued == accepted.size());
    // What needs no new page still works.
    CHECK(t.run(t.store->cancel(Scope::all(), accepted.front())).has_value());

    t.backend.options.file_pages_max = 4000;
    t.reopen();
    CHECK(t.counts().queued == accepted.size() - 1);
    for (const auto& id : accepted) CHECK_FALSE(t.get(id).id.empty());
    CHECK(t.run(t.store->accept(call_of_size(t, 20'000))).has_value());
    t.store->close();
    CHECK(integrity_of(t.backend.folder.file("data/stoker.db")) == "ok");
}

TEST_CASE(
    "SqliteDatastore: a full disk gives up the reserve, begins nothing, and lets what runs end"
) {
    Fixture<SqliteBackend> t;
    t.add_worker("worker-1");
    const auto running = t.run_one();
    const auto waiting = t.accept();
    const auto reserve = t.backend.folder.path() / "data/reserve";
    CHECK(std::filesystem::file_size(reserve) == 1 << 20);

    t.backend.options.file_pages_max = 300;
    t.backend.options.space.look_every = Millis(0);
    t.reopen();
    std::string last;
    for (bool is_full = false; !is_full;) {
        const auto call = call_of_size(t, 20'000);
        is_full = !t.run(t.store->accept(call));
        if (!is_full) last = call.call.id;
    }
    CHECK_FALSE(std::filesystem::exists(reserve));
    CHECK(error_of(t.run(t.store->accept(t.new_call()))) == Errc::store_full);
    CHECK(error_of(t.run(t.store->insert_fn(t.new_fn(t.app, "more")))) == Errc::store_full);
    CHECK(error_of(t.run(t.store->claim("worker-1", {waiting}))) == Errc::store_full);
    CHECK(t.status_of(waiting) == CallStatus::queued);
    // An earlier try whose answer was lost is still ours.
    auto again = t.new_call();
    again.call.id = last;
    CHECK(t.run(t.store->accept(again)).has_value());
    CHECK(t.run(t.store->finish(t.success(running))) == true);

    t.backend.options.file_pages_max = 0;
    t.reopen();
    CHECK(t.store->unhealthy_reason() == "");
    CHECK(std::filesystem::file_size(reserve) == 1 << 20);
    CHECK(t.claim(waiting).attempt == 1);
    CHECK(t.run(t.store->accept(t.new_call())).has_value());
}

TEST_CASE("SqliteDatastore: too little room refuses new calls, and runs those that wait") {
    Fixture<SqliteBackend> t;
    const auto waiting = t.accept();
    t.backend.options.space.free_bytes_min = std::uint64_t{1} << 60;
    t.reopen();
    CHECK(t.store->unhealthy_reason().contains("too little space"));
    CHECK(error_of(t.store->admission()) == Errc::store_full);
    auto large = t.new_call();
    large.request.body = BodyRef::of(std::string(2'000'000, 'x'));
    CHECK(error_of(t.run(t.store->accept(large))) == Errc::store_full);
    CHECK_FALSE(std::filesystem::exists(t.backend.folder.path() / "data/blobs"));
    CHECK(t.run(t.store->finish(t.success(t.claim(waiting)))) == true);
}

TEST_CASE("SqliteDatastore: what an error code means") {
    using sqlite::Failure;
    using sqlite::failure_of;
    CHECK(failure_of(SQLITE_FULL) == Failure::full);
    CHECK(failure_of(SQLITE_IOERR_WRITE, EDQUOT) == Failure::full);
    CHECK(failure_of(SQLITE_IOERR_SHMSIZE) == Failure::full);
    CHECK(failure_of(SQLITE_IOERR_WRITE, EIO) == Failure::fatal);
    // Whatever its reason: what the sync was for is lost.
    CHECK(failure_of(SQLITE_IOERR_FSYNC, ENOSPC) == Failure::fatal);
    CHECK(failure_of(SQLITE_CORRUPT) == Failure::fatal);
    CHECK(failure_of(SQLITE_BUSY) == Failure::transient);
}

TEST_CASE("SqliteDatastore: one job without space fails every job of its batch, whole") {
    Fixture<SqliteBackend> t(2);
    t.backend.options.file_pages_max = 200;
    t.reopen();
    std::vector<std::pair<std::string, std::future<Result<std::string>>>> accepts;
    for (int i = 0; i < 200; ++i) {
        auto call = call_of_size(t, 8'000);
        auto id = call.call.id;
        accepts.emplace_back(std::move(id), t.loop.start(t.store->accept(std::move(call))));
    }
    std::uint64_t stored = 0;
    for (auto& [id, accept] : accepts) {
        const auto result = accept.get();
        const auto read = t.run(t.store->get_call(Scope::all(), id));
        CHECK(read.has_value() == result.has_value());
        if (!result) CHECK(result.error().code == Errc::store_full);
        stored += result.has_value() ? 1 : 0;
    }
    CHECK(stored < 200);
    CHECK(t.counts().queued == stored);
}

// Writing past RLIMIT_FSIZE fails with EFBIG, which SQLite reports as an I/O error.
TEST_CASE("SqliteDatastore: an I/O error in a commit ends the process instead of being retried") {
    SqliteBackend backend;
    const int status = status_of_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        std::signal(SIGABRT, SIG_DFL);  // not the test framework's
        const ManualClock clock;
        Metrics metrics;
        Loop loop;
        const auto store = backend.open(clock, metrics);
        const rlimit none{.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &none);
        (void)loop.run(store->register_worker("worker-1", "host", Millis(1000)));
    });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("SqliteDatastore: a process killed while it accepts has lost no acknowledged call") {
    constexpr std::size_t enough = 500 * id_chars;
    Fixture<SqliteBackend> t;
    t.store->close();
    t.store.reset();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);

    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // The parent's lanes do not exist here; the child makes its own.
        Loop loop(2);
        const auto store = t.backend.open(t.clock, t.metrics);
        const auto accept_for_ever = [&]() -> Task<bool> {
            for (;;) {
                const auto call = t.new_call();
                if (!co_await store->accept(call)) co_return false;
                if (::write(ends[1], call.call.id.data(), id_chars) < 0) co_return false;
            }
        };
        std::vector<std::future<bool>> tasks;
        for (int i = 0; i < 16; ++i) tasks.push_back(loop.start(accept_for_ever()));
        tasks.front().get();
        ::_exit(1);
    }
    ::close(ends[1]);
    std::string acknowledged;
    std::string buffer(4096, '\0');
    bool killed = false;
    for (;;) {
        const auto got = ::read(ends[0], buffer.data(), buffer.size());
        if (got <= 0) break;
        acknowledged.append(buffer, 0, static_cast<std::size_t>(got));
        if (!killed && acknowledged.size() >= enough) {
            ::kill(child, SIGKILL);
            killed = true;
        }
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(acknowledged.size() >= enough);

    t.store = t.backend.open(t.clock, t.metrics);
    for (std::size_t at = 0; at + id_chars <= acknowledged.size(); at += id_chars) {
        CHECK(t.status_of(acknowledged.substr(at, id_chars)) == CallStatus::queued);
    }
    CHECK(t.counts().queued >= acknowledged.size() / id_chars);
    t.store->close();
    CHECK(integrity_of(t.backend.folder.file("data/stoker.db")) == "ok");
}

}  // namespace stoker::test
