// Reads lists of entity tags.
// SPDX-License-Identifier: Apache-2.0
#include "model/etag.h"

static bool etag_is_weak(struct bytes tag)
{
    return bytes_starts_with(tag, BYTES("W/"));
}

static struct bytes etag_opaque(struct bytes tag)
{
    return etag_is_weak(tag) ? bytes_slice(tag, 2, tag.len) : tag;
}

// Length of the tag that list begins with; 0: it begins with none.
static size_t etag_length(struct bytes list)
{
    size_t at = etag_is_weak(list) ? 2 : 0;
    if (at >= list.len || list.ptr[at] != '"') {
        return 0;
    }
    for (at++; at < list.len; at++) {
        uint8_t c = list.ptr[at];
        if (c == '"') {
            return at + 1;
        }
        if (c < 0x21 || c == 0x7f) {
            return 0;
        }
    }
    return 0;
}

static struct bytes etag_skip(struct bytes list, bool commas)
{
    size_t at = 0;
    while (at < list.len &&
           (list.ptr[at] == ' ' || list.ptr[at] == '\t' || (commas && list.ptr[at] == ','))) {
        at++;
    }
    return bytes_slice(list, at, list.len);
}

bool model_etag_listed(struct bytes list, struct bytes tag, bool strong)
{
    struct bytes rest = bytes_trim(list);
    if (bytes_equal(rest, BYTES("*"))) {
        return true;
    }
    for (rest = etag_skip(rest, true); rest.len != 0; rest = etag_skip(rest, true)) {
        size_t len = etag_length(rest);
        struct bytes one = bytes_slice(rest, 0, len);
        if (len == 0) {
            return false;
        }
        if (!(strong && (etag_is_weak(one) || etag_is_weak(tag))) &&
            bytes_equal(etag_opaque(one), etag_opaque(tag))) {
            return true;
        }
        rest = etag_skip(bytes_slice(rest, len, rest.len), false);
        if (rest.len != 0 && rest.ptr[0] != ',') {
            return false;
        }
    }
    return false;
}
