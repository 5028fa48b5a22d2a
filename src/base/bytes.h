// A run of bytes that somebody else owns: pointer and length, no terminator.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_BYTES_H
#define FP_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *ptr; // not owned; may be NULL when len is 0
    size_t len;         // in bytes
};

// Of a string literal, without its NUL.
#define BYTES(literal) ((struct bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})
// For printf: "%.*s" with BYTES_ARG(b). Never for secrets.
#define BYTES_ARG(b) (int)(b).len, (const char *)(b).ptr

struct bytes bytes_of(const void *ptr, size_t len);
struct bytes bytes_of_text(const char *text); // NULL gives empty bytes
// Compared thousands of times for one answer, so it stands here.
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
bool bytes_equal_text(struct bytes a, const char *text);
bool bytes_equal_nocase(struct bytes a, struct bytes b); // ASCII only
int bytes_compare(struct bytes a, struct bytes b);       // as memcmp, shorter first
bool bytes_starts_with(struct bytes a, struct bytes prefix);
bool bytes_ends_with(struct bytes a, struct bytes suffix);
bool bytes_find(struct bytes a, uint8_t byte, size_t *index_out);
// From start (clamped), at most len bytes.
struct bytes bytes_slice(struct bytes a, size_t start, size_t len);
// Cuts up to the separator off the front of *rest: returns the piece, *rest moves behind the
// separator. false when *rest is exhausted (ptr NULL). An empty last piece is returned once.
bool bytes_split(struct bytes *rest, uint8_t separator, struct bytes *piece_out);
// Without ASCII blanks and tabs at both ends.
struct bytes bytes_trim(struct bytes a);
// Copies into a NUL-terminated array; false (and an empty string) when it does not fit or holds
// NUL.
bool bytes_to_text(struct bytes a, char *out, size_t size);
// Strict UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool bytes_is_utf8(struct bytes a);
// Decimal digits only, no sign, no blanks, at most max; false otherwise.
bool bytes_to_u64(struct bytes a, uint64_t max, uint64_t *out);
// FNV-1a, for tables of our own keys. Not for untrusted keys.
uint32_t bytes_hash(struct bytes a);

#endif
