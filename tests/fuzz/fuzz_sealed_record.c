// Foreign bytes where the keyring reads: a sealed record, a wrapped data key, a key check. Nothing
// opens but the one record that was really sealed. First byte: which of them.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/encoding.h"
#include "crypto/setup.h"
#include "keys/keyring.h"

#include <string.h>

#define CUSTOMER "cus_01kb0000000000000000000000"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// as in tests/vectors/keys_v1.txt
static const char row_id[] = "de4e7b945dfc9fb1f586b4efc728e268";
static const char row_wrapped[] =
    "4c0e99a4fc2472e9181079b7674a22cfbf4f82d5e1ad11034ba982524e29ddbe7da13961f8ce203f"
    "888285b9dfe697bf07e1fa38a8e6d098261aaea1";
static const char good[] =
    "01de4e7b945dfc9fb1f586b4efc728e2680000000172515dbdf6821e991302952b7d1318d6a6eacb"
    "a2b2725dc7b895a4c810decfc74904b96ef675fa577db2eab4680ef82a3bfef97a26c2ec00a2fa23"
    "a2c61d5377e76553bc9a3706";
static const char master_text[] =
    "fishplate-master-key-1\n"
    "id 4d4b0100000000000000000000000000\n"
    "key a42313c27665e949434c3d8ac1cd4ff608c1f0758197f4951f182c2205009ec4\n"
    "check b7ca8fb31c4962e604cf791b2e2c13a5dbff3fad97823e99a5fff191fd189b2b\n";

static struct keyring_row kept;
static struct bytes foreign; // the wrapped key instead of the kept one, when not empty

static enum fp_error find(void *ctx, const char *customer, uint32_t version,
                          struct keyring_row *out)
{
    (void)ctx;
    if (strcmp(customer, kept.customer) != 0 || version > 1) {
        return FP_E_STORE_NOT_FOUND;
    }
    *out = kept;
    if (foreign.len != 0) {
        out->wrapped_len = foreign.len;
        memcpy(out->wrapped, foreign.ptr, foreign.len);
    }
    return FP_OK;
}

static enum fp_error reserve(void *ctx, const char *customer, uint32_t version, uint64_t count)
{
    (void)ctx;
    (void)customer;
    (void)version;
    return count != 0 ? FP_OK : FP_E_INTERNAL;
}

static const struct keyring_ops ops = {find, reserve};
static struct master_key *master;

static void must(enum fp_error error)
{
    if (error != FP_OK) {
        __builtin_trap();
    }
}

static void prepare(void)
{
    must(crypto_setup());
    must(master_text_parse(bytes_of_text(master_text), &master, NULL));
    kept = (struct keyring_row){.version = 1, .master = *master_id(master)};
    kept.wrapped_len = strlen(row_wrapped) / 2;
    memcpy(kept.customer, CUSTOMER, sizeof CUSTOMER);
    must(hex_decode(bytes_of_text(row_id), kept.id.b, sizeof kept.id.b));
    must(hex_decode(bytes_of_text(row_wrapped), kept.wrapped, kept.wrapped_len));
}

static void open_record(struct bytes sealed)
{
    static const struct seal_place place = {BYTES(CUSTOMER), BYTES("credential"),
                                            BYTES("con_01kb0000000000000000000000/1"),
                                            BYTES("secret")};
    uint8_t expected[(sizeof good - 1) / 2];
    struct keyring *ring = NULL;
    struct secret out = {0};
    must(hex_decode(bytes_of_text(good), expected, sizeof expected));
    must(keyring_create(master, &ops, NULL, &ring));
    if (keyring_open(ring, &place, sealed, &out) == FP_OK &&
        !bytes_equal(sealed, bytes_of(expected, sizeof expected))) {
        __builtin_trap();
    }
    secret_done(&out);
    keyring_free(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_note note = {0};
    struct bytes rest = bytes_slice(bytes_of(data, size), 1, size);
    if (master == NULL) {
        prepare();
    }
    if (size == 0 || rest.len > FP_LIMIT_KEY_WRAPPED) {
        return 0;
    }
    if (data[0] % 3 == 0) {
        open_record(rest);
    } else if (data[0] % 3 == 1 && rest.len != 0) {
        uint8_t sealed[(sizeof good - 1) / 2];
        must(hex_decode(bytes_of_text(good), sealed, sizeof sealed));
        foreign = rest;
        open_record(bytes_of(sealed, sizeof sealed));
        foreign = bytes_of(NULL, 0);
    } else if (keyring_check(master, BYTES("fuzz"), rest, &note) == FP_OK) {
        __builtin_trap(); // no input can know the value
    }
    if (secret_in_use() > 4096) {
        __builtin_trap(); // a leak of locked memory
    }
    return 0;
}
