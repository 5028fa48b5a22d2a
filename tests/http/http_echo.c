// A server around src/http that says what it understood: for the raw-bytes tests of
// tests/integration/test_http_*.py. Usage: http_echo CERTIFICATE KEY [name=value ...]; prints its
// ports as JSON on standard output. SIGHUP reads the certificate again, SIGTERM drains.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM_PIECE 32768

struct echo {
    uv_loop_t loop;             // the only one
    struct http_server *server; // under test
    const char *certificate;    // file
    const char *key;            // file
    uint64_t gone;              // clients that left before their answer
    uint64_t served;            // requests
};

struct stream {
    struct echo *echo;         // its server
    struct http_handle handle; // its request
    uint64_t left;             // bytes to send
    uint64_t in_flight;        // given, not drained
    uv_timer_t timer;          // for /slow
};

static struct stream *streams[4096]; // by user number; 0 is unused

static uint64_t query_number(struct bytes query, const char *name, uint64_t otherwise)
{
    struct bytes rest = query, piece = {0};
    uint64_t value = otherwise;
    while (bytes_split(&rest, '&', &piece)) {
        size_t at = 0;
        if (bytes_find(piece, '=', &at) && bytes_equal_text(bytes_slice(piece, 0, at), name)) {
            (void)bytes_to_u64(bytes_slice(piece, at + 1, piece.len), UINT64_MAX, &value);
        }
    }
    return value;
}

static void answer_json(struct echo *echo, struct http_handle handle, unsigned status,
                        struct bytes body)
{
    struct http_answer_head head = {
        .status = status, .content_type = BYTES("application/json"), .compress = true};
    http_answer_send(echo->server, handle, &head, body);
}

