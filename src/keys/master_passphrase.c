// A master key behind a passphrase: the key itself is random, the passphrase only wraps it, so that
// changing the passphrase touches nothing else. Argon2id, RFC 9106.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "keys/keys_int.h"
#include "keys/master.h"

#include <argon2.h>
#include <string.h>

#define PASSPHRASE_HEAD    "fishplate-passphrase-1"
#define PASSPHRASE_SALT    16
#define PASSPHRASE_WRAPPED (AEAD_NONCE_SIZE + MASTER_KEY_SIZE + AEAD_TAG_SIZE)

const struct master_cost master_cost_default = {65536, 3, 4};

// What the text says.
struct passphrase_text {
    struct key_id id;                    // of the master key
    struct master_cost cost;             // of Argon2id
    uint8_t salt[PASSPHRASE_SALT];       // random
    uint8_t wrapped[PASSPHRASE_WRAPPED]; // nonce, ciphertext, tag
};

static bool cost_ok(const struct master_cost *cost)
{
    return cost->passes >= 1 && cost->passes <= FP_LIMIT_PASSPHRASE_PASSES && cost->lanes >= 1 &&
           cost->lanes <= FP_LIMIT_PASSPHRASE_LANES && cost->memory_kib >= 8 * cost->lanes &&
           cost->memory_kib <= FP_LIMIT_PASSPHRASE_MEMORY;
}

// The key that wraps. argon2's own memory is wiped by the library. One thread for all lanes, which
// changes the time alone: the library ends its threads by pthread_exit(), for which the C library
// opens another one's file, and the sandbox has none.
static enum fp_error passphrase_derive(const struct passphrase_text *t,
                                       const struct secret *passphrase, struct secret *out)
{
    struct secret key = {0};
    enum fp_error error = secret_make(AEAD_KEY_SIZE, &key);
    if (error == FP_OK) {
        uint8_t salt[PASSPHRASE_SALT];
        argon2_context context = {.out = key.ptr,
                                  .outlen = (uint32_t)key.len,
                                  .pwd = passphrase->ptr,
                                  .pwdlen = (uint32_t)passphrase->len,
                                  .salt = salt,
                                  .saltlen = sizeof salt,
                                  .t_cost = t->cost.passes,
                                  .m_cost = t->cost.memory_kib,
                                  .lanes = t->cost.lanes,
                                  .threads = 1,
                                  .version = ARGON2_VERSION_NUMBER};
        int result = ARGON2_OK;
        memcpy(salt, t->salt, sizeof salt);
        result = argon2id_ctx(&context);
        error = result == ARGON2_OK                        ? FP_OK
                : result == ARGON2_MEMORY_ALLOCATION_ERROR ? FP_E_NO_MEMORY
                                                           : FP_E_CRYPTO_FAILED;
    }
    if (error == FP_OK) {
        *out = key;
        key = (struct secret){0}; // moved
    }
    secret_done(&key);
    return error;
}

// Everything in the text but the wrapped key itself is bound to it.
static struct keys_bound passphrase_aad(const struct passphrase_text *t)
{
    struct keys_bound aad = {0};
    keys__bind(&aad, BYTES("fishplate passphrase v1"));
    keys__bind(&aad, bytes_of(t->id.b, sizeof t->id.b));
    keys__bind_u32(&aad, t->cost.memory_kib);
    keys__bind_u32(&aad, t->cost.passes);
    keys__bind_u32(&aad, t->cost.lanes);
    keys__bind(&aad, bytes_of(t->salt, sizeof t->salt));
    return aad;
}

static enum fp_error passphrase_wrap(struct passphrase_text *t, const struct secret *passphrase,
                                     const struct secret *key)
{
    struct secret wrapping = {0};
    struct keys_bound aad = {0};
    struct aead_message m = {0};
    enum fp_error error = FP_OK;
    random_bytes(t->salt, sizeof t->salt);
    random_bytes(t->wrapped, AEAD_NONCE_SIZE);
    error = passphrase_derive(t, passphrase, &wrapping);
    if (error == FP_OK) {
        aad = passphrase_aad(t);
        m = (struct aead_message){secret_bytes(&wrapping), bytes_of(t->wrapped, AEAD_NONCE_SIZE),
                                  bytes_of(aad.b, aad.len)};
        error = aead_seal(&m, secret_bytes(key), t->wrapped + AEAD_NONCE_SIZE);
    }
    secret_done(&wrapping);
    return error;
}

