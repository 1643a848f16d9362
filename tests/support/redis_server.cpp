#include "tests/support/redis_server.hpp"

#include <hiredis/hiredis.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace stoker::test {

namespace {

using Context = std::unique_ptr<redisContext, decltype([](redisContext* c) { ::redisFree(c); })>;
using Reply = std::unique_ptr<redisReply, decltype([](redisReply* r) { ::freeReplyObject(r); })>;

std::string text_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
    if (reply.type != REDIS_REPLY_ARRAY) return reply.str == nullptr ? "" : reply.str;
    std::string text;
    for (std::size_t i = 0; i < reply.elements; ++i) {
        text += (i > 0 ? " " : "") + text_of(*reply.element[i]);
    }
    return text;
}

Reply command(const Context& context, const std::vector<std::string>& words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const auto& word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    return Reply(static_cast<redisReply*>(::redisCommandArgv(
        context.get(), static_cast<int>(words.size()), texts.data(), sizes.data()
    )));
}

}  // namespace

RedisServer::RedisServer(std::string options, std::string account, std::filesystem::path folder) :
    dir_(folder.empty() ? own_.path() : std::move(folder)),
    options_(std::move(options)),
    account_(std::move(account)) {
    start();
    std::string address;
    std::ifstream(dir_ / "address") >> address;
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
}

RedisServer::~RedisServer() {
    try {
        stop();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

void RedisServer::start() {
    const auto auth = account_.empty() ? std::string{} : " --auth '" + account_ + "'";
    services("start --port " + std::to_string(port_) + auth + " " + options_);
}

void RedisServer::stop() { services("stop"); }

void RedisServer::kill() {
    signal(SIGKILL);
    stop();  // waits until it is gone
}

void RedisServer::signal(int number) const {
    if (::kill(pid(), number) != 0) throw std::runtime_error("cannot signal redis-server");
}

pid_t RedisServer::pid() const {
    pid_t pid = 0;
    std::ifstream(dir_ / "pid") >> pid;
    if (pid <= 0) throw std::runtime_error("redis-server does not run");
    return pid;
}

std::string RedisServer::url() const {
    return "redis://" + (account_.empty() ? "" : account_ + "@") + address();
}

std::string RedisServer::ask(const std::vector<std::string>& words) const {
    const Context context(::redisConnect("127.0.0.1", port_));
    if (!context || context->err != 0) throw std::runtime_error("cannot connect to redis-server");
    if (const auto colon = account_.find(':'); colon != std::string::npos) {
        const auto user = colon == 0 ? "default" : account_.substr(0, colon);
        command(context, {"AUTH", user, account_.substr(colon + 1)});
    }
    const auto reply = command(context, words);
    if (!reply) throw std::runtime_error("no answer to " + words.front());
    return text_of(*reply);
}

std::string RedisServer::ask(const std::string& words) const {
    std::istringstream in(words);
    std::vector<std::string> list;
    for (std::string word; in >> word;) list.push_back(word);
    return ask(list);
}

void RedisServer::services(const std::string& words) const {
    const auto command = std::string(STOKER_SERVICES) + " redis " + words + " --dir '" +
                         dir_.string() + "' >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace stoker::test
