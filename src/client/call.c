// One outbound call from client_send() to done(): checks before anything is sent, same-origin
// redirects, the end. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "client/client_int.h"

#include <stdio.h>
#include <string.h>

#define CALL_ARENA (4 * FP_LIMIT_SOURCE_HEADERS + 4 * (FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET))

static void call_link(struct client_call *call)
{
    struct client_pool *pool = call->pool;
    call->next = pool->calls;
    if (pool->calls != NULL) {
        pool->calls->previous = call;
    }
    pool->calls = call;
    pool->call_count++;
    pool->client->stats.calls++;
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
    pool->call_count--;
    pool->client->stats.calls--;
    pool->used_ms = uv_now(pool->client->loop);
}

void client__call_free(struct client_call *call)
{
    client__pool_end(call);
    curl_slist_free_all(call->headers);
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
    call->url_text = arena_text(call->arena, url);
    if (call->url_text == NULL) {
        return FP_E_NO_MEMORY;
    }
    // Views must not outlive what they were read from.
    return client_url_check(bytes_of(call->url_text, url.len), &call->url, note);
}

static enum fp_error call_create(const struct client_begin *begin, struct client_call **out,
                                 struct fp_note *note)
{
    enum fp_error error = FP_E_NO_MEMORY;
    const struct client_request *request = begin->request;
    struct client_call *call = mem_alloc(1, sizeof *call);
    if (call == NULL) {
        return FP_E_NO_MEMORY;
    }
    call->request = request;
    call->done = begin->done;
    call->ctx = begin->ctx;
    call->begun_ns = clock_monotonic_ns();
    call->failures = client__curl_failures();
    call->max_answer = request->max_answer != 0 ? request->max_answer : FP_LIMIT_SOURCE_ANSWER;
    call->redirects_left =
        request->redirects < CLIENT_REDIRECTS ? request->redirects : CLIENT_REDIRECTS;
    if (begin->policy->networks != NULL) {
        call->networks = *begin->policy->networks;
    }
    if (request->sensitive) {
        buf_init_sensitive(&call->answer.body, call->max_answer);
    } else {
        buf_init(&call->answer.body, call->max_answer);
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
        error = client__headers_take(call, note);
    }
out:
    if (error != FP_OK) {
        arena_free(call->arena);
        curl_slist_free_all(call->headers);
        mem_free(call);
        return error;
    }
    *out = call;
    return FP_OK;
}

enum fp_error client_send(struct client *client, const struct client_begin *begin,
                          struct client_call **out, struct fp_note *note)
{
    struct client_call *call = NULL;
    struct client_pool *pool = NULL;
    enum fp_error error = FP_OK;
    if (client->stats.calls >= FP_LIMIT_SOURCE_CALLS) {
        return FP_E_LIMIT_EXCEEDED;
    }
    if (begin->policy->connection.len > sizeof pool->key) {
        return FP_E_LIMIT_EXCEEDED;
    }
    error = call_create(begin, &call, note);
    if (error != FP_OK) {
        return error;
    }
    pool = client__pool_for(client, begin->policy->connection);
    if (pool == NULL) {
        error = FP_E_NO_MEMORY;
        goto out;
    }
    call->pool = pool;
    error = client__pool_begin(call);
    if (error != FP_OK) {
        client__pool_end(call);
        goto out;
    }
    call_link(call);
    *out = call;
    return FP_OK;
out:
    curl_slist_free_all(call->headers);
    arena_free(call->arena);
    mem_free(call);
    return error;
}

void client_cancel(struct client_call *call)
{
    if (call != NULL) {
        call_unlink(call);
        client__call_free(call);
    }
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// What a Location header means, seen from the URL under way. The caller frees with curl_free().
static char *location_resolve(const struct client_call *call, struct bytes location)
{
    CURLU *url = curl_url();
    char *text = arena_text(call->arena, location);
    char *absolute = NULL;
    if (url != NULL && text != NULL &&
        curl_url_set(url, CURLUPART_URL, call->url_text, CURLU_PATH_AS_IS) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK) {
        (void)curl_url_get(url, CURLUPART_URL, &absolute, 0);
    }
    curl_url_cleanup(url);
    return absolute;
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

// Begins the redirected request where it may be followed. true: the call goes on.
static bool redirect_follow(struct client_call *call)
{
    struct bytes location = {0};
    struct client_url to = {0};
    bool again = false;
    bool get = bytes_equal_text(call->request->method, "GET") ||
               bytes_equal_text(call->request->method, "HEAD");
    if (!is_redirect(call->answer.status) ||
        !client_answer_header(&call->answer, "location", &location)) {
        return false;
    }
    char *absolute = location_resolve(call, location);
    struct bytes text = bytes_of_text(absolute);
    bool known = absolute != NULL && client_url_check(text, &to, NULL) == FP_OK;
    if (!known || !client_url_same_origin(&call->url, &to)) {
        redirect_refuse(call, known, &to);
    } else if (get && call->redirects_left != 0) {
        call->redirects_left--;
        (void)curl_multi_remove_handle(call->pool->multi, call->easy);
        again = call_set_url(call, text, NULL) == FP_OK;
        if (!again) {
            call->answer.error = FP_E_NO_MEMORY;
        }
    }
    curl_free(absolute);
    return again;
}

static bool restart(struct client_call *call)
{
    buf_clear(&call->answer.body);
    call->answer.header_count = 0;
    call->answer.status = 0;
    call->body_begun = false;
    call->begun = 0;
    call->stop = CLIENT_STOP_NONE;
    if (client__pool_begin(call) == FP_OK) {
        return true;
    }
    call->answer.error = FP_E_NO_MEMORY;
    return false;
}

void client__call_finish(struct client_call *call, CURLcode code)
{
    long status = 0;
    long sockets = 0;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &sockets);
    call->answer.status = status > 0 ? (unsigned)status : 0;
    call->answer.reused = call->begun != 0 && sockets == 0;
    client__judge(call, code);
    if (call->answer.error == FP_OK && redirect_follow(call) && restart(call)) {
        return;
    }
    call->answer.ms = (uint32_t)((clock_monotonic_ns() - call->begun_ns) / 1000000);
    call_unlink(call);
    client__pool_end(call);
    call->done(call->ctx, &call->answer);
    client__call_free(call);
}
