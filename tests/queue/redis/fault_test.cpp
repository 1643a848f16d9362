#include "queue/redis/fault.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace stoker;
using redis::classify;
using redis::Fault;
using redis::Remedy;

TEST_CASE("Redis fault: every error reply means something") {
    struct Row {
        std::string_view reply;  // as real servers (7.0) say it, where they could be made to
        Fault fault;
    };
    for (const auto& [reply, fault] : std::initializer_list<Row>{
             {"NOSCRIPT No matching script. Please use EVAL.", Fault::script_missing},
             {"LOADING Redis is loading the dataset in memory", Fault::loading},
             {"BUSY Redis is busy running a script. You can only call SCRIPT KILL", Fault::busy},
             {"BUSYKEY Target key name already exists.", Fault::other},
             {"MASTERDOWN Link with MASTER is down", Fault::master_down},
             {"TRYAGAIN Multiple keys request during rehashing of slot", Fault::try_again},
             {"CLUSTERDOWN The cluster is down", Fault::cluster_down},
             {"MOVED 3999 127.0.0.1:6381", Fault::moved},
             {"ASK 3999 127.0.0.1:6381", Fault::moved},
             {"CROSSSLOT Keys in request don't hash to the same slot", Fault::moved},
             {"READONLY You can't write against a read only replica.", Fault::read_only},
             {"NOREPLICAS Not enough good replicas to write.", Fault::too_few_replicas},
             {"OOM command not allowed when used memory > 'maxmemory'.", Fault::out_of_memory},
             {"MISCONF Errors writing to the AOF file: No space left on device", Fault::disk_broken
             },
             {"NOAUTH Authentication required.", Fault::auth_needed},
             {"WRONGPASS invalid username-password pair or user is disabled.", Fault::wrong_password
             },
             {"ERR AUTH <password> called without any password configured for the default user",
              Fault::wrong_password},
             {"NOPERM this user has no permissions to run the 'evalsha' command",
              Fault::not_permitted},
             {"ERR max number of clients reached", Fault::too_many_clients},
             {"WRONGTYPE Operation against a key holding the wrong kind of value script: 3e8a",
              Fault::script_failed},
             {"ERR user_script:7: Script attempted to access nonexistent global variable",
              Fault::script_failed},
             {"ERR unknown command 'FOO'", Fault::other},
             {"", Fault::other},
         }) {
        CAPTURE(reply);
        CHECK(redis::spec_of(classify(reply)).word == redis::spec_of(fault).word);
    }
}

TEST_CASE("Redis fault: the table is in order, its words are apart") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(Fault::other); ++i) {
        const auto fault = static_cast<Fault>(i);
        const auto& spec = redis::spec_of(fault);
        CHECK(spec.fault == fault);
        CHECK(words.insert(spec.word).second);
        if (!spec.prefix.empty()) CHECK(classify(std::string(spec.prefix) + " more") == fault);
    }
}

TEST_CASE("Redis fault: what certainly has not run, and what may have") {
    for (const auto fault : {Fault::closed, Fault::timed_out, Fault::protocol, Fault::other}) {
        CHECK_FALSE(redis::spec_of(fault).has_not_run);
    }
    for (const auto fault : {Fault::out_of_memory, Fault::disk_broken, Fault::too_few_replicas}) {
        CHECK(redis::spec_of(fault).has_not_run);
        CHECK(redis::spec_of(fault).remedy == Remedy::refuse);
    }
    CHECK(redis::spec_of(Fault::read_only).remedy == Remedy::reconnect);
    CHECK(redis::spec_of(Fault::script_missing).remedy == Remedy::load_scripts);
}
