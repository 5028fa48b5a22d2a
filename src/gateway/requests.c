// What a request asks for: probes, CORS, the route, who asks. Everything here is decided without
// any other room.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "base/clock.h"
#include "gateway/bearer.h"

#include <string.h>

// A token that somebody put into a path must not reach the log.
static bool path_may_hold_token(struct bytes path)
{
    static const char *const prefixes[] = {"fp_", "fpa_", "fprt_", "fpac_", "fps_", "fplink_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (path.len != 0 && memmem(path.ptr, path.len, prefixes[i], strlen(prefixes[i])) != NULL) {
            return true;
        }
    }
    return false;
}

static void exchange_path(struct gateway_exchange *x, struct bytes path)
{
    struct bytes shown = bytes_slice(path, 0, GATEWAY_PATH);
    if (path_may_hold_token(path)) {
        shown = BYTES("(withheld: it looks like a token)");
    }
    if (!bytes_to_text(shown, x->path, sizeof x->path)) {
        x->path[0] = '\0';
    }
}

// The configured origin that this request comes from, NULL where there is none.
static const char *exchange_origin(const struct gateway *g, const struct http_request *request)
{
    struct bytes origin = {0};
    if (g->config->cors_origins[0][0] == '\0' ||
        http_headers_find(request->headers, request->header_count, "Origin", &origin) != 1) {
        return NULL;
    }
    for (size_t i = 0; i < CONFIG_ORIGINS && g->config->cors_origins[i][0] != '\0'; i++) {
        const char *allowed = g->config->cors_origins[i];
        if (strcmp(allowed, "*") == 0 || bytes_equal_text(origin, allowed)) {
            return allowed;
        }
    }
    return NULL;
}

static void exchange_begin(const struct gateway *g, const struct http_request *request,
                           struct gateway_exchange *x)
{
    *x = (struct gateway_exchange){.handle = request->handle,
                                   .started_ns = clock_monotonic_ns(),
                                   .operation = GATEWAY_NO_OPERATION};
    id_make("req", clock_wall_ms(), x->request_id);
    (void)bytes_to_text(bytes_slice(request->method, 0, sizeof x->method - 1), x->method,
                        sizeof x->method);
    (void)bytes_to_text(bytes_of_text(request->peer), x->peer, sizeof x->peer);
    exchange_path(x, request->path);
    if (request->tag == GATEWAY_API) {
        x->origin = exchange_origin(g, request);
    }
}

// OPTIONS, before anybody is asked who they are: a browser sends no token with it.
static void request_options(struct gateway *g, struct gateway_exchange *x,
                            const struct http_request *request)
{
    struct bytes wanted = {0};
    bool preflight = http_headers_find(request->headers, request->header_count,
                                       "Access-Control-Request-Method", &wanted) == 1;
    unsigned allowed = 1u << MODEL_METHOD_GET | 1u << MODEL_METHOD_POST | 1u << MODEL_METHOD_DELETE;
    if (!bytes_equal(request->path, BYTES("*"))) {
        allowed = model_route_methods(request->path, g->arena);
    }
    if (allowed == 0) {
        gateway__answer_error(g, x, FP_E_ROUTE_UNKNOWN, NULL);
        return;
    }
    gateway__answer_options(g, x, allowed, preflight);
}

static void request_api(struct gateway *g, struct gateway_exchange *x,
                        const struct http_request *request)
{
    struct model_route route = {0};
    struct bytes token = {0};
    enum fp_error error = model_route_find(request->method, request->path, g->arena, &route);
    if (error != FP_OK) {
        x->allowed = route.allowed;
        gateway__answer_error(g, x, error, NULL);
        return;
    }
    x->operation = route.operation;
    if (model_operation_at(route.operation)->token == MODEL_TOKEN_NONE) {
        gateway__oauth(g, x, request);
        return;
    }
    error = bearer_find(request->headers, request->header_count, &token);
    if (error != FP_OK) {
        gateway__answer_error(g, x, error, NULL);
        return;
    }
    gateway__submit(g, x, request, &route, token);
}

void gateway__on_request(void *ctx, const struct http_request *request)
{
    struct gateway *g = ctx;
    struct gateway_exchange x;
    arena_reset(g->arena);
    exchange_begin(g, request, &x);
    if (gateway__probe(g, &x, request) || gateway__document(g, &x, request)) {
        return;
    }
    if (request->tag == GATEWAY_METRICS) {
        gateway__answer_error(g, &x, FP_E_ROUTE_UNKNOWN, NULL);
    } else if (gateway__connect(g, &x, request)) {
        // a connect page: answered, or on its way
    } else if (bytes_equal(request->method, BYTES("OPTIONS"))) {
        request_options(g, &x, request);
    } else {
        request_api(g, &x, request);
    }
    arena_reset(g->arena); // a token and a body may lie in it
}

void gateway__on_refuse(void *ctx, const struct http_request *request, enum fp_error error)
{
    struct gateway *g = ctx;
    struct gateway_exchange x;
    arena_reset(g->arena);
    exchange_begin(g, request, &x);
    x.allowed = 1u << MODEL_METHOD_GET | 1u << MODEL_METHOD_POST | 1u << MODEL_METHOD_DELETE;
    gateway__answer_error(g, &x, error, NULL);
}
