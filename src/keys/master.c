// The master key as the rest of keys/ sees it, and the kind whose key is in our own memory.
// SPDX-License-Identifier: Apache-2.0
#include "keys/master.h"

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "keys/keys_int.h"

#include <string.h>

struct master_key {
    const struct master_ops *ops; // what kind it is
    void *state;                  // of that kind, owned
    struct key_id id;             // its number
};

struct master_local {
    struct master_ops ops; // with the source's name
    struct secret key;     // MASTER_KEY_SIZE bytes
};

void keys__put_u32(uint8_t out[static 4], uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

uint32_t keys__get_u32(const uint8_t in[static 4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void keys__bind(struct keys_bound *bound, struct bytes piece)
{
    if (piece.len > sizeof bound->b || bound->len + 4 + piece.len > sizeof bound->b) {
        bound->over = true;
        return;
    }
    keys__put_u32(bound->b + bound->len, (uint32_t)piece.len);
    if (piece.len != 0) {
        memcpy(bound->b + bound->len + 4, piece.ptr, piece.len);
    }
    bound->len += 4 + piece.len;
}

void keys__bind_u32(struct keys_bound *bound, uint32_t value)
{
    uint8_t raw[4];
    keys__put_u32(raw, value);
    keys__bind(bound, bytes_of(raw, sizeof raw));
}

enum fp_error master_create(const struct master_ops *ops, void *state, struct key_id id,
                            struct master_key **out)
{
    struct master_key *m = mem_alloc(1, sizeof *m);
    if (m == NULL) {
        ops->free(state);
        return FP_E_NO_MEMORY;
    }
    *m = (struct master_key){ops, state, id};
    *out = m;
    return FP_OK;
}

void master_free(struct master_key *m)
{
    if (m != NULL) {
        m->ops->free(m->state);
        mem_free(m);
    }
}

const struct key_id *master_id(const struct master_key *m)
{
    return &m->id;
}

const char *master_source(const struct master_key *m)
{
    return m->ops->name;
}

enum fp_error master_wrap(struct master_key *m, const struct secret *key, struct bytes aad,
                          struct buf *out)
{
    return m->ops->wrap(m->state, key, aad, out);
}

enum fp_error master_unwrap(struct master_key *m, struct bytes wrapped, struct bytes aad,
                            struct secret *out)
{
    return m->ops->unwrap(m->state, wrapped, aad, out);
}

enum fp_error master_derive(struct master_key *m, struct bytes label, struct secret *out)
{
    return m->ops->derive(m->state, label, out);
}

void key_id_text(const struct key_id *id, char out[static KEY_ID_TEXT])
{
    hex_encode(bytes_of(id->b, sizeof id->b), out);
}

bool key_id_equal(const struct key_id *a, const struct key_id *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

// nonce, ciphertext, tag
static enum fp_error local_wrap(void *state, const struct secret *key, struct bytes aad,
                                struct buf *out)
{
    struct master_local *local = state;
    uint8_t nonce[AEAD_NONCE_SIZE];
    const struct aead_message m = {secret_bytes(&local->key), bytes_of(nonce, sizeof nonce), aad};
    uint8_t *at = buf_reserve(out, sizeof nonce + key->len + AEAD_TAG_SIZE);
    enum fp_error error = at != NULL ? FP_OK : buf_error(out);
    if (error == FP_OK) {
        random_bytes(nonce, sizeof nonce);
        memcpy(at, nonce, sizeof nonce);
        error = aead_seal(&m, secret_bytes(key), at + sizeof nonce);
    }
    if (error == FP_OK) {
        buf_commit(out, sizeof nonce + key->len + AEAD_TAG_SIZE);
    }
    return error;
}

static enum fp_error local_unwrap(void *state, struct bytes wrapped, struct bytes aad,
                                  struct secret *out)
{
    struct master_local *local = state;
    const struct aead_message m = {secret_bytes(&local->key),
                                   bytes_slice(wrapped, 0, AEAD_NONCE_SIZE), aad};
    struct bytes sealed = bytes_slice(wrapped, AEAD_NONCE_SIZE, wrapped.len);
    struct secret key = {0};
    enum fp_error error = sealed.len > AEAD_TAG_SIZE ? FP_OK : FP_E_UNSEAL_FAILED;
    if (error == FP_OK) {
        error = secret_make(sealed.len - AEAD_TAG_SIZE, &key);
    }
    if (error == FP_OK) {
        error = aead_open(&m, sealed, key.ptr);
    }
    if (error == FP_OK) {
        *out = key;
        key = (struct secret){0}; // moved
    }
    secret_done(&key);
    return error;
}

static enum fp_error local_derive(void *state, struct bytes label, struct secret *out)
{
    struct master_local *local = state;
    return hkdf_sha256(secret_bytes(&local->key), BYTES("fishplate master derive v1"), label,
                       DIGEST_SIZE, out);
}

static void local_free(void *state)
{
    struct master_local *local = state;
    if (local != NULL) {
        secret_done(&local->key);
        mem_free(local);
    }
}

enum fp_error master_from_key(const char *source, const struct secret *key, struct key_id id,
                              struct master_key **out)
{
    struct master_local *local = NULL;
    enum fp_error error = key->len == MASTER_KEY_SIZE ? FP_OK : FP_E_KEY_INVALID;
    if (error != FP_OK) {
        return error;
    }
    local = mem_alloc(1, sizeof *local);
    error = local != NULL ? secret_copy(secret_bytes(key), &local->key) : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        local_free(local);
        return error;
    }
    local->ops = (struct master_ops){source, local_wrap, local_unwrap, local_derive, local_free};
    return master_create(&local->ops, local, id, out);
}
