// The function of the tests of formats: speaks what FN_FORMAT says over stdin and stdout, and does
// what the first words of its request body say. A cloudevent's words are the text of its data.
//
//   echo TEXT    answers TEXT            exit CODE    ends the process instead of answering
//   sleep MS     answers after a while   status N     answers with that HTTP status
//   say TEXT     prints TEXT, answers    late TEXT    prints TEXT after it has answered
//   big N        answers N bytes         eat MB       takes that much memory
//   garbage      answers something that is none
//
// It prints to stderr: stdout carries the answers.

#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum format { http, json, cloudevent, cold };
static enum format format;

static enum format format_named(const char* name) {
    static const char* const names[] = {"http", "json", "cloudevent", "default"};
    for (int i = 0; i < 4; ++i) {
        if (!strcmp(name, names[i])) return (enum format)i;
    }
    exit(2);
}

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
        ssize_t sent = write(fd, from, length);
        if (sent <= 0) return false;
        from += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void put_json_text(FILE* out, const char* text, size_t length) {
    fputc('"', out);
    for (size_t i = 0; i < length; ++i) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20) {
            fprintf(out, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') fputc('\\', out);
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static bool answer_in_envelope(int status, const char* body, size_t length) {
    static const char protocol[] =
        "\"protocol\":{\"status_code\":%d,\"headers\":{\"X-Twice\":[\"1\",\"2\"]}}";
    if (format == json) {
        printf("{\"content_type\":\"text/plain\",");
        printf(protocol, status);
        printf(",\"body\":");
        put_json_text(stdout, body, length);
    } else {
        printf("{\"contentType\":\"text/plain\",\"extensions\":{");
        printf(protocol, status);
        printf("},\"data\":");
        put_json_text(stdout, body, length);
    }
    printf("}\n");
    return fflush(stdout) == 0;
}

static bool answer(int fd, int status, const char* body, size_t length) {
    if (format == cold) return write_all(fd, body, length);
    if (format == json || format == cloudevent) return answer_in_envelope(status, body, length);
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
    if (!strcmp(word, "exit")) exit(atoi(rest));
    if (!strcmp(word, "garbage")) return write_all(fd, "what?\r\n\r\n", 9);
    if (!strcmp(word, "status")) return answer(fd, atoi(rest), "as told", 7);
    if (!strcmp(word, "sleep")) usleep((useconds_t)atoi(rest) * 1000);
    if (!strcmp(word, "eat")) eat(strtoul(rest, NULL, 10));
    if (!strcmp(word, "say")) {
        dprintf(STDERR_FILENO, "err: %s\n", rest);
    }
    if (!strcmp(word, "big")) {
        size_t length = strtoul(rest, NULL, 10);
        char* bytes = malloc(length + 1);
        memset(bytes, 'b', length);
        bool sent = answer(fd, 200, bytes, length);
        free(bytes);
        return sent;
    }
    bool sent = answer(fd, 200, rest, request->body + request->body_length - rest);
    if (!strcmp(word, "late")) {
        usleep(300 * 1000);
        dprintf(STDERR_FILENO, "late: %s\n", rest);
    }
    return sent;
}

// The text of the first member of that name, unescaped as far as these tests need it.
static bool take_text(const char* line, const char* name, struct request* request) {
    const char* at = strstr(line, name);
    if (!at) return false;
    request->body = malloc(strlen(at) + 1);
    char* to = request->body;
    for (at += strlen(name); *at && *at != '"'; ++at) {
        if (*at == '\\') ++at;
        *to++ = *at;
    }
    *to = '\0';
    request->body_length = (size_t)(to - request->body);
    snprintf(request->head, sizeof request->head, "%s", line);
    request->head_length = strlen(request->head);
    return true;
}

static void serve_envelopes(struct request* request) {
    const char* name = format == json ? "\"body\":\"" : "\"data\":\"";
    char* line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0 && take_text(line, name, request)) {
        if (!serve(STDOUT_FILENO, request)) return;
        free(request->body);
    }
}

static void serve_once(struct request* request) {
    size_t room = 1 << 20;
    request->body = malloc(room + 1);
    for (;;) {
        ssize_t got =
            read(STDIN_FILENO, request->body + request->body_length, room - request->body_length);
        if (got <= 0) break;
        request->body_length += (size_t)got;
        if (request->body_length == room) request->body = realloc(request->body, (room *= 2) + 1);
    }
    request->body[request->body_length] = '\0';
    serve(STDOUT_FILENO, request);
}

int main(void) {
    signal(SIGTERM, _exit);
    signal(SIGPIPE, SIG_IGN);
    format = format_named(getenv("FN_FORMAT"));
    struct request* request = calloc(1, sizeof *request);
    if (format == cold) {
        serve_once(request);
    } else if (format == http) {
        while (read_request(STDIN_FILENO, request) && serve(STDOUT_FILENO, request)) {
            free(request->body);
        }
    } else {
        serve_envelopes(request);
    }
    return 0;
}
