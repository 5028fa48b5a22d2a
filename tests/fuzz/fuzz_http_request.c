// Fuzzes the request parser without sockets: the same bytes in one piece and in small ones must
// give the same requests and the same refusal, and whatever is accepted keeps the limits.
// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include <stdlib.h>

#define BODY_LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    unsigned requests;   // whole ones
    uint64_t digest;     // over what was understood
    enum fp_error error; // of the refusal
};

static void note(struct outcome *o, struct bytes part)
{
    o->digest = o->digest * 1099511628211u + bytes_hash(part) + part.len;
}

static void check_request(const struct http_parser *p, struct outcome *o)
{
    struct http_header headers[FP_LIMIT_HTTP_HEADERS];
    size_t count = http_parser_headers(p, headers), nul = 0;
    struct bytes value = {0};
    if (p->body.len > BODY_LIMIT || p->head.len > FP_LIMIT_HTTP_HEADER_BLOCK ||
        p->target.len > FP_LIMIT_HTTP_TARGET || bytes_find(buf_bytes(&p->head), 0, &nul)) {
        abort();
    }
    if (p->grammar.http_minor == 1 && http_headers_find(headers, count, "Host", &value) != 1) {
        abort();
    }
    if (http_headers_find(headers, count, "Content-Length", &value) != 0 &&
        http_headers_find(headers, count, "Transfer-Encoding", &value) != 0) {
        abort();
    }
    note(o, http_parser_method(p));
    note(o, p->parts.path);
    note(o, p->parts.query);
    for (size_t i = 0; i < count; i++) {
        note(o, headers[i].name);
        note(o, headers[i].value);
    }
    note(o, buf_bytes(&p->body));
    o->requests++;
}

static void run(struct bytes in, size_t step, struct outcome *o)
{
    struct http_parser p;
    enum http_parser_event event = HTTP_PARSER_MORE;
    http_parser_init(&p, BODY_LIMIT);
    while (in.len != 0 && event != HTTP_PARSER_ERROR) {
        struct bytes piece = bytes_slice(in, 0, step);
        in = bytes_slice(in, step, in.len);
        do {
            event = http_parser_feed(&p, &piece);
            if (event == HTTP_PARSER_REQUEST) {
                check_request(&p, o);
                http_parser_next(&p);
            }
        } while (event != HTTP_PARSER_MORE && event != HTTP_PARSER_ERROR);
    }
    o->error = event == HTTP_PARSER_ERROR ? p.error : FP_OK;
    if (event == HTTP_PARSER_ERROR && p.error == FP_OK) {
        abort();
    }
    http_parser_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = {0}, pieces = {0};
    size_t step = size != 0 ? 1u + data[size - 1] % 7u : 1;
    run(bytes_of(data, size), size != 0 ? size : 1, &whole);
    run(bytes_of(data, size), step, &pieces);
    if (whole.requests != pieces.requests || whole.digest != pieces.digest ||
        (whole.error == FP_OK) != (pieces.error == FP_OK)) {
        abort();
    }
    return 0;
}
