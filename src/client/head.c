// The request on the wire, RFC 9112: which headers may leave, and the head around them.
// SPDX-License-Identifier: Apache-2.0
#include "client/client_int.h"

#include <string.h>

#define HEAD_ROOM  1024 // bytes made room for at once: most heads are smaller
#define HEAD_BODY  8192 // bytes of body that leave together with the head, in one TLS record
#define HEAD_AGENT "Fishplate/" FP_VERSION

static bool is_token(struct bytes text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || strchr(others, c) == NULL)) {
            return false;
        }
    }
    return text.len != 0;
}

static bool is_field_value(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_ours(struct bytes name)
{
    static const char *const ours[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "user-agent",     "accept-encoding",
                                       "expect",     "upgrade",        "te"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (bytes_equal_nocase(name, bytes_of_text(ours[i]))) {
            return true;
        }
    }
    return false;
}

enum fp_error client__headers_check(const struct client_request *request, struct fp_note *note)
{
    size_t size = 0;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct client_header *header = &request->headers[i];
        size += header->name.len + header->value.len;
        if (!is_token(header->name) || !is_field_value(header->value) || is_ours(header->name) ||
            size > FP_LIMIT_SOURCE_HEADERS) {
            fp_note_set(note, "header", "Header %zu of the request may not be sent.", i + 1);
            return FP_E_SOURCE_SETTINGS_INVALID;
        }
    }
    return FP_OK;
}

static void write_host(const struct client_url *url, struct buf *out)
{
    buf_append_text(out, url->v6 ? "\r\nHost: [" : "\r\nHost: ");
    buf_append_bytes(out, url->host);
    buf_append_text(out, url->v6 ? "]" : "");
    if (url->port != (url->tls ? 443 : 80)) {
        buf_append_byte(out, ':');
        buf_append_u64(out, url->port);
    }
}

static bool write_headers(const struct client_request *request, struct buf *out)
{
    bool accept = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct client_header *header = &request->headers[i];
        buf_append_bytes(out, header->name);
        buf_append_text(out, ": ");
        buf_append_bytes(out, header->value);
        buf_append_text(out, "\r\n");
        accept = accept || bytes_equal_nocase(header->name, BYTES("accept"));
    }
    return accept;
}

// Methods that have a body say so even when it is empty, RFC 9110 8.6.
static bool tells_length(const struct client_request *request)
{
    return request->body.len != 0 || bytes_equal_text(request->method, "POST") ||
           bytes_equal_text(request->method, "PUT") || bytes_equal_text(request->method, "PATCH");
}

enum fp_error client__head_write(const struct client_call *call, struct buf *out, size_t *body_out)
{
    const struct client_request *request = call->request;
    (void)buf_reserve(out, HEAD_ROOM);
    buf_append_bytes(out, request->method);
    buf_append_byte(out, ' ');
    if (call->url.path.len == 0 || call->url.path.ptr[0] != '/') {
        buf_append_byte(out, '/');
    }
    buf_append_bytes(out, call->url.path);
    buf_append_text(out, " HTTP/1.1");
    write_host(&call->url, out);
    buf_append_text(out, "\r\nUser-Agent: " HEAD_AGENT "\r\nAccept-Encoding: gzip, deflate\r\n");
    if (!write_headers(request, out)) {
        buf_append_text(out, "Accept: */*\r\n");
    }
    if (tells_length(request)) {
        buf_append_text(out, "Content-Length: ");
        buf_append_u64(out, request->body.len);
        buf_append_text(out, "\r\n");
    }
    buf_append_text(out, "\r\n");
    *body_out = request->body.len <= HEAD_BODY ? request->body.len : 0;
    buf_append(out, request->body.ptr, *body_out);
    return buf_error(out);
}
