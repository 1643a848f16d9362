#pragma once

// A Datastore in a schema of its own on a PostgreSQL server, for the fixtures of datastore tests.

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "datastore/open_datastore.hpp"
#include "tests/support/postgres_server.hpp"

namespace stoker::test {

struct PostgresBackend {
    PostgresServer& server = shared_postgres();
    const std::string schema = server.make_schema();

    PostgresBackend() = default;
    PostgresBackend(const PostgresBackend&) = delete;
    PostgresBackend& operator=(const PostgresBackend&) = delete;
    ~PostgresBackend() { server.drop_schema(schema); }

    std::string url() const { return server.url_of(schema); }

    std::unique_ptr<Datastore> open(const Clock& clock, Metrics& metrics) const {
        auto store = open_datastore(url(), {}, clock, metrics);
        REQUIRE_MESSAGE(store, (store ? "" : store.error().text()));
        return std::move(*store);
    }
};

}  // namespace stoker::test
