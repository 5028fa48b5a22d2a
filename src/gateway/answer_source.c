// How what a source system answered is put: with its version (RFC 9110 8.8.3), or 304 where the
// client has that version. SPDX-License-Identifier: Apache-2.0
#include "gateway/answer_int.h"

// A strong tag names bytes: with it, they go out as they are.
static bool etag_is_strong(struct bytes etag)
{
    return etag.len != 0 && etag.ptr[0] == '"';
}

enum fp_error gateway__answer_begin(struct gateway *g, struct gateway_exchange *x,
                                    const struct gateway_source_answer *answer)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = answer->unchanged ? 304 : 200;
    headers_common(g, x, &h);
    if (answer->etag.len != 0) {
        headers_add(&h, "ETag", answer->etag);
    }
    head = answer_head(x, &h);
    head.length = answer->length;
    if (answer->unchanged) {
        head.content_type = (struct bytes){0};
    }
    head.compress = head.compress && !answer->unchanged && !etag_is_strong(answer->etag);
    return http_answer_begin(g->server, x->handle, &head);
}

void gateway__answer_replay(struct gateway *g, struct gateway_exchange *x, struct bytes etag,
                            struct bytes body)
{
    struct answer_headers h = {0};
    struct http_answer_head head;
    x->status = 200;
    x->bytes = body.len;
    headers_common(g, x, &h);
    if (etag.len != 0) {
        headers_add(&h, "ETag", etag);
    }
    head = answer_head(x, &h);
    head.compress = false;
    http_answer_send(g->server, x->handle, &head, body);
    gateway__finish(g, x);
}
