// Reading and writing the parts of a frame.
// SPDX-License-Identifier: Apache-2.0
#include "link/link_wire.h"

#include <string.h>

bool link_writer_begin(struct link_writer *w, struct buf *out, unsigned number, size_t total)
{
    uint8_t *at = buf_reserve(out, total);
    if (at == NULL) {
        return false;
    }
    *w = (struct link_writer){out, at, total};
    link_writer_number(w, total, 4);
    link_writer_number(w, number, 2);
    link_writer_number(w, 0, 2);
    return true;
}

void link_writer_number(struct link_writer *w, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        *w->at++ = (uint8_t)(value >> (8 * i));
    }
}

void link_writer_bytes(struct link_writer *w, struct bytes value)
{
    link_writer_number(w, value.len, 4);
    if (value.len != 0) {
        memcpy(w->at, value.ptr, value.len);
        w->at += value.len;
    }
}

void link_writer_end(struct link_writer *w)
{
    buf_commit(w->out, w->total);
}

uint64_t link_reader_number(struct link_reader *r, unsigned width)
{
    uint64_t value = 0;
    if (!r->good || r->rest.len < width) {
        r->good = false;
        return 0;
    }
    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)r->rest.ptr[i] << (8 * i);
    }
    r->rest = bytes_slice(r->rest, width, r->rest.len);
    return value;
}

struct bytes link_reader_bytes(struct link_reader *r, size_t max)
{
    size_t len = (size_t)link_reader_number(r, 4);
    struct bytes value = {0};
    if (!r->good || len > max || len > r->rest.len) {
        r->good = false;
        return value;
    }
    value = bytes_slice(r->rest, 0, len);
    r->rest = bytes_slice(r->rest, len, r->rest.len);
    return value;
}
