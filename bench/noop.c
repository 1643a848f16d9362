// The function of the benchmarks: answers as fast as one process can, and does nothing else.

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

// Requests of the benchmarks are small and come whole: the end of the body is the end of the read.
static void* serve(void* argument) {
    int fd = (int)(long)argument;
    char request[65536];
    while (read(fd, request, sizeof request) > 0) {
        if (write(fd, answer, sizeof answer - 1) <= 0) break;
    }
    close(fd);
    return NULL;
}

int main(void) {
    const char* listener = getenv("FN_LISTENER");
    if (!listener) return 2;
    signal(SIGTERM, _exit);
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.tmp", listener + strlen("unix:"));
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr*)&address, sizeof address) != 0) return 1;
    if (chmod(address.sun_path, 0666) != 0 || listen(listening, 64) != 0) return 1;
    if (rename(address.sun_path, listener + strlen("unix:")) != 0) return 1;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        pthread_t thread;
        if (fd >= 0 && pthread_create(&thread, NULL, serve, (void*)(long)fd) == 0) {
            pthread_detach(thread);
        }
    }
}
