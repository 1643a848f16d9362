// What a function can do wrong, each under the word that makes it do it. Included by function.c.
// "..." in a remark means: and never answers.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

static void milliseconds(int count) { usleep((useconds_t)count * 1000); }

static bool hang(void) {
    for (;;) pause();
}

// --- the process ---

static bool exits(int fd, const char* code) {
    (void)fd;
    exit(atoi(code));
}

static bool crashes(int fd, const char* rest) {
    (void)fd, (void)rest;
    abort();
}

/// The first process ends, a child of it goes on.
static bool daemonises(int fd, const char* rest) {
    (void)rest;
    if (fork() != 0) _exit(0);
    milliseconds(200);
    return answer_text(fd, "from the child");
}

static bool ignores_sigterm(int fd, const char* rest) {  // ...
    (void)fd, (void)rest;
    signal(SIGTERM, SIG_IGN);
    return hang();
}

static bool stops_itself(int fd, const char* rest) {  // ...
    (void)fd, (void)rest;
    kill(getpid(), SIGSTOP);
    return hang();
}

static bool forks(int fd, const char* count) {
    int made = 0;
    for (int i = 0; i < atoi(count); ++i) {
        pid_t pid = fork();
        if (pid == 0) hang();
        made += pid > 0;
    }
    return answer_text(fd, made < 60 ? "some" : "too many");
}

// --- resources ---

static bool eats_memory(int fd, const char* megabytes) {
    for (int i = 0; i < atoi(megabytes); ++i) {
        volatile char* piece = malloc(1 << 20);
        for (size_t at = 0; piece && at < 1 << 20; at += 4096) piece[at] = 1;
    }
    return answer_text(fd, "ate");
}

static bool eats_descriptors(int fd, const char* rest) {
    (void)rest;
    int last = fd;
    for (int got; (got = open("/", O_RDONLY)) >= 0; last = got) {}
    const bool all = errno == EMFILE;
    for (; last > fd; --last) close(last);
    return answer_text(fd, all ? "no more" : "?");
}

/// /tmp lies in memory: filling it takes the container's own.
static bool fills_tmp(int fd, const char* rest) {
    (void)rest;
    static char block[1 << 16];
    int file = open("/tmp/full", O_WRONLY | O_CREAT, 0600);
    while (write(file, block, sizeof block) > 0) {}
    return answer_text(fd, "full");
}

// --- the socket folder ---

static bool unlinks_socket(int fd, const char* rest) {
    (void)rest;
    unlink(socket_path);
    return answer_text(fd, "unlinked");
}

static bool links_socket(int fd, const char* target) {
    unlink(socket_path);
    return symlink(target, socket_path) == 0 && answer_text(fd, "linked");
}

static bool replaces_by_fifo(int fd, const char* rest) {
    (void)rest;
    unlink(socket_path);
    return mkfifo(socket_path, 0666) == 0 && answer_text(fd, "fifo");
}

static bool replaces_by_file(int fd, const char* rest) {
    (void)rest;
    unlink(socket_path);
    close(open(socket_path, O_WRONLY | O_CREAT, 0666));
    return answer_text(fd, "file");
}

static bool closes_listener(int fd, const char* rest) {
    (void)rest;
    close(listening);
    listening = -1;
    return answer_text(fd, "closed") && false;
}

/// Empties its folder, then fills it with files and with folders one in the other.
static bool litters(int fd, const char* count) {
    if (chdir("/tmp/iofs") != 0) return false;
    unlink(socket_path);
    for (int i = 0; i < atoi(count); ++i) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0));
    }
    for (int i = 0; i < atoi(count); ++i) {
        if (mkdir("deeper", 0700) != 0 || chdir("deeper") != 0) break;
    }
    return chdir("/") == 0 && answer_text(fd, "littered");
}

// --- output ---

static void print_flood(int to, size_t bytes) {
    static char lines[1 << 16];
    memset(lines, 'f', sizeof lines);
    for (size_t at = 99; at < sizeof lines; at += 100) lines[at] = '\n';
    for (size_t done = 0; done < bytes; done += sizeof lines) {
        if (write(to, lines, sizeof lines) < 0) return;
    }
}

