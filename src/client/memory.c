// libcurl copies credentials (header lists, send buffers) and frees them as they are. It gets our
// allocator, which knows every block's size and wipes it.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "client/client_int.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

static atomic_ulong failures; // libcurl resolves names on threads of its own

struct block {
    size_t size;                      // of data
    alignas(max_align_t) char data[]; // what libcurl sees
};

// Zeroing the large buffers of each call would cost more than the call itself: as malloc().
static void *block_alloc(size_t size)
{
    struct block *block = NULL;
    if (size <= SIZE_MAX - sizeof *block) {
        block = mem_resize(NULL, sizeof *block + size);
    }
    if (block == NULL) {
        atomic_fetch_add(&failures, 1);
        return NULL;
    }
    block->size = size;
    return block->data;
}

static struct block *block_of(void *data)
{
    return (struct block *)(void *)((char *)data - offsetof(struct block, data));
}

static void block_free(void *data)
{
    if (data != NULL) {
        struct block *block = block_of(data);
        mem_wipe(block->data, block->size);
        mem_free(block);
    }
}

static void *block_resize(void *data, size_t size)
{
    void *fresh = block_alloc(size);
    if (fresh != NULL && data != NULL) {
        size_t old = block_of(data)->size;
        memcpy(fresh, data, old < size ? old : size);
        block_free(data);
    }
    return fresh;
}

static void *block_calloc(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *block = block_alloc(count * size);
    if (block != NULL) {
        memset(block, 0, count * size);
    }
    return block;
}

static char *block_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = block_alloc(size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

bool client__curl_start(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, block_alloc, block_free, block_resize,
                                block_text, block_calloc) == CURLE_OK;
}

unsigned long client__curl_failures(void)
{
    return atomic_load(&failures);
}
