// Keys, tokens, passwords: bytes in one locked arena between guard pages, kept out of core dumps
// and of forked children, wiped when given back. A struct secret cannot be handed to printf.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_SECRET_H
#define FP_CRYPTO_SECRET_H

#include "base/bytes.h"
#include "base/error.h"

struct secret {
    uint8_t *ptr; // in the arena, owned; NULL: none
    size_t len;   // bytes in use, at most room
    size_t room;  // bytes allocated
};

// What the kernel gave us, verified when the arena was made.
struct secret_protections {
    bool hidden;     // memfd_secret: unreadable even for ptrace and the kernel's own map
    bool locked;     // never swapped (mlock, or implied by memfd_secret)
    bool not_dumped; // left out of core dumps
    bool not_forked; // a forked child sees zeros or nothing
    size_t size;     // bytes of the arena
};

// Makes the arena (FP_LIMIT_SECRET_ARENA); once per process, before the sandbox closes.
// crypto_setup() calls it; without it the first secret_make() does. FP_E_NO_MEMORY.
enum fp_error secret_setup(void);
struct secret_protections secret_protections(void);
// Bytes of the arena in use, for status and for leak tests.
size_t secret_in_use(void);

// A zeroed secret of len bytes, all in use; len 0 is allowed. FP_E_NO_MEMORY when the arena is
// full. The owner ends it with secret_done().
enum fp_error secret_make(size_t len, struct secret *out);
enum fp_error secret_copy(struct bytes data, struct secret *out);
// len fresh random bytes.
enum fp_error secret_random(size_t len, struct secret *out);
// Wipes and gives back; takes a zeroed one, and leaves it zeroed.
void secret_done(struct secret *s);
// Uses fewer bytes; what is cut off is wiped.
void secret_cut(struct secret *s, size_t len);
// A view, valid until secret_done(). Do not copy it anywhere that is not wiped.
struct bytes secret_bytes(const struct secret *s);
// In a time that depends on the lengths only.
bool secret_equal(const struct secret *a, struct bytes b);
bool secret_bytes_equal(struct bytes a, struct bytes b);

#endif
