// Preloaded into a Stoker under test (LD_PRELOAD): makes its disk fail and its clock jump. What
// happens is in a file that the test maps and changes while the process runs: STOKER_TEST_FAULTS.

#define _GNU_SOURCE
#include "tests/support/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct stoker_faults none;
static struct stoker_faults* volatile faults = &none;

__attribute__((constructor)) static void map_faults(void) {
    const char* path = getenv("STOKER_TEST_FAULTS");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void* mapped = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) faults = mapped;
    close(fd);
}

static void* next(const char* name) { return dlsym(RTLD_NEXT, name); }

static bool is_meant(int fd) {
    char link[32];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return false;
    path[length] = '\0';
    return path[0] == '/' && strstr(path, faults->only) != NULL;
}

/// Whether this call shall fail; errno is set.
static bool fails(int fd, int error) {
    if (error == 0 || !is_meant(fd)) return false;
    __atomic_fetch_add(&faults->injected, 1, __ATOMIC_RELAXED);
    errno = error;
    return true;
}

int fsync(int fd) {
    if (fails(fd, faults->sync_errno)) return -1;
    return ((int (*)(int))next("fsync"))(fd);
}

int fdatasync(int fd) {
    if (fails(fd, faults->sync_errno)) return -1;
    return ((int (*)(int))next("fdatasync"))(fd);
}

ssize_t write(int fd, const void* from, size_t length) {
    if (fails(fd, faults->write_errno)) return -1;
    return ((ssize_t(*)(int, const void*, size_t))next("write"))(fd, from, length);
}

ssize_t pwrite(int fd, const void* from, size_t length, off_t at) {
    if (fails(fd, faults->write_errno)) return -1;
    return ((ssize_t(*)(int, const void*, size_t, off_t))next("pwrite"))(fd, from, length, at);
}

ssize_t pwrite64(int fd, const void* from, size_t length, off64_t at) {
    if (fails(fd, faults->write_errno)) return -1;
    return ((ssize_t(*)(int, const void*, size_t, off64_t))next("pwrite64"))(fd, from, length, at);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
    static int (*real)(clockid_t, struct timespec*);
    if (!real) real = (int (*)(clockid_t, struct timespec*))next("clock_gettime");
    const int result = real(clock, time);
    if (clock == CLOCK_REALTIME) time->tv_sec += faults->clock_shift_s;
    return result;
}

time_t time(time_t* to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval* restrict to, void* restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}
