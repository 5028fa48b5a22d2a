// Resolving relative references of redirects.
// SPDX-License-Identifier: Apache-2.0
#include "client/location.h"

// Letters, digits, + - . up to a colon, before any / ? #
static bool has_scheme(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c == ':') {
            return i != 0;
        }
        if (!letter && (!other || i == 0)) {
            return false;
        }
    }
    return false;
}

static size_t end_of(struct bytes text, size_t from, const char *stops)
{
    size_t at = from;
    while (at < text.len) {
        for (const char *stop = stops; *stop != '\0'; stop++) {
            if (text.ptr[at] == (uint8_t)*stop) {
                return at;
            }
        }
        at++;
    }
    return at;
}

enum fp_error client_location_resolve(struct bytes base, struct bytes location, struct buf *out)
{
    size_t scheme = end_of(base, 0, ":");
    size_t origin = end_of(base, scheme + 3, "/?");
    size_t path = end_of(base, origin, "?");
    struct bytes to = bytes_slice(location, 0, end_of(location, 0, "#"));
    if (has_scheme(to)) {
        buf_append_bytes(out, to);
        return buf_error(out);
    }
    if (to.len >= 2 && to.ptr[0] == '/' && to.ptr[1] == '/') {
        buf_append_bytes(out, bytes_slice(base, 0, scheme + 1));
    } else if (to.len == 0) {
        buf_append_bytes(out, base);
    } else if (to.ptr[0] == '/') {
        buf_append_bytes(out, bytes_slice(base, 0, origin));
    } else if (to.ptr[0] == '?') {
        buf_append_bytes(out, bytes_slice(base, 0, path));
    } else {
        size_t folder = path;
        while (folder > origin && base.ptr[folder - 1] != '/') {
            folder--;
        }
        buf_append_bytes(out, bytes_slice(base, 0, folder));
        if (folder == origin) {
            buf_append_byte(out, '/');
        }
    }
    buf_append_bytes(out, to);
    return buf_error(out);
}
