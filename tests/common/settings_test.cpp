#include "common/settings.hpp"

#include <doctest/doctest.h>

#include <map>

#include "tests/support/temp_dir.hpp"

using namespace stoker;

namespace {

using Variables = std::map<std::string, std::string>;
using Arguments = std::vector<std::string>;

struct Example {
    std::int64_t number = 1;
    bool flag = false;
    std::string url = "http://standard";
    std::string token;
    Settings table{"example [flags]", "An example.", Settings::File::allowed};

    Example() {
        table.group("Things");
        table.add("some-number", number, integer_kind(0, 100), "A number").alias("FN_NUMBER");
        table.add("flag", flag, bool_kind(), "A flag");
        table.add("url", url, url_kind({"http"}), "Where it is");
        table.add("token", token, choice_kind({"good", "better"}), "A secret").hidden();
    }

    Settings::Loaded load(const Arguments& arguments, const Variables& variables = {}) {
        return table.load(arguments, [&](const std::string& name) {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        });
    }
};

}  // namespace

TEST_CASE("Settings: nothing given leaves the defaults") {
    Example example;
    const auto loaded = example.load({});
    CHECK(loaded.errors.empty());
    CHECK(loaded.positionals.empty());
    CHECK(example.number == 1);
    CHECK(example.table.source_of("some-number") == SettingSource::standard);
}

TEST_CASE("Settings: flag before variable before alias before file before default") {
    const test::TempDir dir;
    const auto file = dir.write("c.toml", "some_number = 2\n");
    const Arguments only_file{"--config", file};
    Arguments with_flag = only_file;
    with_flag.insert(with_flag.end(), {"--some-number", "5"});
    const Variables alias{{"FN_NUMBER", "3"}};
    const Variables both{{"FN_NUMBER", "3"}, {"STOKER_SOME_NUMBER", "4"}};

    const auto number = [](const Arguments& arguments, const Variables& variables) {
        Example example;
        const auto loaded = example.load(arguments, variables);
        CHECK(loaded.errors.empty());
        return std::pair{example.number, example.table.source_of("some-number")};
    };
    CHECK(number({}, {}) == std::pair{std::int64_t{1}, SettingSource::standard});
    CHECK(number(only_file, {}) == std::pair{std::int64_t{2}, SettingSource::file});
    CHECK(number(only_file, alias) == std::pair{std::int64_t{3}, SettingSource::alias});
    CHECK(number(only_file, both) == std::pair{std::int64_t{4}, SettingSource::variable});
    CHECK(number(with_flag, both) == std::pair{std::int64_t{5}, SettingSource::flag});
}

TEST_CASE("Settings: the file is read only when it is named") {
    const test::TempDir dir;
    const auto file = dir.write("c.toml", "flag = true\n");
    Example by_variable;
    CHECK(by_variable.load({}, {{"STOKER_CONFIG", file}}).errors.empty());
    CHECK(by_variable.flag);
}

TEST_CASE("Settings: flags take their value after a space or an equals sign") {
    Example example;
    const auto loaded = example.load({"--some-number=7", "--url", "http://x=y", "--flag", "word"});
    CHECK(loaded.errors.empty());
    CHECK(loaded.positionals == Arguments{"word"});
    CHECK(example.number == 7);
    CHECK(example.url == "http://x=y");
    CHECK(example.flag);

    CHECK(example.load({"--flag=false", "--some-number", "8", "--some-number", "9"}).errors.empty()
    );
    CHECK_FALSE(example.flag);
    CHECK(example.number == 9);
}

TEST_CASE("Settings: after -- and for - alone arguments are positional") {
    Example example;
    const auto loaded = example.load({"-", "--", "--flag", "-h"});
    CHECK(loaded.errors.empty());
    CHECK(loaded.positionals == Arguments{"-", "--flag", "-h"});
    CHECK_FALSE(example.flag);
}

TEST_CASE("Settings: help is asked for by flag only") {
    CHECK(Example().load({"--help"}).help);
    CHECK(Example().load({"-h"}).help);
    CHECK_FALSE(Example().load({}, {{"STOKER_HELP", "true"}}).help);
    CHECK(Example().load({"--print-config"}).print_config);
}

TEST_CASE("Settings: every error is found, with its source") {
    const test::TempDir dir;
    const auto file = dir.write("c.toml", "some_numbr = 1\nflag = \"maybe\"\nhelp = true\n");
    Example example;
    const auto loaded = example.load(
        {"--config", file, "--some-number", "x", "--flga", "-x", "--url"},
        {{"STOKER_SOME_NUMBER", "101"}, {"FN_NUMBER", "y"}}
    );
    CHECK(
        loaded.errors ==
        std::vector<std::string>{
            "FN_NUMBER: \"y\" is not a number from 0 to 100",
            "STOKER_SOME_NUMBER: \"101\" is not a number from 0 to 100",
            "--some-number: \"x\" is not a number from 0 to 100",
            "unknown flag --flga (did you mean --flag?)",
            "unknown flag -x",
            "--url: needs a value (URL)",
            file + ": flag: \"maybe\" is not true or false",
            file + ": unknown key help",
            file + ": unknown key some_numbr (did you mean some_number?)",
        }
    );
}

