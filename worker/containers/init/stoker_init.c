// stoker-init: runs inside a container as its entrypoint, with the image's own entrypoint and cmd
// as arguments. It makes pipes, hands the agent's ends of them to it through the unix socket named
// by STOKER_OUTPUT, puts the other ends in place of stdout, stderr and, if STOKER_INPUT is set,
// stdin, and becomes the function. One thread, no state of its own; the build links it statically
// so that it runs in an empty image.
//
// Exit codes: 125 the hand-over failed (said on the inherited stderr), 127 the command does not
// exist, 126 it cannot be run (both said on the new stderr, where the agent reads).

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { exit_handover = 125, exit_not_runnable = 126, exit_not_found = 127 };

static const char output_variable[] = "STOKER_OUTPUT";
static const char input_variable[] = "STOKER_INPUT";
static const char handover_version = 1;

// One write, so that lines of several containers on one stderr do not mix.
static void say(const char* what, const char* name, int error) {
    char line[1024];
    int length =
        snprintf(line, sizeof line, "stoker-init: %s %s: %s\n", what, name, strerror(error));
    if (length >= (int)sizeof line) length = (int)sizeof line - 1;
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) return;
}

static int connect_to(const char* path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int done;
    do {
        done = connect(fd, (struct sockaddr*)&address, sizeof address);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -1 : fd;
}

static int send_descriptors(int connection, const int* descriptors, size_t count) {
    char version = handover_version;
    struct iovec payload = {.iov_base = &version, .iov_len = 1};
    union {
        char bytes[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &payload,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)),
    };
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));

    ssize_t sent;
    do {
        sent = sendmsg(connection, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : -1;
}

// Returns 0 once stdout, stderr and, if asked for, stdin are the agent's pipes.
static int hand_over(const char* path, int with_input) {
    int out[2], err[2], in[2];
    // Descriptors 0 to 2 are open: the engine saw to it. So no pipe end lands on one of them.
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) return -1;
    if (with_input && pipe2(in, O_CLOEXEC) < 0) return -1;
    const int descriptors[] = {out[0], err[0], with_input ? in[1] : -1};
    int connection = connect_to(path);
    if (connection < 0) return -1;
    if (send_descriptors(connection, descriptors, with_input ? 3 : 2) < 0) return -1;
    close(connection);
    close(out[0]);
    close(err[0]);
    // dup2 drops O_CLOEXEC; the originals keep it and vanish with exec.
    if (dup2(out[1], STDOUT_FILENO) < 0 || dup2(err[1], STDERR_FILENO) < 0) return -1;
    if (!with_input) return 0;
    close(in[1]);
    return dup2(in[0], STDIN_FILENO) < 0 ? -1 : 0;
}

int main(int argc, char** argv) {
    const char* path = getenv(output_variable);
    if (path == NULL || argc < 2) {
        fprintf(stderr, "usage: STOKER_OUTPUT=<socket> stoker-init <command> [argument...]\n");
        return exit_handover;
    }
    if (hand_over(path, getenv(input_variable) != NULL) < 0) {
        say("hand-over to", path, errno);
        return exit_handover;
    }
    unsetenv(output_variable);
    unsetenv(input_variable);
    execvp(argv[1], argv + 1);
    const int error = errno;
    say("exec", argv[1], error);
    return error == ENOENT || error == ENOTDIR ? exit_not_found : exit_not_runnable;
}
