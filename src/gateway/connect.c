// Connect pages: the page of a link, its files, and what the page asks for. The page's own requests
// are JSON from the same origin alone, so that no other site can send them, and carry the link's
// token in their bodies; what the customer typed passes through here sealed for the vault.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/request_connect.h"
#include "auth/request_token.h"
#include "auth/token_text.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_PREFIX   "/connect/"
#define CONNECT_PER_PAGE 100u // platforms in one answer

// Whether German stands before English, or first, in Accept-Language; qualities are not weighed:
// browsers send the list in order.
static bool connect_german(const struct http_request *request)
{
    struct bytes list = {0}, piece = {0};
    (void)http_headers_find(request->headers, request->header_count, "Accept-Language", &list);
    while (list.len != 0 && bytes_split(&list, ',', &piece)) {
        struct bytes tag = bytes_slice(bytes_trim(piece), 0, 2);
        if (bytes_equal_nocase(tag, BYTES("de"))) {
            return true;
        }
        if (bytes_equal_nocase(tag, BYTES("en"))) {
            return false;
        }
    }
    return false;
}

static const struct web_file *connect_file(struct bytes name)
{
    for (size_t i = 0; web_files[i].name != NULL; i++) {
        if (bytes_equal_text(name, web_files[i].name)) {
            return &web_files[i];
        }
    }
    return NULL;
}

// Which page tells an error. Texts are the page's own: nothing from outside stands in one.
static const char *connect_page_of(enum fp_error error)
{
    switch (error) {
    case FP_OK:
        return "index";
    case FP_E_CONNECT_LINK_USED:
        return "used";
    case FP_E_CONNECT_LINK_EXPIRED:
        return "expired";
    case FP_E_CONNECT_LINK_EXHAUSTED:
        return "exhausted";
    case FP_E_CONNECT_LINK_UNKNOWN:
        return "unknown";
    default:
        return "busy";
    }
}

void gateway__connect_page(struct gateway *g, struct gateway_exchange *x, enum fp_error error)
{
    char name[32];
    const struct web_file *file = NULL;
    snprintf(name, sizeof name, "%s.%s.html", connect_page_of(error), x->german ? "de" : "en");
    file = connect_file(bytes_of_text(name));
    x->error = error;
    gateway__answer_web(g, x, error == FP_OK ? 200 : fp_error_row(error)->status, file);
}

static void connect_open(struct gateway *g, struct gateway_exchange *x, struct bytes token,
                         unsigned page)
{
    struct buf *out = NULL;
    struct gateway_call *call = gateway__submit_begin(g, x, page != 0, &out);
    struct link_connect_open message = {.request_id = bytes_of_text(x->request_id),
                                        .address = bytes_of_text(x->peer),
                                        .link = token,
                                        .platforms = page != 0 ? 1 : 0};
    char query[64];
    if (call == NULL) {
        return;
    }
    if (page != 0) {
        snprintf(query, sizeof query, "per_page=%u&page=%u", CONNECT_PER_PAGE, page);
        message.query = bytes_of_text(query);
    }
    message.call = call->id;
    if (link_put_connect_open(out, &message) != FP_OK) {
        gateway__submit_failed(g, call);
    }
}

static void connect_send(struct gateway *g, struct gateway_exchange *x,
                         const struct connect_page_body *body)
{
    struct buf *out = NULL;
    struct gateway_call *call = gateway__submit_begin(g, x, true, &out);
    struct link_connect_send message = {.request_id = bytes_of_text(x->request_id),
                                        .address = bytes_of_text(x->peer),
                                        .link = body->link,
                                        .platform = body->platform,
                                        .name = body->name,
                                        .email = body->email,
                                        .enc = body->enc,
                                        .sealed = body->sealed};
    if (call == NULL) {
        return;
    }
    message.call = call->id;
    if (link_put_connect_send(out, &message) != FP_OK) {
        gateway__submit_failed(g, call);
    }
}

