// The master key and where it comes from: one table of sources (file, systemd credential,
// passphrase), all of them a text in a file that is handed over as a descriptor. A source either
// releases the key (the wrapping is then done here), or keeps it and wraps itself: that is what
// master_ops is for. SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_MASTER_H
#define FP_KEYS_MASTER_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/note.h"
#include "crypto/secret.h"

#define KEY_ID_SIZE     16
#define KEY_ID_TEXT     33 // hex and NUL
#define MASTER_KEY_SIZE 32

// A number that names a key; random, no secret.
struct key_id {
    uint8_t b[KEY_ID_SIZE]; // raw
};

struct master_key;

// What a kind of master key can do. All calls block.
struct master_ops {
    const char *name; // "file", for status
    // Encrypts a small key (32 bytes) with aad bound; out receives at most FP_LIMIT_KEY_WRAPPED.
    enum fp_error (*wrap)(void *state, const struct secret *key, struct bytes aad, struct buf *out);
    // FP_E_UNSEAL_FAILED when it does not open.
    enum fp_error (*unwrap)(void *state, struct bytes wrapped, struct bytes aad,
                            struct secret *out);
    // 32 bytes that depend on the master key and on label only, to recognise it again.
    enum fp_error (*derive)(void *state, struct bytes label, struct secret *out);
    void (*free)(void *state); // takes NULL
};

// state is taken over, also on failure. FP_E_NO_MEMORY.
enum fp_error master_create(const struct master_ops *ops, void *state, struct key_id id,
                            struct master_key **out);
void master_free(struct master_key *m); // wipes; takes NULL
const struct key_id *master_id(const struct master_key *m);
const char *master_source(const struct master_key *m); // "file"
enum fp_error master_wrap(struct master_key *m, const struct secret *key, struct bytes aad,
                          struct buf *out);
enum fp_error master_unwrap(struct master_key *m, struct bytes wrapped, struct bytes aad,
                            struct secret *out);
enum fp_error master_derive(struct master_key *m, struct bytes label, struct secret *out);

void key_id_text(const struct key_id *id, char out[static KEY_ID_TEXT]);
bool key_id_equal(const struct key_id *a, const struct key_id *b);

// ---- the sources: what keys.source of the configuration may name
enum master_asks {
    MASTER_ASKS_NOTHING,    // it opens by itself
    MASTER_ASKS_PASSPHRASE, // a person's; the server starts sealed
    MASTER_ASKS_TOKEN       // what a token outside unwraps: the key itself; sealed as well
};

struct master_source {
    const char *name;      // as keys.source says
    enum master_asks asks; // what opens it, given as `passphrase` below
    unsigned forbidden;    // mode bits that its file may not have
    // Whether text can be one of its keys at all; what master_source_open() says without a
    // passphrase.
    enum fp_error (*check)(struct bytes text, struct fp_note *note);
    // passphrase: NULL where it does not ask.
    enum fp_error (*open)(struct bytes text, const struct secret *passphrase,
                          struct master_key **out, struct fp_note *note);
    // A new random key as text. NULL: made elsewhere.
    enum fp_error (*make)(const struct secret *passphrase, struct secret *text_out,
                          struct key_id *id_out);
};
extern const struct master_source master_sources[];               // ends with a name of NULL
const struct master_source *master_source_find(const char *name); // NULL: there is none
// The text behind a descriptor (from its beginning; it is not closed), checked in form.
// FP_E_KEY_INVALID with a note: not a regular file, readable by others, of another source, damaged;
// FP_E_IO_FAILED.
enum fp_error master_source_read(const struct master_source *source, int fd,
                                 struct secret *text_out, struct fp_note *note);
// The same, opened. FP_E_PASSPHRASE_WRONG; FP_E_INPUT_INVALID for a passphrase that is missing.
enum fp_error master_source_open(const struct master_source *source, int fd,
                                 const struct secret *passphrase, struct master_key **out,
                                 struct fp_note *note);
// A new random key in a new file with mode 0600 in the folder dir_fd; synced, never over an
// existing one (FP_E_EXISTS). FP_E_INPUT_INVALID for a passphrase that is missing or too short,
// FP_E_IO_FAILED, FP_E_NO_MEMORY.
enum fp_error master_source_create(const struct master_source *source,
                                   const struct secret *passphrase, int dir_fd, const char *name,
                                   struct key_id *id_out);
