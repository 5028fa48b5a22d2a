// One outbound call from client_send() to done(): checks before anything is sent, repetition,
// same-origin redirects, time-outs, the end. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "client/client_int.h"
#include "client/location.h"
#include "client/address.h"

#include <string.h>

#define CALL_ARENA           (4 * FP_LIMIT_SOURCE_HEADERS + 4 * (FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET))
#define CALL_NEXT_ADDRESS_MS 250 // RFC 8305 section 8

static void call_link(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    struct client *client = pool->client;
    call->next = pool->calls;
    if (pool->calls != NULL) {
        pool->calls->previous = call;
    }
    pool->calls = call;
    call->older = client->newest;
    if (client->newest != NULL) {
        client->newest->newer = call;
    } else {
        client->oldest = call;
    }
    client->newest = call;
    client->stats.calls++;
}

static void unlink_from_all(struct client *client, struct client_call *call)
{
    if (client->scan == call) {
        client->scan = call->newer;
    }
    if (call->older != NULL) {
        call->older->newer = call->newer;
    } else {
        client->oldest = call->newer;
    }
    if (call->newer != NULL) {
        call->newer->older = call->older;
    } else {
        client->newest = call->older;
    }
}

static void call_unlink(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        pool->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    unlink_from_all(pool->client, call);
    pool->client->stats.calls--;
    pool->used_ms = uv_now(pool->client->loop);
}

static void call_free(struct client_call *call)
{
    client_incoming_done(&call->incoming);
    buf_done(&call->answer.body);
    arena_free(call->arena);
    mem_wipe(call, sizeof *call);
    mem_free(call);
}

static bool method_known(struct bytes method)
{
    for (size_t i = 0; i < method.len; i++) {
        if (method.ptr[i] < 'A' || method.ptr[i] > 'Z') {
            return false;
        }
    }
    return method.len != 0 && method.len <= 15;
}

