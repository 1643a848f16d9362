// Images from a real registry through the real engine: one pull for all, credentials, what is
// missing, what stalls, what breaks off, what is loaded from a file, and what is cleaned away.

#include <csignal>
#include <random>

#include "tests/support/docker_images.hpp"
#include "tests/support/registry.hpp"
#include "tests/support/stalling_proxy.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr std::size_t ballast_bytes = std::size_t{4} << 20U;
constexpr std::uint64_t stall_bytes = std::uint64_t{1} << 20U;

/// Pushes the test function with a layer that nothing else has, and keeps none of it here.
std::string push_new(Registry& registry, const std::string& path, std::size_t layer_bytes) {
    std::mt19937_64 random{std::random_device{}()};
    std::string layer(layer_bytes, '\0');
    for (auto& byte : layer) byte = static_cast<char>(random());
    const TestImage image(
        {{"program", read_file(function_program())}, {"layer", layer}},
        "FROM scratch\nCOPY program /program\nCOPY layer /layer\nENTRYPOINT [\"/program\"]\n"
    );
    return registry.push(image.tag(), path);
}

/// An image that was pulled is removed again with its test.
struct Pulled {
    explicit Pulled(std::string its_name) : name(std::move(its_name)) {}
    ~Pulled() {
        try {
            remove_image(name);
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
        }
    }
    Pulled(const Pulled&) = delete;
    Pulled& operator=(const Pulled&) = delete;
    const std::string name;
};

std::string auth_setting(
    const Registry& registry, const std::string& user, const std::string& word
) {
    const nlohmann::json account{{"username", user}, {"password", word}};
    return nlohmann::json{{"auths", {{registry.host(), account}}}}.dump();
}

/// What a call that cannot be launched ends as.
nlohmann::json end_of_call(const Running& stoker, const std::string& image) {
    return stoker.ended(stoker.call_async(stoker.make_fn(image), "echo x"));
}

}  // namespace

TEST_CASE("images: however many calls want an absent image, it is pulled once") {
    Registry registry;
    const Pulled image(registry.push(function_image(), "fn:1"));
    const Running stoker;
    const auto fn = stoker.make_fn(image.name);
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(stoker.call_async(fn, "echo x"));
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
    CHECK(registry.pulls("fn") == 1);
    CHECK(metric(stoker, "stoker_image_pulls_total{result=\"pulled\"}") == 1);
}

TEST_CASE("images: an image named by its digest is pulled, once") {
    Registry registry;
    push_new(registry, "by/digest:1", 64);
    const Pulled image(registry.host() + "/by/digest@" + registry.digest());
    const Running stoker;
    const auto fn = stoker.make_fn(image.name);
    CHECK(stoker.ended(stoker.call_async(fn, "echo x")).at("status") == "success");
    CHECK(stoker.ended(stoker.call_async(fn, "echo x")).at("status") == "success");
    CHECK(registry.pulls("by/digest") == 1);
}

TEST_CASE("images: a registry that asks for an account gets the one of docker-auth") {
    Registry registry("somebody:s3cret");
    const Pulled image(registry.push(function_image(), "private/fn:1"));
    SUBCASE("the right one") {
        const Running stoker({"--docker-auth", auth_setting(registry, "somebody", "s3cret")});
        CHECK(end_of_call(stoker, image.name).at("status") == "success");
        CHECK_FALSE(stoker.log_text().contains("s3cret"));
    }
    SUBCASE("a wrong one") {
        const Running stoker({"--docker-auth", auth_setting(registry, "somebody", "guess1")});
        const auto call = end_of_call(stoker, image.name);
        CHECK(call.at("status") == "error");
        CHECK(call.at("error_code") == "pull_denied");
        CHECK(call.at("attempt") == 1);
        CHECK_FALSE(stoker.log_text().contains("guess1"));
    }
    SUBCASE("none") {
        const Running stoker({"--docker-auth", "{}"});
        const auto call = end_of_call(stoker, image.name);
        CHECK(call.at("error_code") == "pull_denied");
        CHECK(call.at("attempt") == 1);
        const auto sync = stoker.request("POST", "/invoke/" + stoker.make_fn(image.name), "echo x");
        CHECK(sync.status == 403);
        CHECK(sync.body.contains("Failed to pull image '" + image.name + "': "));
    }
}

