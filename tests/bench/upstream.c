// The source system of the benchmarks: answers recorded JSON-RPC bytes over TLS with keep-alive, as
// fast as one core can, so that what is measured is the server in front of it. It can hold each
// data call for a while (the slow source of the memory figures). Not a Tryton, only its words.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROWS  64
#define CONNS 20000
#define IN    16384

struct row {
    char *request;      // the call's text from "method" on, as it was recorded
    size_t request_len; // bytes
    size_t method_len;  // of request: up to the end of the method's name
    char *answer;       // the body after the number that follows "id":
    size_t answer_len;  // bytes
};

struct conn {
    SSL *ssl;               // NULL: unused
    int fd;                 // its socket
    char in[IN];            // what was read and not yet used
    size_t in_len;          // bytes
    char *out;              // answer being written
    size_t out_len, out_at; // bytes in all and written
    size_t out_room;        // allocated
    int64_t due_ms;         // when the held answer goes out; 0: nothing is held
};

static struct row rows[ROWS];
static size_t row_count;
static struct conn *conns[CONNS];
static int64_t delay_ms;
static unsigned held, held_max, served, accepted;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static char *must_read(FILE *file, size_t len)
{
    char *text = malloc(len + 1);
    if (text == NULL || fread(text, 1, len, file) != len) {
        die("recordings");
    }
    text[len] = '\0';
    return text;
}

// The file holds, for each recording, "REQUEST-LENGTH ANSWER-LENGTH\n", then both texts.
static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    char line[64];
    if (file == NULL) {
        die(path);
    }
    while (row_count < ROWS && fgets(line, sizeof line, file) != NULL) {
        struct row *row = &rows[row_count++];
        char *end = NULL;
        row->request_len = strtoul(line, &end, 10);
        row->answer_len = strtoul(end, NULL, 10);
        row->request = must_read(file, row->request_len);
        row->answer = must_read(file, row->answer_len);
        const char *params = strstr(row->request, "\"params\"");
        row->method_len = params != NULL ? (size_t)(params - row->request) : row->request_len;
    }
    fclose(file);
}

static const struct row *find(const char *text, size_t len)
{
    const struct row *near = NULL;
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].request_len == len && memcmp(rows[i].request, text, len) == 0) {
            return &rows[i];
        }
        if (near == NULL && len >= rows[i].method_len &&
            memcmp(rows[i].request, text, rows[i].method_len) == 0) {
            near = &rows[i];
        }
    }
    return near;
}

static void emit(struct conn *c, const char *head, size_t head_len, const char *body, size_t len)
{
    if (c->out_room < head_len + len) {
        c->out_room = head_len + len;
        c->out = realloc(c->out, c->out_room);
        if (c->out == NULL) {
            die("realloc");
        }
    }
    memcpy(c->out, head, head_len);
    memcpy(c->out + head_len, body, len);
    c->out_len = head_len + len;
    c->out_at = 0;
}

static void emit_stats(struct conn *c)
{
    char body[128], head[128];
    int len =
        snprintf(body, sizeof body, "{\"held\":%u,\"held_max\":%u,\"served\":%u,\"accepted\":%u}",
                 held, held_max, served, accepted);
    int head_len =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len);
    emit(c, head, (size_t)head_len, body, (size_t)len);
}

static void answer(struct conn *c, const char *body, size_t len)
{
    char head[192], id[32] = "0";
    const char *method = memmem(body, len, "\"method\"", 8);
    const char *number = memmem(body, len, "\"id\":", 5);
    const struct row *row = NULL;
    if (method == NULL) {
        emit_stats(c);
        return;
    }
    if (number != NULL) {
        snprintf(id, sizeof id, "%lu", strtoul(number + 5, NULL, 10));
    }
    row = find(method, len - (size_t)(method - body));
    if (row == NULL) {
        fprintf(stderr, "no recording for %.*s\n", (int)len, body);
        row = &rows[0];
    }
    served++;
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n{\"id\":%s",
                            row->answer_len + strlen(id) + 6, id);
    emit(c, head, (size_t)head_len, row->answer, row->answer_len);
    if (delay_ms != 0 && memmem(body, len, "search_read", 11) != NULL) {
        c->due_ms = now_ms() + delay_ms;
        held++;
        held_max = held > held_max ? held : held_max;
    }
}

// Answers the next whole request in c->in; 0 when there is none yet.
static int next_request(struct conn *c)
{
    char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    size_t length = 0;
    if (end == NULL) {
        return 0;
    }
    size_t head_len = (size_t)(end - c->in) + 4;
    for (char *line = c->in; line < end; line = (char *)memchr(line, '\n', head_len) + 1) {
        if (strncasecmp(line, "content-length:", 15) == 0) {
            length = strtoul(line + 15, NULL, 10);
            break;
        }
        if (memchr(line, '\n', (size_t)(end - line)) == NULL) {
            break;
        }
    }
    if (c->in_len < head_len + length) {
        return 0;
    }
    answer(c, c->in + head_len, length);
    c->in_len -= head_len + length;
    memmove(c->in, c->in + head_len + length, c->in_len);
    return 1;
}

static void drop(struct conn *c)
{
    if (c->due_ms != 0) {
        held--;
    }
    conns[c->fd] = NULL;
    SSL_free(c->ssl);
    close(c->fd);
    free(c->out);
    free(c);
}

// Writes what is due, reads what came. 0: the connection has ended.
static int serve(struct conn *c)
{
    for (;;) {
        if (c->due_ms != 0) {
            return 1;
        }
        while (c->out_at < c->out_len) {
            int n = SSL_write(c->ssl, c->out + c->out_at, (int)(c->out_len - c->out_at));
            if (n <= 0) {
                return SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE;
            }
            c->out_at += (size_t)n;
        }
        c->out_len = c->out_at = 0;
        if (next_request(c)) {
            continue;
        }
        if (c->in_len == IN) {
            return 0;
        }
        int n = SSL_read(c->ssl, c->in + c->in_len, (int)(IN - c->in_len));
        if (n <= 0) {
            int error = SSL_get_error(c->ssl, n);
            return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
        }
        c->in_len += (size_t)n;
    }
}

static void accept_all(int listener, int loop, SSL_CTX *context)
{
    int fd = -1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        if (fd >= CONNS || c == NULL) {
            die("too many connections");
        }
        accepted++;
        c->fd = fd;
        c->ssl = SSL_new(context);
        SSL_set_fd(c->ssl, fd);
        SSL_set_accept_state(c->ssl);
        conns[fd] = c;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};
        epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
    }
}

static void release_held(void)
{
    int64_t now = now_ms();
    for (int fd = 0; held != 0 && fd < CONNS; fd++) {
        struct conn *c = conns[fd];
        if (c != NULL && c->due_ms != 0 && c->due_ms <= now) {
            c->due_ms = 0;
            held--;
            if (!serve(c)) {
                drop(c);
            }
        }
    }
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4096) != 0) {
        die("listen");
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: upstream PORT CERTIFICATE KEY RECORDINGS DELAY-MS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    load(argv[4]);
    delay_ms = strtol(argv[5], NULL, 10);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
        die("certificate");
    }
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    int listener = listen_on((int)strtol(argv[1], NULL, 10));
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(loop, events, 256, held != 0 ? 20 : -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_all(listener, loop, context);
            } else if (conns[fd] != NULL && !serve(conns[fd])) {
                drop(conns[fd]);
            }
        }
        release_held();
    }
}
