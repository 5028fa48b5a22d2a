// gzip by zlib.
// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.h"

#include "base/limits.h"
#include "base/mem.h"

#include <zlib.h>

// Level 1: JSON shrinks to a sixth already; level 6 takes three times the time for a tenth less.
#define GZIP_LEVEL  1
#define GZIP_WINDOW (15 + 16) // 15 bits, gzip header
#define GZIP_MEMORY 8
#define GZIP_STEP   4096
#define GZIP_SPARE  8 // compressors kept for the next answers

struct gzip {
    z_stream stream;   // zlib's
    struct gzip *next; // in the pool
};

struct gzip_pool {
    struct gzip *spare;   // ready for use
    unsigned spare_count; // entries of it
    unsigned in_use;      // given out
};

static void *gzip_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return mem_alloc(count, size);
}

static void gzip_release(void *opaque, void *block)
{
    (void)opaque;
    mem_free(block);
}

struct gzip_pool *gzip_pool_create(void)
{
    return mem_alloc(1, sizeof(struct gzip_pool));
}

static void gzip_free(struct gzip *gzip)
{
    (void)deflateEnd(&gzip->stream);
    mem_free(gzip);
}

void gzip_pool_free(struct gzip_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    while (pool->spare != NULL) {
        struct gzip *gzip = pool->spare;
        pool->spare = gzip->next;
        gzip_free(gzip);
    }
    mem_free(pool);
}

static struct gzip *gzip_create(void)
{
    struct gzip *gzip = mem_alloc(1, sizeof *gzip);
    if (gzip == NULL) {
        return NULL;
    }
    gzip->stream.zalloc = gzip_alloc;
    gzip->stream.zfree = gzip_release;
    if (deflateInit2(&gzip->stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        mem_free(gzip);
        return NULL;
    }
    return gzip;
}

struct gzip *gzip_take(struct gzip_pool *pool)
{
    struct gzip *gzip = pool->spare;
    if (pool->in_use >= FP_LIMIT_HTTP_GZIP_STREAMS) {
        return NULL;
    }
    if (gzip != NULL) {
        pool->spare = gzip->next;
        pool->spare_count--;
    } else {
        gzip = gzip_create();
    }
    pool->in_use += gzip != NULL ? 1 : 0;
    return gzip;
}

void gzip_give(struct gzip_pool *pool, struct gzip *gzip)
{
    if (gzip == NULL) {
        return;
    }
    pool->in_use--;
    if (pool->spare_count >= GZIP_SPARE || deflateReset(&gzip->stream) != Z_OK) {
        gzip_free(gzip);
        return;
    }
    gzip->next = pool->spare;
    pool->spare = gzip;
    pool->spare_count++;
}

enum fp_error gzip_write(struct gzip *gzip, struct bytes in, enum gzip_flush flush, struct buf *out)
{
    static const int modes[] = {
        [GZIP_COLLECT] = Z_NO_FLUSH, [GZIP_FLUSH] = Z_SYNC_FLUSH, [GZIP_LAST] = Z_FINISH};
    z_stream *z = &gzip->stream;
    z->next_in = (Bytef *)(uintptr_t)in.ptr; // zlib does not write there
    z->avail_in = (uInt)in.len;
    do {
        uint8_t *space = buf_reserve(out, GZIP_STEP);
        if (space == NULL) {
            return buf_error(out);
        }
        z->next_out = space;
        z->avail_out = GZIP_STEP;
        (void)deflate(z, modes[flush]); // Z_BUF_ERROR: nothing to do, which is fine
        buf_commit(out, GZIP_STEP - z->avail_out);
    } while (z->avail_out == 0);
    return FP_OK;
}
