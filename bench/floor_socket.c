// The floor under every hot call: a function's unix socket called directly over one kept
// connection, one call at a time. Usage: floor_socket <socket> <seconds>. Prints calls/s and p50 in
// µs.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) return 1;
    const char* request = "POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    enum { samples_max = 4000000 };
    double* took = malloc(samples_max * sizeof *took);
    size_t calls = 0;
    const double begun = now_us(), end = begun + atof(argv[2]) * 1e6;
    char answer[4096];
    for (double at = begun; at < end && calls < samples_max; ++calls) {
        if (write(fd, request, strlen(request)) <= 0 || read(fd, answer, sizeof answer) <= 0)
            return 1;
        const double after = now_us();
        took[calls] = after - at;
        at = after;
    }
    qsort(took, calls, sizeof *took, by_value);
    printf("%.0f %.1f\n", (double)calls / ((now_us() - begun) / 1e6), took[calls / 2]);
}
