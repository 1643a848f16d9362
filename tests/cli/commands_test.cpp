#include "cli/commands.hpp"

#include <doctest/doctest.h>

#include "tests/cli/fake_api.hpp"

using namespace stoker;
using stoker::test::run_command;

TEST_CASE("Commands: without one, or asked for help, all are listed") {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{}, {"--help"}, {"-h"}, {"help"}}) {
        const auto ran = run_command(words);
        CHECK(ran.exit_code == 0);
        CHECK(ran.err.empty());
        for (const auto* command :
             {"start",
              "api",
              "worker",
              "invoke",
              "calls get",
              "calls list",
              "logs",
              "doctor audit",
              "version"}) {
            CAPTURE(command);
            CHECK(ran.out.contains("\n  " + std::string(command) + ' '));
        }
    }
}

TEST_CASE("Commands: an unknown one is refused with the nearest") {
    const auto ran = run_command({"invok", "x"});
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err.contains("unknown command invok (did you mean invoke?)"));
    CHECK(run_command({"call", "get", "X"}).err.contains("(did you mean calls get?)"));
    CHECK(
        run_command({"deploy"}).err ==
        "stoker: unknown command deploy; stoker --help lists them all\n"
    );
}

TEST_CASE("Commands: the first word of two lists those that begin with it") {
    const auto wrong = run_command({"calls"});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.err.contains("calls list"));
    const auto asked = run_command({"calls", "--help"});
    CHECK(asked.exit_code == 0);
    CHECK(asked.out.contains("calls get"));
    CHECK_FALSE(asked.out.contains("invoke"));
}

TEST_CASE("Commands: every client command has help and refuses a wrong command line") {
    using Words = std::vector<std::string>;
    for (Words words :
         {Words{"invoke"}, Words{"calls", "get"}, Words{"calls", "list"}, Words{"logs"}}) {
        CAPTURE(words.back());
        const auto missing = run_command(words, {}, "", true);
        CHECK(missing.exit_code == 2);
        CHECK(missing.err.contains("usage: stoker " + words[0]));
        words.emplace_back("--help");
        const auto help = run_command(words);
        CHECK(help.exit_code == 0);
        CHECK(help.out.starts_with("Usage: stoker " + words[0]));
        CHECK(help.out.contains("--url URL"));
        words.back() = "--nonsense";
        CHECK(run_command(words, {}, "", true).exit_code == 2);
    }
}

TEST_CASE("Commands: a bad --url is a wrong command line, a silent server a failure") {
    const auto bad = run_command({"logs", "X", "--url", "gopher://x"});
    CHECK(bad.exit_code == 2);
    CHECK(bad.err.contains("--url gopher://x: "));
    // Bound, then closed: nobody listens there.
    std::string url;
    {
        const test::FakeApi api;
        url = api.url();
    }
    const auto silent = run_command({"logs", "X", "--url", url});
    CHECK(silent.exit_code == 1);
    CHECK(silent.err.contains("is the server running?"));
}