static bool floods(int fd, const char* megabytes) {
    print_flood(STDOUT_FILENO, strtoul(megabytes, NULL, 10) << 20);
    return answer_text(fd, "flooded");
}

static bool floods_stderr(int fd, const char* megabytes) {
    print_flood(STDERR_FILENO, strtoul(megabytes, NULL, 10) << 20);
    return answer_text(fd, "flooded");
}

static bool floods_for_ever(int fd, const char* rest) {  // ...
    (void)fd, (void)rest;
    print_flood(STDOUT_FILENO, (size_t)-1 >> 1);
    return false;
}

static bool trickles_output(int fd, const char* rest) {  // ...
    (void)fd, (void)rest;
    for (;;) {
        dprintf(STDOUT_FILENO, ".");
        milliseconds(20);
    }
}

static bool prints_binary(int fd, const char* rest) {
    (void)rest;
    static char bytes[300000];
    for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (char)(i % 256);
    for (size_t at = 0; at < sizeof bytes;) {
        ssize_t written = write(STDOUT_FILENO, bytes + at, sizeof bytes - at);
        if (written < 0) return false;
        at += (size_t)written;
    }
    return answer_text(fd, "printed");
}

static bool closes_output(int fd, const char* rest) {
    (void)rest;
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    return answer_text(fd, "mute");
}

// --- the answer ---

static bool says(int fd, const char* bytes) { return write_text(fd, bytes) || true; }

static bool garbage(int fd, const char* rest) {
    (void)rest;
    return says(fd, "what?\r\n\r\n");
}

static const char complete_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";

static bool answers_twice(int fd, const char* rest) {
    (void)rest;
    char both[2 * sizeof complete_answer];
    snprintf(both, sizeof both, "%s%s", complete_answer, complete_answer);
    return says(fd, both);
}

static bool answers_again_later(int fd, const char* ms) {
    if (!says(fd, complete_answer)) return false;
    milliseconds(atoi(ms));
    return says(fd, complete_answer);
}

static bool answers_late(int fd, const char* ms) {
    milliseconds(atoi(ms));
    return answer_text(fd, "late");
}

/// Says less than it promised ...
static bool promises_too_much(int fd, const char* rest) {
    (void)rest;
    return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
}

/// ... or goes in the middle of it.
static bool breaks_off(int fd, const char* rest) {
    (void)rest;
    return promises_too_much(fd, rest) && false;
}

