// Data keys: made, wrapped, unwrapped on demand, counted; records sealed and opened with them.
// SPDX-License-Identifier: Apache-2.0
#include "keys/keyring.h"

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "keys/keyring_int.h"
#include "keys/keys_int.h"

#include <string.h>

#define AUTHENTICATOR_PARTS 32

struct keyring {
    struct master_key *master;     // borrowed
    struct master_key *previous;   // borrowed; NULL: none
    struct master_key *mine;       // owned; NULL, or the same as master
    struct master_key *was_mine;   // owned; NULL, or the same as previous
    const struct keyring_ops *ops; // where rows are
    void *ctx;                     // theirs
    struct key_cache cache;        // unwrapped keys
    struct hmac *authenticator;    // keyed on first use; NULL before
    struct keyring_state state;    // counts
};

enum fp_error keyring_create(struct master_key *master, const struct keyring_ops *ops, void *ctx,
                             struct keyring **out)
{
    struct keyring *ring = mem_alloc(1, sizeof *ring);
    enum fp_error error = ring != NULL ? key_cache_init(&ring->cache) : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        keyring_free(ring);
        return error;
    }
    ring->master = master;
    ring->ops = ops;
    ring->ctx = ctx;
    *out = ring;
    return FP_OK;
}

void keyring_free(struct keyring *ring)
{
    if (ring != NULL) {
        key_cache_done(&ring->cache);
        hmac_free(ring->authenticator);
        master_free(ring->mine);
        master_free(ring->was_mine);
        mem_free(ring);
    }
}

struct keyring_state keyring_state(const struct keyring *ring)
{
    struct keyring_state state = ring->state;
    state.cached = ring->cache.count;
    return state;
}

void keyring_set_previous(struct keyring *ring, struct master_key *previous)
{
    ring->previous = previous;
}

void keyring_take_master(struct keyring *ring, struct master_key *next)
{
    keyring_drop_previous(ring);
    ring->previous = ring->master;
    ring->was_mine = ring->mine;
    ring->master = next;
    ring->mine = next;
}

void keyring_drop_previous(struct keyring *ring)
{
    ring->previous = NULL;
    master_free(ring->was_mine);
    ring->was_mine = NULL;
}

struct master_key *keyring_previous(const struct keyring *ring)
{
    return ring->previous;
}

struct master_key *keyring_master(const struct keyring *ring)
{
    return ring->master;
}

enum fp_error keyring_rewrap_row(struct keyring *ring, const struct keyring_row *row,
                                 struct keyring_row *out)
{
    return ring->previous != NULL ? keyring_rewrap(ring->previous, ring->master, row, out)
                                  : FP_E_KEY_OTHER_MASTER;
}

// What a wrapped data key is bound to.
static struct keys_bound wrap_aad(const char *customer, uint32_t version, const struct key_id *id,
                                  const struct key_id *master)
{
    struct keys_bound aad = {0};
    keys__bind(&aad, BYTES("fishplate data key v1"));
    keys__bind(&aad, bytes_of_text(customer));
    keys__bind_u32(&aad, version);
    keys__bind(&aad, bytes_of(id->b, sizeof id->b));
    keys__bind(&aad, bytes_of(master->b, sizeof master->b));
    return aad;
}

static enum fp_error row_wrap(struct master_key *master, const struct secret *key,
                              struct keyring_row *row)
{
    struct keys_bound aad = {0};
    struct buf wrapped;
    enum fp_error error = FP_OK;
    row->master = *master_id(master);
    aad = wrap_aad(row->customer, row->version, &row->id, &row->master);
    buf_init(&wrapped, FP_LIMIT_KEY_WRAPPED);
    error = master_wrap(master, key, bytes_of(aad.b, aad.len), &wrapped);
    if (error == FP_OK) {
        memcpy(row->wrapped, wrapped.ptr, wrapped.len);
        row->wrapped_len = wrapped.len;
    }
    buf_done(&wrapped);
    return error;
}

