// A growable buffer that is born with its maximum. Running over it, or out of memory, marks the
// buffer as failed; later appends do nothing and buf_error() says so, so that a writer can append
// many pieces and check once.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_BUF_H
#define FP_BASE_BUF_H

#include "base/bytes.h"
#include "base/error.h"

struct buf {
    uint8_t *ptr;        // owned
    size_t len;          // bytes in use
    size_t room;         // bytes allocated
    size_t max;          // never more than this
    enum fp_error error; // FP_OK, FP_E_LIMIT_EXCEEDED or FP_E_NO_MEMORY; sticky until buf_clear()
    bool sensitive;      // wiped before memory is given back or moved
};

void buf_init(struct buf *b, size_t max);
// The same for contents that must not stay in memory: wiped whenever memory is left.
void buf_init_sensitive(struct buf *b, size_t max);
void buf_done(struct buf *b); // takes zeroed and half-built ones
// Empties (and wipes, if sensitive) and forgets an error; keeps the memory.
void buf_clear(struct buf *b);
void buf__append_growing(struct buf *b, const void *data, size_t len); // for buf_append() only

// Answers are written in small pieces: where there is room, no call is made.
static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len < b->room - b->len && b->error == FP_OK && len != 0) { // one byte stays for a NUL
        memcpy(b->ptr + b->len, data, len);
        b->len += len;
    } else if (len != 0) {
        buf__append_growing(b, data, len);
    }
}

static inline void buf_append_bytes(struct buf *b, struct bytes data)
{
    buf_append(b, data.ptr, data.len);
}

static inline void buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

static inline void buf_append_byte(struct buf *b, uint8_t byte)
{
    buf_append(b, &byte, 1);
}

void buf_append_u64(struct buf *b, uint64_t value); // decimal
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Room for len more bytes to be written in place at the pointer returned, then buf_commit(); NULL
// on error.
uint8_t *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);
// Drops len bytes from the front.
void buf_consume(struct buf *b, size_t len);
struct bytes buf_bytes(const struct buf *b);
enum fp_error buf_error(const struct buf *b);
// The content as C string (a NUL is put behind it, not counted); "" on failure. Valid until the
// next append.
const char *buf_text(struct buf *b);

#endif
