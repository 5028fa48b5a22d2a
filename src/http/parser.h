// One request after the other out of a stream of bytes: collects the head, judges it, collects the
// body. Strict: what RFC 9112 lets a server refuse is refused. llhttp knows the grammar; the rules
// that it leaves open (limits, bare CR and LF, one framing) stand here and in head.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_PARSER_H
#define FP_HTTP_PARSER_H

#include "base/buf.h"
#include "base/limits.h"
#include "http/head.h"

#include <llhttp.h>

enum http_parser_event {
    HTTP_PARSER_MORE,    // all bytes are used up, the request is not whole
    HTTP_PARSER_HEAD,    // the head is whole and good; the body comes
    HTTP_PARSER_REQUEST, // the request is whole: look at it, then http_parser_next()
    HTTP_PARSER_ERROR    // `error` says what; the stream is of no use any more
};

enum http_parser_state {
    HTTP_PARSER_IN_HEAD, // collecting lines up to the empty one
    HTTP_PARSER_IN_BODY, // head reported
    HTTP_PARSER_WHOLE,   // request reported
    HTTP_PARSER_BROKEN   // error reported
};

struct http_parser_span {
    uint16_t name_at;   // offsets and lengths in `head`
    uint16_t name_len;  // bytes
    uint16_t value_at;  // 0 while there is no value
    uint16_t value_len; // bytes, with blanks at the end
};

struct http_parser {
    llhttp_t grammar;             // of this request
    enum http_parser_state state; // what comes next
    enum fp_error error;          // with HTTP_PARSER_ERROR
    size_t body_limit;            // bytes
    struct buf head;              // the header block so far
    struct buf body;              // decoded body so far
    size_t line;                  // offset of the line under way in `head`
    unsigned lines;               // whole lines in `head`
    unsigned blanks;              // empty lines before the request line
    unsigned extension;           // bytes of extensions of this chunk
    unsigned trailer;             // bytes of trailers
    uint64_t framing;             // bytes of the body as it came, with its framing
    struct bytes target;          // of the request line, in `head`
    struct http_target parts;     // the target's
    struct http_head_facts facts; // what the headers say
    unsigned header_count;        // entries of `spans`
    bool in_trailer;              // header callbacks are for trailers
    struct http_parser_span spans[FP_LIMIT_HTTP_HEADERS]; // where the headers are
};

void http_parser_init(struct http_parser *p, size_t body_limit);
void http_parser_done(struct http_parser *p);
// Takes bytes off the front of *in up to the next event.
enum http_parser_event http_parser_feed(struct http_parser *p, struct bytes *in);
// Ready for the next request; views into the last one end.
void http_parser_next(struct http_parser *p);
// Nothing of a request has come yet.
bool http_parser_is_fresh(const struct http_parser *p);
// After HEAD or REQUEST (and after ERROR, as far as it got).
struct bytes http_parser_method(const struct http_parser *p);
// Fills at most FP_LIMIT_HTTP_HEADERS views, returns how many.
size_t http_parser_headers(const struct http_parser *p,
                           struct http_header out[static FP_LIMIT_HTTP_HEADERS]);

#endif
