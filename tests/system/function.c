// The function of the system tests: does what the first words of its request body say, so that one
// image can behave well and badly. What a function can do wrong is in bad_deeds.h.
//
//   echo TEXT    answers TEXT            head         answers the request head it got
//   sleep MS     answers after a while   status N     answers with that HTTP status
//   say TEXT     prints TEXT, answers    late TEXT    prints TEXT after it has answered
//   big N [MS]   answers N bytes, after a while
//   flaky N      fails, answers from its Nth attempt on
//   chunked TEXT answers TEXT in chunks of one byte
//   report ...   tells a witness (report.h)
//
// MODE in its configuration breaks its start or the way it takes calls; with `frames` it takes them
// one after another and prints frames, as Fn's kits do.

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

static const char* socket_path;
static const char* mode;
static int listening;

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

static bool read_head(int fd, struct request* request) {
    request->head_length = 0;
    while (request->head_length < 4 ||
           memcmp(request->head + request->head_length - 4, "\r\n\r\n", 4) != 0) {
        if (request->head_length + 1 >= sizeof request->head) return false;
        if (!read_exactly(fd, request->head + request->head_length++, 1)) return false;
    }
    request->head[request->head_length] = '\0';
    return true;
}

// The caller always sends a Content-Length for the bodies of these tests.
static bool read_body(int fd, struct request* request) {
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

static bool write_text(int fd, const char* text) { return write_all(fd, text, strlen(text)); }

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

static bool answer_text(int fd, const char* text) { return answer(fd, 200, text, strlen(text)); }

static bool answer_in_chunks(int fd, const char* text) {
    if (!write_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) return false;
    for (; *text; ++text) {
        char chunk[8];
        snprintf(chunk, sizeof chunk, "1\r\n%c\r\n", *text);
        if (!write_text(fd, chunk)) return false;
    }
    return write_text(fd, "0\r\n\r\n");
}

static bool answer_big(int fd, char* rest) {
    size_t length = strtoul(rest, &rest, 10);
    usleep((useconds_t)atoi(rest) * 1000);
    char* bytes = malloc(length + 1);
    memset(bytes, 'b', length);
    bool sent = answer(fd, 200, bytes, length);
    free(bytes);
    return sent;
}

/// "502" without a body of its own is how a kit says that the function threw.
static bool answer_at_attempt(int fd, const char* head, int good) {
    const char* field = strcasestr(head, "\r\nfn-attempt:");
    int attempt = field ? atoi(field + strlen("\r\nfn-attempt:")) : 0;
    dprintf(STDOUT_FILENO, "attempt %d\n", attempt);
    return attempt < good ? answer(fd, 502, "bad", 3) : answer(fd, 200, "good", 4);
}

#include "bad_deeds.h"
#include "report.h"

static bool serve(int fd, struct request* request) {
    char* rest = request->body;
    const char* word = strsep(&rest, " ");
    if (!rest) rest = "";
    const struct bad_deed* deed = find_bad_deed(word);
    if (deed) return deed->commit(fd, rest);
    if (!strcmp(word, "head")) return answer(fd, 200, request->head, request->head_length);
    if (!strcmp(word, "status")) return answer(fd, atoi(rest), "as told", 7);
    if (!strcmp(word, "flaky")) return answer_at_attempt(fd, request->head, atoi(rest));
    if (!strcmp(word, "chunked")) return answer_in_chunks(fd, rest);
    if (!strcmp(word, "report")) return report(fd, request, rest);
    if (!strcmp(word, "big")) return answer_big(fd, rest);
    if (!strcmp(word, "sleep")) usleep((useconds_t)atoi(rest) * 1000);
    if (!strcmp(word, "say")) {
        dprintf(STDOUT_FILENO, "out: %s\n", rest);
        dprintf(STDERR_FILENO, "err: %s\n", rest);
    }
    bool sent = answer(fd, 200, rest, request->body + request->body_length - rest);
    if (!strcmp(word, "late")) {
        usleep(300 * 1000);
        dprintf(STDOUT_FILENO, "late: %s\n", rest);
    }
    return sent;
}

static void print_frame(const struct request* request) {
    const char* id = strcasestr(request->head, getenv("FN_LOGFRAME_HDR"));
    id += strcspn(id, " ") + 1;
    int length = (int)strcspn(id, "\r");
    dprintf(STDOUT_FILENO, "\n%s=%.*s\n", getenv("FN_LOGFRAME_NAME"), length, id);
    dprintf(STDERR_FILENO, "\n%s=%.*s\n", getenv("FN_LOGFRAME_NAME"), length, id);
}

static bool serve_next(int fd, struct request* request) {
    if (!read_head(fd, request)) return false;
    if (!strcmp(mode, "frames")) print_frame(request);
    if (!strcmp(mode, "answer-unread")) return answer_text(fd, "unread") && false;
    if (!strcmp(mode, "answer-first")) {
        bool sent = answer_text(fd, "first") && read_body(fd, request);
        free(request->body);
        return sent;
    }
    if (!strcmp(mode, "never-read")) pause();
    bool sent = read_body(fd, request) && serve(fd, request);
    free(request->body);
    return sent;
}

static void* serve_connection(void* argument) {
    int fd = (int)(long)argument;
    struct request* request = malloc(sizeof *request);
    if (!strcmp(mode, "answer-unasked")) answer_text(fd, "unasked");
    while (serve_next(fd, request)) {
    }
    close(fd);
    free(request);
    return NULL;
}

static int bind_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.tmp", socket_path);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr*)&address, sizeof address) != 0) return 1;
    if (chmod(address.sun_path, 0666) != 0 || listen(listening, 16) != 0) return 1;
    return rename(address.sun_path, socket_path) == 0 ? 0 : 1;
}

int main(void) {
    socket_path = getenv("FN_LISTENER") + strlen("unix:");
    mode = getenv("MODE") ? getenv("MODE") : "";
    signal(SIGTERM, _exit);
    start_badly();
    if (bind_socket() != 0) return 1;
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        if (!strcmp(mode, "close-at-once")) {
            close(fd);
            close(listening);
            pause();
        }
        pthread_t thread;
        // Without a thread to be had, it serves on this one.
        if (!strcmp(mode, "frames") ||
            pthread_create(&thread, NULL, serve_connection, (void*)(long)fd) != 0) {
            serve_connection((void*)(long)fd);
        } else {
            pthread_detach(thread);
        }
    }
}
