// A function in C without any library: it speaks Fn's http-stream contract, HTTP/1.1 over the unix
// socket named by FN_LISTENER. It answers "Hello, <body>!" and writes one line to its log per call.
//
// The caller sends one call at a time over a connection it keeps, and may open a new one while an
// old one stands idle: so each connection has a thread.

#define _GNU_SOURCE
#include <errno.h>
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

enum { line_max = 1024, body_max = 256 << 20, head_room = 128 };

static void fail(const char* what) {
    fprintf(stderr, "hello: %s: %s\n", what, strerror(errno));
    exit(1);
}

// --- reading ---

struct connection {
    int fd;
    size_t at, end;  // unread bytes of buffer
    char buffer[16384];
};

// False at the end of the stream.
static bool fill(struct connection* c) {
    ssize_t got;
    do {
        got = read(c->fd, c->buffer, sizeof c->buffer);
    } while (got < 0 && errno == EINTR);
    c->at = 0;
    c->end = got > 0 ? (size_t)got : 0;
    return got > 0;
}

// Reads a line without its end. A longer one is cut: the headers that matter here are short.
static bool read_line(struct connection* c, char line[line_max]) {
    size_t length = 0;
    for (;;) {
        if (c->at == c->end && !fill(c)) return false;
        char byte = c->buffer[c->at++];
        if (byte == '\n') break;
        if (length + 1 < line_max) line[length++] = byte;
    }
    if (length > 0 && line[length - 1] == '\r') length--;
    line[length] = '\0';
    return true;
}

// The answer: room for its head, the greeting, then the bytes of the request.
struct body {
    char* data;
    size_t length, capacity;
};

static bool append(struct body* body, const char* data, size_t length) {
    if (body->length + length > body->capacity) {
        body->capacity = 2 * (body->length + length);
        body->data = realloc(body->data, body->capacity);
        if (!body->data) fail("realloc");
    }
    memcpy(body->data + body->length, data, length);
    body->length += length;
    return body->length <= body_max;
}

static bool append_from(struct connection* c, struct body* body, size_t length) {
    while (length > 0) {
        if (c->at == c->end && !fill(c)) return false;
        size_t here = c->end - c->at < length ? c->end - c->at : length;
        if (!append(body, c->buffer + c->at, here)) return false;
        c->at += here;
        length -= here;
    }
    return true;
}

// Reads a number; blanks or a chunk's extension may follow it.
static bool parse_size(const char* text, int base, size_t* size) {
    char* end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, base);
    if (errno != 0 || end == text || *text == '-' || value > body_max) return false;
    *size = (size_t)value;
    return *end == '\0' || strchr("; \t", *end) != NULL;
}

static bool append_chunks(struct connection* c, struct body* body) {
    char line[line_max];
    for (;;) {
        size_t length;
        if (!read_line(c, line) || !parse_size(line, 16, &length)) return false;
        if (length == 0) break;
        if (!append_from(c, body, length) || !read_line(c, line) || line[0] != '\0') return false;
    }
    do {  // trailers
        if (!read_line(c, line)) return false;
    } while (line[0] != '\0');
    return true;
}

struct request {
    size_t content_length;
    bool chunked, last;
    char call_id[64], attempt[16];
};

// False when the header is malformed.
static bool read_header(struct request* request, char* line) {
    char* value = strchr(line, ':');
    if (!value) return false;
    *value++ = '\0';
    value += strspn(value, " \t");
    if (strcasecmp(line, "Content-Length") == 0) {
        return parse_size(value, 10, &request->content_length);
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        request->chunked = true;
    } else if (strcasecmp(line, "Connection") == 0) {
        request->last = strcasecmp(value, "close") == 0;
    } else if (strcasecmp(line, "Fn-Call-Id") == 0) {
        snprintf(request->call_id, sizeof request->call_id, "%s", value);
    } else if (strcasecmp(line, "Fn-Attempt") == 0) {
        snprintf(request->attempt, sizeof request->attempt, "%s", value);
    }
    return true;
}

// False when the stream has ended or is not HTTP: the connection is then of no more use.
static bool read_head(struct connection* c, struct request* request) {
    char line[line_max];
    *request = (struct request){.call_id = "?", .attempt = "?"};
    if (!read_line(c, line)) return false;  // every path and method is the call
    while (read_line(c, line)) {
        if (line[0] == '\0') return true;
        if (!read_header(request, line)) return false;
    }
    return false;
}

// --- answering ---

// Puts the head right before the body, so that both leave in one write.
static bool answer(int fd, struct body* body) {
    char head[head_room];
    int length = snprintf(
        head,
        sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
        body->length - head_room
    );
    const char* next = memcpy(body->data + head_room - length, head, (size_t)length);
    const char* end = body->data + body->length;
    while (next < end) {
        ssize_t sent = send(fd, next, (size_t)(end - next), MSG_NOSIGNAL);
        if (sent > 0) next += sent;
        if (sent < 0 && errno != EINTR) return false;
    }
    return true;
}

// One call. False when the connection must be closed.
static bool serve_call(struct connection* c, struct body* body) {
    struct request request;
    if (!read_head(c, &request)) return false;
    static const char room[head_room];
    body->length = 0;
    append(body, room, sizeof room);
    append(body, "Hello, ", 7);
    bool whole =
        request.chunked ? append_chunks(c, body) : append_from(c, body, request.content_length);
    if (!whole) return false;
    if (body->length == head_room + 7) append(body, "world", 5);
    append(body, "!\n", 2);
    // Before the answer: what comes after it may be taken for the next call's.
    dprintf(STDERR_FILENO, "hello: call %s attempt %s\n", request.call_id, request.attempt);
    return answer(c->fd, body) && !request.last;
}

static void* serve_connection(void* argument) {
    struct connection* c = argument;
    struct body body = {0};
    while (serve_call(c, &body)) continue;
    free(body.data);
    close(c->fd);
    free(c);
    return NULL;
}

// --- starting ---

// The caller acts as soon as the name in FN_LISTENER appears, so it must not appear before the
// socket is ready: bind another name, then link to it (by a relative target, says the contract).
static int listen_at(const char* path) {
    const char* slash = strrchr(path, '/');
    const char* name = slash ? slash + 1 : path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char target[sizeof address.sun_path];
    int length = snprintf(target, sizeof target, "phony%s", name);
    int whole = snprintf(
        address.sun_path, sizeof address.sun_path, "%.*s%s", (int)(name - path), path, target
    );
    if (length >= (int)sizeof target || whole >= (int)sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("FN_LISTENER");
    }
    unlink(path);
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("bind");
    if (chmod(address.sun_path, 0666) != 0) fail("chmod");  // the caller is another user
    if (listen(fd, 16) != 0) fail("listen");
    if (symlink(target, path) != 0) fail("symlink");
    return fd;
}

int main(void) {
    const char* listener = getenv("FN_LISTENER");
    if (!listener || strncmp(listener, "unix:", 5) != 0) {
        fputs("hello: FN_LISTENER must be unix:<path>; this program runs as a function\n", stderr);
        return 2;
    }
    signal(SIGTERM, _exit);  // process 1 has no default action
    int listening = listen_at(listener + 5);
    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (fd < 0) fail("accept");
        pthread_t thread;
        struct connection* c = calloc(1, sizeof *c);
        if (!c) fail("calloc");
        c->fd = fd;
        if ((errno = pthread_create(&thread, NULL, serve_connection, c)) != 0)
            fail("pthread_create");
        pthread_detach(thread);
    }
}
