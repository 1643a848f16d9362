// The formats over stdin and stdout with the real engine: answers, failures, output.

#include <algorithm>
#include <filesystem>

#include "tests/support/docker_images.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

const std::string& stdio_image() {
    static const TestImage image(
        compile_static_c(read_file(std::string(STOKER_TEST_FUNCTIONS) + "/stdio_function.c"))
    );
    return image.tag();
}

struct Format {
    const char* word;
    bool hot = true;
    bool has_status = true;

    /// The words as a request body of this format.
    std::string body(const std::string& words) const {
        return std::string_view(word) == "cloudevent" ? '"' + words + '"' : words;
    }
    std::string make_fn(const StokerProcess& stoker, nlohmann::json more = {}) const {
        more["format"] = word;
        return stoker.make_fn(stdio_image(), std::move(more));
    }
};

const std::vector<Format> stdio_formats{
    {"http"},
    {"json"},
    {"cloudevent"},
    {"default", false, false},
};

std::size_t count_header(const HttpAnswer& answer, std::string_view name) {
    return static_cast<std::size_t>(std::ranges::count_if(
        answer.headers, [&](const Header& header) { return same_header_name(header.first, name); }
    ));
}

void check_next_call_is_well(const StokerProcess& stoker, const std::string& fn, Format format) {
    const auto next = stoker.request("POST", "/invoke/" + fn, format.body("echo fine"));
    CHECK(next.status == 200);
    CHECK(next.body == "fine");
}

}  // namespace

TEST_CASE("formats: a call is answered, synchronously and asynchronously") {
    const Running stoker;
    for (const auto& format : stdio_formats) {
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker);
        const auto sync = stoker.request("POST", "/invoke/" + fn, format.body("echo hello"));
        CHECK(sync.status == 200);
        CHECK(sync.body == "hello");
        CHECK(count_header(sync, "Fn-Call-Id") == 1);
        if (format.has_status) CHECK(count_header(sync, "X-Twice") == 2);

        const auto id = stoker.call_async(fn, format.body("say something"));
        CHECK(stoker.ended(id).at("status") == "success");
        const auto answer = stoker.request("GET", "/v2/calls/" + id + "/response");
        CHECK(answer.status == 200);
        CHECK(answer.body == "something");
        CHECK(stoker.log_of(id) == "err: something\n");
    }
    eventually("only hot containers are left", [&] { return stoker.containers().size() == 3; });
}

TEST_CASE("formats: the function's status is the caller's") {
    const Running stoker;
    for (const auto& format : stdio_formats) {
        if (!format.has_status) continue;
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker);
        for (const int status : {201, 404, 500, 502}) {
            const auto words = format.body("status " + std::to_string(status));
            const auto answer = stoker.request("POST", "/invoke/" + fn, words);
            CHECK(answer.status == status);
            CHECK(answer.body == "as told");
        }
        const auto id = stoker.call_async(fn, format.body("status 418"));
        CHECK(stoker.ended(id).at("status") == "success");
        CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").status == 418);
    }
    CHECK(stoker.containers().size() == 3);
}

TEST_CASE("formats: a function that exits, hangs or breaks its frame harms no other call") {
    const Running stoker;
    for (const auto& format : stdio_formats) {
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker, {{"timeout", 2}});
        const auto gone = stoker.ended(stoker.call_async(fn, format.body("exit 7")));
        CHECK(gone.at("status") == "error");
        CHECK(gone.at("error_code") == "container_exit");
        CHECK(gone.at("error").get<std::string>().ends_with("container exit code 7"));
        check_next_call_is_well(stoker, fn, format);

        const auto hung = stoker.request("POST", "/invoke/" + fn, format.body("sleep 60000"));
        CHECK(hung.status == 504);
        check_next_call_is_well(stoker, fn, format);

        if (!format.hot) continue;
        const auto broken = stoker.request("POST", "/invoke/" + fn, format.body("garbage"));
        CHECK(broken.status == 502);
        CHECK(broken.body.contains("response from function err: "));
        check_next_call_is_well(stoker, fn, format);
    }
    eventually("one container each is left", [&] { return stoker.containers().size() == 3; });
}

