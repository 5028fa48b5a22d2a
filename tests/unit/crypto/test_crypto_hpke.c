// HPKE against the vectors of RFC 9180 A.3.1 (the same KEM) and against messages that another
// implementation sealed (N17; npm's @hpke/core 1.9.0, the same suite); what is changed does not
// open. SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "crypto/encoding.h"
#include "crypto/hpke.h"
#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define IKM_R "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550"
#define SK_R  "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"
#define PK_R                                                                                       \
    "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"                           \
    "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
#define PK_E                                                                                       \
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"                           \
    "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
#define SHARED "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8"

static const struct {
    const char *info, *aad, *plain; // texts
    const char *enc, *sealed;       // hex
} messages[] = {
    {"fishplate connect v1 lnk_00000000000000000000000000", "tryton",
     "{\"username\":\"a\",\"password\":\"b\"}",
     "04471c5082ff93fc71049ecea5e89b4a5564bc070046d33bab1d9db68b1a9da6e2"
     "100c3a1f9151c78b6793f47fa4bd3dc886a26b4ea20258e0575844eb47bf97c4",
     "294ebb02006cc92398c925d7e51885f43a45e10fbbbb5fbffee0ca177de00e147b2528b42aa80679c8079e9ad4f2"
     "77"},
    {"", "", "",
     "04b0e32130ac485aad6b9e1043bc0d8d431362a7dc7afa1019e5ff354044a23deb"
     "0f0b78a27220bf2e222fe97ee4f88e539e70e3568d5126b16607a8d00e55c521",
     "e6cfeaf661d4382d037d71a5efa93301"},
};

struct pair {
    struct secret private_key;            // owned
    uint8_t public_key[HPKE_PUBLIC_SIZE]; // its point
};

static void pair_make(struct pair *pair)
{
    uint8_t ikm[32];
    memset(pair, 0, sizeof *pair);
    assert_int_equal(hex_decode(BYTES(IKM_R), ikm, sizeof ikm), FP_OK);
    assert_int_equal(hpke_key_pair(bytes_of(ikm, sizeof ikm), &pair->private_key, pair->public_key),
                     FP_OK);
}

static void test_crypto_hpke__rfc9180_a3(void **state)
{
    uint8_t expected[HPKE_PUBLIC_SIZE], enc[HPKE_PUBLIC_SIZE];
    struct pair pair;
    struct secret shared = {0};
    (void)state;
    pair_make(&pair);
    assert_int_equal(hex_decode(BYTES(SK_R), expected, 32), FP_OK);
    assert_true(secret_equal(&pair.private_key, bytes_of(expected, 32)));
    assert_int_equal(hex_decode(BYTES(PK_R), expected, sizeof expected), FP_OK);
    assert_memory_equal(pair.public_key, expected, sizeof expected);
    assert_int_equal(hex_decode(BYTES(PK_E), enc, sizeof enc), FP_OK);
    assert_int_equal(
        hpke_shared_secret(&pair.private_key, pair.public_key, bytes_of(enc, sizeof enc), &shared),
        FP_OK);
    assert_int_equal(hex_decode(BYTES(SHARED), expected, 32), FP_OK);
    assert_true(secret_equal(&shared, bytes_of(expected, 32)));
    secret_done(&shared);
    secret_done(&pair.private_key);
}

// The message of a row, its bytes in the caller's arrays.
static struct hpke_sealed message_at(size_t i, uint8_t enc[static HPKE_PUBLIC_SIZE],
                                     uint8_t text[static 128])
{
    size_t len = strlen(messages[i].sealed) / 2;
    assert_int_equal(hex_decode(bytes_of_text(messages[i].enc), enc, HPKE_PUBLIC_SIZE), FP_OK);
    assert_int_equal(hex_decode(bytes_of_text(messages[i].sealed), text, len), FP_OK);
    return (struct hpke_sealed){bytes_of(enc, HPKE_PUBLIC_SIZE), bytes_of_text(messages[i].info),
                                bytes_of_text(messages[i].aad), bytes_of(text, len)};
}

static void test_crypto_hpke__opens_what_others_seal(void **state)
{
    uint8_t enc[HPKE_PUBLIC_SIZE], text[128];
    struct pair pair;
    (void)state;
    pair_make(&pair);
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct hpke_sealed sealed = message_at(i, enc, text);
        struct secret out = {0};
        assert_int_equal(hpke_open(&pair.private_key, pair.public_key, &sealed, &out), FP_OK);
        assert_true(bytes_equal_text(secret_bytes(&out), messages[i].plain));
        secret_done(&out);
    }
    secret_done(&pair.private_key);
}

static void refused(const struct pair *pair, const struct hpke_sealed *sealed)
{
    struct secret out = {0};
    assert_int_equal(hpke_open(&pair->private_key, pair->public_key, sealed, &out),
                     FP_E_UNSEAL_FAILED);
    assert_null(out.ptr);
}

static void test_crypto_hpke__refuses_changes(void **state)
{
    uint8_t enc[HPKE_PUBLIC_SIZE], text[128];
    struct pair pair;
    struct hpke_sealed good, sealed;
    size_t before = 0;
    (void)state;
    pair_make(&pair);
    before = secret_in_use();
    good = message_at(0, enc, text);
    for (size_t i = 0; i < good.text.len; i++) {
        text[i] ^= 1;
        refused(&pair, &good);
        text[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof enc; i++) {
        enc[i] ^= 1; // leaves the curve, or is another point
        refused(&pair, &good);
        enc[i] ^= 1;
    }
    sealed = good;
    sealed.aad = BYTES("odoo");
    refused(&pair, &sealed);
    sealed = good;
    sealed.info = BYTES("fishplate connect v1 lnk_00000000000000000000000001");
    refused(&pair, &sealed);
    sealed = good;
    sealed.text.len = HPKE_TAG_SIZE - 1;
    refused(&pair, &sealed);
    sealed = good;
    sealed.enc.len--;
    refused(&pair, &sealed);
    memset(enc, 0, sizeof enc); // the point at infinity, and nothing at all
    refused(&pair, &good);
    enc[0] = 4;
    refused(&pair, &good);
    assert_int_equal(secret_in_use(), before);
    secret_done(&pair.private_key);
}

static int setup(void **state)
{
    (void)state;
    return crypto_setup() == FP_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_hpke__rfc9180_a3),
        cmocka_unit_test(test_crypto_hpke__opens_what_others_seal),
        cmocka_unit_test(test_crypto_hpke__refuses_changes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
