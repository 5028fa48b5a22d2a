// The only way to the heap. Allocations can be made to fail on purpose (the n-th one), so that
// tests can walk through every out-of-memory path. SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_MEM_H
#define FP_BASE_MEM_H

#include <stddef.h>

// Zeroed memory for count objects of size bytes; NULL when out of memory or on overflow. The caller
// frees with mem_free().
void *mem_alloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
// As realloc(), new bytes are not zeroed; NULL leaves the old block as it was.
void *mem_resize(void *old, size_t size) __attribute__((warn_unused_result));
// Takes NULL.
void mem_free(void *block);
// Overwrites with zeros in a way that the compiler may not leave out.
void mem_wipe(void *block, size_t size);

// For programs that serve: a few MiB of freed memory stay with the process. glibc would give them
// back to the kernel after each answer and ask for them, page by page, for the next.
void mem_keep_freed(void);

// Tests only: the n-th allocation from now on fails (1 = the next), once; 0 switches it off.
void mem_fail_at(unsigned long n);
// Tests only: allocations since the last mem_fail_at().
unsigned long mem_count(void);

#endif
