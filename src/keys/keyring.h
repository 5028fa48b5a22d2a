// Sealing and opening of records: a data key for each customer, wrapped by the master key, held
// unwrapped in a bounded cache in locked memory. Every ciphertext is bound to its place, so that a
// moved or swapped one does not open. Reads and writes rows of data keys through ops: the store is
// above. One thread at a time. SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_KEYRING_H
#define FP_KEYS_KEYRING_H

#include "base/id.h"
#include "base/limits.h"
#include "keys/master.h"

// Owner of the key of the installation itself: it seals the audit signing key and authenticates
// rows, so that a new master key needs to rewrap data keys only.
#define KEYRING_SYSTEM "system"

// Format version 1 of a sealed record: u8 version, key id, u32 key version (big-endian), nonce,
// ciphertext, tag.
#define SEAL_FORMAT   1
#define SEAL_OVERHEAD (1 + KEY_ID_SIZE + 4 + 12 + 16)

// A data key as it is stored; keys/ knows nothing of the store's own struct.
struct keyring_row {
    char customer[ID_TEXT];                // whose; or KEYRING_SYSTEM
    uint32_t version;                      // from 1, counts up
    struct key_id id;                      // the data key's
    struct key_id master;                  // the master key that wraps it
    uint8_t wrapped[FP_LIMIT_KEY_WRAPPED]; // wrapped key
    size_t wrapped_len;                    // bytes of it
    uint64_t reserved;                     // encryptions counted so far, ahead of use
};

// How the keyring reaches the stored rows.
struct keyring_ops {
    // The row of that version; version 0: the newest that is not destroyed. FP_E_STORE_NOT_FOUND
    // when there is none (a destroyed key is none).
    enum fp_error (*find)(void *ctx, const char *customer, uint32_t version,
                          struct keyring_row *out);
    // Adds count to the row's reserved. May return before it is durable, as long as it becomes so
    // before anything that is handed to the store later (store_submit() keeps that order).
    enum fp_error (*reserve)(void *ctx, const char *customer, uint32_t version, uint64_t count);
};

// Where a record stands: all of it is authenticated. The texts must not be empty; any bytes.
struct seal_place {
    struct bytes customer; // whose key: its id
    struct bytes type;     // "credential", "metadata"
    struct bytes record;   // id of the record, with its version where it has versions
    struct bytes column;   // "secret"
};

struct keyring;

// master is borrowed and must outlive the keyring. FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED.
enum fp_error keyring_create(struct master_key *master, const struct keyring_ops *ops, void *ctx,
                             struct keyring **out);
void keyring_free(struct keyring *ring); // wipes; takes NULL
// While the master key is replaced: data keys that this one wraps still open. Borrowed; NULL: none.
void keyring_set_previous(struct keyring *ring, struct master_key *previous);
// From now on data keys are wrapped by next, which is taken over; those that the present master key
// wraps still open. Until keyring_drop_previous(), which ends that.
void keyring_take_master(struct keyring *ring, struct master_key *next);
void keyring_drop_previous(struct keyring *ring);
// The one before it, or NULL.
struct master_key *keyring_previous(const struct keyring *ring);
// The master key that wraps now.
struct master_key *keyring_master(const struct keyring *ring);
// A row that the previous master key wraps, wrapped by the present one. FP_E_KEY_OTHER_MASTER when
// there is no previous one, and what keyring_rewrap() says.
enum fp_error keyring_rewrap_row(struct keyring *ring, const struct keyring_row *row,
                                 struct keyring_row *out);

// A new data key: fills *row for the caller to store, and holds it in the cache as the
// customer's newest, so that records can be sealed for the same batch. If the row is then not
// stored, call keyring_forget(). version 1 for a new customer. FP_E_INPUT_INVALID,
// FP_E_CRYPTO_FAILED, FP_E_NO_MEMORY, or what the master key's source says.
enum fp_error keyring_make(struct keyring *ring, const char *customer, uint32_t version,
                           struct keyring_row *row);
// Drops all cached keys of a customer: after erasure, after a failed batch, after another node's
// change.
void keyring_forget(struct keyring *ring, const char *customer);
// All customers': another node may have replaced or destroyed any.
void keyring_forget_all(struct keyring *ring);
// Wraps the same data key with another master key (row->master must be old's): fills *out with
// everything of row but the wrapping.
enum fp_error keyring_rewrap(struct master_key *old_master, struct master_key *new_master,
                             const struct keyring_row *row, struct keyring_row *out);

// Appends plain.len + SEAL_OVERHEAD bytes. FP_E_KEY_EXHAUSTED beyond FP_LIMIT_KEY_ENCRYPTIONS,
// FP_E_STORE_NOT_FOUND when the customer has no key, FP_E_UNSEAL_FAILED when the stored key does
// not open, FP_E_KEY_OTHER_MASTER when another master key wrapped it, and what ops say.
enum fp_error keyring_seal(struct keyring *ring, const struct seal_place *place, struct bytes plain,
                           struct buf *out);
// FP_E_UNSEAL_FAILED when changed, moved or of another key; FP_E_INPUT_TRUNCATED when too short;
// FP_E_INPUT_INVALID for another format version; else as above.
enum fp_error keyring_open(struct keyring *ring, const struct seal_place *place,
                           struct bytes sealed, struct secret *out);
// The key version inside a sealed record, without opening it.
enum fp_error seal_key_version(struct bytes sealed, uint32_t *out);

// Proof that we wrote a row: HMAC-SHA-256 over kind and parts (each with its length, so that no two
// lists give the same input) under a key derived from the installation's. Needs the system key
// (keyring_make(.., KEYRING_SYSTEM, 1, ..) once at init). A row whose authenticator differs was
// written by somebody else: keyring_authentic() says FP_E_UNSEAL_FAILED, in constant time.
enum fp_error keyring_authenticate(struct keyring *ring, const char *kind,
                                   const struct bytes *parts, size_t count, uint8_t out[static 32]);
enum fp_error keyring_authentic(struct keyring *ring, const char *kind, const struct bytes *parts,
                                size_t count, const uint8_t authenticator[static 32]);

// The value to keep in the store's setting "key_check", and the test at start that the store
// belongs to this master key: FP_E_KEY_OTHER_MASTER with both key ids in the note;
// FP_E_INPUT_INVALID when the value is damaged. store_id: the store's own id text.
#define KEYRING_CHECK_SIZE (1 + KEY_ID_SIZE + 32)
enum fp_error keyring_check_make(struct master_key *master, struct bytes store_id,
                                 uint8_t out[static KEYRING_CHECK_SIZE]);
enum fp_error keyring_check(struct master_key *master, struct bytes store_id, struct bytes value,
                            struct fp_note *note);

// For status.
struct keyring_state {
    size_t cached;   // keys in the cache
    uint64_t hits;   // since start
    uint64_t misses; // unwraps since start
    uint64_t sealed; // records sealed since start
    uint64_t opened; // records opened since start
};
struct keyring_state keyring_state(const struct keyring *ring);

#endif
