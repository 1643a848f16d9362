#include "tests/support/kafka_broker.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace stoker::test {

namespace {

std::string first_word(const std::filesystem::path& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
}

}  // namespace

KafkaBroker::KafkaBroker(std::string options) : options_(std::move(options)) {
    start();
    const auto address = first_word(dir_.file("address"));
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
}

KafkaBroker::~KafkaBroker() {
    try {
        kill();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

void KafkaBroker::start() { services("start --port " + std::to_string(port_) + " " + options_); }

void KafkaBroker::stop() { services("stop"); }

void KafkaBroker::kill() {
    signal(SIGKILL);
    stop();  // waits until it is gone
}

void KafkaBroker::signal(int number) const {
    if (::kill(pid(), number) != 0) throw std::runtime_error("cannot signal the broker");
}

pid_t KafkaBroker::pid() const {
    pid_t pid = 0;
    std::ifstream(dir_.file("pid")) >> pid;
    if (pid <= 0) throw std::runtime_error("the broker does not run");
    return pid;
}

std::string KafkaBroker::auth_address() const { return first_word(dir_.file("auth_address")); }

std::string KafkaBroker::url(const std::string& prefix, const std::string& more) const {
    return "kafka://" + address() + "/" + prefix + "?partitions=2" + more;
}

std::string KafkaBroker::new_prefix() {
    static int count = 0;
    return "t" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

void KafkaBroker::services(const std::string& words) const {
    const auto command = std::string(STOKER_SERVICES) + " kafka " + words + " --dir '" +
                         dir_.path().string() + "' >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

KafkaBroker& kafka_broker() {
    static KafkaBroker broker("--auth stoker:secret --set group.min.session.timeout.ms=1000");
    return broker;
}

}  // namespace stoker::test