static bool says_too_much(int fd, const char* rest) {
    (void)rest;
    return says(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefghij");
}

static bool goes_silently(int fd, const char* rest) {
    (void)fd, (void)rest;
    return false;
}

static bool half_closes(int fd, const char* rest) {
    (void)rest;
    shutdown(fd, SHUT_WR);
    return true;
}

static bool half_closes_after_body(int fd, const char* rest) {
    (void)rest;
    return says(fd, "HTTP/1.1 200 OK\r\n\r\nto the end") && half_closes(fd, rest);
}

static bool interim_answers(int fd, const char* count) {
    for (int i = 0; i < atoi(count); ++i) {
        if (!write_text(fd, "HTTP/1.1 102 Processing\r\n\r\n")) return false;
    }
    return answer_text(fd, "at last");
}

/// `begun`, then `again` until the agent has had enough. ...
static bool without_end(int fd, const char* begun, const char* again, int pause_ms) {
    static char piece[1 << 14];
    size_t length = 0;
    do {
        length += (size_t)snprintf(piece + length, sizeof piece - length, "%s", again);
    } while (pause_ms == 0 && length + strlen(again) < sizeof piece);
    bool sent = write_text(fd, begun);
    while (sent) {
        sent = write_text(fd, piece);
        milliseconds(pause_ms);
    }
    return false;
}

static bool endless_headers(int fd, const char* rest) {
    (void)rest;
    return without_end(fd, "HTTP/1.1 200 OK\r\n", "X-More: and more\r\n", 0);
}

static bool endless_body(int fd, const char* status) {
    char head[64];
    snprintf(head, sizeof head, "HTTP/1.1 %s OK\r\n\r\n", status);
    return without_end(fd, head, "body", 0);
}

static const char chunked_head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

static bool endless_chunks(int fd, const char* rest) {
    (void)rest;
    return without_end(fd, chunked_head, "1;extension=more\r\nx\r\n", 0);
}

static bool endless_extension(int fd, const char* rest) {
    (void)rest;
    char begun[128];
    snprintf(begun, sizeof begun, "%s1;x=", chunked_head);
    return without_end(fd, begun, "more", 0);
}

static bool endless_interim(int fd, const char* rest) {
    (void)rest;
    return without_end(fd, "", "HTTP/1.1 102 Processing\r\n\r\n", 0);
}

static bool trickles_head(int fd, const char* rest) {
    (void)rest;
    return without_end(fd, "HTTP/1.1 200 OK\r\nX: ", "x", 20);
}

static bool trickles_body(int fd, const char* rest) {
    (void)rest;
    return without_end(fd, "HTTP/1.1 200 OK\r\n\r\n", "x", 20);
}

struct bad_deed {
    const char* word;
    bool (*commit)(int fd, const char* rest);
};

static const struct bad_deed bad_deeds[] = {
    {"exit", exits},
    {"crash", crashes},
    {"daemonise", daemonises},
    {"ignore-sigterm", ignores_sigterm},
    {"stop", stops_itself},
    {"fork", forks},
    {"eat", eats_memory},
    {"eat-descriptors", eats_descriptors},
    {"fill-tmp", fills_tmp},
    {"unlink", unlinks_socket},
    {"link", links_socket},
    {"fifo", replaces_by_fifo},
    {"file", replaces_by_file},
    {"close-listener", closes_listener},
    {"litter", litters},
    {"flood", floods},
    {"flood-stderr", floods_stderr},
    {"flood-for-ever", floods_for_ever},
    {"trickle-output", trickles_output},
    {"binary", prints_binary},
    {"close-output", closes_output},
    {"garbage", garbage},
    {"twice", answers_twice},
    {"again-later", answers_again_later},
    {"late-answer", answers_late},
    {"promise-too-much", promises_too_much},
    {"break-off", breaks_off},
    {"say-too-much", says_too_much},
    {"go-silently", goes_silently},
    {"half-close", half_closes},
    {"half-close-after-body", half_closes_after_body},
    {"interim", interim_answers},
    {"endless-headers", endless_headers},
    {"endless-body", endless_body},
    {"endless-chunks", endless_chunks},
    {"endless-extension", endless_extension},
    {"endless-interim", endless_interim},
    {"trickle-head", trickles_head},
    {"trickle-body", trickles_body},
};

static const struct bad_deed* find_bad_deed(const char* word) {
    for (size_t i = 0; i < sizeof bad_deeds / sizeof *bad_deeds; ++i) {
        if (!strcmp(bad_deeds[i].word, word)) return &bad_deeds[i];
    }
    return NULL;
}

// --- the start, by MODE ---

static void put_in_place_of_socket(void) {
    if (!strcmp(mode, "start-fifo")) mkfifo(socket_path, 0666);
    if (!strcmp(mode, "start-file")) close(open(socket_path, O_WRONLY | O_CREAT, 0666));
    if (!strcmp(mode, "start-folder")) mkdir(socket_path, 0777);
    if (!strncmp(mode, "start-link:", 11) && symlink(mode + 11, socket_path) != 0) exit(1);
}

static void start_badly(void) {
    if (!strncmp(mode, "start-exit:", 11)) {
        fprintf(stderr, "told to exit at start\n");
        exit(atoi(mode + 11));
    }
    if (!strcmp(mode, "start-daemonise") && fork() != 0) _exit(0);
    put_in_place_of_socket();
    if (!strncmp(mode, "start-", 6)) hang();
}
