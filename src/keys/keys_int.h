// What the files of keys/ share: unambiguous associated data, made on the stack.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_KEYS_INT_H
#define FP_KEYS_KEYS_INT_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/note.h"
#include "keys/master.h"

#define KEYS_BOUND_MAX 512

// Pieces, each behind its length (u32, big-endian), so that no two lists give the same bytes.
struct keys_bound {
    uint8_t b[KEYS_BOUND_MAX]; // so far
    size_t len;                // of it
    bool over;                 // did not fit
};

void keys__bind(struct keys_bound *bound, struct bytes piece);
void keys__bind_u32(struct keys_bound *bound, uint32_t value);
void keys__put_u32(uint8_t out[static 4], uint32_t value); // big-endian
uint32_t keys__get_u32(const uint8_t in[static 4]);

// master_text_parse() for a source of another name. In master_file.c.
enum fp_error keys__text_parse(const char *source, struct bytes text, struct master_key **out,
                               struct fp_note *note);

#endif
