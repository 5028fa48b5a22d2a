// A master key that a key inside a PKCS#11 token wraps: the text that carries it, and how the right
// key is recognised without the token. The token itself is spoken to by the command line, so that
// no module is ever loaded into a process of the server.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/limits.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "keys/keys_int.h"
#include "keys/master.h"

#include <string.h>

#define HSM_HEAD "fishplate-pkcs11-1"

// The key is random: what is derived from it tells nothing about it.
static enum fp_error hsm_proof(const struct master_hsm *m, const struct secret *key,
                               struct secret *out)
{
    return hkdf_sha256(secret_bytes(key), BYTES("fishplate pkcs11 proof v1"),
                       bytes_of(m->id.b, sizeof m->id.b), DIGEST_SIZE, out);
}

static bool hsm_text_line(struct bytes *rest, const char *word, char *out, size_t size)
{
    struct bytes line, name;
    return bytes_split(rest, '\n', &line) && bytes_split(&line, ' ', &name) &&
           bytes_equal_text(name, word) && line.len != 0 && bytes_to_text(line, out, size);
}

static bool hsm_hex_line(struct bytes *rest, const char *word, uint8_t *out, size_t len)
{
    struct bytes line, name;
    return bytes_split(rest, '\n', &line) && bytes_split(&line, ' ', &name) &&
           bytes_equal_text(name, word) && hex_decode(line, out, len) == FP_OK;
}

static bool hsm_lines(struct bytes *rest, struct master_hsm *m)
{
    struct bytes line;
    return bytes_split(rest, '\n', &line) && bytes_equal_text(line, HSM_HEAD) &&
           hsm_hex_line(rest, "id", m->id.b, sizeof m->id.b) &&
           hsm_text_line(rest, "token", m->token, sizeof m->token) &&
           hsm_text_line(rest, "key", m->label, sizeof m->label) &&
           hsm_hex_line(rest, "wrapped", m->wrapped, sizeof m->wrapped) &&
           hsm_hex_line(rest, "proof", m->proof, sizeof m->proof);
}

enum fp_error master_hsm_read(struct bytes text, struct master_hsm *out, struct fp_note *note)
{
    uint8_t expected[DIGEST_SIZE] = {0}, actual[DIGEST_SIZE] = {0};
    struct master_hsm m = {0};
    struct bytes rest = text;
    enum fp_error error = FP_E_KEY_INVALID;
    if (text.len <= FP_LIMIT_KEY_FILE && hsm_lines(&rest, &m)) {
        error = digest_sha256(bytes_of(text.ptr, text.len - rest.len), actual);
        if (error == FP_OK && (!hsm_hex_line(&rest, "check", expected, sizeof expected) ||
                               rest.len != 0 || memcmp(expected, actual, sizeof actual) != 0)) {
            error = FP_E_KEY_INVALID;
        }
    }
    if (error == FP_E_KEY_INVALID) {
        fp_note_set(note, "keys.master_key_file",
                    "this is no master key that a PKCS#11 token wraps, or it is damaged");
    }
    if (error == FP_OK) {
        *out = m;
    }
    return error;
}

enum fp_error master_hsm_write(const struct master_hsm *m, const struct secret *key,
                               struct buf *text_out)
{
    uint8_t check[DIGEST_SIZE];
    struct secret proof = {0};
    size_t start = text_out->len;
    enum fp_error error = key->len == MASTER_KEY_SIZE ? FP_OK : FP_E_KEY_INVALID;
    if (strchr(m->token, '\n') != NULL || strchr(m->label, '\n') != NULL || m->token[0] == '\0' ||
        m->label[0] == '\0') {
        error = FP_E_INPUT_INVALID;
    }
    error = error == FP_OK ? hsm_proof(m, key, &proof) : error;
    buf_append_text(text_out, HSM_HEAD "\nid ");
    hex_append(text_out, bytes_of(m->id.b, sizeof m->id.b));
    buf_printf(text_out, "\ntoken %s\nkey %s\nwrapped ", m->token, m->label);
    hex_append(text_out, bytes_of(m->wrapped, sizeof m->wrapped));
    buf_append_text(text_out, "\nproof ");
    hex_append(text_out, secret_bytes(&proof));
    buf_append_byte(text_out, '\n');
    error = error == FP_OK ? buf_error(text_out) : error;
    if (error == FP_OK) {
        error = digest_sha256(bytes_of(text_out->ptr + start, text_out->len - start), check);
    }
    if (error == FP_OK) {
        buf_append_text(text_out, "check ");
        hex_append(text_out, bytes_of(check, sizeof check));
        buf_append_byte(text_out, '\n');
        error = buf_error(text_out);
    }
    secret_done(&proof);
    return error;
}

enum fp_error master_hsm_open(struct bytes text, const struct secret *key, struct master_key **out,
                              struct fp_note *note)
{
    struct master_hsm m = {0};
    struct secret proof = {0};
    enum fp_error error = master_hsm_read(text, &m, note);
    if (error == FP_OK && (key == NULL || key->len != MASTER_KEY_SIZE)) {
        fp_note_set(note, "", "this is not what the token unwraps");
        error = FP_E_PASSPHRASE_WRONG;
    }
    error = error == FP_OK ? hsm_proof(&m, key, &proof) : error;
    if (error == FP_OK && !secret_equal(&proof, bytes_of(m.proof, sizeof m.proof))) {
        fp_note_set(note, "", "the token unwraps another key");
        error = FP_E_PASSPHRASE_WRONG;
    }
    error = error == FP_OK ? master_from_key("pkcs11", key, m.id, out) : error;
    secret_done(&proof);
    return error;
}