static enum fp_error call_set_url(struct client_call *call, struct bytes url, struct fp_note *note)
{
    enum fp_error error = client_url_check(url, &call->url, note);
    if (error != FP_OK) {
        return error;
    }
    call->url_text = arena_copy(call->arena, url);
    if (call->url_text.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    // Views must not outlive what they were read from.
    return client_url_check(call->url_text, &call->url, note);
}

static enum fp_error call_create(const struct client_begin *begin, struct client_call **out,
                                 struct fp_note *note)
{
    enum fp_error error = FP_E_NO_MEMORY;
    const struct client_request *request = begin->request;
    size_t most = request->max_answer != 0 ? request->max_answer : FP_LIMIT_SOURCE_ANSWER;
    struct client_call *call = mem_alloc(1, sizeof *call);
    if (call == NULL) {
        return FP_E_NO_MEMORY;
    }
    call->request = request;
    call->done = begin->done;
    call->ctx = begin->ctx;
    call->begun_ns = clock_monotonic_ns();
    call->redirects_left =
        request->redirects < CLIENT_REDIRECTS ? request->redirects : CLIENT_REDIRECTS;
    if (begin->policy->networks != NULL) {
        call->networks = *begin->policy->networks;
    }
    if (request->sensitive) {
        buf_init_sensitive(&call->answer.body, most);
    } else {
        buf_init(&call->answer.body, most);
    }
    call->arena = arena_create(CALL_ARENA, true);
    if (call->arena == NULL) {
        goto out;
    }
    if (!method_known(request->method)) {
        fp_note_set(note, "method", "The method of the request may not be sent.");
        error = FP_E_SOURCE_SETTINGS_INVALID;
        goto out;
    }
    error = call_set_url(call, request->url, note);
    if (error == FP_OK) {
        error = client__headers_check(request, note);
    }
out:
    if (error != FP_OK) {
        call_free(call);
        return error;
    }
    *out = call;
    return FP_OK;
}

enum fp_error client_send(struct client *client, const struct client_begin *begin,
                          struct client_call **out, struct fp_note *note)
{
    struct client_call *call = NULL;
    enum fp_error error = FP_OK;
    if (client->stats.calls >= FP_LIMIT_SOURCE_CALLS) {
        return FP_E_LIMIT_EXCEEDED;
    }
    if (begin->policy->connection.len > FP_LIMIT_ID_TEXT) {
        return FP_E_LIMIT_EXCEEDED;
    }
    error = call_create(begin, &call, note);
    if (error != FP_OK) {
        return error;
    }
    call->pool = client__pool_for(client, begin->policy->connection);
    if (call->pool == NULL) {
        call_free(call);
        return FP_E_NO_MEMORY;
    }
    call_link(call);
    client__clock_run(client);
    *out = call;
    client__pool_start(call);
    return FP_OK;
}

void client__call_cancel(struct client_call *call)
{
    client__pool_release(call, false);
    call_unlink(call);
    call_free(call);
}

void client_cancel(struct client_call *call)
{
    struct client_pool *pool = call != NULL ? call->pool : NULL;
    if (call != NULL) {
        client__call_cancel(call);
        client__pool_left(pool);
    }
}

static enum fp_error request_put(struct client_call *call, struct client_socket *socket)
{
    struct buf *head = &call->pool->client->head;
    buf_clear(head);
    enum fp_error error = client__head_write(call, head, &call->body_at);
    if (error == FP_OK && !client__socket_put(socket, buf_bytes(head))) {
        error = FP_E_NO_MEMORY;
    }
    buf_clear(head); // wiped: it holds the credential
    return error;
}

// A kept-alive socket was judged for an earlier call: the networks may have changed since.
void client__call_ask(struct client_call *call, struct client_socket *socket)
{
    struct client *client = call->pool->client;
    const struct sockaddr *peer = (const struct sockaddr *)&socket->peer;
    call->socket = socket;
    socket->call = call;
    socket->state = SOCKET_READY;
    client_address_text(peer, call->answer.address, sizeof call->answer.address);
    if (!client__address_passes(call, peer)) {
        client__call_fail(call, call->stop);
        return;
    }
    client_incoming_done(&call->incoming);
    client_incoming_init(&call->incoming, call->arena, &call->answer.body,
                         bytes_equal_text(call->request->method, "HEAD"));
    if (request_put(call, socket) != FP_OK) {
        client__call_fail(call, CLIENT_STOP_MEMORY);
        return;
    }
    call->state = CALL_ASKING;
    call->begun++;
    call->answer.attempts++;
    call->answer.sent = true;
    call->answer.reused = socket->served++ != 0;
    call->window_ns = clock_monotonic_ns();
    call->window_bytes = 0;
    client->stats.requests++;
    client__socket_push(socket);
}

void client__call_fail(struct client_call *call, enum client_stop stop)
{
    struct client *client = call->pool->client;
    struct client_socket *socket = call->socket;
    call->stop = stop;
    if (call->state == CALL_FAILED) {
        return;
    }
    client__open_cancel(call);
    call->socket = NULL;
    if (socket != NULL) {
        client__socket_close(socket);
    }
    call->state = CALL_FAILED;
    call->next_in_line = client->failed;
    client->failed = call;
    (void)uv_timer_start(&client->failing, client__on_failing, 0, 0);
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void redirect_refuse(struct client_call *call, bool known, const struct client_url *to)
{
    call->answer.error = FP_E_SOURCE_REDIRECT_REFUSED;
    if (known) {
        fp_note_set(&call->answer.note, "url", "It redirects to %s://%.*s:%u.",
                    to->tls ? "https" : "http", BYTES_ARG(to->host), (unsigned)to->port);
    } else {
        fp_note_set(&call->answer.note, "url", "It redirects to an address that is not usable.");
    }
}

// Whether the answer is a redirect that is followed; the call then has its new URL.
static bool redirect_follow(struct client_call *call)
{
    struct bytes location = {0};
    struct client_url to = {0};
    struct buf text;
    bool again = false;
    bool get = bytes_equal_text(call->request->method, "GET") ||
               bytes_equal_text(call->request->method, "HEAD");
    if (!is_redirect(call->answer.status) ||
        !client_answer_header(&call->answer, "location", &location)) {
        return false;
    }
    buf_init(&text, FP_LIMIT_SOURCE_HEADERS + FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET);
    bool known = client_location_resolve(call->url_text, location, &text) == FP_OK &&
                 client_url_check(buf_bytes(&text), &to, NULL) == FP_OK;
    if (buf_error(&text) == FP_E_NO_MEMORY) {
        call->answer.error = FP_E_NO_MEMORY;
    } else if (!known || !client_url_same_origin(&call->url, &to)) {
        redirect_refuse(call, known, &to);
    } else if (get && call->redirects_left != 0) {
        call->redirects_left--;
        again = call_set_url(call, buf_bytes(&text), NULL) == FP_OK;
        if (!again) {
            call->answer.error = FP_E_NO_MEMORY;
        }
    }
    buf_done(&text);
    return again;
}

static void begin_again(struct client_call *call)
{
    buf_clear(&call->answer.body);
    call->answer.headers = NULL;
    call->answer.header_count = 0;
    call->answer.status = 0;
    call->answer.error = FP_OK;
    call->stop = CLIENT_STOP_NONE;
    call->reason[0] = '\0';
    client__pool_start(call);
}

void client__call_finish(struct client_call *call, enum client_stop stop, bool keep)
{
    struct client_pool *pool = call->pool;
    struct client_answer *answer = &call->answer;
    bool whole = call->body_at >= call->request->body.len;
    call->stop = stop;
    answer->status = call->incoming.status;
    answer->headers = call->incoming.fields;
    answer->header_count = call->incoming.field_count;
    client__judge(call);
    client__pool_release(call, keep && whole);
    if (answer->error == FP_OK && redirect_follow(call)) {
        call->begun = 0;
        begin_again(call);
        return;
    }
    answer->ms = (uint32_t)((clock_monotonic_ns() - call->begun_ns) / 1000000);
    call_unlink(call);
    client__pool_left(pool);
    call->done(call->ctx, answer);
    call_free(call);
}

void client__call_closed(struct client_call *call, bool clean)
{
    struct client_incoming *in = &call->incoming;
    if (call->state == CALL_ASKING && in->raw_bytes != 0) {
        bool done = clean && client_incoming_finish(in) == INCOMING_DONE;
        enum client_stop stop =
            in->fault == CLIENT_FAULT_CODING ? CLIENT_STOP_CODING : CLIENT_STOP_CUT;
        client__call_finish(call, done ? CLIENT_STOP_NONE : stop, false);
    } else if (call->reason[0] != '\0') {
        client__call_finish(call, CLIENT_STOP_TLS, false);
    } else if (!call->answer.reused || call->begun >= 2) {
        client__call_finish(call, CLIENT_STOP_CLOSED, false);
    } else if (!call->request->safe_to_repeat) {
        client__call_finish(call, CLIENT_STOP_REPEAT, false);
    } else {
        call->fresh = true;
        client__pool_release(call, false);
        begin_again(call);
    }
}

static uint64_t or_standard(uint32_t wish_ms, uint64_t standard_ms)
{
    return (wish_ms != 0 ? wish_ms : standard_ms) * 1000000;
}

// An answer that has begun must not drip.
static bool drips(struct client_call *call, uint64_t now_ns)
{
    if (call->state != CALL_ASKING || call->incoming.raw_bytes == 0 ||
        now_ns - call->window_ns < FP_LIMIT_SOURCE_LOW_SPEED_TIME * UINT64_C(1000000000)) {
        return false;
    }
    if (call->window_bytes < (uint64_t)FP_LIMIT_SOURCE_LOW_SPEED * FP_LIMIT_SOURCE_LOW_SPEED_TIME) {
        return true;
    }
    call->window_ns = now_ns;
    call->window_bytes = 0;
    return false;
}

static bool is_over(struct client_call *call, uint64_t now_ns)
{
    const struct client_request *request = call->request;
    bool opens = call->state == CALL_LOOKING_UP || call->state == CALL_CONNECTING ||
                 call->state == CALL_HANDSHAKE;
    uint64_t connect_ns = or_standard(request->connect_timeout_ms, FP_LIMIT_SOURCE_CONNECT_TIMEOUT);
    return now_ns - call->begun_ns >= or_standard(request->timeout_ms, FP_LIMIT_SOURCE_TIMEOUT) ||
           (opens && now_ns - call->open_ns >= connect_ns) || drips(call, now_ns);
}

void client__calls_check(struct client *client)
{
    uint64_t now_ns = clock_monotonic_ns();
    client->scan = client->oldest;
    while (client->scan != NULL) {
        struct client_call *call = client->scan;
        client->scan = call->newer;
        if (call->state == CALL_FAILED) {
            continue; // ends by itself
        }
        if (is_over(call, now_ns)) {
            client__call_finish(call, CLIENT_STOP_TIME, false);
        } else if (call->state == CALL_CONNECTING && call->address_next < call->address_count &&
                   now_ns - call->try_ns >= CALL_NEXT_ADDRESS_MS * UINT64_C(1000000)) {
            client__open_next(call);
        }
    }
}

// Those that fail while the others are told wait for the next turn.
void client__calls_fail(struct client *client)
{
    size_t count = 0;
    for (const struct client_call *call = client->failed; call != NULL; call = call->next_in_line) {
        count++;
    }
    for (; count != 0 && client->failed != NULL; count--) {
        client__call_finish(client->failed, client->failed->stop, false);
    }
    if (client->failed != NULL) {
        (void)uv_timer_start(&client->failing, client__on_failing, 0, 0);
    }
}