TEST_CASE("images: one that its registry does not have ends calls at once") {
    Registry registry;
    registry.push(function_image(), "fn:1");
    const Running stoker;
    for (const std::string path : {"/none:1", "/fn:2"}) {
        CAPTURE(path);
        const auto call = end_of_call(stoker, registry.host() + path);
        CHECK(call.at("status") == "error");
        CHECK(call.at("error_code") == "image_not_found");
        CHECK(call.at("attempt") == 1);
        CHECK(std::string(call.at("error")).starts_with("Failed to pull image '"));
        const auto fn = stoker.make_fn(registry.host() + path);
        CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 404);
    }
}

TEST_CASE("images: a pull that stalls is seen in its calls' status, and ends by its deadline") {
    Registry registry;
    const StallingProxy proxy(registry.port(), stall_bytes);
    push_new(registry, "heavy:1", ballast_bytes);
    const Pulled image(proxy.host() + "/heavy:1");
    const Running stoker({"--pull-timeout", "10s"});
    const auto fn = stoker.make_fn(image.name, {{"retry", {{"max_attempts", 1}}}});
    const auto id = stoker.call_async(fn, "echo x");
    eventually("its progress is told", [&] {
        const auto call = stoker.json("GET", "/v2/calls/" + id);
        return call.value("phase", "") == "pulling" &&
               call.value("waiting_for", "").contains(" MB, ");
    });
    const auto sync = stoker.request("POST", "/invoke/" + fn, "echo x");
    CHECK(sync.status == 504);
    CHECK(sync.body.contains("Image pull timed out"));
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "pull_timeout");
    CHECK_FALSE(call.contains("waiting_for"));
}

TEST_CASE("images: a pull that stalls holds up no call of another function") {
    Registry registry;
    StallingProxy proxy(registry.port(), stall_bytes);
    push_new(registry, "heavy:1", ballast_bytes);
    const Pulled image(proxy.host() + "/heavy:1");
    const Running stoker;
    const auto waiting = stoker.make_fn(image.name);
    const auto other = stoker.make_fn(function_image());
    std::vector<std::string> calls;
    for (int i = 0; i < 100; ++i) calls.push_back(stoker.call_async(waiting, "echo x"));
    eventually("they wait for the pull", [&] {
        return stoker.json("GET", "/v2/calls/" + calls[0]).value("phase", "") == "pulling";
    });
    CHECK(stoker.ended(stoker.call_async(other, "echo y")).at("status") == "success");
    proxy.let_go();
    for (const auto& call : calls) CHECK(stoker.ended(call).at("status") == "success");
}

TEST_CASE("images: a pull that stalls is tried again, and goes well once it can") {
    Registry registry;
    StallingProxy proxy(registry.port(), stall_bytes);
    push_new(registry, "heavy:1", ballast_bytes);
    const Pulled image(proxy.host() + "/heavy:1");
    const Running stoker({"--pull-silence", "500ms"});
    const auto id = stoker.call_async(stoker.make_fn(image.name), "echo x");
    eventually("it is tried again", [&] {
        return metric(stoker, "stoker_image_pull_retries_total") > 0;
    });
    proxy.let_go();
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 1);
}

TEST_CASE("images: a registry that dies in the middle of a layer and comes back is survived") {
    Registry registry;
    StallingProxy proxy(registry.port(), stall_bytes);
    push_new(registry, "heavy:1", ballast_bytes);
    const Pulled image(proxy.host() + "/heavy:1");
    const Running stoker;
    const auto id = stoker.call_async(stoker.make_fn(image.name), "echo x");
    eventually("the pull is in the middle", [&] { return proxy.has_stalled(); });
    registry.stop();
    proxy.let_go();
    proxy.cut();
    registry.start();
    CHECK(stoker.ended(id).at("status") == "success");
}

TEST_CASE("images: a registry that is away is asked again until it is there") {
    Registry registry;
    const Pulled image(registry.push(function_image(), "fn:1"));
    registry.stop();
    const Running stoker;
    const auto id = stoker.call_async(stoker.make_fn(image.name), "echo x");
    eventually("it is tried again", [&] {
        return metric(stoker, "stoker_image_pull_retries_total") > 0;
    });
    registry.start();
    CHECK(stoker.ended(id).at("status") == "success");
}

