#pragma once

// A function's end of the pipes that carry a call, for tests that play the function by hand.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "worker/protocols/stdio_pipes.hpp"

namespace stoker::test {

struct FunctionEnd {
    UniqueFd in;
    UniqueFd out;

    std::string read_until(std::string_view mark) const {
        std::string got;
        char c = 0;
        while (!got.ends_with(mark) && ::read(in.get(), &c, 1) == 1) got += c;
        return got;
    }
    /// Until the agent closes its end.
    std::string read_all() const {
        std::string got;
        std::array<char, 4096> buffer{};
        for (;;) {
            const auto size = ::read(in.get(), buffer.data(), buffer.size());
            if (size <= 0) return got;
            got.append(buffer.data(), static_cast<std::size_t>(size));
        }
    }
    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto size = ::write(out.get(), bytes.data(), bytes.size());
            if (size <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
    }
    void close() {
        in.reset();
        out.reset();
    }
};

struct PipePair {
    PipePair() {
        connect(function.in, agent.in);
        connect(agent.out, function.out);
        ::fcntl(agent.in.get(), F_SETFL, O_NONBLOCK);
        ::fcntl(agent.out.get(), F_SETFL, O_NONBLOCK);
    }
    StdioPipes agent;
    FunctionEnd function;

private:
    static void connect(UniqueFd& read, UniqueFd& write) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

}  // namespace stoker::test
