// What a request proves besides showing a token: the DPoP proof is read and judged here, in the
// room that holds no key. The vault takes the verdict, and alone knows what a token is bound to.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/possession.h"
#include "base/clock.h"
#include "gateway/bearer.h"

static enum fp_error possession_proof(struct gateway *g, const struct http_request *request,
                                      struct bytes token, struct possession *out)
{
    struct bytes proof = {0};
    size_t count = http_headers_find(request->headers, request->header_count, "DPoP", &proof);
    const struct dpop_expect expect = {.method = request->method,
                                       .base = bytes_of_text(g->config->public_url),
                                       .path = request->path,
                                       .token = token,
                                       .now_ms = clock_wall_ms()};
    out->fault = count == 0 ? DPOP_MISSING : DPOP_REPEATED;
    return count == 1 ? dpop_check(proof, &expect, g->arena, &out->fault, &out->proof) : FP_OK;
}

enum fp_error gateway__possession(struct gateway *g, struct gateway_exchange *x,
                                  const struct http_request *request, struct bytes token,
                                  struct bytes *out)
{
    struct possession shown = {.fault = DPOP_MISSING};
    struct buf text;
    enum fp_error error = FP_OK;
    x->dpop = shown.scheme_dpop =
        token.len != 0 && bearer_is_dpop(request->headers, request->header_count);
    if (token.len == 0 || x->dpop) { // next to a plain bearer token a proof means nothing
        error = possession_proof(g, request, token, &shown);
    }
    *out = (struct bytes){0};
    if (error != FP_OK || (!shown.scheme_dpop && shown.fault == DPOP_MISSING)) {
        return error;
    }
    buf_init(&text, POSSESSION_TEXT);
    possession_encode(&shown, &text);
    error = buf_error(&text);
    if (error == FP_OK) {
        *out = arena_copy(g->arena, buf_bytes(&text));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    return error;
}
