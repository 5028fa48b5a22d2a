// How answers are put: headers, error bodies, the log line. The one place that renders an error.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/answer_int.h"

#include "auth/json_in.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_ERROR 32768 // bytes of an error body: details and errors have 8192 each

static const struct bytes json_type = {(const uint8_t *)"application/json", 16};

void headers_add(struct answer_headers *h, const char *name, struct bytes value)
{
    if (h->count < ANSWER_HEADERS) {
        h->list[h->count++] = (struct http_header){bytes_of_text(name), value};
    }
}

// What every answer carries.
void headers_common(const struct gateway *g, const struct gateway_exchange *x,
                    struct answer_headers *h)
{
    headers_add(h, "X-Request-Id", bytes_of_text(x->request_id));
    if (x->replayed) {
        headers_add(h, "Idempotency-Replayed", BYTES("true"));
    }
    if (x->oauth) {
        headers_add(h, "Pragma", BYTES("no-cache")); // RFC 6749 5.1
    }
    if (x->origin != NULL) {
        headers_add(h, "Access-Control-Allow-Origin", bytes_of_text(x->origin));
        headers_add(h, "Access-Control-Expose-Headers",
                    BYTES("X-Request-Id, Retry-After, DPoP-Nonce, ETag, Idempotency-Replayed"));
    }
    if (x->page) {
        // nothing is loaded, nothing runs, nobody frames it (RFC 9700 4.16), and the address with
        // the client's state stays here
        headers_add(h, "Content-Security-Policy",
                    BYTES("default-src 'none'; base-uri 'none'; form-action 'none'; "
                          "frame-ancestors 'none'"));
        headers_add(h, "X-Frame-Options", BYTES("DENY"));
        headers_add(h, "Referrer-Policy", BYTES("no-referrer"));
    }
    if (g->config->cors_origins[0][0] != '\0' && g->config->cors_origins[0][0] != '*') {
        headers_add(h, "Vary", BYTES("Origin"));
    }
}

static const struct model_operation *exchange_operation(const struct gateway_exchange *x)
{
    return model_operation_at(x->operation);
}

// An operation that hands out a token: not compressed (a length tells something about a secret),
// wiped from memory.
static bool exchange_is_secret(const struct gateway_exchange *x)
{
    const struct model_operation *operation = exchange_operation(x);
    return operation != NULL && operation->domain == MODEL_DOMAIN_SYSTEM && operation->write;
}

struct http_answer_head answer_head(const struct gateway_exchange *x,
                                    const struct answer_headers *h)
{
    return (struct http_answer_head){
        .status = x->status,
        .content_type = json_type,
        .headers = h->list,
        .header_count = h->count,
        .length = -1,
        .compress = !exchange_is_secret(x),
        .secret = exchange_is_secret(x),
    };
}

void gateway__answer_json(struct gateway *g, struct gateway_exchange *x, unsigned status,
                          struct bytes body)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = status;
    x->bytes = body.len;
    headers_common(g, x, &h);
    head = answer_head(x, &h);
    http_answer_send(g->server, x->handle, &head, body);
    gateway__finish(g, x);
}

void gateway__answer_text(struct gateway *g, struct gateway_exchange *x, struct bytes content_type,
                          struct bytes body)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = 200;
    x->bytes = body.len;
    headers_common(g, x, &h);
    head = answer_head(x, &h);
    head.content_type = content_type;
    http_answer_send(g->server, x->handle, &head, body);
    gateway__finish(g, x);
}

void gateway__answer_redirect(struct gateway *g, struct gateway_exchange *x, struct bytes location)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = 303; // RFC 9700 4.12: a browser asks for the next page with GET
    headers_common(g, x, &h);
    headers_add(&h, "Location", location);
    head = answer_head(x, &h);
    head.content_type = (struct bytes){0};
    head.length = 0;
    head.compress = false;
    head.secret = true; // a code or a link's token may stand in it
    http_answer_send(g->server, x->handle, &head, (struct bytes){0});
    gateway__finish(g, x);
}

