#include "cli/signals.hpp"

#include <pthread.h>
#include <unistd.h>

namespace stoker {

Signals::Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that hangs up is an error of the write, not of the process.
    ::signal(SIGPIPE, SIG_IGN);
}

int Signals::wait() const {
    int got = 0;
    while (::sigwait(&set_, &got) != 0) {
    }
    return got == SIGUSR1 ? 0 : got;
}

void Signals::wake() const { ::kill(::getpid(), SIGUSR1); }

}  // namespace stoker
