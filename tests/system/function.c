// The function of the system tests: does what the first words of its request body say, so that one
// image can behave well and badly. START_EXIT and START_HANG in its configuration break its start.
//
//   echo TEXT    answers TEXT            head         answers the request head it got
//   sleep MS     answers after a while   exit CODE    ends the process instead of answering
//   say TEXT     prints TEXT, answers    status N     answers with that HTTP status
//   big N [MS]   answers N bytes, after a while
//   chunked TEXT answers TEXT in chunks of one byte
//   eat MB       takes that much memory  garbage      answers something that is not HTTP
//   late TEXT    prints TEXT after it has answered

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct request {
    char head[65536];
    size_t head_length;
    char* body;
    size_t body_length;
};

static bool read_exactly(int fd, char* to, size_t length) {
    while (length > 0) {
        ssize_t got = read(fd, to, length);
        if (got <= 0) return false;
        to += got;
        length -= (size_t)got;
    }
    return true;
}

// The caller always sends a Content-Length for the bodies of these tests.
static bool read_request(int fd, struct request* request) {
    request->head_length = 0;
    while (request->head_length < 4 ||
           memcmp(request->head + request->head_length - 4, "\r\n\r\n", 4) != 0) {
        if (request->head_length + 1 >= sizeof request->head) return false;
        if (!read_exactly(fd, request->head + request->head_length++, 1)) return false;
    }
    request->head[request->head_length] = '\0';
    const char* length = strcasestr(request->head, "\r\ncontent-length:");
    request->body_length = length ? strtoul(length + 17, NULL, 10) : 0;
    request->body = malloc(request->body_length + 1);
    request->body[request->body_length] = '\0';
    return read_exactly(fd, request->body, request->body_length);
}

static bool write_all(int fd, const char* from, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, from, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        from += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool answer(int fd, int status, const char* body, size_t length) {
    char head[256];
    int head_length = snprintf(
        head,
        sizeof head,
        "HTTP/1.1 %d Test\r\nContent-Type: text/plain\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
        "Content-Length: %zu\r\n\r\n",
        status,
        length
    );
    return write_all(fd, head, (size_t)head_length) && write_all(fd, body, length);
}

static bool answer_in_chunks(int fd, const char* text) {
    const char* head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    if (!write_all(fd, head, strlen(head))) return false;
    for (; *text; ++text) {
        char chunk[8];
        int length = snprintf(chunk, sizeof chunk, "1\r\n%c\r\n", *text);
        if (!write_all(fd, chunk, (size_t)length)) return false;
    }
    return write_all(fd, "0\r\n\r\n", 5);
}

static void eat(size_t megabytes) {
    for (size_t i = 0; i < megabytes; ++i) {
        volatile char* piece = malloc(1 << 20);
        for (size_t at = 0; piece && at < 1 << 20; at += 4096) piece[at] = 1;
    }
}

static bool serve(int fd, struct request* request) {
    char* rest = request->body;
    const char* word = strsep(&rest, " ");
    if (!rest) rest = "";
    if (!strcmp(word, "head")) return answer(fd, 200, request->head, request->head_length);
    if (!strcmp(word, "exit")) exit(atoi(rest));
    if (!strcmp(word, "garbage")) return write_all(fd, "what?\r\n\r\n", 9);
    if (!strcmp(word, "status")) return answer(fd, atoi(rest), "as told", 7);
    if (!strcmp(word, "chunked")) return answer_in_chunks(fd, rest);
    if (!strcmp(word, "sleep")) usleep((useconds_t)atoi(rest) * 1000);
    if (!strcmp(word, "eat")) eat(strtoul(rest, NULL, 10));
    if (!strcmp(word, "say")) {
        dprintf(STDOUT_FILENO, "out: %s\n", rest);
        dprintf(STDERR_FILENO, "err: %s\n", rest);
    }
    if (!strcmp(word, "big")) {
        size_t length = strtoul(rest, &rest, 10);
        usleep((useconds_t)atoi(rest) * 1000);
        char* bytes = malloc(length + 1);
        memset(bytes, 'b', length);
        bool sent = answer(fd, 200, bytes, length);
        free(bytes);
        return sent;
    }
    bool sent = answer(fd, 200, rest, request->body + request->body_length - rest);
    if (!strcmp(word, "late")) {
        usleep(300 * 1000);
        dprintf(STDOUT_FILENO, "late: %s\n", rest);
    }
    return sent;
}

static void* serve_connection(void* argument) {
    int fd = (int)(long)argument;
    struct request* request = malloc(sizeof *request);
    while (read_request(fd, request) && serve(fd, request)) free(request->body);
    close(fd);
    free(request);
    return NULL;
}

int main(void) {
    const char* path = getenv("FN_LISTENER") + strlen("unix:");
    signal(SIGTERM, _exit);
    if (getenv("START_EXIT")) {
        fprintf(stderr, "told to exit at start\n");
        return atoi(getenv("START_EXIT"));
    }
    if (getenv("START_HANG")) pause();

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.tmp", path);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr*)&address, sizeof address) != 0) return 1;
    if (chmod(address.sun_path, 0666) != 0 || listen(listening, 16) != 0) return 1;
    if (rename(address.sun_path, path) != 0) return 1;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve_connection, (void*)(long)fd) != 0) return 1;
        pthread_detach(thread);
    }
}
