#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <csignal>

int main(int argc, char** argv) {
    // As the product runs: writing to a peer that has gone is an error, not the end.
    std::signal(SIGPIPE, SIG_IGN);
    return doctest::Context(argc, argv).run();
}

#if __has_feature(thread_sanitizer)
// Some tests fork, and their children start threads of their own.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
// NOLINTEND(bugprone-reserved-identifier)
#endif
