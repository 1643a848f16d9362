#include "cli/signals.hpp"

#include <pthread.h>
#include <unistd.h>

namespace stoker {

Signals::Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGHUP);
    ::sigaddset(&set_, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that hangs up is an error of the write, not of the process.
    ::signal(SIGPIPE, SIG_IGN);
}

int Signals::wait() const {
    for (;;) {
        int got = 0;
        if (::sigwait(&set_, &got) != 0) continue;
        if (got != SIGUSR1) return got;
        if (woken_) return 0;  // else somebody outside sent it, and it means nothing
    }
}

void Signals::wake() {
    woken_ = true;
    ::kill(::getpid(), SIGUSR1);
}

}  // namespace stoker
