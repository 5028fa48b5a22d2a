// One line of the audit log as text: JSON with a fixed order of members, so that a stranger reads
// it with any JSON tool and we read it without one. A line is
//   {"seq":N,"time":"...","action":"...", ... ,"prev":"<hash of the line before>","hash":"<own>"}
// and its own hash is the SHA-256 of everything before ,"hash":
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_LINE_H
#define FP_AUDIT_AUDIT_LINE_H

#include "audit/audit.h"
#include "base/buf.h"
#include "crypto/sign.h"

// What a checkpoint signs.
struct audit_checkpoint {
    uint64_t from;                 // first record covered
    uint64_t generation;           // the store's, when it was signed
    uint64_t to;                   // last one; the checkpoint's own number is to + 1
    uint8_t root[AUDIT_HASH];      // of the tree over their hashes
    uint8_t key[SIGN_PUBLIC_SIZE]; // public key that signed
    uint8_t signature[SIGN_SIZE];  // over audit_checkpoint_text()
};

struct audit_line {
    uint64_t seq;                       // number of the record
    struct bytes time;                  // RFC 3339; a view
    struct bytes action;                // a view
    struct bytes hashed;                // what the hash covers; a view
    uint8_t prev[AUDIT_HASH];           // hash of the line before
    uint8_t hash[AUDIT_HASH];           // as it stands there; not compared yet
    bool is_checkpoint;                 // action log.checkpoint, and well-formed
    struct audit_checkpoint checkpoint; // if so
};

// The members of a record from "time" to "detail", as audit_line_write() takes them.
// FP_E_INPUT_INVALID: a text too long, no UTF-8, a detail that is no object.
enum fp_error audit_line_body(const struct audit_record *record, struct buf *out);
enum fp_error audit_line_checkpoint_body(const struct audit_checkpoint *checkpoint, int64_t time_ms,
                                         struct buf *out);
// A whole line with its end, and its hash.
enum fp_error audit_line_write(uint64_t seq, struct bytes body, const uint8_t prev[AUDIT_HASH],
                               struct buf *out, uint8_t hash_out[AUDIT_HASH]);
// A line without its end. FP_E_INPUT_INVALID when it is none.
enum fp_error audit_line_parse(struct bytes text, struct audit_line *out);
// What is signed: text, so that anybody can make it again with a shell.
void audit_checkpoint_text(const struct audit_checkpoint *checkpoint,
                           const uint8_t prev[AUDIT_HASH], struct bytes time, struct buf *out);

#endif
