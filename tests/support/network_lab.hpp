#pragma once

// A small network inside this machine: a bridge, and network namespaces on it for processes that
// are to be cut off from each other. Needs root, iproute2 and iptables. Failures throw; all of it
// goes with the object.

#include <deque>
#include <string>
#include <vector>

namespace stoker::test {

/// Moves the calling thread into a namespace of `ip netns`. False, with errno, when it cannot.
bool enter_network(const std::string& name);

class NetworkLab {
public:
    struct Seat {
        std::string name;  ///< of the namespace
        std::string host;  ///< its address on the bridge
    };

    /// False: the test says so and returns.
    static bool is_possible();

    NetworkLab();
    ~NetworkLab();
    NetworkLab(const NetworkLab&) = delete;
    NetworkLab& operator=(const NetworkLab&) = delete;

    /// The address of this process on the bridge.
    std::string host() const { return address_of(1); }
    /// A new namespace with loopback and a leg on the bridge. The reference stays good.
    const Seat& add_seat();

    /// What a broken network does with the packets of one seat to and from a port of another.
    enum class Block { drop, reset };
    static void block(const Seat& seat, int port, Block block);
    /// Packets from the seat to the port vanish now and then, or always (1).
    static void lose(const Seat& seat, int port, double share);
    static void heal(const Seat& seat);

private:
    std::string address_of(std::size_t last) const;
    std::string add_namespace(const std::string& what);

    const std::string name_;
    const std::string net_;  ///< three numbers of four
    std::vector<std::string> namespaces_;
    std::deque<Seat> seats_;
};

}  // namespace stoker::test
