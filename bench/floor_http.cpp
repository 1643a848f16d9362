// The floor under every HTTP number: the smallest Beast server there is, one thread, no routing, no
// limits, a fixed answer. Prints its port, serves until it is killed.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <cstdio>

#include "common/async/task.hpp"

namespace {

namespace http = boost::beast::http;
using namespace stoker;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

Task<> serve(Socket socket) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        error_code failed;
        http::request<http::string_body> request;
        co_await http::async_read(socket, buffer, request, asio::redirect_error(use_task, failed));
        if (failed) co_return;
        http::response<http::string_body> answer(http::status::ok, 11);
        answer.body() = "ok";
        answer.prepare_payload();
        co_await http::async_write(socket, answer, asio::redirect_error(use_task, failed));
        if (failed) co_return;
    }
}

Task<> accept_all(asio::basic_socket_acceptor<asio::ip::tcp, Executor>& acceptor) {
    for (;;) {
        Socket socket = co_await acceptor.async_accept(use_task);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main() {
    asio::io_context lane(1);
    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor(
        lane.get_executor(), {asio::ip::address_v4::loopback(), 0}
    );
    std::printf("%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    asio::co_spawn(lane, accept_all(acceptor), asio::detached);
    lane.run();
}