TEST_CASE("formats: what is written after the answer is not the next call's") {
    const Running stoker({"--freeze-idle", "0"});  // frozen, it would not come to write
    for (const auto& format : stdio_formats) {
        if (!format.hot) continue;
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker);
        const auto late = stoker.call_async(fn, format.body("late word"));
        eventually("the late line is in its call's log", [&] {
            return stoker.log_of(late) == "late: word\n";
        });
        const auto next = stoker.call_async(fn, format.body("say other"));
        stoker.ended(next);
        CHECK(stoker.log_of(next) == "err: other\n");
        CHECK(stoker.log_of(late) == "late: word\n");
    }
}

TEST_CASE("formats: big bodies go both ways, and limits are told") {
    const Running stoker({"--max-response", "1MB", "--max-sync-response", "1MB"});
    const std::string big = "echo " + std::string(600'000, 'x');
    for (const auto& format : stdio_formats) {
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker);
        const auto echoed = stoker.request("POST", "/invoke/" + fn, format.body(big));
        CHECK(echoed.status == 200);
        CHECK(echoed.body.size() == 600'000);
        const auto beyond = stoker.request("POST", "/invoke/" + fn, format.body("big 2000000"));
        CHECK(beyond.status == 502);
        CHECK(beyond.body.contains("function response body too large"));
        check_next_call_is_well(stoker, fn, format);
    }
}

TEST_CASE("formats: too little memory is told in Fn's words") {
    const Running stoker;
    for (const auto& format : stdio_formats) {
        CAPTURE(format.word);
        const auto fn = format.make_fn(stoker, {{"memory", 32}});
        const auto killed = stoker.ended(stoker.call_async(fn, format.body("eat 500")));
        CHECK(killed.at("error_code") == "out_of_memory");
        check_next_call_is_well(stoker, fn, format);
    }
}

TEST_CASE("formats: containers, folders and descriptors are given back") {
    const Running stoker;
    const auto every_end = [&] {
        for (const auto& format : stdio_formats) {
            const auto fn = format.make_fn(stoker, {{"timeout", 1}, {"idle_timeout", 1}});
            for (const auto* words : {"echo x", "exit 1", "garbage", "sleep 60000", "echo x"}) {
                (void)stoker.request("POST", "/invoke/" + fn, format.body(words));
            }
        }
    };
    every_end();
    const auto before = at_rest(stoker);  // pools and caches are as large as they get
    every_end();
    every_end();
    CHECK(at_rest(stoker).threads <= before.threads);
    // Forty calls have been made since: what leaks leaves more than the few of a passing moment.
    constexpr int passing = 8;
    eventually("descriptors are as many as before", [&] {
        return resources_of(stoker).descriptors <= before.descriptors + passing;
    });
}

TEST_CASE("formats: a shell script is a function") {
    const Running stoker;
    const std::string busybox = "/bin/busybox";
    REQUIRE_MESSAGE(std::filesystem::exists(busybox), "scripts/setup installs busybox-static");
    const TestImage image(
        {{"busybox", read_file(busybox)},
         {"function.sh",
          "#!/bin/sh\nset -e\nread -r name\necho \"seen $FN_METHOD\" >&2\n"
          "echo \"Hello, $name!\"\n[ \"$name\" != nobody ] || exit 3\n"}},
        "FROM scratch\nCOPY busybox /bin/sh\nCOPY function.sh /function\nENTRYPOINT "
        "[\"/function\"]\n"
    );
    const auto fn = stoker.make_fn(image.tag(), {{"format", "default"}});
    const auto greeted = stoker.request("POST", "/invoke/" + fn, "shell\n");
    CHECK(greeted.status == 200);
    CHECK(greeted.body == "Hello, shell!\n");
    const auto id = stoker.call_async(fn, "nobody\n");
    const auto call = stoker.ended(id);
    CHECK(call.at("error") == "container exit code 3");
    CHECK(stoker.log_of(id) == "seen POST\n");
    eventually("nothing is left", [&] { return stoker.containers().empty(); });
}
