#include "datastore/blobs/blob_store.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/datastore/sqlite_backend.hpp"

namespace stoker::test {
namespace {

namespace fs = std::filesystem;

std::set<std::string> files_in(const fs::path& folder) {
    std::set<std::string> names;
    if (!fs::exists(folder)) return names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
}

NewCall large_call(Fixture<SqliteBackend>& t) {
    auto call = t.new_call();
    call.request.body = BodyRef::of(std::string(2'000'000, 'r'));
    return call;
}

}  // namespace

TEST_CASE("BlobStore: a blob comes back whole, is replaced whole, and can be removed") {
    const TempDir folder;
    const BlobStore blobs(folder.path() / "blobs");
    const std::string first(100'000, '\0');
    REQUIRE(blobs.put("a-1", first));
    CHECK(blobs.get("a-1") == first);
    REQUIRE(blobs.put("a-1", "second"));
    CHECK(blobs.get("a-1") == "second");
    CHECK(files_in(folder.path() / "blobs") == std::set<std::string>{"a-1"});
    blobs.remove("a-1");
    blobs.remove("a-1");
    CHECK(error_of(blobs.get("a-1")) == Errc::internal);
}

TEST_CASE("BlobStore: no name leads out of its folder") {
    const TempDir folder;
    const BlobStore blobs(folder.path() / "blobs");
    folder.write("secret", "x");
    for (const auto* name : {"../secret", "a/b", "", ".", "..", ".new-a"}) {
        CHECK_FALSE(blobs.put(name, "x"));
        CHECK_FALSE(blobs.get(name));
        blobs.remove(name);
    }
    CHECK(fs::exists(folder.file("secret")));
}

TEST_CASE("BlobStore: collecting removes what nobody needs, and cut-off writes") {
    const TempDir folder;
    const BlobStore blobs(folder.path());
    for (const auto* name : {"named", "orphan"}) REQUIRE(blobs.put(name, "x"));
    folder.write(".new-cut", "half");
    folder.write(".new-wanted", "half");
    const auto removed =
        blobs.collect([](std::string_view name) { return name == "named" || name == "wanted"; });
    CHECK(removed == 2);
    CHECK(files_in(folder.path()) == std::set<std::string>{".new-wanted", "named"});
}

TEST_CASE("BlobStore: a write that finds no room leaves nothing behind") {
    const TempDir folder;
    const BlobStore blobs(folder.path());
    REQUIRE(blobs.put("kept", "x"));
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit little{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &little);
        ::_exit(blobs.put("big", std::string(1 << 20, 'b')) ? 1 : 0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(files_in(folder.path()) == std::set<std::string>{"kept"});
}

TEST_CASE("SqliteDatastore: bodies over the bound become files, smaller ones do not") {
    Fixture<SqliteBackend> t;
    const auto blobs = t.backend.folder.path() / "data/blobs";
    t.accept();
    CHECK(files_in(blobs).empty());
    REQUIRE(t.run(t.store->accept(large_call(t))));
    CHECK(files_in(blobs).size() == 1);
    const auto fence = t.run_one();
    REQUIRE(t.run(t.store->finish(t.success(fence, std::string(2'000'000, 'a')))) == true);
    CHECK(files_in(blobs).size() == 2);
}

TEST_CASE("SqliteDatastore: bodies of refused writes leave no file behind") {
    Fixture<SqliteBackend> t;
    auto call = large_call(t);
    call.call.fn_id = "none";
    CHECK(error_of(t.run(t.store->accept(call))) == Errc::fn_not_found);
    const Fence fenced{t.accept(), "nobody", 1};
    CHECK(t.run(t.store->finish(t.success(fenced, std::string(2'000'000, 'a')))) == false);
    t.store->close();
    CHECK(files_in(t.backend.folder.path() / "data/blobs").empty());
}

TEST_CASE("SqliteDatastore: at start, blobs without a row are collected, others stay") {
    Fixture<SqliteBackend> t;
    const auto call = large_call(t);
    REQUIRE(t.run(t.store->accept(call)));
    const auto blobs = t.backend.folder.path() / "data/blobs";
    const auto named = files_in(blobs);
    const auto orphan = t.ids.next() + "-1-0";
    t.backend.folder.write("data/blobs/" + orphan, "left by a crash before the row");
    t.reopen();
    t.store->close();
    CHECK(files_in(blobs) == named);
    t.reopen();
    const auto claimed = t.run(t.store->claim("worker-1", {call.call.id}));
    REQUIRE(claimed);
    CHECK((claimed->at(0).request.body == call.request.body));
}

TEST_CASE("SqliteDatastore: a jump of the clock collects no blob whose row is still to come") {
    Fixture<SqliteBackend> t;
    const auto call = large_call(t);
    REQUIRE(t.run(t.store->accept(call)));
    t.clock.jump(std::chrono::hours(24 * 365 * 30));
    t.reopen();
    REQUIRE(t.run(t.store->accept(large_call(t))));
    t.store->close();  // after the collection of the start
    CHECK(files_in(t.backend.folder.path() / "data/blobs").size() == 2);
}

TEST_CASE("SqliteDatastore: a repeated accept leaves one blob") {
    Fixture<SqliteBackend> t;
    const auto call = large_call(t);
    REQUIRE(t.run(t.store->accept(call)));
    REQUIRE(t.run(t.store->accept(call)));
    t.store->close();
    CHECK(files_in(t.backend.folder.path() / "data/blobs").size() == 1);
}

TEST_CASE("SqliteDatastore: a call whose body is gone ends as internal instead of waiting for ever"
) {
    Fixture<SqliteBackend> t;
    const auto broken = large_call(t);
    REQUIRE(t.run(t.store->accept(broken)));
    const auto whole = t.accept();
    for (const auto& name : files_in(t.backend.folder.path() / "data/blobs")) {
        fs::remove(t.backend.folder.path() / "data/blobs" / name);
    }
    const auto claimed = t.run(t.store->claim("worker-1", {broken.call.id, whole}));
    REQUIRE(claimed);
    REQUIRE(claimed->size() == 1);
    CHECK(claimed->front().call.id == whole);
    const auto ended = t.get(broken.call.id);
    CHECK(ended.status == CallStatus::error);
    CHECK(ended.error_code == "internal");
}

}  // namespace stoker::test