// What keeps a page to itself: nothing from elsewhere runs or shows in it, nobody frames it, and
// its address, which holds the link's token, is told to nobody.
static void headers_page(struct answer_headers *h)
{
    headers_add(h, "Content-Security-Policy",
                BYTES("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                      "connect-src 'self'; form-action 'none'; base-uri 'none'; "
                      "frame-ancestors 'none'"));
    headers_add(h, "X-Frame-Options", BYTES("DENY"));
    headers_add(h, "Referrer-Policy", BYTES("no-referrer"));
    headers_add(h, "Cross-Origin-Opener-Policy", BYTES("same-origin"));
    headers_add(h, "Cross-Origin-Resource-Policy", BYTES("same-origin"));
    headers_add(h, "Permissions-Policy",
                BYTES("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
}

void gateway__answer_web(struct gateway *g, struct gateway_exchange *x, unsigned status,
                         const struct web_file *file)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = status;
    x->bytes = file->content.len;
    headers_common(g, x, &h);
    headers_page(&h);
    if (x->html) {
        headers_add(&h, "Vary", BYTES("Accept-Language"));
    }
    head = answer_head(x, &h);
    head.content_type = bytes_of_text(file->type);
    http_answer_send(g->server, x->handle, &head, file->content);
    gateway__finish(g, x);
}

enum fp_error gateway__answer_file(struct gateway *g, struct gateway_exchange *x,
                                   const struct gateway_file *file)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = file->unchanged ? 304 : 200;
    headers_common(g, x, &h);
    headers_add(&h, "ETag", file->etag);
    headers_add(&h, "Content-Security-Policy", file->policy);
    headers_add(&h, "Referrer-Policy", BYTES("no-referrer"));
    headers_add(&h, "Vary", BYTES("Accept-Encoding"));
    if (file->packed && !file->unchanged) {
        headers_add(&h, "Content-Encoding", BYTES("gzip"));
    }
    head = answer_head(x, &h);
    head.length = file->unchanged ? 0 : (int64_t)file->body.len;
    head.content_type = file->content_type;
    head.content_type.len = file->unchanged ? 0 : head.content_type.len;
    head.cache = BYTES("no-cache"); // may be kept, is asked for anew
    head.compress = false;
    return http_answer_begin(g->server, x->handle, &head);
}

void gateway__answer_options(struct gateway *g, struct gateway_exchange *x, unsigned allowed,
                             bool preflight)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    struct buf methods;
    buf_init(&methods, 64);
    model_methods_text(allowed, &methods);
    x->status = 204;
    headers_common(g, x, &h);
    headers_add(&h, "Allow", buf_bytes(&methods));
    if (preflight && x->origin != NULL) {
        headers_add(&h, "Access-Control-Allow-Methods", buf_bytes(&methods));
        headers_add(
            &h, "Access-Control-Allow-Headers",
            BYTES("Authorization, Content-Type, DPoP, If-Match, If-None-Match, Idempotency-Key"));
        headers_add(&h, "Access-Control-Max-Age", BYTES("600"));
    }
    head = answer_head(x, &h);
    head.content_type = (struct bytes){0};
    head.length = 0;
    head.compress = false;
    http_answer_send(g->server, x->handle, &head, (struct bytes){0});
    buf_done(&methods);
    gateway__finish(g, x);
}

static struct bytes row_text(yyjson_val *row, const char *name)
{
    yyjson_val *value = yyjson_obj_get(row, name);
    return bytes_of(yyjson_get_str(value), yyjson_get_len(value));
}

static bool row_is_first_of_field(yyjson_val *rows, size_t position)
{
    struct bytes field = row_text(yyjson_arr_get(rows, position), "field");
    for (size_t i = 0; i < position; i++) {
        if (bytes_equal(row_text(yyjson_arr_get(rows, i), "field"), field)) {
            return false;
        }
    }
    return true;
}

// [{"field","code","message"}] of the rooms becomes {"field":["message"]} of the wire.
static void answer_errors(struct gateway *g, struct json_out *j, struct bytes errors)
{
    struct fp_note note = {0};
    yyjson_val *rows = NULL;
    size_t count = 0;
    if (errors.len == 0 || json_in_parse(errors, g->arena, &note, &rows) != FP_OK) {
        return;
    }
    count = yyjson_arr_size(rows);
    json_name(j, "errors");
    json_begin_object(j);
    for (size_t i = 0; i < count; i++) {
        struct bytes field = row_text(yyjson_arr_get(rows, i), "field");
        if (!row_is_first_of_field(rows, i)) {
            continue;
        }
        json_name_bytes(j, field);
        json_begin_array(j);
        for (size_t k = i; k < count; k++) {
            if (bytes_equal(row_text(yyjson_arr_get(rows, k), "field"), field)) {
                json_text(j, row_text(yyjson_arr_get(rows, k), "message"));
            }
        }
        json_end_array(j);
    }
    json_end_object(j);
}

// Where an error has no list of fields, what is wrong with the body as a whole stands in details.
static void answer_body_reason(struct gateway *g, struct json_out *j, struct bytes errors)
{
    struct fp_note note = {0};
    yyjson_val *rows = NULL;
    if (errors.len != 0 && json_in_parse(errors, g->arena, &note, &rows) == FP_OK &&
        yyjson_arr_size(rows) != 0) {
        json_name(j, "reason");
        json_text(j, row_text(yyjson_arr_get_first(rows), "message"));
    }
}

