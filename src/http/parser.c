// The request parser.
// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include <string.h>

#define PARSER_HEAD_KEEP   2048 // bytes of buffer that stay with an idle connection
#define PARSER_FRAMING     8    // a body in chunks of one byte is six times as long as its data
#define PARSER_FRAMING_ADD 65536

static struct http_parser *parser_of(llhttp_t *grammar)
{
    return grammar->data;
}

static int parser_refuse(struct http_parser *p, enum fp_error error)
{
    p->error = error;
    return -1;
}

static uint16_t parser_offset(const struct http_parser *p, const char *at)
{
    return (uint16_t)((const uint8_t *)at - p->head.ptr);
}

static int on_url(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = parser_of(grammar);
    if (p->target.ptr == NULL) {
        p->target.ptr = (const uint8_t *)at;
    }
    p->target.len += length;
    return p->target.len > FP_LIMIT_HTTP_TARGET ? parser_refuse(p, FP_E_REQUEST_TARGET_TOO_LONG)
                                                : 0;
}

static int parser_trailer(struct http_parser *p, size_t length)
{
    p->trailer += (unsigned)length;
    return p->trailer > FP_LIMIT_HTTP_HEADER_BLOCK
               ? parser_refuse(p, FP_E_REQUEST_HEADERS_TOO_LARGE)
               : 0;
}

static int on_header_field(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = parser_of(grammar);
    if (p->in_trailer) {
        return parser_trailer(p, length);
    }
    if (p->header_count != 0) {
        // the head is fed in one piece, but a name may still come in several
        struct http_parser_span *last = &p->spans[p->header_count - 1];
        if (last->value_at == 0 && last->name_at + last->name_len == parser_offset(p, at)) {
            last->name_len = (uint16_t)(last->name_len + length);
            return 0;
        }
    }
    if (p->header_count == FP_LIMIT_HTTP_HEADERS) {
        return parser_refuse(p, FP_E_REQUEST_HEADERS_TOO_LARGE);
    }
    p->spans[p->header_count++] =
        (struct http_parser_span){.name_at = parser_offset(p, at), .name_len = (uint16_t)length};
    return 0;
}

static int on_header_value(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = parser_of(grammar);
    struct http_parser_span *last = NULL;
    if (p->in_trailer) {
        return parser_trailer(p, length);
    }
    if (p->header_count == 0) {
        return parser_refuse(p, FP_E_REQUEST_MALFORMED);
    }
    last = &p->spans[p->header_count - 1];
    if (last->value_at == 0) {
        last->value_at = parser_offset(p, at);
    }
    last->value_len = (uint16_t)(last->value_len + length);
    return 0;
}

static int parser_judge(struct http_parser *p)
{
    struct http_header headers[FP_LIMIT_HTTP_HEADERS];
    size_t count = http_parser_headers(p, headers);
    bool options = p->grammar.method == HTTP_OPTIONS;
    enum fp_error error = FP_OK;
    if (p->grammar.http_major != 1 || p->grammar.http_minor > 1) {
        return parser_refuse(p, FP_E_REQUEST_VERSION_UNSUPPORTED);
    }
    if (p->grammar.method == HTTP_CONNECT) {
        return parser_refuse(p, FP_E_METHOD_NOT_ALLOWED);
    }
    error = http_target_parse(p->target, options, &p->parts);
    if (error == FP_OK) {
        error = http_head_judge(headers, count, p->grammar.http_minor, &p->facts);
    }
    if (error == FP_OK && p->parts.authority.len != 0 &&
        !bytes_equal_nocase(p->parts.authority, p->facts.host)) {
        error = FP_E_REQUEST_HOST_INVALID;
    }
    if (error == FP_OK && p->facts.framing == HTTP_FRAMING_LENGTH &&
        p->facts.length > p->body_limit) {
        error = FP_E_REQUEST_BODY_TOO_LARGE;
    }
    return error == FP_OK ? 0 : parser_refuse(p, error);
}

static int on_headers_complete(llhttp_t *grammar)
{
    struct http_parser *p = parser_of(grammar);
    int result = parser_judge(p);
    p->state = HTTP_PARSER_IN_BODY;
    p->in_trailer = true;
    grammar->upgrade = 0; // no protocol to switch to: RFC 9110 7.8 lets a server ignore it
    return result;
}

static int on_body(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = parser_of(grammar);
    if (length > p->body_limit - p->body.len) {
        return parser_refuse(p, FP_E_REQUEST_BODY_TOO_LARGE);
    }
    buf_append(&p->body, at, length);
    return buf_error(&p->body) == FP_OK ? 0 : parser_refuse(p, FP_E_NO_MEMORY);
}

static int on_chunk_header(llhttp_t *grammar)
{
    struct http_parser *p = parser_of(grammar);
    p->extension = 0;
    if (grammar->content_length > p->body_limit - p->body.len) {
        return parser_refuse(p, FP_E_REQUEST_BODY_TOO_LARGE);
    }
    return 0;
}