static enum fp_error row_unwrap(struct master_key *master, const struct keyring_row *row,
                                struct secret *out)
{
    struct keys_bound aad = wrap_aad(row->customer, row->version, &row->id, &row->master);
    struct secret key = {0};
    enum fp_error error = FP_OK;
    if (!key_id_equal(&row->master, master_id(master))) {
        return FP_E_KEY_OTHER_MASTER;
    }
    if (row->wrapped_len > sizeof row->wrapped) {
        return FP_E_INPUT_INVALID;
    }
    error = master_unwrap(master, bytes_of(row->wrapped, row->wrapped_len),
                          bytes_of(aad.b, aad.len), &key);
    if (error == FP_OK && key.len != AEAD_KEY_SIZE) {
        error = FP_E_UNSEAL_FAILED;
    }
    if (error == FP_OK) {
        *out = key;
        key = (struct secret){0}; // moved
    }
    secret_done(&key);
    return error;
}

enum fp_error keyring_make(struct keyring *ring, const char *customer, uint32_t version,
                           struct keyring_row *row)
{
    struct keyring_row made = {.version = version, .reserved = FP_LIMIT_KEY_RESERVE};
    struct secret key = {0};
    struct key_entry *e = NULL;
    enum fp_error error = FP_OK;
    if (customer[0] == '\0' || version == 0 ||
        !bytes_to_text(bytes_of_text(customer), made.customer, sizeof made.customer)) {
        return FP_E_INPUT_INVALID;
    }
    error = secret_random(AEAD_KEY_SIZE, &key);
    if (error == FP_OK) {
        random_bytes(made.id.b, sizeof made.id.b);
        error = row_wrap(ring->master, &key, &made);
    }
    if (error == FP_OK) {
        e = key_cache_add(&ring->cache, customer, version, true, &key);
        e->id = made.id;
        e->reserved = made.reserved;
        e->allowance = made.reserved;
        *row = made;
    }
    secret_done(&key);
    return error;
}

void keyring_forget(struct keyring *ring, const char *customer)
{
    key_cache_forget(&ring->cache, customer);
}

void keyring_forget_all(struct keyring *ring)
{
    key_cache_forget_all(&ring->cache);
}

enum fp_error keyring_rewrap(struct master_key *old_master, struct master_key *new_master,
                             const struct keyring_row *row, struct keyring_row *out)
{
    struct keyring_row next = *row;
    struct secret key = {0};
    enum fp_error error = row_unwrap(old_master, row, &key);
    if (error == FP_OK) {
        error = row_wrap(new_master, &key, &next);
    }
    if (error == FP_OK) {
        *out = next;
    }
    secret_done(&key);
    return error;
}

// The unwrapped key of that version (0: the newest), from the cache or from the store.
static enum fp_error ring_key(struct keyring *ring, const char *customer, uint32_t version,
                              struct key_entry **out)
{
    struct keyring_row row = {0};
    struct secret key = {0};
    struct key_entry *e = key_cache_find(&ring->cache, customer, version);
    enum fp_error error = FP_OK;
    if (e != NULL) {
        ring->state.hits++;
        *out = e;
        return FP_OK;
    }
    error = ring->ops->find(ring->ctx, customer, version, &row);
    if (error == FP_OK && (strcmp(row.customer, customer) != 0 || row.version == 0 ||
                           (version != 0 && row.version != version))) {
        error = FP_E_UNSEAL_FAILED; // not the row that was asked for
    }
    if (error == FP_OK) {
        bool previous =
            ring->previous != NULL && key_id_equal(&row.master, master_id(ring->previous));
        error = row_unwrap(previous ? ring->previous : ring->master, &row, &key);
    }
    if (error == FP_OK) {
        ring->state.misses++;
        e = key_cache_add(&ring->cache, customer, row.version, version == 0, &key);
        e->id = row.id;
        e->reserved = row.reserved;
        *out = e;
    }
    secret_done(&key);
    return error;
}

