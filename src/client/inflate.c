// Decompression of answers by zlib, its memory wiped.
// SPDX-License-Identifier: Apache-2.0
#include "client/inflate.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stddef.h>
#include <zlib.h>

#define INFLATE_STEP 16384     // bytes of room asked for at once
#define INFLATE_GZIP (15 + 16) // 15 bits of window, gzip's header
#define INFLATE_ZLIB 15        // zlib's header
#define INFLATE_BARE (-15)     // none

struct client_inflate {
    z_stream stream; // zlib's
    bool gzip;       // else deflate
    bool begun;      // a byte came
    bool ended;      // the last byte came
};

// zlib's window holds the answer, which may be a session: wiped like everything else.
struct inflate_block {
    size_t size;                      // of data
    alignas(max_align_t) char data[]; // what zlib sees
};

static void *inflate_alloc(void *opaque, unsigned count, unsigned size)
{
    size_t bytes = (size_t)count * size;
    struct inflate_block *block = mem_resize(NULL, sizeof *block + bytes);
    (void)opaque;
    if (block == NULL) {
        return NULL;
    }
    block->size = bytes;
    return block->data;
}

static void inflate_release(void *opaque, void *data)
{
    (void)opaque;
    if (data != NULL) {
        void *start = (char *)data - offsetof(struct inflate_block, data);
        struct inflate_block *block = start;
        mem_wipe(block->data, block->size);
        mem_free(block);
    }
}

struct client_inflate *client_inflate_create(bool gzip)
{
    struct client_inflate *packed = mem_alloc(1, sizeof *packed);
    if (packed == NULL) {
        return NULL;
    }
    packed->gzip = gzip;
    packed->stream.zalloc = inflate_alloc;
    packed->stream.zfree = inflate_release;
    if (inflateInit2(&packed->stream, gzip ? INFLATE_GZIP : INFLATE_ZLIB) != Z_OK) {
        mem_free(packed);
        return NULL;
    }
    return packed;
}

void client_inflate_free(struct client_inflate *packed)
{
    if (packed != NULL) {
        (void)inflateEnd(&packed->stream);
        mem_wipe(packed, sizeof *packed);
        mem_free(packed);
    }
}

// RFC 1950 2.2: method 8, a window of at most 32 KB, and the two bytes a multiple of 31.
static bool inflate_has_header(struct bytes data)
{
    unsigned first = data.ptr[0];
    return (first & 0x0f) == 8 && first >> 4 <= 7 &&
           (data.len < 2 || (first * 256 + data.ptr[1]) % 31 == 0);
}

static enum fp_error inflate_error(int result)
{
    return result == Z_MEM_ERROR ? FP_E_NO_MEMORY : FP_E_INPUT_INVALID;
}

// One step into what room there is. FP_E_AGAIN: there is more to write.
static enum fp_error inflate_step(struct client_inflate *packed, struct buf *out)
{
    z_stream *z = &packed->stream;
    uint8_t beyond = 0;
    size_t room = out->max - out->len;
    uint8_t *space = &beyond; // a full buffer is in order where no byte follows
    size_t step = room < INFLATE_STEP ? room : INFLATE_STEP;
    if (step != 0) {
        space = buf_reserve(out, step);
        if (space == NULL) {
            return buf_error(out);
        }
    }
    z->next_out = space;
    z->avail_out = (uInt)(step != 0 ? step : 1);
    int result = inflate(z, Z_NO_FLUSH);
    size_t wrote = (step != 0 ? step : 1) - z->avail_out;
    if (step == 0 && wrote != 0) {
        return FP_E_LIMIT_EXCEEDED;
    }
    buf_commit(out, step != 0 ? wrote : 0);
    if (result == Z_STREAM_END) {
        packed->ended = true;
        return FP_OK;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) {
        return inflate_error(result);
    }
    return z->avail_out == 0 ? FP_E_AGAIN : FP_OK;
}

enum fp_error client_inflate_feed(struct client_inflate *packed, struct bytes data, struct buf *out)
{
    z_stream *z = &packed->stream;
    enum fp_error error = FP_E_AGAIN;
    if (data.len == 0) {
        return FP_OK;
    }
    if (packed->ended) {
        return FP_E_INPUT_INVALID;
    }
    if (!packed->begun && !packed->gzip && !inflate_has_header(data) &&
        inflateReset2(z, INFLATE_BARE) != Z_OK) {
        return FP_E_NO_MEMORY;
    }
    packed->begun = true;
    z->next_in = (Bytef *)(uintptr_t)data.ptr; // zlib does not write there
    z->avail_in = (uInt)data.len;
    while (error == FP_E_AGAIN) {
        error = inflate_step(packed, out);
    }
    if (error == FP_OK && packed->ended && z->avail_in != 0) {
        error = FP_E_INPUT_INVALID;
    }
    z->next_in = NULL;
    return error;
}

bool client_inflate_whole(const struct client_inflate *packed)
{
    return packed->ended || !packed->begun;
}
