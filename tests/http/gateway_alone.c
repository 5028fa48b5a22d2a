// The real gateway room with everything around it played by this program: supervisor, vault and
// egress. For tests/integration/test_http_gateway.py, which needs answers at will. Usage:
// gateway_alone CERTIFICATE KEY [name=value ...]; prints the ports as JSON. The {key} of a record's
// path says what happens to the call: answer, error.CODE, stream.BYTES, half.BYTES, hang,
// drop.vault, drop.egress, counters. SIGHUP hands the files over again, SIGTERM drains.
// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"
#include "base/limits.h"
#include "base/mem.h"
#include "config/config.h"
#include "gateway/gateway.h"
#include "link/channel.h"
#include "link/link.h"
#include "sandbox/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAMS 64

struct stream {
    uint64_t call;   // 0: free
    uint64_t left;   // bytes to send
    uint64_t window; // bytes that may be sent now
    bool half;       // never ends
};

static struct {
    const char *files[2];           // certificate, key
    int channel;                    // supervisor's end
    struct link *vault;             // to the gateway, as the vault
    struct link *egress;            // to the gateway, as egress
    bool drop_vault, drop_egress;   // after this frame
    uint64_t cancels, abandons;     // received
    uint64_t held;                  // calls that are left without an end
    uint64_t most_in_flight;        // of one stream, bytes
    struct stream streams[STREAMS]; // under way
    struct config config;           // of the gateway
} me;

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

// -- the supervisor ------------------------------------------------------------------------------
static void hand_over(enum room_handover kind, const char *name, int fd)
{
    struct link_handover message = {(uint8_t)kind, bytes_of_text(name)};
    struct buf frame;
    buf_init(&frame, 4096);
    must(link_put_handover(&frame, &message) == FP_OK, "handover");
    must(channel_send(me.channel, buf_bytes(&frame), fd) == FP_OK, name);
    buf_done(&frame);
    close(fd);
}

static void hand_over_files(void)
{
    static const char *const names[] = {"tls.certificate", "tls.key"};
    for (int i = 0; i < 2; i++) {
        int fd = open(me.files[i], O_RDONLY | O_CLOEXEC);
        must(fd >= 0, me.files[i]);
        hand_over(ROOM_HANDOVER_FILE, names[i], fd);
    }
}

static int hand_over_listener(const char *name)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 512) == 0 &&
             getsockname(fd, (struct sockaddr *)&address, &len) == 0,
         "listen");
    hand_over(ROOM_HANDOVER_LISTENER, name, fd);
    return ntohs(address.sin_port);
}

static struct link *hand_over_link(enum link_room peer)
{
    int pair[2] = {-1, -1};
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    hand_over(ROOM_HANDOVER_LINK, link_room_name(peer), pair[1]);
    return link_create(pair[0], peer, LINK_ROOM_GATEWAY);
}

static void send_frame(const struct buf *frame)
{
    must(channel_send(me.channel, buf_bytes(frame), -1) == FP_OK, "channel");
}

static void send_reload(void)
{
    struct link_reload message = {2};
    struct buf frame;
    buf_init(&frame, 4096);
    hand_over_files();
    must(link_put_reload(&frame, &message) == FP_OK, "reload");
    send_frame(&frame);
    buf_done(&frame);
}

static void send_drain(void)
{
    struct link_drain message = {5000};
    struct buf frame;
    buf_init(&frame, 4096);
    must(link_put_drain(&frame, &message) == FP_OK, "drain");
    send_frame(&frame);
    buf_done(&frame);
}

static int config_fd(void)
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, &me.config, sizeof me.config) == sizeof me.config, "config");
    return fd;
}

static void start_gateway(int ports_out[3])
{
    struct link_start message = {1};
    struct buf frame;
    hand_over(ROOM_HANDOVER_CONFIG, "", config_fd());
    ports_out[0] = hand_over_listener("api.0");
    ports_out[1] = hand_over_listener("plain.0");
    ports_out[2] = hand_over_listener("metrics");
    hand_over_files();
    me.vault = hand_over_link(LINK_ROOM_VAULT);
    me.egress = hand_over_link(LINK_ROOM_EGRESS);
    buf_init(&frame, 4096);
    must(link_put_start(&frame, &message) == FP_OK, "start");
    send_frame(&frame);
    buf_done(&frame);
}