static enum fp_error passphrase_unwrap(const struct passphrase_text *t,
                                       const struct secret *passphrase, struct secret *out)
{
    struct secret wrapping = {0}, key = {0};
    struct keys_bound aad = passphrase_aad(t);
    struct aead_message m = {0};
    enum fp_error error = passphrase_derive(t, passphrase, &wrapping);
    if (error == FP_OK) {
        error = secret_make(MASTER_KEY_SIZE, &key);
    }
    if (error == FP_OK) {
        m = (struct aead_message){secret_bytes(&wrapping), bytes_of(t->wrapped, AEAD_NONCE_SIZE),
                                  bytes_of(aad.b, aad.len)};
        error = aead_open(
            &m, bytes_of(t->wrapped + AEAD_NONCE_SIZE, PASSPHRASE_WRAPPED - AEAD_NONCE_SIZE),
            key.ptr);
    }
    if (error == FP_OK) {
        *out = key;
        key = (struct secret){0}; // moved
    }
    secret_done(&wrapping);
    secret_done(&key);
    return error;
}

static enum fp_error passphrase_write(const struct passphrase_text *t, struct buf *out)
{
    uint8_t check[DIGEST_SIZE];
    size_t start = out->len;
    enum fp_error error = FP_OK;
    buf_append_text(out, PASSPHRASE_HEAD "\nid ");
    hex_append(out, bytes_of(t->id.b, sizeof t->id.b));
    buf_printf(out, "\nargon2id m=%u t=%u p=%u\nsalt ", (unsigned)t->cost.memory_kib,
               (unsigned)t->cost.passes, (unsigned)t->cost.lanes);
    hex_append(out, bytes_of(t->salt, sizeof t->salt));
    buf_append_text(out, "\nwrapped ");
    hex_append(out, bytes_of(t->wrapped, sizeof t->wrapped));
    buf_append_byte(out, '\n');
    error = buf_error(out);
    if (error == FP_OK) {
        error = digest_sha256(bytes_of(out->ptr + start, out->len - start), check);
    }
    if (error == FP_OK) {
        buf_append_text(out, "check ");
        hex_append(out, bytes_of(check, sizeof check));
        buf_append_byte(out, '\n');
        error = buf_error(out);
    }
    return error;
}

// One line: the word, a blank, exactly len bytes of hex.
static bool take_hex_line(struct bytes *rest, const char *word, uint8_t *out, size_t len)
{
    struct bytes line, name;
    return bytes_split(rest, '\n', &line) && bytes_split(&line, ' ', &name) &&
           bytes_equal_text(name, word) && hex_decode(line, out, len) == FP_OK;
}

