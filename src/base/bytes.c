// Runs of bytes: comparing, cutting, strict numbers and UTF-8.
// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <string.h>
#include <strings.h>

struct bytes bytes_of(const void *ptr, size_t len)
{
    return (struct bytes){ptr, len};
}

struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_text(text));
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common != 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool bytes_starts_with(struct bytes a, struct bytes prefix)
{
    return a.len >= prefix.len && bytes_equal(bytes_slice(a, 0, prefix.len), prefix);
}

bool bytes_ends_with(struct bytes a, struct bytes suffix)
{
    return a.len >= suffix.len &&
           bytes_equal(bytes_slice(a, a.len - suffix.len, suffix.len), suffix);
}

bool bytes_find(struct bytes a, uint8_t byte, size_t *index_out)
{
    const uint8_t *found = a.len != 0 ? memchr(a.ptr, byte, a.len) : NULL;
    if (found == NULL) {
        return false;
    }
    *index_out = (size_t)(found - a.ptr);
    return true;
}

struct bytes bytes_slice(struct bytes a, size_t start, size_t len)
{
    if (start > a.len) {
        start = a.len;
    }
    if (len > a.len - start) {
        len = a.len - start;
    }
    return (struct bytes){a.ptr != NULL ? a.ptr + start : NULL, len};
}

bool bytes_split(struct bytes *rest, uint8_t separator, struct bytes *piece_out)
{
    size_t at = 0;
    if (rest->ptr == NULL) {
        return false;
    }
    if (bytes_find(*rest, separator, &at)) {
        *piece_out = bytes_slice(*rest, 0, at);
        *rest = bytes_slice(*rest, at + 1, rest->len);
        return true;
    }
    *piece_out = *rest;
    *rest = (struct bytes){NULL, 0};
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct bytes bytes_trim(struct bytes a)
{
    while (a.len != 0 && is_blank(a.ptr[0])) {
        a = bytes_slice(a, 1, a.len);
    }
    while (a.len != 0 && is_blank(a.ptr[a.len - 1])) {
        a.len--;
    }
    return a;
}

bool bytes_to_text(struct bytes a, char *out, size_t size)
{
    size_t nul = 0;
    if (size == 0) {
        return false;
    }
    out[0] = '\0';
    if (a.len >= size || bytes_find(a, 0, &nul)) {
        return false;
    }
    if (a.len != 0) {
        memcpy(out, a.ptr, a.len);
    }
    out[a.len] = '\0';
    return true;
}

// RFC 3629, the table of section 4: which first bytes open a sequence of what length, and what its
// second byte may be; the further ones are 0x80..0xbf.
static const struct utf8_lead {
    uint8_t from, to;  // first byte
    uint8_t low, high; // second byte
    uint8_t length;    // of the whole sequence
} utf8_leads[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

// Length of the well-formed sequence at p, 0 if there is none.
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    const struct utf8_lead *lead = utf8_leads;
    const struct utf8_lead *end = lead + sizeof(utf8_leads) / sizeof(utf8_leads[0]);
    while (lead < end && (p[0] < lead->from || p[0] > lead->to)) {
        lead++;
    }
    if (lead == end || left < lead->length) {
        return 0;
    }
    if (lead->length > 1 && (p[1] < lead->low || p[1] > lead->high)) {
        return 0;
    }
    for (size_t i = 2; i < lead->length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return lead->length;
}

bool bytes_is_utf8(struct bytes a)
{
    size_t at = 0;
    while (at < a.len) {
        size_t step = utf8_sequence(a.ptr + at, a.len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

bool bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (a.len == 0 || a.len > 20) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        uint64_t digit = (uint64_t)a.ptr[i] - '0';
        if (a.ptr[i] < '0' || a.ptr[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (value > max) {
        return false;
    }
    *out = value;
    return true;
}

uint32_t bytes_hash(struct bytes a)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < a.len; i++) {
        hash = (hash ^ a.ptr[i]) * 16777619u;
    }
    return hash;
}