static int on_chunk_extension(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = parser_of(grammar);
    (void)at;
    p->extension += (unsigned)length;
    return p->extension > FP_LIMIT_HTTP_CHUNK_EXTENSION ? parser_refuse(p, FP_E_REQUEST_MALFORMED)
                                                        : 0;
}

// What stands between names and values counts as well, once however the bytes were cut.
static int on_part_complete(llhttp_t *grammar)
{
    struct http_parser *p = parser_of(grammar);
    return p->in_trailer ? parser_trailer(p, 2) : 0;
}

static int on_extension_part_complete(llhttp_t *grammar)
{
    return on_chunk_extension(grammar, NULL, 1);
}

static int on_message_complete(llhttp_t *grammar)
{
    parser_of(grammar)->state = HTTP_PARSER_WHOLE;
    return HPE_PAUSED; // what follows is another request
}

static const llhttp_settings_t parser_settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_header_field_complete = on_part_complete,
    .on_header_value_complete = on_part_complete,
    .on_chunk_extension_name_complete = on_extension_part_complete,
    .on_chunk_extension_value_complete = on_extension_part_complete,
    .on_message_complete = on_message_complete,
};

static void parser_begin(struct http_parser *p)
{
    llhttp_init(&p->grammar, HTTP_REQUEST, &parser_settings);
    p->grammar.data = p;
    p->state = HTTP_PARSER_IN_HEAD;
    p->error = FP_OK;
    p->line = 0;
    p->lines = p->blanks = p->extension = p->trailer = p->header_count = 0;
    p->framing = 0;
    p->in_trailer = false;
    p->target = (struct bytes){0};
    p->parts = (struct http_target){0};
    p->facts = (struct http_head_facts){0};
}

void http_parser_init(struct http_parser *p, size_t body_limit)
{
    p->body_limit = body_limit;
    buf_init_sensitive(&p->head, FP_LIMIT_HTTP_HEADER_BLOCK);
    buf_init_sensitive(&p->body, body_limit);
    parser_begin(p);
}

void http_parser_done(struct http_parser *p)
{
    buf_done(&p->head);
    buf_done(&p->body);
}

void http_parser_next(struct http_parser *p)
{
    if (p->head.room > PARSER_HEAD_KEEP) {
        buf_done(&p->head);
    } else {
        buf_clear(&p->head);
    }
    buf_done(&p->body);
    parser_begin(p);
}

bool http_parser_is_fresh(const struct http_parser *p)
{
    return p->state == HTTP_PARSER_IN_HEAD && p->head.len == 0;
}

struct bytes http_parser_method(const struct http_parser *p)
{
    bool known = p->target.ptr != NULL;
    return known ? bytes_of_text(llhttp_method_name((llhttp_method_t)p->grammar.method))
                 : (struct bytes){0};
}

size_t http_parser_headers(const struct http_parser *p,
                           struct http_header out[static FP_LIMIT_HTTP_HEADERS])
{
    struct bytes head = buf_bytes(&p->head);
    for (unsigned i = 0; i < p->header_count; i++) {
        const struct http_parser_span *span = &p->spans[i];
        out[i].name = bytes_slice(head, span->name_at, span->name_len);
        out[i].value = bytes_trim(bytes_slice(head, span->value_at, span->value_len));
    }
    return p->header_count;
}

static enum http_parser_event parser_break(struct http_parser *p, enum fp_error error)
{
    p->state = HTTP_PARSER_BROKEN;
    p->error = error;
    return HTTP_PARSER_ERROR;
}

static bool parser_has_length(const struct http_parser *p)
{
    struct http_header headers[FP_LIMIT_HTTP_HEADERS];
    struct bytes value = {0};
    size_t count = http_parser_headers(p, headers);
    return http_headers_find(headers, count, "Content-Length", &value) != 0;
}

// What llhttp's refusals are called here.
static enum fp_error parser_error_of(const struct http_parser *p, llhttp_errno_t refusal)
{
    if (p->error != FP_OK) {
        return p->error;
    }
    switch (refusal) {
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return FP_E_REQUEST_VERSION_UNSUPPORTED;
    case HPE_INVALID_TRANSFER_ENCODING:
        // llhttp's word for both together, too
        return parser_has_length(p) ? FP_E_REQUEST_MALFORMED : FP_E_REQUEST_ENCODING_UNSUPPORTED;
    default:
        return FP_E_REQUEST_MALFORMED;
    }
}

// A whole line was added to the head: does it end as it must, is it none that continues another?
static bool parser_line_good(const struct http_parser *p)
{
    const uint8_t *line = p->head.ptr + p->line;
    size_t len = p->head.len - p->line;
    return len >= 2 && line[len - 2] == '\r' && memchr(line, '\r', len) == line + len - 2 &&
           memchr(line, '\0', len) == NULL && line[0] != ' ' && line[0] != '\t';
}