// The same for a text that is there already.
enum fp_error master_source_write(struct bytes text, int dir_fd, const char *name);

// ---- source: local key, with id; used by file and passphrase. key: MASTER_KEY_SIZE bytes, copied.
enum fp_error master_from_key(const char *source, const struct secret *key, struct key_id id,
                              struct master_key **out);

// ---- source: file
// Its text has four lines: "fishplate-master-key-1", "id " + 32 hex, "key " + 64 hex, "check " + 64
// hex (SHA-256 of the lines before). Reads from a descriptor handed over (from its beginning; it is
// not closed): master_source_open() and master_source_create() of the source "file".
enum fp_error master_file_read(int fd, struct master_key **out, struct fp_note *note);
enum fp_error master_file_create(int dir_fd, const char *name, struct key_id *id_out);
// The text alone, as the two above read and write it; for tests and other carriers of the same text
// (a systemd credential).
enum fp_error master_text_parse(struct bytes text, struct master_key **out, struct fp_note *note);
enum fp_error master_text_write(const struct secret *key, const struct key_id *id,
                                struct secret *out);

// ---- source: passphrase
// A random master key, wrapped under what Argon2id (RFC 9106) makes of a passphrase, as text of six
// lines: "fishplate-passphrase-1", "id " + 32 hex, "argon2id m=KIB t=PASSES p=LANES", "salt " + 32
// hex, "wrapped " + 120 hex, "check " + 64 hex. A new passphrase for the same key changes this text
// alone: nothing in the store is wrapped anew.
struct master_cost {
    uint32_t memory_kib; // at least 8 * lanes
    uint32_t passes;     // at least 1
    uint32_t lanes;      // at least 1
};
// What new texts get: RFC 9106 section 4, second recommended option (64 MiB, 3 passes, 4 lanes).
extern const struct master_cost master_cost_default;

// A new key and its text. FP_E_INPUT_INVALID for a passphrase under FP_LIMIT_PASSPHRASE_MIN bytes
// or a cost out of bounds, FP_E_NO_MEMORY.
enum fp_error master_passphrase_create(const struct secret *passphrase,
                                       const struct master_cost *cost, struct buf *text_out,
                                       struct key_id *id_out);
// The form alone, without a passphrase. FP_E_KEY_INVALID as below.
enum fp_error master_passphrase_check(struct bytes text, struct fp_note *note);
// FP_E_KEY_INVALID with a note when it is no such text, damaged, or asks for more than
// FP_LIMIT_PASSPHRASE_MEMORY or _PASSES; FP_E_UNSEAL_FAILED when the passphrase is wrong.
enum fp_error master_passphrase_open(struct bytes text, const struct secret *passphrase,
                                     struct master_key **out, struct fp_note *note);
// The same key under another passphrase; errors of both of the above.
enum fp_error master_passphrase_change(struct bytes text, const struct secret *old_passphrase,
                                       const struct secret *new_passphrase, struct buf *text_out);

// ---- source: PKCS#11
// A random master key, wrapped by AES-256-GCM under a key that never leaves a token, as text of
// seven lines: "fishplate-pkcs11-1", "id " + 32 hex, "token " + its label, "key " + its label,
// "wrapped " + 120 hex, "proof " + 64 hex (derived from the key, to recognise it), "check " + 64
// hex.
struct master_hsm {
    struct key_id id;                           // of the master key
    char token[33];                             // label of the token
    char label[65];                             // of the key in it
    uint8_t wrapped[12 + MASTER_KEY_SIZE + 16]; // nonce, ciphertext, tag
    uint8_t proof[32];                          // written and read, not to be filled in
};
// FP_E_KEY_INVALID with a note.
enum fp_error master_hsm_read(struct bytes text, struct master_hsm *out, struct fp_note *note);
// key: what is wrapped. FP_E_INPUT_INVALID for labels that are empty or have more than one line.
enum fp_error master_hsm_write(const struct master_hsm *m, const struct secret *key,
                               struct buf *text_out);
// key: as the token unwrapped it. FP_E_PASSPHRASE_WRONG when it is another one.
enum fp_error master_hsm_open(struct bytes text, const struct secret *key, struct master_key **out,
                              struct fp_note *note);

#endif
