#include "worker/images.hpp"

#include <doctest/doctest.h>

#include "tests/worker/image_fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

struct Fixture : ImageFixture {
    ~Fixture() { lanes.stop(); }  // before what a pull's last steps still use

    PullPolicy policy{.timeout = 20s, .silence_max = 20s, .tries_max = 3, .pause_min = 1ms};
    Images images{driver, record, metrics, policy};

    Task<Result<ImageInfo>> ensure() {
        return images.ensure("x:1", [this] { ++told; });
    }
    std::atomic<int> told{0};
};

Error failure(Errc code) { return {code, "Failed to pull image 'x:1': words", {}}; }

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Images: what is here is not pulled") {
    driver.put("x:1", 7);
    CHECK(run(ensure()));
    CHECK(driver.pulls == 0);
    CHECK(told == 0);
}

TEST_CASE_FIXTURE(Fixture, "Images: however many need an image, it is pulled once") {
    driver.hold_pulls();
    std::vector<std::future<Result<ImageInfo>>> launches;
    for (int i = 0; i < 50; ++i) launches.push_back(start(ensure()));
    eventually([&] { return told == 50; });
    CHECK(images.pull_state("x:1") == "image x:1: asking its registry");
    driver.let_pulls_go();
    for (auto& launch : launches) CHECK(launch.get());
    CHECK(driver.pulls == 1);
    CHECK(images.pull_state("x:1").empty());
}

TEST_CASE_FIXTURE(Fixture, "Images: a pull says how far it is") {
    driver.progress = {
        .status = "Downloading",
        .bytes_done = 1'250'000,
        .bytes_total = 10'000'000,
        .layers_done = 1,
        .layers_total = 3
    };
    driver.hold_pulls();
    auto launch = start(ensure());
    eventually([&] {
        return images.pull_state("x:1") == "image x:1: 1.2 of 10.0 MB, 1 of 3 layers";
    });
    driver.let_pulls_go();
    CHECK(launch.get());
}

TEST_CASE_FIXTURE(Fixture, "Images: what may pass is tried again, a bounded number of times") {
    driver.failures = {failure(Errc::pull_failed), failure(Errc::pull_failed)};
    CHECK(run(ensure()));
    CHECK(driver.pulls == 3);

    driver.drop("x:1");
    driver.failures.assign(9, failure(Errc::pull_failed));
    const auto refused = run(ensure());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::pull_failed);
    CHECK(driver.pulls == 6);
}

TEST_CASE_FIXTURE(Fixture, "Images: what another try cannot change is told at once") {
    for (const auto code :
         {Errc::image_not_found, Errc::pull_denied, Errc::pull_timeout, Errc::engine_unavailable}) {
        driver.pulls = 0;
        driver.failures = {failure(code)};
        const auto refused = run(ensure());
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == code);
        CHECK(driver.pulls == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "Images: the first call that is expected has its image pulled ahead") {
    images.expect("x:1", lanes.at(0));
    images.expect("x:1", lanes.at(0));
    eventually([&] { return driver.has("x:1"); });
    driver.drop("x:1");
    images.expect("x:1", lanes.at(0));
    CHECK(run(ensure()));  // the launch's own business now
    CHECK(driver.pulls == 2);
    driver.drop("x:1");
    images.forget("x:1");
    images.expect("x:1", lanes.at(0));
    eventually([&] { return driver.has("x:1"); });
    CHECK(driver.pulls == 3);
}

TEST_CASE_FIXTURE(Fixture, "Images: whoever waits for a pull hears of the end of the process") {
    driver.hold_pulls();
    auto launch = start(ensure());
    eventually([&] { return told == 1; });
    images.stop();
    CHECK(launch.get().error().code == Errc::shutting_down);
    CHECK(run(ensure()).error().code == Errc::shutting_down);
    driver.let_pulls_go();
    eventually([&] { return images.pull_state("x:1").empty(); });
}