static void describe(const struct http_request *request, struct json_out *j)
{
    json_begin_object(j);
    json_member_text(j, "method", request->method);
    json_member_text(j, "path", request->path);
    json_member_text(j, "query", request->query);
    json_member_text_c(j, "peer", request->peer);
    json_member_bool(j, "tls", request->tls);
    json_member_i64(j, "body_length", (int64_t)request->body.len);
    json_member_text(j, "body", bytes_slice(request->body, 0, 4096));
    json_name(j, "headers");
    json_begin_array(j);
    for (size_t i = 0; i < request->header_count; i++) {
        json_begin_array(j);
        json_text(j, request->headers[i].name);
        json_text(j, request->headers[i].value);
        json_end_array(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static uint64_t stream_new(struct echo *echo, const struct http_request *request)
{
    for (uint64_t i = 1; i < sizeof streams / sizeof streams[0]; i++) {
        if (streams[i] == NULL) {
            streams[i] = mem_alloc(1, sizeof *streams[i]);
            streams[i]->echo = echo;
            streams[i]->handle = request->handle;
            http_answer_attach(echo->server, request->handle, i);
            return i;
        }
    }
    return 0;
}

static void stream_freed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void stream_end(uint64_t number)
{
    struct stream *s = streams[number];
    streams[number] = NULL;
    if (s->timer.data != NULL) {
        uv_close((uv_handle_t *)&s->timer, stream_freed);
    } else {
        mem_free(s);
    }
}

static void stream_more(uint64_t number)
{
    static uint8_t piece[STREAM_PIECE];
    struct stream *s = streams[number];
    memset(piece, 'x', sizeof piece);
    while (s->left != 0 && s->in_flight < FP_LIMIT_LINK_CREDIT) {
        size_t len = s->left < sizeof piece ? (size_t)s->left : sizeof piece;
        s->left -= len;
        s->in_flight += len;
        if (http_answer_body(s->echo->server, s->handle, bytes_of(piece, len)) != FP_OK) {
            stream_end(number);
            return;
        }
        if (streams[number] != s) {
            return;
        }
    }
    if (s->left == 0) {
        http_answer_end(s->echo->server, s->handle);
        stream_end(number);
    }
}

static void slow_over(uv_timer_t *timer)
{
    struct stream *s = timer->data;
    for (uint64_t i = 1; i < sizeof streams / sizeof streams[0]; i++) {
        if (streams[i] == s) {
            answer_json(s->echo, s->handle, 200, BYTES("{\"slow\":true}"));
            stream_end(i);
            return;
        }
    }
}

static void on_slow(struct echo *echo, const struct http_request *request)
{
    uint64_t number = stream_new(echo, request);
    struct stream *s = streams[number];
    (void)uv_timer_init(&echo->loop, &s->timer);
    s->timer.data = s;
    (void)uv_timer_start(&s->timer, slow_over, query_number(request->query, "ms", 100), 0);
}

static void on_stream(struct echo *echo, const struct http_request *request)
{
    uint64_t number = stream_new(echo, request);
    struct http_answer_head head = {
        .status = 200, .content_type = BYTES("text/plain"), .length = -1, .compress = true};
    streams[number]->left = query_number(request->query, "n", 100000);
    if (http_answer_begin(echo->server, request->handle, &head) == FP_OK) {
        stream_more(number);
    } else {
        stream_end(number);
    }
}

static void on_counters(struct echo *echo, const struct http_request *request)
{
    struct http_statistics statistics = {0};
    struct buf body;
    http_server_statistics(echo->server, &statistics);
    buf_init(&body, 4096);
    buf_printf(&body,
               "{\"gone\":%llu,\"served\":%llu,\"connections\":%u,\"unanswered\":%u,"
               "\"turned_away\":%llu}",
               (unsigned long long)echo->gone, (unsigned long long)echo->served,
               statistics.connections, statistics.unanswered,
               (unsigned long long)statistics.turned_away);
    answer_json(echo, request->handle, 200, buf_bytes(&body));
    buf_done(&body);
}

static void on_request(void *ctx, const struct http_request *request)
{
    struct echo *echo = ctx;
    struct json_out j;
    struct buf body;
    echo->served++;
    if (bytes_equal_text(request->path, "/slow")) {
        on_slow(echo, request);
        return;
    }
    if (bytes_equal_text(request->path, "/stream")) {
        on_stream(echo, request);
        return;
    }
    if (bytes_equal_text(request->path, "/counters")) {
        on_counters(echo, request);
        return;
    }
    buf_init(&body, 4u << 20);
    if (bytes_equal_text(request->path, "/big")) {
        size_t len = (size_t)query_number(request->query, "n", 100000);
        memset(buf_reserve(&body, len), 'x', len);
        buf_commit(&body, len);
    } else {
        j = json_out_start(&body);
        describe(request, &j);
    }
    answer_json(echo, request->handle, bytes_equal_text(request->path, "/empty") ? 204 : 200,
                buf_bytes(&body));
    buf_done(&body);
}

static void on_refuse(void *ctx, const struct http_request *request, enum fp_error error)
{
    struct echo *echo = ctx;
    const struct fp_error_row *row = fp_error_row(error);
    struct buf body;
    struct json_out j;
    buf_init(&body, 4096);
    j = json_out_start(&body);
    json_begin_object(&j);
    json_member_text_c(&j, "code", row->code);
    json_member_text(&j, "method", request->method);
    json_end_object(&j);
    answer_json(echo, request->handle, row->status, buf_bytes(&body));
    buf_done(&body);
}

static void on_gone(void *ctx, uint64_t user)
{
    struct echo *echo = ctx;
    echo->gone++;
    stream_end(user);
}

static void on_drained(void *ctx, uint64_t user, size_t bytes)
{
    (void)ctx;
    streams[user]->in_flight -= bytes;
    stream_more(user);
}

static void on_ended(void *ctx)
{
    struct echo *echo = ctx;
    uv_stop(&echo->loop);
}

static struct http_tls *read_tls(const struct echo *echo)
{
    static char texts[2][65536];
    const char *const files[2] = {echo->certificate, echo->key};
    size_t lens[2] = {0};
    struct http_tls *tls = NULL;
    struct fp_note note = {0};
    for (int i = 0; i < 2; i++) {
        int fd = open(files[i], O_RDONLY | O_CLOEXEC);
        ssize_t got = fd >= 0 ? read(fd, texts[i], sizeof texts[i]) : -1;
        lens[i] = got > 0 ? (size_t)got : 0;
        close(fd);
    }
    if (http_tls_create(bytes_of(texts[0], lens[0]), bytes_of(texts[1], lens[1]), &note, &tls) !=
        FP_OK) {
        fprintf(stderr, "http_echo: %s: %s\n", note.field, note.text);
    }
    return tls;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct echo *echo = handle->data;
    if (number == SIGHUP) {
        struct http_tls *tls = read_tls(echo);
        if (tls != NULL) {
            http_server_set_tls(echo->server, tls);
        }
    } else {
        http_server_drain(echo->server);
    }
}

static int listen_somewhere(struct echo *echo, unsigned tag, bool encrypted)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        http_server_listen(echo->server, fd, tag, encrypted) != FP_OK) {
        perror("listen");
        exit(1);
    }
    return ntohs(address.sin_port);
}

// name=value on the command line.
static void option(struct http_options *options, const char *text)
{
    struct bytes rest = bytes_of_text(text), name = {0};
    uint64_t value = 0;
    if (!bytes_split(&rest, '=', &name) || !bytes_to_u64(rest, UINT32_MAX, &value)) {
        fprintf(stderr, "http_echo: bad option %s\n", text);
        exit(2);
    }
    if (bytes_equal_text(name, "body_limit")) {
        options->body_limit = (size_t)value;
    } else if (bytes_equal_text(name, "handshake")) {
        options->handshake_timeout_ms = value;
    } else if (bytes_equal_text(name, "header")) {
        options->header_timeout_ms = value;
    } else if (bytes_equal_text(name, "body")) {
        options->body_timeout_ms = value;
    } else if (bytes_equal_text(name, "idle")) {
        options->idle_timeout_ms = value;
    } else if (bytes_equal_text(name, "write")) {
        options->write_timeout_ms = value;
    } else if (bytes_equal_text(name, "connections")) {
        options->connections = (unsigned)value;
    } else if (bytes_equal_text(name, "per_address")) {
        options->connections_per_address = (unsigned)value;
    }
}

int main(int argc, char **argv)
{
    static struct echo echo;
    struct http_options options = {
        FP_LIMIT_HTTP_BODY,           FP_LIMIT_HTTP_HANDSHAKE_TIMEOUT,
        FP_LIMIT_HTTP_HEADER_TIMEOUT, FP_LIMIT_HTTP_BODY_TIMEOUT,
        FP_LIMIT_HTTP_IDLE_TIMEOUT,   FP_LIMIT_HTTP_WRITE_TIMEOUT,
        FP_LIMIT_HTTP_CONNECTIONS,    FP_LIMIT_HTTP_CONNECTIONS_PER_ADDRESS};
    static const struct http_ops ops = {on_request, on_refuse, on_gone, on_drained, on_ended};
    static uv_signal_t term, hangup;
    int plain = 0, encrypted = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: http_echo CERTIFICATE KEY [name=value ...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        option(&options, argv[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    echo.certificate = argv[1];
    echo.key = argv[2];
    uv_loop_init(&echo.loop);
    echo.server = http_server_create(&echo.loop, &options, &ops, &echo);
    http_server_set_tls(echo.server, read_tls(&echo));
    plain = listen_somewhere(&echo, 1, false);
    encrypted = listen_somewhere(&echo, 2, true);
    uv_signal_init(&echo.loop, &term);
    uv_signal_init(&echo.loop, &hangup);
    term.data = hangup.data = &echo;
    uv_signal_start(&term, on_signal, SIGTERM);
    uv_signal_start(&hangup, on_signal, SIGHUP);
    printf("{\"plain\":%d,\"tls\":%d}\n", plain, encrypted);
    fflush(stdout);
    uv_run(&echo.loop, UV_RUN_DEFAULT);
    http_server_free(echo.server);
    uv_close((uv_handle_t *)&term, NULL);
    uv_close((uv_handle_t *)&hangup, NULL);
    uv_run(&echo.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&echo.loop) == 0 ? 0 : 1;
}
