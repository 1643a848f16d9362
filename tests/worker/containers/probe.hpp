#pragma once

// The program that plays a function in these tests: it does what its first argument says and
// reports what it sees from inside. C, because it is compiled into a static binary for an empty
// image.

namespace stoker::test {

inline constexpr const char* probe_source = R"C(
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void copy_file(const char *key, const char *path) {
    char text[4096];
    FILE *file = fopen(path, "r");
    if (!file) { printf("%s=absent\n", key); return; }
    while (fgets(text, sizeof text, file)) printf("%s=%s", key, text);
    fclose(file);
}

static void can_write(const char *key, const char *path) {
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    printf("%s=%s\n", key, fd >= 0 ? "yes" : strerrorname_np(errno));
    if (fd >= 0) close(fd);
}

static void limit(const char *key, int which) {
    struct rlimit value;
    getrlimit(which, &value);
    printf("%s=%lu/%lu\n", key, (unsigned long)value.rlim_cur, (unsigned long)value.rlim_max);
}

static int report(void) {
    char name[256] = "";
    gethostname(name, sizeof name);
    printf("uid=%d\ngid=%d\nhostname=%s\npid=%d\n", getuid(), getgid(), name, getpid());
    copy_file("status", "/proc/self/status");
    copy_file("init", "/proc/1/comm");
    can_write("write_root", "/file");
    can_write("write_tmp", "/tmp/file");
    can_write("write_iofs", "/tmp/iofs/from-inside");
    limit("nofile", RLIMIT_NOFILE);
    limit("memlock", RLIMIT_MEMLOCK);
    limit("sigpending", RLIMIT_SIGPENDING);
    limit("msgqueue", RLIMIT_MSGQUEUE);
    copy_file("mounts", "/proc/self/mounts");
    // Of cgroup version 1, then 2.
    copy_file("cpu_quota", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    copy_file("cpu_max", "/sys/fs/cgroup/cpu.max");
    copy_file("memory_limit", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
    copy_file("memory_max", "/sys/fs/cgroup/memory.max");
    const char *output = getenv("STOKER_OUTPUT");
    printf("output=%s\n", output ? output : "unset");
    return 0;
}

// How many children fit before the pids limit says no.
static int forks(void) {
    int children = 0;
    while (children < 200) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0) { pause(); _exit(0); }
        ++children;
    }
    printf("children=%d\n", children);
    fflush(stdout);
    return 0;
}

static int hog(void) {
    for (;;) {
        volatile char *memory = malloc(1 << 20);
        for (long at = 0; memory && at < 1 << 20; at += 1024) memory[at] = 1;
    }
}

static int flood(long bytes) {
    char block[4096];
    memset(block, 'x', sizeof block);
    while (bytes > 0) {
        long now = bytes < (long)sizeof block ? bytes : (long)sizeof block;
        long done = write(1, block, (size_t)now);
        if (done < 0) return 9;
        bytes -= done;
    }
    return 0;
}

static int cat(void) {
    char block[4096];
    long got;
    while ((got = read(0, block, sizeof block)) > 0)
        if (write(1, block, (size_t)got) != got) return 9;
    return 0;
}

static int spin(void) {
    for (volatile unsigned long turn = 0;; ++turn) {}
}

// Uses at least 50 ms of processor time and 20 MB, says so and waits for its stdin to end.
static int use(void) {
    volatile char *memory = malloc(20 << 20);
    for (long at = 0; memory && at < 20 << 20; at += 1024) memory[at] = 1;
    struct timespec used;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < 60 * 1000000);
    puts("used");
    fflush(stdout);
    return cat();
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    if (!strcmp(verb, "exit")) return atoi(argv[2]);
    if (!strcmp(verb, "print")) {
        fputs(argv[2], stdout);
        fflush(stdout);
        fputs(argv[3], stderr);
        return 0;
    }
    if (!strcmp(verb, "report")) return report();
    if (!strcmp(verb, "forks")) return forks();
    if (!strcmp(verb, "hog")) return hog();
    if (!strcmp(verb, "flood")) return flood(atol(argv[2]));
    if (!strcmp(verb, "cat")) return cat();
    if (!strcmp(verb, "spin")) return spin();
    if (!strcmp(verb, "use")) return use();
    if (!strcmp(verb, "sleep")) for (;;) pause();
    fprintf(stderr, "unknown verb '%s'\n", verb);
    return 64;
}
)C";

}  // namespace stoker::test