// -- the vault -----------------------------------------------------------------------------------
static void answer(uint64_t call, enum fp_error error, struct bytes detail, struct bytes errors,
                   struct bytes body)
{
    struct link_answer message = {.call = call,
                                  .error = (uint16_t)error,
                                  .detail = detail,
                                  .errors = errors,
                                  .retry_after_s = error == FP_E_RATE_LIMITED ? 7 : 0,
                                  .application = BYTES("app_test"),
                                  .connection = BYTES("con_test"),
                                  .body = body};
    must(link_put_answer(link_out(me.vault), &message) == FP_OK, "answer");
}

static enum fp_error error_named(struct bytes code)
{
    for (unsigned i = 0; i < FP_ERROR_COUNT; i++) {
        if (bytes_equal_text(code, fp_error_code((enum fp_error)i))) {
            return (enum fp_error)i;
        }
    }
    return FP_E_INTERNAL;
}

static void echo_call(const struct link_call *in, struct buf *out)
{
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_name(&j, "data");
    json_begin_object(&j);
    json_member_text(&j, "request_id", in->request_id);
    json_member_text(&j, "address", in->address);
    json_member_text(&j, "origin", in->origin);
    json_member_i64(&j, "operation", in->operation);
    json_member_text(&j, "key", in->key);
    json_member_text(&j, "subkey", in->subkey);
    json_member_text(&j, "query", in->query);
    json_member_i64(&j, "held", (int64_t)me.held);
    json_member_i64(&j, "cancels", (int64_t)me.cancels);
    json_member_i64(&j, "abandons", (int64_t)me.abandons);
    json_member_i64(&j, "most_in_flight", (int64_t)me.most_in_flight);
    json_member_text_c(&j, "filler", "0123456789012345678901234567890123456789");
    json_end_object(&j);
    json_end_object(&j);
}

static void respond(const struct link_call *in, uint64_t size, bool half);

static void on_call(const struct link_call *in)
{
    struct bytes rest = in->key, verb = {0};
    struct buf body;
    uint64_t size = 0;
    if (in->fault != 0) {
        answer(in->call, (enum fp_error)in->fault, BYTES(""), in->fault_detail, BYTES(""));
        return;
    }
    me.held += bytes_starts_with(in->key, BYTES("ha")) ? 1 : 0;
    if (in->key.len == 0 || !bytes_split(&rest, '.', &verb)) {
        verb = BYTES("answer");
    }
    if (bytes_equal_text(verb, "error")) {
        answer(in->call, error_named(rest), BYTES("{\"evidence\":\"here\"}"),
               BYTES("[{\"field\":\"filter[code]\",\"code\":\"X\",\"message\":\"No.\"},"
                     "{\"field\":\"filter[code]\",\"code\":\"Y\",\"message\":\"Never.\"}]"),
               BYTES(""));
    } else if (bytes_equal_text(verb, "stream") || bytes_equal_text(verb, "half")) {
        must(bytes_to_u64(rest, UINT32_MAX, &size), "size");
        respond(in, size, bytes_equal_text(verb, "half"));
    } else if (bytes_equal_text(verb, "drop")) {
        me.drop_vault = bytes_equal_text(rest, "vault");
        me.drop_egress = bytes_equal_text(rest, "egress");
    } else if (!bytes_equal_text(verb, "hang")) {
        buf_init(&body, 65536);
        echo_call(in, &body);
        answer(in->call, FP_OK, BYTES(""), BYTES(""), buf_bytes(&body));
        buf_done(&body);
    }
}

static void on_connection(const struct link_connection_create *in)
{
    struct buf body;
    struct json_out j = json_out_start(&body);
    if (in->fault != 0) {
        answer(in->call, (enum fp_error)in->fault, BYTES(""), in->fault_detail, BYTES(""));
        return;
    }
    buf_init(&body, 65536);
    json_begin_object(&j);
    json_member_text(&j, "name", in->name);
    json_member_text(&j, "email", in->email);
    json_member_text(&j, "platform", in->platform);
    json_name(&j, "credentials");
    json_raw(&j, in->credentials);
    json_end_object(&j);
    answer(in->call, FP_OK, BYTES(""), BYTES(""), buf_bytes(&body));
    buf_done(&body);
}

