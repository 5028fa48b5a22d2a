// Reading and writing the form of tokens.
// SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"

#include "base/bug.h"
#include "base/mem.h"

#include <string.h>

#define RANDOM_DIGITS   43 // 62^43 > 2^256
#define CHECKSUM_DIGITS 6  // 62^6 > 2^32

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const struct {
    const char *prefix;     // how the token begins
    struct token_text form; // what that means
} forms[] = {
    {"fp_live_", {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_LIVE}},
    {"fp_test_", {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_TEST}},
    {"fpa_live_", {TOKEN_KIND_APPLICATION, TOKEN_ENVIRONMENT_LIVE}},
    {"fpa_test_", {TOKEN_KIND_APPLICATION, TOKEN_ENVIRONMENT_TEST}},
    {"fps_", {TOKEN_KIND_CLIENT_SECRET, TOKEN_ENVIRONMENT_NONE}},
};
#define FORMS (sizeof forms / sizeof forms[0])

// CRC-32 as in zlib (reflected 0xEDB88320), four bits a step: a token is short and no table of 1
// KiB needs to stay in the cache for it.
static uint32_t token_crc32(const uint8_t *data, size_t len)
{
    static const uint32_t steps[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ steps[crc & 15u];
        crc = crc >> 4 ^ steps[crc & 15u];
    }
    return ~crc;
}

static void token_checksum(const uint8_t digits[static RANDOM_DIGITS],
                           uint8_t out[static CHECKSUM_DIGITS])
{
    uint32_t crc = token_crc32(digits, RANDOM_DIGITS);
    for (size_t i = CHECKSUM_DIGITS; i > 0; i--) {
        out[i - 1] = (uint8_t)alphabet[crc % 62];
        crc /= 62;
    }
}

static bool token_is_base62(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            return false;
        }
    }
    return true;
}

enum fp_error token_text_parse(struct bytes text, struct token_text *out)
{
    for (size_t i = 0; i < FORMS; i++) {
        struct bytes prefix = bytes_of_text(forms[i].prefix);
        uint8_t checksum[CHECKSUM_DIGITS] = {0};
        struct bytes rest = {0};
        if (!bytes_starts_with(text, prefix)) {
            continue;
        }
        rest = bytes_slice(text, prefix.len, text.len);
        if (rest.len != RANDOM_DIGITS + CHECKSUM_DIGITS || !token_is_base62(rest)) {
            return FP_E_TOKEN_MALFORMED;
        }
        token_checksum(rest.ptr, checksum);
        if (!bytes_equal(bytes_of(checksum, sizeof checksum),
                         bytes_slice(rest, RANDOM_DIGITS, CHECKSUM_DIGITS))) {
            return FP_E_TOKEN_MALFORMED;
        }
        *out = forms[i].form;
        return FP_OK;
    }
    return FP_E_TOKEN_MALFORMED;
}

// The random bytes as one large number in base 62, most significant digit first.
static void token_digits(const uint8_t random[static TOKEN_RANDOM],
                         uint8_t out[static RANDOM_DIGITS])
{
    uint8_t number[TOKEN_RANDOM];
    memcpy(number, random, sizeof number);
    for (size_t digit = RANDOM_DIGITS; digit > 0; digit--) {
        unsigned rest = 0;
        for (size_t i = 0; i < sizeof number; i++) {
            rest = rest << 8 | number[i];
            number[i] = (uint8_t)(rest / 62);
            rest %= 62;
        }
        out[digit - 1] = (uint8_t)alphabet[rest];
    }
    mem_wipe(number, sizeof number);
}

void token_text_make(struct token_text form, const uint8_t random[static TOKEN_RANDOM],
                     char out[static TOKEN_TEXT_SIZE])
{
    uint8_t digits[RANDOM_DIGITS + CHECKSUM_DIGITS];
    for (size_t i = 0; i < FORMS; i++) {
        size_t prefix = strlen(forms[i].prefix);
        if (forms[i].form.kind != form.kind || forms[i].form.environment != form.environment) {
            continue;
        }
        token_digits(random, digits);
        token_checksum(digits, digits + RANDOM_DIGITS);
        memcpy(out, forms[i].prefix, prefix);
        memcpy(out + prefix, digits, sizeof digits);
        out[prefix + sizeof digits] = '\0';
        mem_wipe(digits, sizeof digits);
        return;
    }
    fp_bug("no token has this kind and environment");
}

const char *token_environment_name(enum token_environment environment)
{
    switch (environment) {
    case TOKEN_ENVIRONMENT_LIVE:
        return "live";
    case TOKEN_ENVIRONMENT_TEST:
        return "test";
    case TOKEN_ENVIRONMENT_NONE:
        break;
    }
    return "";
}

enum fp_error token_environment_parse(struct bytes text, enum token_environment *out)
{
    if (bytes_equal_text(text, "live")) {
        *out = TOKEN_ENVIRONMENT_LIVE;
        return FP_OK;
    }
    if (bytes_equal_text(text, "test")) {
        *out = TOKEN_ENVIRONMENT_TEST;
        return FP_OK;
    }
    return FP_E_INPUT_INVALID;
}
