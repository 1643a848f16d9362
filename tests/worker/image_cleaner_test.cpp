#include "worker/image_cleaner.hpp"

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/worker/image_fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

struct Fixture : ImageFixture {
    /// On the engine, pulled by us.
    void pulled(const std::string& name, std::uint64_t bytes) {
        driver.put(name, bytes);
        record.pulled(name);
    }
    /// One look of a process that has this limit.
    void clean(std::uint64_t bytes_max, std::vector<std::string> exempt = {}) {
        ImageCleaner cleaner(
            driver,
            images,
            metrics,
            {.bytes_max = bytes_max, .exempt = std::move(exempt), .record_path = file}
        );
        cleaner.load();
        run(cleaner.look());
    }

    TempDir folder;
    std::string file = folder.file("pulled-images");
    Images images{driver, record, metrics, {}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "ImageCleaner: the least recently used go, until the rest fits") {
    pulled("a:1", 10);
    pulled("b:1", 10);
    pulled("c:1", 10);
    record.used("a:1");
    clean(20);
    CHECK(driver.has("a:1"));
    CHECK_FALSE(driver.has("b:1"));
    CHECK(driver.has("c:1"));
}

TEST_CASE_FIXTURE(
    Fixture,
    "ImageCleaner: what others brought, what is exempt, in use or needed by a container stays"
) {
    driver.put("theirs:1", 1000);
    pulled("exempt:latest", 10);
    pulled("used:1", 10);
    pulled("needed:1", 10);
    pulled("free:1", 10);
    driver.need("needed:1");
    const auto use = record.use("used:1");
    clean(1, {"docker.io/library/exempt"});
    CHECK(driver.has("theirs:1"));
    CHECK(driver.has("exempt:latest"));
    CHECK(driver.has("used:1"));
    CHECK(driver.has("needed:1"));
    CHECK_FALSE(driver.has("free:1"));
}

TEST_CASE_FIXTURE(Fixture, "ImageCleaner: without a limit nothing is removed") {
    pulled("a:1", 10);
    clean(0);
    CHECK(driver.has("a:1"));
}

TEST_CASE_FIXTURE(Fixture, "ImageCleaner: the next process knows what this one pulled") {
    pulled("a:1", 10);
    pulled("b:1", 10);
    clean(100);
    record.forget("a:1");
    record.forget("b:1");
    clean(15);
    CHECK_FALSE(driver.has("a:1"));
    CHECK(driver.has("b:1"));
}

TEST_CASE_FIXTURE(Fixture, "ImageCleaner: a pull is followed by a look") {
    ImageCleaner cleaner(
        driver, images, metrics, {.bytes_max = 15, .exempt = {}, .record_path = {}}
    );
    pulled("a:1", 10);
    cleaner.start(lanes.at(0));
    CHECK(run(images.ensure("b:1", [] {})));
    eventually([&] { return !driver.has("a:1"); });
    CHECK(driver.has("b:1"));
    run(cleaner.stop(deadline_in(20s)));
    lanes.stop();  // before what a pull's last steps still use
}