TEST_CASE("images: a call whose image cannot be pulled for now has all its attempts, then ends") {
    const Running stoker({"--pull-timeout", "100ms"});
    const auto fn = stoker.make_fn("127.0.0.1:1/fn:1", {{"retry", {{"max_attempts", 2}}}});
    const auto call = stoker.ended(stoker.call_async(fn, "echo x"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "pull_failed");
    CHECK(call.at("attempt") == 2);
    CHECK(call.at("max_attempts") == 2);
}

TEST_CASE("images: one with a VOLUME is refused unless it is allowed") {
    const TestImage image(
        {{"program", read_file(function_program())}},
        "FROM scratch\nCOPY program /program\nVOLUME /data\nENTRYPOINT [\"/program\"]\n"
    );
    SUBCASE("refused") {
        const Running stoker;
        const auto call = end_of_call(stoker, image.tag());
        CHECK(call.at("status") == "error");
        CHECK(call.at("error_code") == "image_has_volume");
        CHECK(call.at("error") == "image has Volume definition");
        CHECK(call.at("attempt") == 1);
        const auto fn = stoker.make_fn(image.tag());
        CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 400);
    }
    SUBCASE("allowed") {
        const Running stoker({"--image-enable-volume"});
        CHECK(end_of_call(stoker, image.tag()).at("status") == "success");
    }
}

TEST_CASE("images: those of docker-load-file are there before the first call") {
    const TempDir folder;
    const Pulled image(unique_name("stoker-test/loaded") + ":1");
    build_image(
        image.name,
        {{"program", read_file(function_program())}},
        "FROM scratch\nCOPY program /program\nENTRYPOINT [\"/program\"]\n"
    );
    const auto archive = folder.write("images.tar", save_image(image.name));
    remove_image(image.name);
    SUBCASE("loaded") {
        const Running stoker({"--docker-load-file", archive});
        CHECK(end_of_call(stoker, image.name).at("status") == "success");
    }
    SUBCASE("not ready for as long as they cannot be loaded") {
        StokerProcess stoker({"--docker-load-file", folder.file("later.tar")});
        stoker.start();
        const auto id = stoker.call_async(stoker.make_fn(image.name), "echo x");
        const auto ready = stoker.request("GET", "/readyz");
        CHECK(ready.status == 503);
        CHECK(ready.body.contains("to load images from "));
        std::filesystem::rename(archive, folder.file("later.tar"));
        CHECK(stoker.ended(id).at("status") == "success");
    }
}

TEST_CASE("images: one is pulled when its first call is accepted, although no memory is free") {
    Registry registry;
    const Pulled image(registry.push(function_image(), "fn:1"));
    const Running stoker({"--memory", "200MB"});
    const auto first = stoker.call_async(stoker.make_fn(function_image()), "sleep 60000");
    eventually("it executes", [&] {
        return stoker.json("GET", "/v2/calls/" + first).value("phase", "") == "executing";
    });
    const auto second = stoker.call_async(stoker.make_fn(image.name), "echo x");
    eventually("the image is here", [&] { return image_exists(image.name); });
    CHECK(stoker.json("GET", "/v2/calls/" + second).at("status") == "queued");
    CHECK(stoker.json("GET", "/v2/calls/" + first).at("status") == "running");
}

TEST_CASE("images: those not used for longest make room, others' and exempt ones stay") {
    Registry registry;
    const Pulled exempt(push_new(registry, "exempt:1", 64));
    const Pulled old(push_new(registry, "old:1", 64));
    const Pulled fresh(push_new(registry, "fresh:1", 64));
    const std::vector<std::string> flags{
        "--image-clean-max-size", "1KB", "--image-clean-exempt-tags", exempt.name
    };
    const Running stoker(flags);
    const auto call = [&](const std::string& image) {
        const auto fn = stoker.make_fn(image, {{"idle_timeout", 1}});
        return std::string(stoker.ended(stoker.call_async(fn, "echo x")).at("status"));
    };
    CHECK(call(exempt.name) == "success");
    CHECK(call(old.name) == "success");
    CHECK(call(function_image()) == "success");
    eventually("no container needs them", [&] { return stoker.containers().empty(); });
    CHECK(call(fresh.name) == "success");
    eventually("the old one is gone", [&] { return !image_exists(old.name); });
    CHECK(image_exists(exempt.name));
    CHECK(image_exists(function_image()));
}
