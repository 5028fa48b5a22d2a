// A master key file of anybody: what is accepted has exactly the length of what we write.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/setup.h"
#include "keys/master.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The text with a passphrase: its checksum lets nothing through but what is frozen in the corpus.
static void with_passphrase(struct bytes text)
{
    struct master_key *m = NULL;
    struct secret passphrase = {0};
    struct fp_note note = {0};
    enum fp_error error = secret_copy(BYTES("correct horse battery"), &passphrase);
    if (error == FP_OK) {
        error = master_passphrase_open(text, &passphrase, &m, &note);
    }
    if (error != FP_OK && (error != FP_E_KEY_INVALID || note.text[0] == '\0')) {
        __builtin_trap();
    }
    master_free(m);
    secret_done(&passphrase);
}

// The text of a token's key: read, and refused without what the token unwraps.
static void with_token(struct bytes text)
{
    struct master_hsm hsm;
    struct master_key *m = NULL;
    struct fp_note note = {0};
    enum fp_error error = master_hsm_read(text, &hsm, &note);
    if (error == FP_OK) {
        error = master_hsm_open(text, NULL, &m, &note);
    }
    if ((error != FP_E_KEY_INVALID && error != FP_E_PASSPHRASE_WRONG) || m != NULL) {
        __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct master_key *m = NULL;
    struct fp_note note = {0};
    char id[KEY_ID_TEXT];
    enum fp_error error = crypto_setup();
    if (error != FP_OK) {
        __builtin_trap();
    }
    error = master_text_parse(bytes_of(data, size), &m, &note);
    if (error == FP_OK) {
        key_id_text(master_id(m), id);
        // "fishplate-master-key-1\nid ", 32 digits, "\nkey ", 64, "\ncheck ", 64, maybe "\n"
        if (size != 22 + 4 + 32 + 5 + 64 + 7 + 64 && size != 22 + 4 + 32 + 5 + 64 + 7 + 64 + 1) {
            __builtin_trap();
        }
        master_free(m);
    } else if (error != FP_E_KEY_INVALID || note.text[0] == '\0') {
        __builtin_trap();
    }
    with_passphrase(bytes_of(data, size));
    with_token(bytes_of(data, size));
    if (secret_in_use() != 0) {
        __builtin_trap();
    }
    return 0;
}
