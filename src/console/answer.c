// How answers to browsers are put: headers that keep the dashboard to itself, the cookie, errors,
// the log line.
// SPDX-License-Identifier: Apache-2.0
#include "console/console_int.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "base/log.h"

#include <stdio.h>

#define ANSWER_HEADERS 16
#define ANSWER_ERROR   32768

struct answer_headers {
    struct http_header list[ANSWER_HEADERS]; // filled from the front
    size_t count;                            // of list
    char retry[16];                          // text of Retry-After
    char cookie[160];                        // text of Set-Cookie
};

static void headers_add(struct answer_headers *h, const char *name, struct bytes value)
{
    if (h->count < ANSWER_HEADERS) {
        h->list[h->count++] = (struct http_header){bytes_of_text(name), value};
    }
}

// Nothing from elsewhere loads, runs or frames it; it tells nobody where it was.
static void headers_common(const struct console_exchange *x, struct answer_headers *h)
{
    headers_add(h, "X-Request-Id", bytes_of_text(x->request_id));
    headers_add(h, "Content-Security-Policy",
                BYTES("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                      "connect-src 'self'; form-action 'none'; base-uri 'none'; "
                      "frame-ancestors 'none'; require-trusted-types-for 'script'"));
    headers_add(h, "X-Content-Type-Options", BYTES("nosniff"));
    headers_add(h, "X-Frame-Options", BYTES("DENY"));
    headers_add(h, "Referrer-Policy", BYTES("no-referrer"));
    headers_add(h, "Cross-Origin-Opener-Policy", BYTES("same-origin"));
    headers_add(h, "Cross-Origin-Resource-Policy", BYTES("same-origin"));
    headers_add(h, "Permissions-Policy",
                BYTES("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
}

static bool is_secret(const struct console_exchange *x)
{
    const struct console_action_row *row = console_action_row(x->action);
    return row != NULL && (row->flags & CONSOLE_IS_SECRET) != 0;
}

static void finish(const struct console_exchange *x)
{
    const struct console_action_row *row = console_action_row(x->action);
    struct log_line line;
    log_begin(&line, x->file ? LOG_DEBUG : LOG_INFO, "console_request");
    log_text_c(&line, "request_id", x->request_id);
    log_text_c(&line, "method", x->method);
    log_text_c(&line, "path", x->path);
    log_text_c(&line, "action", row != NULL ? row->what : "");
    log_i64(&line, "status", (int64_t)x->status);
    log_text_c(&line, "code", x->error != FP_OK ? fp_error_code(x->error) : "");
    log_i64(&line, "us", (int64_t)((clock_monotonic_ns() - x->started_ns) / 1000));
    log_i64(&line, "bytes", (int64_t)x->bytes);
    log_text_c(&line, "address", x->peer);
    log_end(&line);
}

static void answer_cookie(struct answer_headers *h, enum console_cookie cookie,
                          struct bytes session)
{
    if (cookie == CONSOLE_COOKIE_KEEP) {
        return;
    }
    if (cookie == CONSOLE_COOKIE_SET) {
        snprintf(h->cookie, sizeof h->cookie,
                 CONSOLE_COOKIE_NAME "=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict",
                 BYTES_ARG(session));
    } else {
        snprintf(h->cookie, sizeof h->cookie,
                 CONSOLE_COOKIE_NAME "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    }
    headers_add(h, "Set-Cookie", bytes_of_text(h->cookie));
}

void console__answer_json(struct console *c, struct console_exchange *x, struct bytes body,
                          enum console_cookie cookie, struct bytes session)
{
    struct answer_headers h = {0};
    struct http_answer_head head = {.status = 200,
                                    .content_type = BYTES("application/json"),
                                    .compress = !is_secret(x),
                                    .secret = is_secret(x)};
    x->status = 200;
    x->bytes = body.len;
    headers_common(x, &h);
    answer_cookie(&h, cookie, session);
    head.headers = h.list;
    head.header_count = h.count;
    http_answer_send(c->server, x->handle, &head, body);
    finish(x);
    memset(h.cookie, 0, sizeof h.cookie);
}

void console__answer_file(struct console *c, struct console_exchange *x,
                          const struct console_file *file, bool unchanged)
{
    struct answer_headers h = {0};
    struct http_answer_head head = {.status = unchanged ? 304 : 200,
                                    .content_type = bytes_of_text(file->type),
                                    .cache = BYTES("no-cache"),
                                    .compress = !unchanged};
    x->status = head.status;
    x->file = true;
    x->bytes = unchanged ? 0 : file->content.len;
    headers_common(x, &h);
    headers_add(&h, "ETag", bytes_of_text(file->tag));
    head.content_type.len = unchanged ? 0 : head.content_type.len;
    head.headers = h.list;
    head.header_count = h.count;
    http_answer_send(c->server, x->handle, &head, unchanged ? BYTES("") : file->content);
    finish(x);
}

static void error_body(const struct console_exchange *x, const struct fp_error_row *row,
                       const struct console_problem *problem, struct buf *out)
{
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_text_c(&j, "message", row->message);
    json_member_text_c(&j, "code", row->code);
    json_member_text_c(&j, "type", row->type);
    json_member_text_c(&j, "request_id", x->request_id);
    json_member_text_c(&j, "next_step", row->next_step);
    json_name(&j, "details");
    json_raw(&j, problem->detail.len != 0 ? problem->detail : BYTES("{}"));
    if (problem->errors.len != 0) {
        json_name(&j, "errors");
        json_raw(&j, problem->errors);
    }
    json_end_object(&j);
}

static void error_headers(struct answer_headers *h, const struct console_exchange *x,
                          const struct console_problem *problem, struct buf *methods)
{
    static const char *const names[] = {"GET, HEAD", "POST", "DELETE"};
    if (x->status == 401) {
        headers_add(h, "WWW-Authenticate", BYTES("Cookie realm=\"fishplate\""));
    }
    if (x->status == 405) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if ((problem->allowed & (1u << i)) != 0) {
                buf_printf(methods, "%s%s", methods->len != 0 ? ", " : "", names[i]);
            }
        }
        headers_add(h, "Allow", buf_bytes(methods));
    }
    if (problem->retry_after_s != 0) {
        snprintf(h->retry, sizeof h->retry, "%u", problem->retry_after_s);
        headers_add(h, "Retry-After", bytes_of_text(h->retry));
    }
}

void console__answer_error(struct console *c, struct console_exchange *x, enum fp_error error,
                           const struct console_problem *problem)
{
    static const struct console_problem nothing = {0};
    const struct fp_error_row *row = fp_error_row(error);
    struct answer_headers h = {0};
    struct http_answer_head head = {.status = row->status,
                                    .content_type = BYTES("application/json")};
    struct buf body, methods;
    problem = problem != NULL ? problem : &nothing;
    x->error = error;
    x->status = row->status;
    buf_init(&body, ANSWER_ERROR);
    buf_init(&methods, 64);
    headers_common(x, &h);
    error_headers(&h, x, problem, &methods);
    error_body(x, row, problem, &body);
    x->bytes = body.len;
    head.headers = h.list;
    head.header_count = h.count;
    http_answer_send(c->server, x->handle, &head, buf_bytes(&body));
    buf_done(&body);
    buf_done(&methods);
    finish(x);
}