static void on_vault_frame(void *ctx, const struct link_frame *frame)
{
    struct link_call call = {0};
    struct link_token_request token = {0};
    struct link_connection_create connection = {0};
    struct link_metadata_set metadata = {0};
    (void)ctx;
    if (frame->number == LINK_CALL) {
        must(link_get_call(frame->body, &call) == FP_OK, "call");
        on_call(&call);
    } else if (frame->number == LINK_TOKEN_REQUEST) {
        must(link_get_token_request(frame->body, &token) == FP_OK, "token request");
        bool right = bytes_equal_text(token.client_secret, "right");
        answer(token.call, right ? FP_OK : FP_E_CLIENT_INVALID, BYTES(""), BYTES(""),
               right ? BYTES("{\"access_token\":\"t\",\"token_type\":\"bearer\"}") : BYTES(""));
    } else if (frame->number == LINK_CONNECTION_CREATE) {
        must(link_get_connection_create(frame->body, &connection) == FP_OK, "connection");
        on_connection(&connection);
    } else if (frame->number == LINK_METADATA_SET) {
        must(link_get_metadata_set(frame->body, &metadata) == FP_OK, "metadata");
        answer(metadata.call, (enum fp_error)metadata.fault, BYTES(""), metadata.fault_detail,
               metadata.metadata);
    } else if (frame->number == LINK_CANCEL) {
        me.cancels++;
    }
}

// -- egress --------------------------------------------------------------------------------------
static struct bytes piece_of(struct stream *s, size_t most)
{
    static uint8_t piece[FP_LIMIT_LINK_CHUNK];
    size_t len = s->left < most ? (size_t)s->left : most;
    len = s->window < len ? (size_t)s->window : len;
    memset(piece, 'x', sizeof piece);
    s->left -= len;
    s->window -= len;
    if (FP_LIMIT_LINK_CREDIT - s->window > me.most_in_flight) {
        me.most_in_flight = FP_LIMIT_LINK_CREDIT - s->window;
    }
    return bytes_of(piece, len);
}

static void respond(const struct link_call *in, uint64_t size, bool half)
{
    struct link_response message = {.call = in->call,
                                    .application = BYTES("app_test"),
                                    .connection = BYTES("con_test"),
                                    .platform = BYTES("tryton"),
                                    .source_ms = 12,
                                    .source_calls = 3};
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &me.streams[i];
        if (s->call == 0) {
            *s = (struct stream){in->call, size, FP_LIMIT_LINK_CREDIT, half};
            message.body = piece_of(s, 1000);
            message.last = s->left == 0 && !half ? 1 : 0;
            must(link_put_response(link_out(me.egress), &message) == FP_OK, "response");
            if (message.last != 0) {
                s->call = 0;
            }
            return;
        }
    }
}

static void streams_move(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &me.streams[i];
        while (s->call != 0 && s->left != 0 && s->window != 0) {
            struct link_body message = {.call = s->call};
            message.body = piece_of(s, FP_LIMIT_LINK_CHUNK);
            message.last = s->left == 0 && !s->half ? 1 : 0;
            must(link_put_body(link_out(me.egress), &message) == FP_OK, "body");
            if (message.last != 0) {
                s->call = 0;
            }
        }
    }
}

static void on_egress_frame(void *ctx, const struct link_frame *frame)
{
    struct link_credit credit = {0};
    struct link_abandon abandon = {0};
    (void)ctx;
    if (frame->number == LINK_ABANDON) {
        me.abandons++;
        must(link_get_abandon(frame->body, &abandon) == FP_OK, "abandon");
    } else {
        must(link_get_credit(frame->body, &credit) == FP_OK, "credit");
    }
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &me.streams[i];
        if (abandon.call != 0 && s->call == abandon.call) {
            s->call = 0;
        } else if (credit.call != 0 && s->call == credit.call) {
            s->window += credit.amount;
            must(s->window <= FP_LIMIT_LINK_CREDIT, "more credit than was used");
        }
    }
}