TEST_CASE("Settings: a file that cannot be used is one error") {
    const test::TempDir dir;
    const auto error = [&](const std::string& path) {
        Example example;
        const auto loaded = example.load({"--config", path});
        REQUIRE(loaded.errors.size() == 1);
        return loaded.errors[0];
    };
    CHECK(error(dir.file("absent")) == "--config: cannot read " + dir.file("absent"));
    const auto broken = dir.write("broken.toml", "flag = true\nurl = \n");
    CHECK(error(broken).starts_with(broken + ":2: "));
    const auto table = dir.write("table.toml", "[things]\nflag = true\n");
    CHECK(error(table).contains("things must be a text, a whole number, true or false"));
    const auto fraction = dir.write("fraction.toml", "some_number = 1.5\n");
    CHECK(error(fraction).starts_with(fraction + ":1: some_number must be"));
}

TEST_CASE("Settings: a variable may name a file that holds the value") {
    const test::TempDir dir;
    const auto path = dir.write("number", "42\n");
    Example example;
    CHECK(example.load({}, {{"STOKER_SOME_NUMBER_FILE", path}}).errors.empty());
    CHECK(example.number == 42);

    Example both;
    CHECK(both.load({}, {{"FN_NUMBER_FILE", path}, {"FN_NUMBER", "7"}}).errors.empty());
    CHECK(both.number == 7);

    const auto loaded = Example().load({}, {{"FN_NUMBER_FILE", dir.file("absent")}});
    REQUIRE(loaded.errors.size() == 1);
    CHECK(loaded.errors[0].starts_with("FN_NUMBER_FILE: cannot read "));
}

TEST_CASE("Settings: an alias may be rewritten or count as not set") {
    std::int64_t number = 1;
    Settings table("x", "", Settings::File::none);
    table.add("number", number, integer_kind(0, 1000), "A number")
        .alias("OTHER", [](std::string_view text) -> std::optional<std::string> {
            if (text == "off") return std::nullopt;
            return std::string(text) + "0";
        });
    const auto with = [&](const char* value) {
        return table.load({}, [=](const std::string& name) {
            return name == "OTHER" ? std::optional<std::string>(value) : std::nullopt;
        });
    };
    CHECK(with("off").errors.empty());
    CHECK(number == 1);
    CHECK(with("12").errors.empty());
    CHECK(number == 120);
}

TEST_CASE("Settings: a flag-only row is not set by the environment") {
    bool wait = false;
    Settings table("x", "", Settings::File::none);
    table.add("wait", wait, bool_kind(), "Wait").flag_only();
    const auto loaded = table.load({}, [](const std::string&) { return "true"; });
    CHECK(loaded.errors.empty());
    CHECK_FALSE(wait);
    CHECK_FALSE(table.help_text().contains("--config"));
}

TEST_CASE("Settings: secrets are never printed, not even when they are wrong") {
    Example example;
    CHECK(example.load({"--token", "better"}).errors.empty());
    CHECK(example.table.config_text().contains("token = \"***\"  # from a flag\n"));
    CHECK_FALSE(example.table.config_text().contains("better"));
    const auto loaded = Example().load({"--token", "hunter2"});
    CHECK(loaded.errors == std::vector<std::string>{"--token: the value is not valid"});
}

TEST_CASE("Settings: the help has every row, grouped and wrapped") {
    Example example;
    std::string text;
    example.table.add(
        "long",
        text,
        text_kind("TEXT"),
        "A help that is so long that it does not fit on one line of a terminal, whatever the "
        "terminal "
        "is, and so goes on below"
    );
    CHECK(
        example.table.help_text() ==
        R"(Usage: example [flags]

An example.

Things:
  --some-number N           A number (default 1)
  --flag                    A flag
  --url URL                 Where it is (default http://standard)
  --token good|better       A secret
  --long TEXT               A help that is so long that it does not fit on one line of a terminal,
                            whatever the terminal is, and so goes on below

General:
  --help                    Show this text
  --config FILE             Read settings from this TOML file
  --print-config            Show the settings in force and stop

Each flag --foo-bar can be set by STOKER_FOO_BAR as well; the flag counts.
)"
    );
}

TEST_CASE("Settings: the printed configuration is TOML and tells where each value came from") {
    Example example;
    CHECK(example.load({"--flag"}, {{"STOKER_URL", "http://a\"b\\c"}, {"FN_NUMBER", "3"}})
              .errors.empty());
    CHECK(
        example.table.config_text() ==
        "some_number = 3  # from an alias\n"
        "flag = true  # from a flag\n"
        "url = \"http://a\\\"b\\\\c\"  # from the environment\n"
        "# token =\n"
    );
}
