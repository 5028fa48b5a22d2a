// Recognising the master key that a store was made with.
// SPDX-License-Identifier: Apache-2.0
#include "keys/keyring.h"

#include "base/mem.h"
#include "crypto/digest.h"

#include <string.h>

#define CHECK_FORMAT 1

static enum fp_error check_derive(struct master_key *master, struct bytes store_id,
                                  struct secret *out)
{
    struct buf label;
    enum fp_error error = FP_OK;
    buf_init(&label, 256);
    buf_append_text(&label, "fishplate key check v1 ");
    buf_append_bytes(&label, store_id);
    error = buf_error(&label);
    if (error == FP_OK) {
        error = master_derive(master, buf_bytes(&label), out);
    }
    buf_done(&label);
    return error;
}

enum fp_error keyring_check_make(struct master_key *master, struct bytes store_id,
                                 uint8_t out[static KEYRING_CHECK_SIZE])
{
    struct secret value = {0};
    enum fp_error error = check_derive(master, store_id, &value);
    if (error == FP_OK) {
        out[0] = CHECK_FORMAT;
        memcpy(out + 1, master_id(master)->b, KEY_ID_SIZE);
        memcpy(out + 1 + KEY_ID_SIZE, value.ptr, DIGEST_SIZE);
    }
    secret_done(&value);
    return error;
}

enum fp_error keyring_check(struct master_key *master, struct bytes store_id, struct bytes value,
                            struct fp_note *note)
{
    uint8_t expected[KEYRING_CHECK_SIZE];
    struct key_id id;
    char ours[KEY_ID_TEXT], theirs[KEY_ID_TEXT];
    enum fp_error error = FP_OK;
    if (value.len != KEYRING_CHECK_SIZE || value.ptr[0] != CHECK_FORMAT) {
        fp_note_set(note, "", "the store's record of its master key is damaged");
        return FP_E_INPUT_INVALID;
    }
    memcpy(id.b, value.ptr + 1, sizeof id.b);
    key_id_text(&id, theirs);
    key_id_text(master_id(master), ours);
    if (!key_id_equal(&id, master_id(master))) {
        fp_note_set(note, "keys.master_key_file",
                    "the store belongs to the master key %s, this is %s", theirs, ours);
        return FP_E_KEY_OTHER_MASTER;
    }
    error = keyring_check_make(master, store_id, expected);
    if (error == FP_OK && !secret_bytes_equal(bytes_of(expected, sizeof expected), value)) {
        fp_note_set(note, "keys.master_key_file",
                    "the master key says that it is %s, but the store was made with another key of "
                    "that id, or is a copy of another store's record",
                    ours);
        error = FP_E_KEY_OTHER_MASTER;
    }
    return error;
}
