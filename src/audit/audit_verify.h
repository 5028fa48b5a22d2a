// Checking an audit log offline: from its files and the public key alone, as a stranger would.
// Names the first record that was changed, is missing, stands in the wrong order, or where the log
// was cut. SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUDIT_AUDIT_VERIFY_H
#define FP_AUDIT_AUDIT_VERIFY_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/sign.h"

enum audit_fault {
    AUDIT_INTACT,    // nothing found
    AUDIT_CHANGED,   // a record's text does not give its hash
    AUDIT_MISSING,   // a record or a whole file between two others is gone
    AUDIT_REORDERED, // records stand in another order
    AUDIT_CUT,       // the last line is unfinished, or a known newer record is not there
    AUDIT_MALFORMED, // a line that is no record
    AUDIT_SIGNATURE  // a checkpoint that the key did not sign
};

struct audit_finding {
    enum audit_fault fault; // first one found
    char file[64];          // in which file of the folder
    uint64_t line;          // 1-based
    uint64_t seq;           // number of the record concerned (expected one when missing)
    uint64_t offset;        // byte of the file where that line begins
    uint64_t records;       // good records before it
    uint64_t first_seq;     // number of the first record read
    uint64_t last_seq;      // number of the last good record
    uint64_t signed_seq;    // newest record under a good signature
    uint8_t last_hash[32];  // hash of the last good record
    char text[200];         // one sentence for people
};

// public_key NULL: the chain alone. Writes *out always. FP_OK when intact, FP_E_AUDIT_BROKEN when
// not, FP_E_IO_FAILED when it cannot be read.
enum fp_error audit_verify_dir(const char *dir, const uint8_t *public_key,
                               struct audit_finding *out);
// One file by itself; the hash before its first record is taken from that record.
enum fp_error audit_verify_file(const char *path, const uint8_t *public_key,
                                struct audit_finding *out);
// The same over bytes in memory.
enum fp_error audit_verify_bytes(struct bytes data, const uint8_t *public_key,
                                 struct audit_finding *out);
// For a log found intact that must reach at least to record seq, known from elsewhere (a checkpoint
// kept in another place, an export): says AUDIT_CUT and FP_E_AUDIT_BROKEN where it ends before.
enum fp_error audit_verify_reaches(struct audit_finding *finding, uint64_t seq);
const char *audit_fault_text(enum audit_fault fault); // "changed"

#endif
