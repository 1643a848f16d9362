#include "tests/support/network_lab.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "common/unique_fd.hpp"

namespace stoker::test {

namespace {

bool succeeds(const std::string& command) { return std::system(command.c_str()) == 0; }

void run(const std::string& command) {
    if (!succeeds(command)) throw std::runtime_error("failed: " + command);
}

void inside(const NetworkLab::Seat& seat, const std::string& command) {
    run(fmt::format("ip netns exec {} {}", seat.name, command));
}

/// Of a number of processes at the same time, each has its own.
unsigned own_number() { return static_cast<unsigned>(::getpid()) % 40'000; }

}  // namespace

bool enter_network(const std::string& name) {
    const UniqueFd network(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    return network && ::setns(network.get(), CLONE_NEWNET) == 0;
}

bool NetworkLab::is_possible() {
    return ::geteuid() == 0 && succeeds("command -v ip >/dev/null") &&
           succeeds("command -v iptables >/dev/null") &&
           succeeds("ip netns add stoker-probe-$$ && ip netns del stoker-probe-$$");
}

NetworkLab::NetworkLab() :
    name_(fmt::format("stk{}", own_number())),
    net_(fmt::format("10.{}.{}", 96 + own_number() / 256 % 32, own_number() % 256)) {
    // The bridge has a namespace of its own: the machine's firewall does not see what crosses it.
    const auto hub = add_namespace("hub");
    run(fmt::format("ip -n {} link add bridge type bridge", hub));
    run(fmt::format("ip -n {} link set bridge up", hub));
    run(fmt::format("ip link add {} type veth peer name own netns {}", name_, hub));
    run(fmt::format("ip -n {} link set own master bridge up", hub));
    run(fmt::format("ip addr add {}/24 dev {}", host(), name_));
    run(fmt::format("ip link set {} up", name_));
}

NetworkLab::~NetworkLab() {
    for (const auto& name : namespaces_) succeeds(fmt::format("ip netns del {}", name));
}

const NetworkLab::Seat& NetworkLab::add_seat() {
    const auto number = seats_.size() + 2;
    auto& seat = seats_.emplace_back(
        Seat{.name = add_namespace(std::to_string(number)), .host = address_of(number)}
    );
    const auto& hub = namespaces_.front();
    run(fmt::format(
        "ip -n {} link add eth0 type veth peer name leg{} netns {}", seat.name, number, hub
    ));
    run(fmt::format("ip -n {} link set leg{} master bridge up", hub, number));
    run(fmt::format("ip -n {} addr add {}/24 dev eth0", seat.name, seat.host));
    run(fmt::format("ip -n {} link set eth0 up", seat.name));
    run(fmt::format("ip -n {} link set lo up", seat.name));
    return seat;
}

std::string NetworkLab::add_namespace(const std::string& what) {
    auto name = fmt::format("{}-{}", name_, what);
    run(fmt::format("ip netns add {}", name));
    namespaces_.push_back(name);
    return name;
}

void NetworkLab::block(const Seat& seat, int port, Block block) {
    if (block == Block::drop) return lose(seat, port, 1);
    inside(
        seat,
        fmt::format("iptables -A OUTPUT -p tcp --dport {} -j REJECT --reject-with tcp-reset", port)
    );
}

void NetworkLab::lose(const Seat& seat, int port, double share) {
    const auto chance =
        share < 1 ? fmt::format("-m statistic --mode random --probability {}", share) : "";
    inside(seat, fmt::format("iptables -A OUTPUT -p tcp --dport {} {} -j DROP", port, chance));
    inside(seat, fmt::format("iptables -A INPUT -p tcp --sport {} {} -j DROP", port, chance));
}

void NetworkLab::heal(const Seat& seat) { inside(seat, "iptables -F"); }

std::string NetworkLab::address_of(std::size_t last) const {
    return fmt::format("{}.{}", net_, last);
}

}  // namespace stoker::test
