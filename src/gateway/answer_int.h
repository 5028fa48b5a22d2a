// Between answer.c and answer_source.c: the headers of an answer being put together.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_GATEWAY_ANSWER_INT_H
#define FP_GATEWAY_ANSWER_INT_H

#include "gateway/gateway_int.h"

#define ANSWER_HEADERS 16 // at most

struct answer_headers {
    struct http_header list[ANSWER_HEADERS]; // filled from the front
    size_t count;                            // of list
};

// Both texts must live until the answer is sent.
void headers_add(struct answer_headers *h, const char *name, struct bytes value);
// What every answer carries.
void headers_common(const struct gateway *g, const struct gateway_exchange *x,
                    struct answer_headers *h);
// The head of a JSON answer of unknown length; points into x and h.
struct http_answer_head answer_head(const struct gateway_exchange *x,
                                    const struct answer_headers *h);

#endif
