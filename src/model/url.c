// Percent-encoding.
// SPDX-License-Identifier: Apache-2.0
#include "model/url.h"

static int url_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

// The byte at *at, which moves behind it; -1 for a bad escape.
static int url_next(struct bytes text, bool form, size_t *at)
{
    uint8_t c = text.ptr[(*at)++];
    if (c == '+' && form) {
        return ' ';
    }
    if (c != '%') {
        return c;
    }
    if (text.len - *at < 2) {
        return -1;
    }
    int high = url_digit(text.ptr[*at]);
    int low = url_digit(text.ptr[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool url_is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c <= 0x20 || c >= 0x7f || c == '%' || c == '+') {
            return false;
        }
    }
    return true;
}

enum fp_error url_decode(struct bytes text, bool form, struct arena *arena, struct bytes *out)
{
    if (url_is_plain(text)) {
        *out = text;
        return FP_OK;
    }
    uint8_t *copy = arena_alloc(arena, text.len + 1, 1);
    size_t len = 0;
    if (copy == NULL) {
        return FP_E_NO_MEMORY;
    }
    for (size_t at = 0; at < text.len;) {
        int c = url_next(text, form, &at);
        if (c < 0x20 || c == 0x7f) {
            return FP_E_INPUT_INVALID;
        }
        copy[len++] = (uint8_t)c;
    }
    if (!bytes_is_utf8(bytes_of(copy, len))) {
        return FP_E_INPUT_INVALID;
    }
    *out = bytes_of(copy, len);
    return FP_OK;
}

void url_encode(struct buf *out, struct bytes text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            buf_append_byte(out, c);
        } else {
            buf_append_byte(out, '%');
            buf_append_byte(out, (uint8_t)hex[c >> 4]);
            buf_append_byte(out, (uint8_t)hex[c & 15]);
        }
    }
}
