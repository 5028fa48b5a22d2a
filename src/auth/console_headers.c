// Reading a browser's headers for the dashboard.
// SPDX-License-Identifier: Apache-2.0
#include "auth/console_headers.h"

struct bytes console_cookie_session(struct bytes cookie)
{
    static const struct bytes name = {(const uint8_t *)CONSOLE_COOKIE_NAME "=",
                                      sizeof CONSOLE_COOKIE_NAME};
    struct bytes piece = {0}, found = {0};
    unsigned count = 0;
    while (cookie.len != 0 && bytes_split(&cookie, ';', &piece)) {
        piece = bytes_trim(piece);
        if (bytes_starts_with(piece, name)) {
            found = bytes_slice(piece, name.len, piece.len);
            count++;
        }
    }
    return count == 1 && found.len <= CONSOLE_SESSION_MAX ? found : (struct bytes){0};
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool console_reason_decode(struct bytes text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%' && i + 2 < text.len && hex_digit(text.ptr[i + 1]) >= 0 &&
            hex_digit(text.ptr[i + 2]) >= 0) {
            c = (uint8_t)(hex_digit(text.ptr[i + 1]) * 16 + hex_digit(text.ptr[i + 2]));
            i += 2;
        }
        buf_append_byte(out, c < ' ' || c == 0x7f ? ' ' : c);
    }
    if (buf_error(out) != FP_OK || !bytes_is_utf8(buf_bytes(out))) {
        buf_clear(out);
        return false;
    }
    return true;
}

bool console_same_origin(const struct console_origin *request)
{
    static const struct bytes https = {(const uint8_t *)"https://", 8};
    if (request->has_site && !bytes_equal_text(request->site, "same-origin")) {
        return false;
    }
    if (!request->has_origin) {
        return bytes_equal(request->method, BYTES("GET"));
    }
    return bytes_starts_with(request->origin, https) && request->host.len != 0 &&
           bytes_equal_nocase(bytes_slice(request->origin, https.len, request->origin.len),
                              request->host);
}
