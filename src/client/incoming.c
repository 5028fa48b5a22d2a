// Reading an answer: llhttp's callbacks, and the limits in them.
// SPDX-License-Identifier: Apache-2.0
#include "client/incoming.h"

#include "base/limits.h"

#include <string.h>

#define INCOMING_RESERVE (1u << 20) // bytes of a told length that are made room for at once
// A body in chunks of one byte is six times as long as its data.
#define INCOMING_FRAMING 8
#define INCOMING_LINE    4 // bytes of a header line besides name and value

static struct client_incoming *incoming_of(llhttp_t *grammar)
{
    return grammar->data;
}

static int incoming_refuse(struct client_incoming *in, enum client_fault fault)
{
    in->fault = fault;
    return -1;
}

// What stands in a head, whether it is kept or not.
static int incoming_count(struct client_incoming *in, size_t length)
{
    in->head_bytes += length;
    return in->head_bytes > FP_LIMIT_SOURCE_HEADERS ? incoming_refuse(in, CLIENT_FAULT_HEADERS) : 0;
}

static int incoming_line(struct client_incoming *in, const char *at, size_t length)
{
    if (incoming_count(in, length) != 0) {
        return -1;
    }
    if (in->in_body) {
        return 0; // trailers are nobody's business
    }
    buf_append(&in->line, at, length);
    return buf_error(&in->line) == FP_OK ? 0 : incoming_refuse(in, CLIENT_FAULT_MEMORY);
}

static int on_message_begin(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    in->field_count = 0; // a 100 Continue before the answer: its headers are dropped
    in->in_body = false;
    return incoming_count(in, INCOMING_LINE);
}

static int on_status(llhttp_t *grammar, const char *at, size_t length)
{
    (void)at;
    return incoming_count(incoming_of(grammar), length);
}

static int on_status_complete(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    in->status = grammar->status_code;
    return 0;
}

static int on_header_field(llhttp_t *grammar, const char *at, size_t length)
{
    return incoming_line(incoming_of(grammar), at, length);
}

static int on_header_field_complete(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    in->name_len = in->line.len;
    return 0;
}

static int on_header_value(llhttp_t *grammar, const char *at, size_t length)
{
    return incoming_line(incoming_of(grammar), at, length);
}

static bool incoming_has_room(struct client_incoming *in)
{
    struct client_header *fields = NULL;
    size_t room = in->field_room == 0 ? 16 : in->field_room * 2;
    if (in->field_count < in->field_room) {
        return true;
    }
    if (room > FP_LIMIT_SOURCE_HEADER_COUNT) {
        in->fault = CLIENT_FAULT_HEADERS;
        return false;
    }
    fields = arena_alloc(in->arena, room, sizeof *fields);
    if (fields == NULL) {
        in->fault = CLIENT_FAULT_MEMORY;
        return false;
    }
    if (in->field_count != 0) {
        memcpy(fields, in->fields, in->field_count * sizeof *fields);
    }
    in->fields = fields;
    in->field_room = room;
    return true;
}

static int on_header_value_complete(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    struct bytes line = {0};
    struct client_header *field = NULL;
    if (incoming_count(in, INCOMING_LINE) != 0) {
        return -1;
    }
    if (in->in_body) {
        return 0;
    }
    if (!incoming_has_room(in)) {
        return -1;
    }
    line = arena_copy(in->arena, buf_bytes(&in->line));
    if (line.ptr == NULL) {
        return incoming_refuse(in, CLIENT_FAULT_MEMORY);
    }
    field = &in->fields[in->field_count++];
    field->name = bytes_slice(line, 0, in->name_len);
    field->value = bytes_trim(bytes_slice(line, in->name_len, line.len));
    buf_clear(&in->line);
    return 0;
}

static struct bytes incoming_header(const struct client_incoming *in, const char *name)
{
    for (size_t i = 0; i < in->field_count; i++) {
        if (bytes_equal_nocase(in->fields[i].name, bytes_of_text(name))) {
            return in->fields[i].value;
        }
    }
    return (struct bytes){0};
}

// We ask for gzip and deflate only, one of them.
static int incoming_coding(struct client_incoming *in)
{
    struct bytes coding = incoming_header(in, "content-encoding");
    bool gzip =
        bytes_equal_nocase(coding, BYTES("gzip")) || bytes_equal_nocase(coding, BYTES("x-gzip"));
    if (coding.len == 0 || bytes_equal_nocase(coding, BYTES("identity"))) {
        return 0;
    }
    if (!gzip && !bytes_equal_nocase(coding, BYTES("deflate"))) {
        return incoming_refuse(in, CLIENT_FAULT_CODING);
    }
    in->inflate = client_inflate_create(gzip);
    return in->inflate != NULL ? 0 : incoming_refuse(in, CLIENT_FAULT_MEMORY);
}

