// What a browser asks for: a file of the dashboard, or something of the vault. Requests that act or
// read data are taken from the dashboard's own pages alone: the browser says which site it is on,
// and they carry a header that no form of another site can send.
// SPDX-License-Identifier: Apache-2.0
#include "console/console_int.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define API          "/api"
#define FORM_TYPE    "application/x-www-form-urlencoded"
#define OWN_HEADER   "X-Fishplate-Console"
#define REASON_NAME  "X-Fishplate-Reason"
#define METHOD_COUNT 3

static const char *const methods[METHOD_COUNT] = {"GET", "POST", "DELETE"};

static void exchange_begin(const struct http_request *request, struct console_exchange *x)
{
    *x = (struct console_exchange){.handle = request->handle,
                                   .started_ns = clock_monotonic_ns(),
                                   .action = CONSOLE_ACTION_COUNT};
    id_make("req", clock_wall_ms(), x->request_id);
    (void)bytes_to_text(bytes_slice(request->method, 0, sizeof x->method - 1), x->method,
                        sizeof x->method);
    (void)bytes_to_text(bytes_slice(request->path, 0, sizeof x->path - 1), x->path, sizeof x->path);
    (void)bytes_to_text(bytes_of_text(request->peer), x->peer, sizeof x->peer);
}

static bool header_one(const struct http_request *request, const char *name, struct bytes *out)
{
    return http_headers_find(request->headers, request->header_count, name, out) == 1;
}

static bool same_origin(const struct http_request *request)
{
    struct console_origin from = {.method = request->method};
    struct bytes own = {0};
    if (!header_one(request, OWN_HEADER, &own) || !bytes_equal_text(own, "1") ||
        !header_one(request, "Host", &from.host)) {
        return false;
    }
    from.has_site = http_headers_find(request->headers, request->header_count, "Sec-Fetch-Site",
                                      &from.site) != 0;
    from.has_origin =
        http_headers_find(request->headers, request->header_count, "Origin", &from.origin) != 0;
    return console_same_origin(&from);
}

static struct bytes cookie_session(const struct http_request *request)
{
    struct bytes cookie = {0};
    return header_one(request, "Cookie", &cookie) ? console_cookie_session(cookie)
                                                  : (struct bytes){0};
}

// Headers are ASCII: the reason comes percent-encoded.
static struct bytes reason_of(struct console *c, const struct http_request *request)
{
    struct bytes raw = {0}, copy = {0};
    struct buf text;
    buf_init(&text, FP_LIMIT_CONSOLE_REASON);
    if (header_one(request, REASON_NAME, &raw) && console_reason_decode(raw, &text)) {
        copy = arena_copy(c->arena, buf_bytes(&text));
    }
    buf_done(&text);
    return copy;
}

static unsigned allowed_methods(struct bytes path)
{
    unsigned allowed = 0;
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        struct console_route route;
        if (console_route_find(bytes_of_text(methods[i]), path, &route) == FP_OK) {
            allowed |= 1u << i;
        }
    }
    return allowed;
}

static bool form_type(const struct http_request *request)
{
    struct bytes type = {0}, word = {0};
    return header_one(request, "Content-Type", &type) && bytes_split(&type, ';', &word) &&
           bytes_equal_nocase(bytes_trim(word), BYTES(FORM_TYPE));
}

static void request_api(struct console *c, struct console_exchange *x,
                        const struct http_request *request)
{
    struct bytes path = bytes_slice(request->path, sizeof API - 1, request->path.len);
    struct console_problem problem = {.allowed = allowed_methods(path)};
    struct console_route route = {0};
    struct console_sent sent = {0};
    enum fp_error error = console_route_find(request->method, path, &route);
    bool reads = bytes_equal(request->method, BYTES("GET"));
    if (error == FP_OK) {
        x->action = route.action;
        error = same_origin(request) ? FP_OK : FP_E_ORIGIN_REFUSED;
    }
    if (error == FP_OK && request->body.len != 0 && (reads || !form_type(request))) {
        error = FP_E_REQUEST_MEDIA_TYPE_UNSUPPORTED;
    }
    if (error == FP_OK && route.key.len > FP_LIMIT_ID_TEXT) {
        error = FP_E_ROUTE_UNKNOWN;
    }
    sent = (struct console_sent){.action = route.action,
                                 .key = route.key,
                                 .session = cookie_session(request),
                                 .reason = reason_of(c, request),
                                 .form = reads ? request->query : request->body};
    if (error == FP_OK && sent.form.len > FP_LIMIT_CONSOLE_FORM) {
        error = FP_E_REQUEST_BODY_TOO_LARGE;
    }
    if (error != FP_OK) {
        console__answer_error(c, x, error, &problem);
    } else {
        console__send(c, x, &sent);
    }
}

static void request_file(struct console *c, struct console_exchange *x,
                         const struct http_request *request)
{
    struct console_problem problem = {.allowed = 1};
    struct bytes tag = {0};
    for (const struct console_file *file = console_files; file->path != NULL; file++) {
        if (!bytes_equal_text(request->path, file->path)) {
            continue;
        }
        if (!request->head && !bytes_equal(request->method, BYTES("GET"))) {
            console__answer_error(c, x, FP_E_METHOD_NOT_ALLOWED, &problem);
            return;
        }
        (void)http_headers_find(request->headers, request->header_count, "If-None-Match", &tag);
        console__answer_file(c, x, file, bytes_equal_text(tag, file->tag));
        return;
    }
    console__answer_error(c, x, FP_E_ROUTE_UNKNOWN, NULL);
}

void console__on_request(void *ctx, const struct http_request *request)
{
    struct console *c = ctx;
    struct console_exchange x;
    arena_reset(c->arena);
    exchange_begin(request, &x);
    if (bytes_starts_with(request->path, BYTES(API "/"))) {
        request_api(c, &x, request);
    } else {
        request_file(c, &x, request);
    }
    arena_reset(c->arena);
}

void console__on_refuse(void *ctx, const struct http_request *request, enum fp_error error)
{
    struct console *c = ctx;
    struct console_problem problem = {.allowed = 7};
    struct console_exchange x;
    exchange_begin(request, &x);
    console__answer_error(c, &x, error, &problem);
}