// Takes one encryption off the allowance, after counting a block of them in the store if need be.
static enum fp_error ring_count(struct keyring *ring, struct key_entry *e)
{
    enum fp_error error = FP_OK;
    if (e->allowance == 0) {
        if (e->reserved > FP_LIMIT_KEY_ENCRYPTIONS - FP_LIMIT_KEY_RESERVE) {
            return FP_E_KEY_EXHAUSTED;
        }
        error = ring->ops->reserve(ring->ctx, e->customer, e->version, FP_LIMIT_KEY_RESERVE);
        if (error != FP_OK) {
            return error;
        }
        e->reserved += FP_LIMIT_KEY_RESERVE;
        e->allowance = FP_LIMIT_KEY_RESERVE;
    }
    e->allowance--;
    return FP_OK;
}

static enum fp_error place_check(const struct seal_place *place, char customer[static ID_TEXT])
{
    return place->customer.len != 0 && place->type.len != 0 && place->record.len != 0 &&
                   place->column.len != 0 && bytes_to_text(place->customer, customer, ID_TEXT)
               ? FP_OK
               : FP_E_INPUT_INVALID;
}

// Everything that a record is bound to; its format and key by what stands in front of it.
static enum fp_error place_bind(const struct seal_place *place, const struct key_id *id,
                                uint32_t version, struct keys_bound *aad)
{
    keys__bind(aad, BYTES("fishplate record v1"));
    keys__bind(aad, place->customer);
    keys__bind(aad, place->type);
    keys__bind(aad, place->record);
    keys__bind(aad, place->column);
    keys__bind(aad, bytes_of(id->b, sizeof id->b));
    keys__bind_u32(aad, version);
    return aad->over ? FP_E_INPUT_INVALID : FP_OK;
}

// Header, nonce, ciphertext, tag into at.
static enum fp_error seal_write(const struct key_entry *e, struct bytes aad, struct bytes plain,
                                uint8_t *at)
{
    uint8_t *nonce = at + 1 + KEY_ID_SIZE + 4;
    const struct aead_message m = {secret_bytes(&e->key), bytes_of(nonce, AEAD_NONCE_SIZE), aad};
    at[0] = SEAL_FORMAT;
    memcpy(at + 1, e->id.b, KEY_ID_SIZE);
    keys__put_u32(at + 1 + KEY_ID_SIZE, e->version);
    random_bytes(nonce, AEAD_NONCE_SIZE);
    return aead_seal(&m, plain, nonce + AEAD_NONCE_SIZE);
}

enum fp_error keyring_seal(struct keyring *ring, const struct seal_place *place, struct bytes plain,
                           struct buf *out)
{
    char customer[ID_TEXT];
    struct key_entry *e = NULL;
    struct keys_bound aad = {0};
    uint8_t *at = NULL;
    enum fp_error error = place_check(place, customer);
    if (error == FP_OK) {
        error = ring_key(ring, customer, 0, &e);
    }
    if (error == FP_OK) {
        error = place_bind(place, &e->id, e->version, &aad);
    }
    if (error == FP_OK) {
        at = buf_reserve(out, plain.len + SEAL_OVERHEAD);
        error = at != NULL ? ring_count(ring, e) : buf_error(out);
    }
    if (error == FP_OK) {
        error = seal_write(e, bytes_of(aad.b, aad.len), plain, at);
    }
    if (error == FP_OK) {
        buf_commit(out, plain.len + SEAL_OVERHEAD);
        ring->state.sealed++;
    }
    return error;
}

enum fp_error seal_key_version(struct bytes sealed, uint32_t *out)
{
    if (sealed.len < SEAL_OVERHEAD) {
        return FP_E_INPUT_TRUNCATED;
    }
    if (sealed.ptr[0] != SEAL_FORMAT) {
        return FP_E_INPUT_INVALID;
    }
    *out = keys__get_u32(sealed.ptr + 1 + KEY_ID_SIZE);
    return *out != 0 ? FP_OK : FP_E_INPUT_INVALID;
}

