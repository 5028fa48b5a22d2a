// What a request's head must satisfy beyond its grammar (RFC 9110, RFC 9112): one valid Host, one
// way to frame the body, a target of an allowed form. Pure functions over views.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_HTTP_HEAD_H
#define FP_HTTP_HEAD_H

#include "base/bytes.h"
#include "base/error.h"

struct http_header {
    struct bytes name;  // as sent; compare without case
    struct bytes value; // without blanks around it
};

// How many headers have this name; the first one's value in *first_out where there is one.
size_t http_headers_find(const struct http_header *headers, size_t count, const char *name,
                         struct bytes *first_out);

struct http_target {
    struct bytes path;      // begins with '/', or is "*"; percent signs stand before two hex digits
    struct bytes query;     // without the question mark; ptr NULL where there is none
    struct bytes authority; // of an absolute-form; empty otherwise
};

// Cuts a request target in its parts. Origin-form, absolute-form (http and https, no user
// information), and "*" for OPTIONS. FP_E_REQUEST_MALFORMED otherwise.
enum fp_error http_target_parse(struct bytes target, bool options, struct http_target *out);

// uri-host [":" port] of RFC 9110 7.2 with a host that is not empty: letters, digits, '-', '.',
// '_',
// '~', or an address in brackets.
bool http_host_valid(struct bytes host);

enum http_framing { HTTP_FRAMING_NONE, HTTP_FRAMING_LENGTH, HTTP_FRAMING_CHUNKED };

struct http_head_facts {
    enum http_framing framing; // how the body is delimited
    uint64_t length;           // of the body, with HTTP_FRAMING_LENGTH
    struct bytes host;         // value of Host; empty where an HTTP/1.0 request has none
    bool keep_alive;           // the connection may stay open after the answer
    bool expects_continue;     // the client waits for 100 before it sends the body
    bool accepts_gzip;         // by Accept-Encoding
};

// Judges the headers of a request of HTTP/1.minor. Errors: FP_E_REQUEST_MALFORMED,
// FP_E_REQUEST_HOST_INVALID, FP_E_REQUEST_ENCODING_UNSUPPORTED, FP_E_REQUEST_EXPECTATION_FAILED.
enum fp_error http_head_judge(const struct http_header *headers, size_t count, unsigned minor,
                              struct http_head_facts *out);

// Whether gzip is acceptable by the value of Accept-Encoding (RFC 9110 12.5.3). A value that is not
// well formed accepts nothing.
bool http_accepts_gzip(struct bytes value);

#endif
