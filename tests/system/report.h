// A run that a witness hears of, however it ends. Included by function.c.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <time.h>

/// The value of a header of the request, without its line's end; "0" when it is not there.
static const char* header(const struct request* request, const char* name, char* value, int size) {
    const char* line = strcasestr(request->head, name);
    if (!line) return "0";
    line += strlen(name);
    line += strspn(line, ": ");
    snprintf(value, (size_t)size, "%.*s", (int)strcspn(line, "\r"), line);
    return value;
}

/// WITNESS in the configuration is "address port". A descriptor, or -1.
static int find_witness(void) {
    char host[64];
    int port = 0;
    const char* where = getenv("WITNESS");
    if (!where || sscanf(where, "%63s %d", host, &port) != 2) return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_aton(host, &address.sin_addr);
    int witness = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(witness, (struct sockaddr*)&address, sizeof address) == 0) return witness;
    close(witness);
    return -1;
}

/// "TOKEN MS FAILS": tells the witness of its start and its end, works so long between them, prints
/// and answers "ran TOKEN ATTEMPT". The first FAILS attempts answer 500; those of a negative number
/// end the process instead.
static bool report(int fd, const struct request* request, const char* rest) {
    char token[64], text[256], id[64], attempt[16];
    int milliseconds_of_work = 0, fails = 0;
    sscanf(rest, "%63s %d %d", token, &milliseconds_of_work, &fails);
    const char* number = header(request, "\r\nFn-Attempt", attempt, sizeof attempt);
    const char* call = header(request, "\r\nFn-Call-Id", id, sizeof id);
    int witness = find_witness();
    if (witness < 0) return answer(fd, 500, "no witness", 10);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long long started = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
    snprintf(text, sizeof text, "start %s %s %s %lld\n", token, call, number, started);
    write_text(witness, text);
    usleep((useconds_t)milliseconds_of_work * 1000);
    if (atoi(number) <= -fails) exit(3);
    snprintf(text, sizeof text, "ran %s %s\n", token, number);
    dprintf(STDOUT_FILENO, "%s", text);
    write_text(witness, "end\n");
    // Answered before the witness has heard of it, it could be told of an end without a run.
    shutdown(witness, SHUT_WR);
    char heard;
    bool is_witnessed = read(witness, &heard, 1) == 1;
    close(witness);
    int status = is_witnessed && atoi(number) > fails ? 200 : 500;
    return answer(fd, status, text, strlen(text));
}