static enum fp_error seal_read(const struct key_entry *e, struct bytes aad, struct bytes sealed,
                               struct secret *out)
{
    struct bytes rest = bytes_slice(sealed, 1 + KEY_ID_SIZE + 4, sealed.len);
    const struct aead_message m = {secret_bytes(&e->key), bytes_slice(rest, 0, AEAD_NONCE_SIZE),
                                   aad};
    struct secret plain = {0};
    enum fp_error error = secret_make(sealed.len - SEAL_OVERHEAD, &plain);
    if (error == FP_OK) {
        error = aead_open(&m, bytes_slice(rest, AEAD_NONCE_SIZE, rest.len), plain.ptr);
    }
    if (error == FP_OK) {
        *out = plain;
        plain = (struct secret){0}; // moved
    }
    secret_done(&plain);
    return error;
}

enum fp_error keyring_open(struct keyring *ring, const struct seal_place *place,
                           struct bytes sealed, struct secret *out)
{
    char customer[ID_TEXT];
    struct key_entry *e = NULL;
    struct keys_bound aad = {0};
    uint32_t version = 0;
    enum fp_error error = place_check(place, customer);
    if (error == FP_OK) {
        error = seal_key_version(sealed, &version);
    }
    if (error == FP_OK) {
        error = ring_key(ring, customer, version, &e);
    }
    if (error == FP_OK && memcmp(e->id.b, sealed.ptr + 1, KEY_ID_SIZE) != 0) {
        error = FP_E_UNSEAL_FAILED; // sealed with another customer's key
    }
    if (error == FP_OK) {
        error = place_bind(place, &e->id, version, &aad);
    }
    if (error == FP_OK) {
        error = seal_read(e, bytes_of(aad.b, aad.len), sealed, out);
    }
    if (error == FP_OK) {
        ring->state.opened++;
    }
    return error;
}

// Version 1 of the installation's key for ever: rows must stay authentic when it is replaced.
static enum fp_error ring_authenticator(struct keyring *ring)
{
    struct key_entry *e = NULL;
    struct secret key = {0};
    enum fp_error error = FP_OK;
    if (ring->authenticator != NULL) {
        return FP_OK;
    }
    error = ring_key(ring, KEYRING_SYSTEM, 1, &e);
    if (error == FP_OK) {
        error = hkdf_sha256(secret_bytes(&e->key), BYTES(""),
                            BYTES("fishplate row authenticator v1"), DIGEST_SIZE, &key);
    }
    if (error == FP_OK) {
        error = hmac_create(secret_bytes(&key), &ring->authenticator);
    }
    secret_done(&key);
    return error;
}

enum fp_error keyring_authenticate(struct keyring *ring, const char *kind,
                                   const struct bytes *parts, size_t count, uint8_t out[static 32])
{
    uint8_t lengths[AUTHENTICATOR_PARTS + 1][4];
    struct bytes all[2 * (AUTHENTICATOR_PARTS + 1)];
    enum fp_error error =
        count <= AUTHENTICATOR_PARTS ? ring_authenticator(ring) : FP_E_INPUT_INVALID;
    if (error != FP_OK) {
        return error;
    }
    for (size_t i = 0; i <= count; i++) {
        struct bytes piece = i == 0 ? bytes_of_text(kind) : parts[i - 1];
        if (piece.len > UINT32_MAX) {
            return FP_E_INPUT_INVALID;
        }
        keys__put_u32(lengths[i], (uint32_t)piece.len);
        all[2 * i] = bytes_of(lengths[i], sizeof lengths[i]);
        all[2 * i + 1] = piece;
    }
    return hmac_run(ring->authenticator, all, 2 * (count + 1), out);
}

enum fp_error keyring_authentic(struct keyring *ring, const char *kind, const struct bytes *parts,
                                size_t count, const uint8_t authenticator[static 32])
{
    uint8_t expected[DIGEST_SIZE];
    enum fp_error error = keyring_authenticate(ring, kind, parts, count, expected);
    if (error == FP_OK && !secret_bytes_equal(bytes_of(expected, sizeof expected),
                                              bytes_of(authenticator, sizeof expected))) {
        error = FP_E_UNSEAL_FAILED;
    }
    mem_wipe(expected, sizeof expected);
    return error;
}
