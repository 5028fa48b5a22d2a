// Reading and writing the form of tokens.
// SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"

#include "base/bug.h"
#include "base/mem.h"
#include "crypto/encoding.h"

#include <string.h>

static const struct {
    const char *prefix;     // how the token begins
    struct token_text form; // what that means
} forms[] = {
    {"fp_live_", {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_LIVE}},
    {"fp_test_", {TOKEN_KIND_CONNECTION, TOKEN_ENVIRONMENT_TEST}},
    {"fpa_live_", {TOKEN_KIND_APPLICATION, TOKEN_ENVIRONMENT_LIVE}},
    {"fpa_test_", {TOKEN_KIND_APPLICATION, TOKEN_ENVIRONMENT_TEST}},
    {"fprt_live_", {TOKEN_KIND_REFRESH, TOKEN_ENVIRONMENT_LIVE}},
    {"fprt_test_", {TOKEN_KIND_REFRESH, TOKEN_ENVIRONMENT_TEST}},
    {"fpac_", {TOKEN_KIND_CODE, TOKEN_ENVIRONMENT_NONE}},
    {"fps_", {TOKEN_KIND_CLIENT_SECRET, TOKEN_ENVIRONMENT_NONE}},
    {"fplink_", {TOKEN_KIND_CONNECT_LINK, TOKEN_ENVIRONMENT_NONE}},
};
#define FORMS (sizeof forms / sizeof forms[0])

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
        char checksum[BASE62_32] = {0};
        struct bytes rest = {0};
        if (!bytes_starts_with(text, prefix)) {
            continue;
        }
        rest = bytes_slice(text, prefix.len, text.len);
        if (rest.len != BASE62_256 + BASE62_32 || !token_is_base62(rest)) {
            return FP_E_TOKEN_MALFORMED;
        }
        base62_checksum(bytes_slice(rest, 0, BASE62_256), checksum);
        if (!bytes_equal(bytes_of(checksum, sizeof checksum),
                         bytes_slice(rest, BASE62_256, BASE62_32))) {
            return FP_E_TOKEN_MALFORMED;
        }
        *out = forms[i].form;
        return FP_OK;
    }
    return FP_E_TOKEN_MALFORMED;
}

void token_text_make(struct token_text form, const uint8_t random[static TOKEN_RANDOM],
                     char out[static TOKEN_TEXT_SIZE])
{
    char digits[BASE62_256 + BASE62_32];
    for (size_t i = 0; i < FORMS; i++) {
        size_t prefix = strlen(forms[i].prefix);
        if (forms[i].form.kind != form.kind || forms[i].form.environment != form.environment) {
            continue;
        }
        if (base62_encode(bytes_of(random, TOKEN_RANDOM), digits, BASE62_256) != FP_OK) {
            fp_bug("256 bits have 43 digits in base 62");
        }
        base62_checksum(bytes_of(digits, BASE62_256), digits + BASE62_256);
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
