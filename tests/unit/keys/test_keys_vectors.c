// What version 1 wrote opens for ever: a master key file, a wrapped data key, a sealed record, a
// key check and an authenticator, frozen in tests/vectors/keys_v1.txt ("name hex" a line). With the
// argument --write it prints new ones; that is for a new format version only.
// SPDX-License-Identifier: Apache-2.0
#include "keys/keyring.h"

#include "crypto/encoding.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CUSTOMER "cus_01kb0000000000000000000000"

static const struct seal_place place = {BYTES(CUSTOMER), BYTES("credential"),
                                        BYTES("con_01kb0000000000000000000000/1"), BYTES("secret")};
static const struct bytes row_parts[] = {BYTES("tok_01kb0000000000000000000000"),
                                         BYTES("connection"), BYTES("")};
static const char plain[] = "{\"user\":\"admin\",\"password\":\"correct horse\"}";

static struct keyring_row kept[2];

static enum fp_error kept_find(void *ctx, const char *customer, uint32_t version,
                               struct keyring_row *out)
{
    (void)ctx;
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(kept[i].customer, customer) == 0 && (version == 0 || version == 1)) {
            *out = kept[i];
            return FP_OK;
        }
    }
    return FP_E_STORE_NOT_FOUND;
}

static enum fp_error kept_reserve(void *ctx, const char *customer, uint32_t version, uint64_t count)
{
    (void)ctx;
    (void)customer;
    (void)version;
    (void)count;
    return FP_OK;
}

static const struct keyring_ops kept_ops = {kept_find, kept_reserve};

// The value of a line, decoded; its length.
static size_t vector(const char *name, uint8_t *out, size_t size)
{
    char path[1024], line[8192];
    size_t len = 0;
    const char *root = getenv("FISHPLATE_SOURCE_ROOT");
    FILE *f = NULL;
    (void)snprintf(path, sizeof path, "%s/tests/vectors/keys_v1.txt", root != NULL ? root : ".");
    f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("cannot open %s", path);
    }
    while (len == 0 && fgets(line, sizeof line, f) != NULL) {
        struct bytes rest = bytes_trim(bytes_of(line, strcspn(line, "\n"))), word;
        if (bytes_split(&rest, ' ', &word) && bytes_equal_text(word, name)) {
            assert_true(rest.len / 2 <= size);
            assert_int_equal(hex_decode(rest, out, rest.len / 2), FP_OK);
            len = rest.len / 2;
        }
    }
    (void)fclose(f);
    assert_int_not_equal(len, 0);
    return len;
}

static void load_row(const char *customer, const char *id_name, const char *wrapped_name,
                     const struct master_key *master, struct keyring_row *out)
{
    *out = (struct keyring_row){.version = 1, .master = *master_id(master)};
    (void)snprintf(out->customer, sizeof out->customer, "%s", customer);
    assert_int_equal(vector(id_name, out->id.b, sizeof out->id.b), KEY_ID_SIZE);
    out->wrapped_len = vector(wrapped_name, out->wrapped, sizeof out->wrapped);
}

static void test_keys_vectors__version_1_opens(void **state)
{
    uint8_t text[4096], sealed[4096], check[100], mac[32];
    struct master_key *master = NULL;
    struct keyring *ring = NULL;
    struct secret opened = {0};
    struct fp_note note = {0};
    size_t len = vector("master_file", text, sizeof text);
    (void)state;
    assert_int_equal(crypto_setup(), FP_OK);
    assert_int_equal(master_text_parse(bytes_of(text, len), &master, &note), FP_OK);
    load_row(KEYRING_SYSTEM, "system_id", "system_wrapped", master, &kept[0]);
    load_row(CUSTOMER, "customer_id", "customer_wrapped", master, &kept[1]);
    assert_int_equal(keyring_create(master, &kept_ops, NULL, &ring), FP_OK);
    len = vector("sealed", sealed, sizeof sealed);
    assert_int_equal(keyring_open(ring, &place, bytes_of(sealed, len), &opened), FP_OK);
    assert_true(secret_equal(&opened, bytes_of_text(plain)));
    len = vector("check", check, sizeof check);
    assert_int_equal(keyring_check(master, BYTES("store-1"), bytes_of(check, len), &note), FP_OK);
    assert_int_equal(vector("authenticator", mac, sizeof mac), 32);
    assert_int_equal(keyring_authentic(ring, "token", row_parts, 3, mac), FP_OK);
    secret_done(&opened);
    // and each of them, changed in one bit, does not
    for (size_t bit = 0; bit < vector("sealed", sealed, sizeof sealed) * 8; bit += 7) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            keyring_open(ring, &place, bytes_of(sealed, 49 + sizeof plain - 1), &opened), FP_OK);
    }
    keyring_free(ring);
    master_free(master);
}

static void print(const char *name, struct bytes value)
{
    printf("%s ", name);
    for (size_t i = 0; i < value.len; i++) {
        printf("%02x", value.ptr[i]);
    }
    printf("\n");
}

static int write_vectors(void)
{
    struct secret key = {0}, text = {0};
    struct key_id id = {{0x4d, 0x4b, 1}};
    struct master_key *master = NULL;
    struct keyring *ring = NULL;
    struct buf sealed;
    uint8_t check[KEYRING_CHECK_SIZE], mac[32];
    buf_init(&sealed, 4096);
    if (crypto_setup() != FP_OK || secret_random(32, &key) != FP_OK ||
        master_text_write(&key, &id, &text) != FP_OK ||
        master_text_parse(secret_bytes(&text), &master, NULL) != FP_OK ||
        keyring_create(master, &kept_ops, NULL, &ring) != FP_OK ||
        keyring_make(ring, KEYRING_SYSTEM, 1, &kept[0]) != FP_OK ||
        keyring_make(ring, CUSTOMER, 1, &kept[1]) != FP_OK ||
        keyring_seal(ring, &place, bytes_of_text(plain), &sealed) != FP_OK ||
        keyring_check_make(master, BYTES("store-1"), check) != FP_OK ||
        keyring_authenticate(ring, "token", row_parts, 3, mac) != FP_OK) {
        return 1;
    }
    print("master_file", secret_bytes(&text));
    print("system_id", bytes_of(kept[0].id.b, KEY_ID_SIZE));
    print("system_wrapped", bytes_of(kept[0].wrapped, kept[0].wrapped_len));
    print("customer_id", bytes_of(kept[1].id.b, KEY_ID_SIZE));
    print("customer_wrapped", bytes_of(kept[1].wrapped, kept[1].wrapped_len));
    print("sealed", buf_bytes(&sealed));
    print("check", bytes_of(check, sizeof check));
    print("authenticator", bytes_of(mac, sizeof mac));
    buf_done(&sealed);
    secret_done(&key);
    secret_done(&text);
    keyring_free(ring);
    master_free(master);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_vectors__version_1_opens),
    };
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        return write_vectors();
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