// RFC 9112 3: method, target and version with one blank between them; llhttp would take more.
static bool parser_request_line_good(const struct http_parser *p)
{
    unsigned blanks = 0;
    for (size_t i = 0; i < p->head.len; i++) {
        blanks += p->head.ptr[i] == ' ' ? 1 : 0;
        if (p->head.ptr[i] == '\t') {
            return false;
        }
    }
    return blanks == 2;
}

// The empty line came: hand the head to the grammar.
static enum http_parser_event parser_head_whole(struct http_parser *p)
{
    llhttp_errno_t result = llhttp_execute(&p->grammar, (const char *)p->head.ptr, p->head.len);
    bool whole = p->state == HTTP_PARSER_WHOLE && result == HPE_PAUSED;
    bool body = p->state == HTTP_PARSER_IN_BODY && result == HPE_OK;
    if (!whole && !body) {
        return parser_break(p, parser_error_of(p, result));
    }
    // a request without a body is reported as head first, too
    return HTTP_PARSER_HEAD;
}

// Over the limit of the head: the target is to blame while the request line is not over.
static enum http_parser_event parser_head_too_large(struct http_parser *p)
{
    return parser_break(p, p->lines == 0 ? FP_E_REQUEST_TARGET_TOO_LONG
                                         : FP_E_REQUEST_HEADERS_TOO_LARGE);
}

// The line that just ended. MORE: go on with the next one.
static enum http_parser_event parser_line(struct http_parser *p)
{
    if (!parser_line_good(p)) {
        return parser_break(p, FP_E_REQUEST_MALFORMED);
    }
    if (p->head.len - p->line > 2) {
        if (p->lines++ == 0 && !parser_request_line_good(p)) {
            return parser_break(p, FP_E_REQUEST_MALFORMED);
        }
        p->line = p->head.len;
        return p->lines > FP_LIMIT_HTTP_HEADERS + 1u ? parser_head_too_large(p) : HTTP_PARSER_MORE;
    }
    if (p->lines != 0) {
        return parser_head_whole(p);
    }
    // RFC 9112 2.2: one empty line before the request line is ignored
    buf_clear(&p->head);
    return p->blanks++ != 0 ? parser_break(p, FP_E_REQUEST_MALFORMED) : HTTP_PARSER_MORE;
}

static enum http_parser_event parser_feed_head(struct http_parser *p, struct bytes *in)
{
    enum http_parser_event event = HTTP_PARSER_MORE;
    while (in->len != 0 && event == HTTP_PARSER_MORE) {
        const uint8_t *end = memchr(in->ptr, '\n', in->len);
        size_t take = end != NULL ? (size_t)(end - in->ptr) + 1 : in->len;
        uint8_t first = in->ptr[0];
        if (p->head.len == 0 && (first < 'A' || first > 'Z') && first != '\r') {
            return parser_break(p, FP_E_REQUEST_MALFORMED); // TLS, or anything else
        }
        if (take > FP_LIMIT_HTTP_HEADER_BLOCK - p->head.len) {
            return parser_head_too_large(p);
        }
        buf_append(&p->head, in->ptr, take);
        *in = bytes_slice(*in, take, in->len);
        if (buf_error(&p->head) != FP_OK) {
            return parser_break(p, FP_E_NO_MEMORY);
        }
        if (end != NULL) {
            event = parser_line(p);
        }
    }
    return event;
}

static enum http_parser_event parser_feed_body(struct http_parser *p, struct bytes *in)
{
    llhttp_errno_t result = HPE_OK;
    size_t taken = in->len;
    result = llhttp_execute(&p->grammar, (const char *)in->ptr, in->len);
    if (result != HPE_OK) {
        const char *stop = llhttp_get_error_pos(&p->grammar);
        taken = stop != NULL ? (size_t)((const uint8_t *)stop - in->ptr) : in->len;
    }
    *in = bytes_slice(*in, taken, in->len);
    p->framing += taken;
    if (p->state == HTTP_PARSER_WHOLE && result == HPE_PAUSED) {
        return HTTP_PARSER_REQUEST;
    }
    if (result != HPE_OK) {
        return parser_break(p, parser_error_of(p, result));
    }
    if (p->framing > (uint64_t)p->body_limit * PARSER_FRAMING + PARSER_FRAMING_ADD) {
        return parser_break(p, FP_E_REQUEST_BODY_TOO_LARGE);
    }
    return HTTP_PARSER_MORE;
}

enum http_parser_event http_parser_feed(struct http_parser *p, struct bytes *in)
{
    switch (p->state) {
    case HTTP_PARSER_IN_HEAD:
        return parser_feed_head(p, in);
    case HTTP_PARSER_IN_BODY:
        return in->len == 0 ? HTTP_PARSER_MORE : parser_feed_body(p, in);
    case HTTP_PARSER_WHOLE:
        return HTTP_PARSER_REQUEST;
    case HTTP_PARSER_BROKEN:
    default:
        return HTTP_PARSER_ERROR;
    }
}