static void answer_details(struct gateway *g, struct json_out *j, unsigned status,
                           const struct gateway_problem *problem)
{
    json_name(j, "details");
    if (problem->detail.len != 0) {
        json_raw(j, problem->detail);
        return;
    }
    json_begin_object(j);
    if (problem->note != NULL && problem->note->text[0] != '\0') {
        json_member_text_c(j, "reason", problem->note->text);
    } else if (status != 422) {
        answer_body_reason(g, j, problem->errors);
    }
    json_end_object(j);
}

static void answer_error_body(struct gateway *g, const struct gateway_exchange *x,
                              const struct gateway_problem *problem, struct buf *out)
{
    const struct fp_error_row *row = fp_error_row(x->error);
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_text_c(&j, "message", row->message);
    json_member_text_c(&j, "code", row->code);
    json_member_text_c(&j, "type", row->type);
    json_member_text_c(&j, "request_id", x->request_id);
    json_member_text_c(&j, "next_step", row->next_step);
    answer_details(g, &j, row->status, problem);
    if (row->status == 422) {
        answer_errors(g, &j, problem->errors);
    }
    json_end_object(&j);
}

static void page_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            buf_append_text(out, "&lt;");
            break;
        case '>':
            buf_append_text(out, "&gt;");
            break;
        case '&':
            buf_append_text(out, "&amp;");
            break;
        case '"':
            buf_append_text(out, "&quot;");
            break;
        default:
            buf_append_byte(out, (uint8_t)*text);
        }
    }
}

// For a person whose browser was sent here: what is wrong, and whom to tell. Nothing of the request
// stands in it.
static void answer_page_body(const struct gateway_exchange *x,
                             const struct gateway_problem *problem, struct buf *out)
{
    const struct fp_error_row *row = fp_error_row(x->error);
    const struct {
        const char *before; // markup
        const char *text;   // ours, escaped all the same
    } parts[] = {
        {"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
         row->message},
        {"</title>\n</head>\n<body>\n<h1>", row->message},
        {"</h1>\n<p>", problem->note != NULL ? problem->note->text : ""},
        {"</p>\n<p>If you did not build the application that sent you here, go back to it and "
         "tell its makers: ",
         row->next_step},
        {"</p>\n<p>", row->code},
        {", request ", x->request_id},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_append_text(out, parts[i].before);
        page_text(out, parts[i].text);
    }
    buf_append_text(out, "</p>\n</body>\n</html>\n");
}

static unsigned answer_retry_after(const struct fp_error_row *row,
                                   const struct gateway_problem *problem)
{
    if (problem->retry_after_s != 0) {
        return problem->retry_after_s;
    }
    return row->status == 503 || row->status == 429 ? GATEWAY_RETRY_AFTER_S : 0;
}

void gateway__answer_error(struct gateway *g, struct gateway_exchange *x, enum fp_error error,
                           const struct gateway_problem *problem)
{
    static const struct gateway_problem nothing = {0};
    const struct fp_error_row *row = fp_error_row(error);
    struct answer_headers h = {0};
    struct http_answer_head head;
    struct buf body, challenge, methods;
    struct bytes nonce = {0};
    char seconds[16];
    unsigned retry = 0;
    x->error = error;
    x->status = row->status;
    if (x->html) {
        gateway__connect_page(g, x, error);
        return;
    }
    buf_init(&body, ANSWER_ERROR);
    buf_init(&challenge, 512);
    buf_init(&methods, 64);
    problem = problem != NULL ? problem : &nothing;
    if (x->typed && row->status == 401) {
        x->status = 422; // a person typed it: nobody's token is meant
    }
    headers_common(g, x, &h);
    nonce = gateway__nonce(g, x, problem);
    if (nonce.len != 0) {
        headers_add(&h, "DPoP-Nonce", nonce);
    }
    if (x->status == 401) {
        gateway__challenge(g, x, problem, &challenge);
        headers_add(&h, "WWW-Authenticate", buf_bytes(&challenge));
    }
    if (row->status == 405) {
        model_methods_text(x->allowed, &methods);
        headers_add(&h, "Allow", buf_bytes(&methods));
    }
    retry = answer_retry_after(row, problem);
    if (retry != 0) {
        snprintf(seconds, sizeof seconds, "%u", retry);
        headers_add(&h, "Retry-After", bytes_of_text(seconds));
    }
    if (x->page) {
        answer_page_body(x, problem, &body);
    } else if (x->oauth) {
        gateway__oauth_error_body(g, x, problem, &body);
    } else {
        answer_error_body(g, x, problem, &body);
    }
    x->bytes = body.len;
    head = answer_head(x, &h);
    head.content_type = x->page ? BYTES("text/html; charset=utf-8") : head.content_type;
    http_answer_send(g->server, x->handle, &head, buf_bytes(&body));
    buf_done(&body);
    buf_done(&challenge);
    buf_done(&methods);
    gateway__finish(g, x);
}
