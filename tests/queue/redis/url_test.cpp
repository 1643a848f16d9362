#include "queue/redis/url.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using redis::parse_url;

TEST_CASE("Redis URL: a server with all that can be said of it") {
    const auto plain = parse_url("redis://localhost");
    REQUIRE(plain);
    CHECK(plain->servers == std::vector{redis::Address{"localhost", 6379}});
    CHECK(plain->user.empty());
    CHECK(plain->password.empty());
    CHECK(plain->db == 0);
    CHECK(plain->key_prefix() == "stoker:{0}:");
    CHECK_FALSE(plain->asks_sentinels());

    const auto full = parse_url("redis://us%65r:p%40ss:/word@[::1]:7000/12?prefix=blue-1");
    REQUIRE(full);
    CHECK(full->servers == std::vector{redis::Address{"::1", 7000}});
    CHECK(full->user == "user");
    CHECK(full->password == "p@ss:/word");
    CHECK(full->db == 12);
    CHECK(full->key_prefix() == "blue-1:{0}:");

    const auto no_user = parse_url("redis://:secret@10.0.0.1/");
    REQUIRE(no_user);
    CHECK(no_user->user.empty());
    CHECK(no_user->password == "secret");
}

TEST_CASE("Redis URL: Sentinels and the master's name") {
    const auto settings = parse_url("redis+sentinel://u:p@a,b:7,[::2]/my%2Dmaster/3?prefix=x");
    REQUIRE(settings);
    CHECK(settings->servers == std::vector<redis::Address>{{"a", 26379}, {"b", 7}, {"::2", 26379}});
    CHECK(settings->asks_sentinels());
    CHECK(settings->master_name == "my-master");
    CHECK(settings->db == 3);
    CHECK(settings->password == "p");
}

TEST_CASE("Redis URL: what is wrong with it is said without the password") {
    struct Row {
        std::string url;
        std::string says;
    };
    for (const auto& [url, says] : std::vector<Row>{
             {"redis:", "// is missing"},
             {"redis:localhost", "// is missing"},
             {"redis://", "the host"},
             {"redis://:6379", "the host"},
             {"redis://a b", "the host"},
             {"redis://[::1", "a bracket"},
             {"redis://[::1]6379", "between the host and the port"},
             {"redis://a:", "the port"},
             {"redis://a:0", "the port is not a number from 1 to 65535"},
             {"redis://a:65536", "the port"},
             {"redis://a:6379x", "the port"},
             {"redis://a/x", "the database"},
             {"redis://a/-1", "the database"},
             {"redis://a/0/1", "the database"},
             {"redis://a,b", "redis+sentinel://"},
             {"redis://secret@a", "a user needs a password"},
             {"redis://secret:@a", "the password is empty"},
             {"redis://u:secret%zz@a", "the password is not percent-encoded"},
             {"redis://u:secret@a?x=y", "prefix=NAME"},
             {"redis://u:secret@a?prefix=", "the prefix"},
             {"redis://u:secret@a?prefix=a{b}", "the prefix"},
             {"redis://u:secret@a?prefix=" + std::string(65, 'x'), "the prefix"},
             {"rediss://u:secret@a", "TLS"},
             {"redis+sentinel://u:secret@a:1", "the master's name is missing"},
             {"redis+sentinel://a:1,/m", "the host"},
             {"redis+sentinel://a/m/x", "the database"},
         }) {
        CAPTURE(url);
        const auto settings = parse_url(url);
        REQUIRE_FALSE(settings);
        CHECK(settings.error().contains(says));
        CHECK_FALSE(settings.error().contains("secret"));
    }
}
