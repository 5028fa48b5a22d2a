// The request arena: a list of blocks, bumped; releases hung on it run at the end.
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <string.h>

#define ARENA_BLOCK 4096

struct arena_block {
    struct arena_block *next;            // older block
    size_t used;                         // bytes handed out
    size_t size;                         // bytes of data
    alignas(max_align_t) uint8_t data[]; // the memory
};

struct arena_hook {
    struct arena_hook *next; // hung up earlier
    void (*release)(void *); // called once
    void *object;            // its argument
};

struct arena {
    struct arena_block *blocks; // newest first
    struct arena_hook *hooks;   // newest first
    size_t used;                // handed out in all
    size_t max;                 // never more
    bool sensitive;             // wipe before freeing
};

struct arena *arena_create(size_t max, bool sensitive)
{
    struct arena *arena = mem_alloc(1, sizeof *arena);
    if (arena != NULL) {
        arena->max = max;
        arena->sensitive = sensitive;
    }
    return arena;
}

static void arena_run_hooks(struct arena *arena)
{
    struct arena_hook *hook = arena->hooks;
    arena->hooks = NULL;
    for (; hook != NULL; hook = hook->next) {
        hook->release(hook->object);
    }
}

static void arena_wipe(const struct arena *arena, struct arena_block *block)
{
    if (arena->sensitive) {
        mem_wipe(block->data, block->used);
    }
}

static void arena_drop_blocks(struct arena *arena, struct arena_block *keep)
{
    while (arena->blocks != NULL && arena->blocks != keep) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        arena_wipe(arena, block);
        mem_free(block);
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    arena_run_hooks(arena);
    arena_drop_blocks(arena, NULL);
    mem_free(arena);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *first = arena->blocks;
    arena_run_hooks(arena);
    while (first != NULL && first->next != NULL) {
        first = first->next;
    }
    arena_drop_blocks(arena, first);
    if (first != NULL) {
        arena_wipe(arena, first);
        memset(first->data, 0, first->used);
        first->used = 0;
    }
    arena->used = 0;
}

static struct arena_block *arena_add_block(struct arena *arena, size_t need)
{
    size_t size = need > ARENA_BLOCK ? need : ARENA_BLOCK;
    struct arena_block *block = mem_alloc(1, sizeof *block + size);
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t need = 0;
    void *result = NULL;
    if (size != 0 && count > arena->max / size) {
        return NULL;
    }
    need = (count * size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (need > arena->max - arena->used) {
        return NULL;
    }
    if (block == NULL || need > block->size - block->used) {
        block = arena_add_block(arena, need);
    }
    if (block == NULL) {
        return NULL;
    }
    result = block->data + block->used;
    block->used += need;
    arena->used += need;
    return result;
}

char *arena_text(struct arena *arena, struct bytes data)
{
    char *copy = arena_alloc(arena, data.len + 1, 1);
    if (copy != NULL && data.len != 0) {
        memcpy(copy, data.ptr, data.len);
    }
    return copy;
}

struct bytes arena_copy(struct arena *arena, struct bytes data)
{
    const char *copy = arena_text(arena, data);
    return bytes_of(copy, copy != NULL ? data.len : 0);
}

bool arena_hang(struct arena *arena, void (*release)(void *object), void *object)
{
    struct arena_hook *hook = arena_alloc(arena, 1, sizeof *hook);
    if (hook == NULL) {
        release(object);
        return false;
    }
    *hook = (struct arena_hook){arena->hooks, release, object};
    arena->hooks = hook;
    return true;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
