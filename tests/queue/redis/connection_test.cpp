#include "queue/redis/connection.hpp"

#include <doctest/doctest.h>

#include "tests/support/run.hpp"
#include "tests/support/scripted_redis.hpp"

using namespace stoker;
using namespace std::chrono_literals;
using redis::Connection;
using redis::Fault;
using test::ScriptedRedis;

namespace {

using ConnectionRef = std::shared_ptr<Connection>;
using Words = std::vector<std::string_view>;

Deadline far_away() { return deadline_in(30s); }

/// Connects to the server and closes when the test is over.
class Connected {
public:
    explicit Connected(ConnectionRef connection) : connection_(std::move(connection)) {}
    Connected(const Connected&) = delete;
    Connected& operator=(const Connected&) = delete;
    ~Connected() { connection_->close({Fault::closed, "the test is over"}); }
    Connection* operator->() const { return connection_.get(); }

private:
    ConnectionRef connection_;
};

Task<ConnectionRef> connect(const ScriptedRedis& server) {
    auto connected = co_await Connection::connect(
        {"localhost", static_cast<std::uint16_t>(server.port())}, far_away()
    );
    REQUIRE(connected);
    co_return *std::move(connected);
}

Task<redis::Result<redis::Reply>> ask(const Connected& connection, Words words) {
    co_return co_await connection->command(words, far_away());
}

}  // namespace

TEST_CASE("Redis connection: values come as they were sent") {
    test::run([]() -> Task<> {
        using namespace test;
        const ScriptedRedis server(co_await asio::this_coro::executor, [](const auto& words) {
            CHECK(words == std::vector<std::string>{"GET", std::string("a\0\r\nb", 5)});
            return list_reply(
                {integer_reply(-7),
                 text_reply(std::string("x\0\r\n", 4)),
                 "$-1\r\n",
                 list_reply({"+fine\r\n"}),
                 list_reply({})}
            );
        });
        const Connected connection(co_await connect(server));
        const auto reply = co_await ask(connection, {"GET", std::string_view("a\0\r\nb", 5)});
        REQUIRE(reply);
        REQUIRE(reply->items.size() == 5);
        CHECK(reply->items[0].integer == -7);
        CHECK(reply->items[1].text == std::string("x\0\r\n", 4));
        CHECK(reply->items[2].kind == redis::Reply::Kind::nil);
        REQUIRE(reply->items[3].items.size() == 1);
        CHECK(reply->items[3].items[0].text == "fine");
        CHECK(reply->items[4].is_list());
    }());
}

TEST_CASE("Redis connection: commands go out without waiting, replies find who asked") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const ScriptedRedis server(lane, [](const auto& words) {
            return test::text_reply(words.at(1));
        });
        const auto connection = std::make_shared<Connected>(co_await connect(server));
        const auto right = std::make_shared<int>(0);
        const OneShot<bool> all(lane);
        constexpr int count = 500;
        for (int i = 0; i < count; ++i) {
            spawn(lane, "ask", [](auto from, int number, auto counter, auto done) -> Task<> {
                const auto text = std::string(static_cast<std::size_t>(number), 'x');
                const auto reply = co_await ask(*from, {"ECHO", text});
                if (reply && reply->text == text && ++*counter == count) done.set(true);
            }(connection, i, right, all));
        }
        CHECK(co_await all.wait(far_away()));
    }());
}

TEST_CASE("Redis connection: an error reply is an error, and the connection goes on") {
    test::run([]() -> Task<> {
        const ScriptedRedis server(co_await asio::this_coro::executor, [](const auto& words) {
            return words.front() == "SET" ? test::error_reply("OOM no room") : "+PONG\r\n";
        });
        const Connected connection(co_await connect(server));
        const auto refused = co_await ask(connection, {"SET", "a", "b"});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().fault == Fault::out_of_memory);
        CHECK(refused.error().text == "OOM no room");
        CHECK(co_await ask(connection, {"PING"}));
    }());
}

TEST_CASE("Redis connection: no answer by the deadline breaks it for all who wait") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const ScriptedRedis server(lane, [](const auto&) { return std::string{}; });
        const Connected connection(co_await connect(server));
        const OneShot<Fault> other(lane);
        spawn(lane, "ask", [](const Connected& from, auto answer) -> Task<> {
            const auto reply = co_await ask(from, {"PING"});
            answer.set(reply ? Fault::other : reply.error().fault);
        }(connection, other));
        const Words words{"PING"};
        const auto reply = co_await connection->command(words, deadline_in(10ms));
        REQUIRE_FALSE(reply);
        CHECK(reply.error().fault == Fault::timed_out);
        CHECK_FALSE(connection->is_open());
        CHECK(co_await other.wait(far_away()) == Fault::timed_out);
        CHECK((co_await connection->wait_closed()).fault == Fault::timed_out);
        CHECK_FALSE(co_await ask(connection, {"PING"}));
    }());
}

TEST_CASE("Redis connection: what is no Redis server is told, whatever it says") {
    struct Row {
        std::string answer;
        Fault fault;
    };
    for (const auto& [answer, fault] : std::vector<Row>{
             {std::string(ScriptedRedis::hang_up), Fault::closed},
             {"HTTP/1.1 400 Bad Request\r\n\r\n", Fault::protocol},
             {"$x\r\n", Fault::protocol},
             {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", Fault::protocol
             },
         }) {
        CAPTURE(answer);
        test::run([](std::string says, Fault expected) -> Task<> {
            const ScriptedRedis server(co_await asio::this_coro::executor, [says](const auto&) {
                return says;
            });
            const Connected connection(co_await connect(server));
            const auto reply = co_await ask(connection, {"PING"});
            REQUIRE_FALSE(reply);
            CHECK(reply.error().fault == expected);
            CHECK_FALSE(connection->is_open());
        }(answer, fault));
    }
}

TEST_CASE("Redis connection: a reply that nobody asked for breaks the connection, not the process"
) {
    test::run([]() -> Task<> {
        const ScriptedRedis server(co_await asio::this_coro::executor, [](const auto&) {
            return "+PONG\r\n+PONG\r\n";
        });
        const Connected connection(co_await connect(server));
        CHECK(co_await ask(connection, {"PING"}));
        CHECK((co_await connection->wait_closed()).fault == Fault::protocol);
    }());
}

TEST_CASE("Redis connection: nobody listens") {
    test::run([]() -> Task<> {
        const auto refused = co_await Connection::connect({"127.0.0.1", 1}, far_away());
        REQUIRE_FALSE(refused);
        CHECK(refused.error().fault == Fault::unreachable);
        CHECK(refused.error().text.starts_with("127.0.0.1:1: "));
    }());
}
