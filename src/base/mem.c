// The heap, with fault injection.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEM_TRIM  (4 << 20) // bytes of free memory at the end of the heap that stay
#define MEM_PAD   (1 << 18) // bytes asked for beyond what is needed
#define MEM_LARGE (1 << 20) // bytes of a block that goes back to the kernel at once

static atomic_ulong fail_at;
static atomic_ulong counted;

static int mem_must_fail(void)
{
    unsigned long n = atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed) + 1;
    return n == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *mem_alloc(size_t count, size_t size)
{
    if (mem_must_fail()) {
        return NULL;
    }
    return calloc(count != 0 ? count : 1, size != 0 ? size : 1);
}

void *mem_resize(void *old, size_t size)
{
    if (mem_must_fail()) {
        return NULL;
    }
    return realloc(old, size != 0 ? size : 1);
}

void mem_free(void *block)
{
    free(block);
}

void mem_wipe(void *block, size_t size)
{
    if (block != NULL && size != 0) {
        explicit_bzero(block, size);
    }
}

void mem_fail_at(unsigned long n)
{
    atomic_store(&counted, 0);
    atomic_store(&fail_at, n);
}

unsigned long mem_count(void)
{
    return atomic_load(&counted);
}

void mem_keep_freed(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, MEM_TRIM);
    (void)mallopt(M_TOP_PAD, MEM_PAD);
    (void)mallopt(M_MMAP_THRESHOLD, MEM_LARGE);
}