// -- all of them ---------------------------------------------------------------------------------
static void link_turn(struct link **link, void (*handler)(void *, const struct link_frame *))
{
    enum fp_error error = FP_OK;
    while (error == FP_OK) {
        error = link_read(*link, handler, NULL);
    }
    must(error == FP_E_AGAIN || error == FP_E_LINK_CLOSED, "link");
}

// A link that breaks is replaced, as the supervisor does when a room was started again.
static void links_replace(void)
{
    if (me.drop_vault) {
        link_free(me.vault);
        me.vault = hand_over_link(LINK_ROOM_VAULT);
        me.drop_vault = false;
    }
    if (me.drop_egress) {
        link_free(me.egress);
        memset(me.streams, 0, sizeof me.streams);
        me.egress = hand_over_link(LINK_ROOM_EGRESS);
        me.drop_egress = false;
    }
}

static void on_signal(int signals)
{
    struct signalfd_siginfo info = {0};
    must(read(signals, &info, sizeof info) == sizeof info, "signal");
    if (info.ssi_signo == SIGHUP) {
        send_reload();
    } else if (info.ssi_signo == SIGTERM) {
        send_drain();
    }
}

// Until the room ends; its status is ours.
static int play(pid_t gateway, int signals)
{
    int status = 0;
    for (;;) {
        struct pollfd fds[] = {
            {link_fd(me.vault), POLLIN, 0},
            {link_fd(me.egress), POLLIN, 0},
            {signals, POLLIN, 0},
        };
        streams_move();
        for (int i = 0; i < 2; i++) {
            enum fp_error error = link_flush(i == 0 ? me.vault : me.egress);
            fds[i].events = error == FP_E_AGAIN ? POLLIN | POLLOUT : POLLIN;
        }
        (void)poll(fds, 3, 100);
        if (waitpid(gateway, &status, WNOHANG) == gateway) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        link_turn(&me.vault, on_vault_frame);
        link_turn(&me.egress, on_egress_frame);
        links_replace();
        if (fds[2].revents != 0) {
            on_signal(signals);
        }
    }
}

static void setting(const char *text)
{
    struct bytes rest = bytes_of_text(text), name = {0};
    uint64_t value = 0;
    must(bytes_split(&rest, '=', &name), text);
    if (bytes_equal_text(name, "origin")) {
        (void)bytes_to_text(rest, me.config.cors_origins[0], sizeof me.config.cors_origins[0]);
        return;
    }
    must(bytes_to_u64(rest, UINT32_MAX, &value), text);
    if (bytes_equal_text(name, "header")) {
        me.config.header_timeout_ms = (uint32_t)value;
    } else if (bytes_equal_text(name, "body_limit")) {
        me.config.body_limit = (uint32_t)value;
    } else if (bytes_equal_text(name, "per_address")) {
        me.config.connections_per_address = (uint32_t)value;
    }
}

int main(int argc, char **argv)
{
    int room = -1, ports[3] = {0}, signals = -1, status = 0;
    sigset_t watched;
    pid_t gateway = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: gateway_alone CERTIFICATE KEY [name=value ...]\n");
        return 2;
    }
    me.files[0] = argv[1];
    me.files[1] = argv[2];
    config_defaults(&me.config, "/nonexistent");
    me.config.uid_base = 0;
    for (int i = 3; i < argc; i++) {
        setting(argv[i]);
    }
    must(channel_pair(&me.channel, &room) == FP_OK, "channel");
    gateway = fork();
    if (gateway == 0) {
        // as under the supervisor: newer libuv takes rings for its loop where it may
        struct sandbox_request refused = {.policy = SANDBOX_SUPERVISOR};
        struct sandbox_report report = {0};
        struct fp_note note = {0};
        must(sandbox_close(&refused, &report, &note) == FP_OK, "sandbox");
        return room_main(gateway_room(), room);
    }
    close(room);
    sigemptyset(&watched);
    sigaddset(&watched, SIGHUP);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    signals = signalfd(-1, &watched, SFD_CLOEXEC);
    start_gateway(ports);
    printf("{\"tls\":%d,\"plain\":%d,\"metrics\":%d}\n", ports[0], ports[1], ports[2]);
    fflush(stdout);
    status = play(gateway, signals);
    link_free(me.vault);
    link_free(me.egress);
    return status;
}