static int incoming_length(struct client_incoming *in)
{
    if ((in->grammar.flags & F_CONTENT_LENGTH) == 0 || in->inflate != NULL) {
        return 0;
    }
    if (in->grammar.content_length > in->body->max) {
        return incoming_refuse(in, CLIENT_FAULT_BODY);
    }
    if (in->grammar.content_length <= INCOMING_RESERVE &&
        buf_reserve(in->body, (size_t)in->grammar.content_length) == NULL) {
        return incoming_refuse(in, CLIENT_FAULT_MEMORY);
    }
    return 0;
}

static int on_headers_complete(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    struct bytes transfer = incoming_header(in, "transfer-encoding");
    bool empty = false;
    in->status = grammar->status_code;
    empty = in->head || in->status == 204 || in->status == 304;
    in->in_body = true;
    if (grammar->http_major != 1 || in->status < 100 || in->status == 101 || in->status > 599 ||
        (transfer.len != 0 && !bytes_equal_nocase(transfer, BYTES("chunked")))) {
        return incoming_refuse(in, CLIENT_FAULT_HTTP);
    }
    grammar->upgrade = 0;
    if (in->status < 200) {
        return 0;
    }
    if (!empty && (incoming_coding(in) != 0 || incoming_length(in) != 0)) {
        return -1;
    }
    return in->head ? 1 : 0;
}

static int on_body(llhttp_t *grammar, const char *at, size_t length)
{
    struct client_incoming *in = incoming_of(grammar);
    enum fp_error error = FP_OK;
    if (in->inflate != NULL) {
        error = client_inflate_feed(in->inflate, bytes_of(at, length), in->body);
    } else {
        buf_append(in->body, at, length);
        error = buf_error(in->body);
    }
    if (error == FP_OK) {
        return 0;
    }
    if (error == FP_E_INPUT_INVALID) {
        return incoming_refuse(in, CLIENT_FAULT_CODING);
    }
    return incoming_refuse(in, error == FP_E_NO_MEMORY ? CLIENT_FAULT_MEMORY : CLIENT_FAULT_BODY);
}

static int on_message_complete(llhttp_t *grammar)
{
    struct client_incoming *in = incoming_of(grammar);
    if (in->status < 200) {
        return 0; // the answer itself is yet to come
    }
    if (in->inflate != NULL && !client_inflate_whole(in->inflate)) {
        return incoming_refuse(in, CLIENT_FAULT_CODING);
    }
    in->done = true;
    in->keep = llhttp_should_keep_alive(grammar) == 1;
    return HPE_PAUSED;
}

static const llhttp_settings_t *incoming_settings(void)
{
    static llhttp_settings_t settings;
    if (settings.on_body == NULL) {
        llhttp_settings_init(&settings);
        settings.on_message_begin = on_message_begin;
        settings.on_status = on_status;
        settings.on_status_complete = on_status_complete;
        settings.on_header_field = on_header_field;
        settings.on_header_field_complete = on_header_field_complete;
        settings.on_header_value = on_header_value;
        settings.on_header_value_complete = on_header_value_complete;
        settings.on_headers_complete = on_headers_complete;
        settings.on_message_complete = on_message_complete;
        settings.on_body = on_body;
    }
    return &settings;
}

void client_incoming_init(struct client_incoming *in, struct arena *arena, struct buf *body,
                          bool head)
{
    *in = (struct client_incoming){.arena = arena, .body = body, .head = head};
    buf_init_sensitive(&in->line, FP_LIMIT_SOURCE_HEADERS);
    llhttp_init(&in->grammar, HTTP_RESPONSE, incoming_settings());
    in->grammar.data = in;
}

void client_incoming_done(struct client_incoming *in)
{
    client_inflate_free(in->inflate);
    in->inflate = NULL;
    buf_done(&in->line);
}

enum client_incoming_state client_incoming_feed(struct client_incoming *in, struct bytes data)
{
    uint64_t most = (uint64_t)in->body->max * INCOMING_FRAMING + 2 * FP_LIMIT_SOURCE_HEADERS;
    enum llhttp_errno result = HPE_OK;
    if (in->done) {
        in->keep = in->keep && data.len == 0; // nobody asked for more
        return INCOMING_DONE;
    }
    in->raw_bytes += data.len;
    result = llhttp_execute(&in->grammar, (const char *)data.ptr, data.len);
    if (in->done) {
        const char *end = (const char *)data.ptr + data.len;
        in->keep = in->keep && llhttp_get_error_pos(&in->grammar) == end;
        return INCOMING_DONE;
    }
    if (result == HPE_OK && in->raw_bytes <= most) {
        return INCOMING_MORE;
    }
    if (in->fault == CLIENT_FAULT_NONE) {
        in->fault = result == HPE_OK ? CLIENT_FAULT_BODY : CLIENT_FAULT_HTTP;
    }
    return INCOMING_WRONG;
}

enum client_incoming_state client_incoming_finish(struct client_incoming *in)
{
    if (!in->done && in->raw_bytes != 0) {
        (void)llhttp_finish(&in->grammar);
    }
    in->keep = false;
    return in->done ? INCOMING_DONE : INCOMING_WRONG;
}
