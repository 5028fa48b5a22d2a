// The growable buffer.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_init_sensitive(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max, .sensitive = true};
}

void buf_done(struct buf *b)
{
    if (b->sensitive) {
        mem_wipe(b->ptr, b->room);
    }
    mem_free(b->ptr);
    *b = (struct buf){.max = b->max, .sensitive = b->sensitive};
}

void buf_clear(struct buf *b)
{
    // what lies behind len was wiped when it was taken out: wiping all the room on each turn of a
    // loop would cost more than the work
    if (b->sensitive) {
        mem_wipe(b->ptr, b->len);
    }
    b->len = 0;
    b->error = FP_OK;
}

static bool buf_move(struct buf *b, size_t room)
{
    uint8_t *moved = NULL;
    if (!b->sensitive) {
        moved = mem_resize(b->ptr, room);
    } else {
        // realloc could leave a copy behind
        moved = mem_alloc(1, room);
        if (moved != NULL && b->len != 0) {
            memcpy(moved, b->ptr, b->len);
        }
        if (moved != NULL) {
            mem_wipe(b->ptr, b->room);
            mem_free(b->ptr);
        }
    }
    if (moved == NULL) {
        b->error = FP_E_NO_MEMORY;
        return false;
    }
    b->ptr = moved;
    b->room = room;
    return true;
}

// Room for len more bytes and a NUL behind them.
static bool buf_grow(struct buf *b, size_t len)
{
    size_t need = 0, room = 0;
    if (b->error != FP_OK) {
        return false;
    }
    if (len > b->max || b->len > b->max - len) {
        b->error = FP_E_LIMIT_EXCEEDED;
        return false;
    }
    need = b->len + len + 1;
    if (need <= b->room) {
        return true;
    }
    room = b->room < 64 ? 64 : b->room;
    while (room < need) {
        room *= 2;
    }
    if (room > b->max + 1) {
        room = b->max + 1;
    }
    return buf_move(b, room);
}

void buf__append_growing(struct buf *b, const void *data, size_t len)
{
    if (buf_grow(b, len)) {
        memcpy(b->ptr + b->len, data, len);
        b->len += len;
    }
}

void buf_append_u64(struct buf *b, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buf_append(b, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    int len = 0;
    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len > 0 && buf_grow(b, (size_t)len)) {
        vsnprintf((char *)b->ptr + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
    return buf_grow(b, len) ? b->ptr + b->len : NULL;
}

void buf_commit(struct buf *b, size_t len)
{
    b->len += len;
}

void buf_consume(struct buf *b, size_t len)
{
    if (len >= b->len) {
        buf_clear(b);
        return;
    }
    memmove(b->ptr, b->ptr + len, b->len - len);
    if (b->sensitive) {
        mem_wipe(b->ptr + b->len - len, len);
    }
    b->len -= len;
}

struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->ptr, b->len};
}

enum fp_error buf_error(const struct buf *b)
{
    return b->error;
}

const char *buf_text(struct buf *b)
{
    if (!buf_grow(b, 0)) {
        return "";
    }
    b->ptr[b->len] = '\0';
    return (const char *)b->ptr;
}