// Whether the page itself sent it: a browser names the origin of every POST, and no script of
// another site can write that line. In front of a proxy that ends TLS the scheme may differ.
static bool connect_same_origin(const struct http_request *request)
{
    struct bytes origin = {0}, host = {0}, site = {0};
    struct bytes starts[] = {BYTES("https://"), BYTES("http://")};
    if (http_headers_find(request->headers, request->header_count, "Origin", &origin) != 1 ||
        http_headers_find(request->headers, request->header_count, "Host", &host) != 1) {
        return false;
    }
    if (http_headers_find(request->headers, request->header_count, "Sec-Fetch-Site", &site) != 0 &&
        !bytes_equal_text(site, "same-origin")) {
        return false;
    }
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (bytes_starts_with(origin, starts[i]) &&
            bytes_equal_nocase(bytes_slice(origin, starts[i].len, origin.len), host)) {
            return true;
        }
    }
    return false;
}

static void connect_api(struct gateway *g, struct gateway_exchange *x,
                        const struct http_request *request, struct bytes what)
{
    struct connect_page_body body = {0};
    struct fp_note note = {0};
    struct gateway_problem problem = {.note = &note};
    struct bytes type = {0};
    bool send = bytes_equal_text(what, "send");
    enum fp_error error = FP_OK;
    x->typed = true;
    (void)http_headers_find(request->headers, request->header_count, "Content-Type", &type);
    if (!connect_same_origin(request)) {
        error = FP_E_ORIGIN_REFUSED;
    } else if (!media_type_is(type, "application/json")) {
        error = FP_E_REQUEST_MEDIA_TYPE_UNSUPPORTED;
    } else {
        error = connect_page_body_parse(request->body, send, g->arena, &note, &body);
    }
    if (error != FP_OK) {
        gateway__answer_error(g, x, error, &problem);
    } else if (send) {
        connect_send(g, x, &body);
    } else {
        connect_open(g, x, body.link, bytes_equal_text(what, "platforms") ? body.page : 0);
    }
}

static bool connect_is_api(struct bytes what)
{
    return bytes_equal_text(what, "open") || bytes_equal_text(what, "platforms") ||
           bytes_equal_text(what, "send");
}

// A file, or the page of a link. What has not the form of one was never made here.
static void connect_get(struct gateway *g, struct gateway_exchange *x,
                        const struct http_request *request, struct bytes rest)
{
    static const struct bytes files = {(const uint8_t *)"files/", 6};
    const struct web_file *file = NULL;
    struct token_text form = {0};
    if (bytes_starts_with(rest, files)) {
        file = connect_file(bytes_slice(rest, files.len, rest.len));
        if (file == NULL) {
            gateway__answer_error(g, x, FP_E_ROUTE_UNKNOWN, NULL);
        } else {
            gateway__answer_web(g, x, 200, file);
        }
        return;
    }
    x->html = true;
    x->german = connect_german(request);
    if (token_text_parse(rest, &form) != FP_OK || form.kind != TOKEN_KIND_CONNECT_LINK) {
        gateway__connect_page(g, x, FP_E_CONNECT_LINK_UNKNOWN);
    } else {
        connect_open(g, x, rest, 0);
    }
}

bool gateway__connect(struct gateway *g, struct gateway_exchange *x,
                      const struct http_request *request)
{
    static const struct bytes prefix = {(const uint8_t *)CONNECT_PREFIX, sizeof CONNECT_PREFIX - 1};
    static const struct bytes api = {(const uint8_t *)"api/", 4};
    struct bytes rest = {0}, what = {0};
    bool is_api = false;
    if (!bytes_starts_with(request->path, prefix)) {
        return false;
    }
    x->origin = NULL; // no other origin may read any of this
    rest = bytes_slice(request->path, prefix.len, request->path.len);
    what = bytes_starts_with(rest, api) ? bytes_slice(rest, api.len, rest.len) : (struct bytes){0};
    is_api = connect_is_api(what);
    x->allowed = is_api ? 1u << MODEL_METHOD_POST : 1u << MODEL_METHOD_GET;
    if (bytes_equal(request->method, BYTES("OPTIONS"))) {
        gateway__answer_options(g, x, x->allowed, false);
    } else if (is_api && bytes_equal(request->method, BYTES("POST"))) {
        connect_api(g, x, request, what);
    } else if (!is_api && (request->head || bytes_equal(request->method, BYTES("GET")))) {
        connect_get(g, x, request, rest);
    } else {
        gateway__answer_error(g, x, FP_E_METHOD_NOT_ALLOWED, NULL);
    }
    return true;
}