static bool take_cost(struct bytes *words, const char *name, uint32_t *out)
{
    struct bytes word, key;
    uint64_t value = 0;
    if (!bytes_split(words, ' ', &word) || !bytes_split(&word, '=', &key) ||
        !bytes_equal_text(key, name) || !bytes_to_u64(word, UINT32_MAX, &value)) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool take_cost_line(struct bytes *rest, struct master_cost *out)
{
    struct bytes line, word;
    return bytes_split(rest, '\n', &line) && bytes_split(&line, ' ', &word) &&
           bytes_equal_text(word, "argon2id") && take_cost(&line, "m", &out->memory_kib) &&
           take_cost(&line, "t", &out->passes) && take_cost(&line, "p", &out->lanes) &&
           line.len == 0;
}

// All lines but the last, which covers them.
static bool passphrase_lines(struct bytes *rest, struct passphrase_text *t)
{
    struct bytes line;
    return bytes_split(rest, '\n', &line) && bytes_equal_text(line, PASSPHRASE_HEAD) &&
           take_hex_line(rest, "id", t->id.b, sizeof t->id.b) && take_cost_line(rest, &t->cost) &&
           take_hex_line(rest, "salt", t->salt, sizeof t->salt) &&
           take_hex_line(rest, "wrapped", t->wrapped, sizeof t->wrapped);
}

static enum fp_error passphrase_read(struct bytes text, struct passphrase_text *out,
                                     struct fp_note *note)
{
    uint8_t expected[DIGEST_SIZE] = {0}, actual[DIGEST_SIZE] = {0};
    struct passphrase_text t = {0};
    struct bytes rest = text;
    enum fp_error error = FP_E_KEY_INVALID;
    if (text.len <= FP_LIMIT_KEY_FILE && passphrase_lines(&rest, &t)) {
        error = digest_sha256(bytes_of(text.ptr, text.len - rest.len), actual);
        if (error == FP_OK && (!take_hex_line(&rest, "check", expected, sizeof expected) ||
                               rest.len != 0 || memcmp(expected, actual, sizeof actual) != 0)) {
            error = FP_E_KEY_INVALID;
        }
    }
    if (error == FP_E_KEY_INVALID) {
        fp_note_set(note, "keys.master_key_file",
                    "this is no master key with a passphrase, or it is damaged");
    } else if (error == FP_OK && !cost_ok(&t.cost)) {
        fp_note_set(note, "keys.master_key_file",
                    "the master key asks for more memory or time than this program allows");
        error = FP_E_KEY_INVALID;
    }
    if (error == FP_OK) {
        *out = t;
    }
    return error;
}

static enum fp_error passphrase_long_enough(const struct secret *passphrase)
{
    return passphrase->len >= FP_LIMIT_PASSPHRASE_MIN && passphrase->len <= FP_LIMIT_PASSPHRASE_MAX
               ? FP_OK
               : FP_E_INPUT_INVALID;
}

enum fp_error master_passphrase_create(const struct secret *passphrase,
                                       const struct master_cost *cost, struct buf *text_out,
                                       struct key_id *id_out)
{
    struct passphrase_text t = {.cost = *cost};
    struct secret key = {0};
    enum fp_error error = cost_ok(cost) ? passphrase_long_enough(passphrase) : FP_E_INPUT_INVALID;
    if (error == FP_OK) {
        error = secret_random(MASTER_KEY_SIZE, &key);
    }
    if (error == FP_OK) {
        random_bytes(t.id.b, sizeof t.id.b);
        error = passphrase_wrap(&t, passphrase, &key);
    }
    if (error == FP_OK) {
        error = passphrase_write(&t, text_out);
    }
    if (error == FP_OK) {
        *id_out = t.id;
    }
    secret_done(&key);
    return error;
}

enum fp_error master_passphrase_check(struct bytes text, struct fp_note *note)
{
    struct passphrase_text t = {0};
    return passphrase_read(text, &t, note);
}

enum fp_error master_passphrase_open(struct bytes text, const struct secret *passphrase,
                                     struct master_key **out, struct fp_note *note)
{
    struct passphrase_text t = {0};
    struct secret key = {0};
    enum fp_error error = passphrase_read(text, &t, note);
    if (error == FP_OK) {
        error = passphrase_unwrap(&t, passphrase, &key);
    }
    if (error == FP_E_UNSEAL_FAILED) {
        fp_note_set(note, "", "the passphrase is wrong");
    }
    if (error == FP_OK) {
        error = master_from_key("passphrase", &key, t.id, out);
    }
    secret_done(&key);
    return error;
}

enum fp_error master_passphrase_change(struct bytes text, const struct secret *old_passphrase,
                                       const struct secret *new_passphrase, struct buf *text_out)
{
    struct passphrase_text t = {0};
    struct secret key = {0};
    enum fp_error error = passphrase_long_enough(new_passphrase);
    if (error == FP_OK) {
        error = passphrase_read(text, &t, NULL);
    }
    if (error == FP_OK) {
        error = passphrase_unwrap(&t, old_passphrase, &key);
    }
    if (error == FP_OK) {
        error = passphrase_wrap(&t, new_passphrase, &key);
    }
    if (error == FP_OK) {
        error = passphrase_write(&t, text_out);
    }
    secret_done(&key);
    return error;
}
