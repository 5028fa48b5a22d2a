// Reading public keys.
// SPDX-License-Identifier: Apache-2.0
#include "auth/jwk.h"

#include "auth/json_in.h"
#include "crypto/encoding.h"

#include <string.h>

// The text of a member; false: missing, twice or no text.
static bool jwk_text(yyjson_val *jwk, const char *name, struct bytes *out)
{
    yyjson_val *value = NULL;
    if (json_in_member(jwk, name, &value) != JSON_IN_FOUND || !yyjson_is_str(value)) {
        return false;
    }
    *out = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
    return true;
}

// Exactly 32 bytes in base64url.
static bool jwk_decode(struct bytes text, uint8_t out[static VERIFY_COORDINATE])
{
    struct buf raw;
    bool good = false;
    buf_init(&raw, VERIFY_COORDINATE);
    if (text.len == JWK_THUMBPRINT && base64url_decode(text, &raw) == FP_OK &&
        raw.len == VERIFY_COORDINATE) {
        memcpy(out, buf_bytes(&raw).ptr, VERIFY_COORDINATE);
        good = true;
    }
    buf_done(&raw);
    return good;
}

static bool jwk_coordinate(yyjson_val *jwk, const char *name, uint8_t out[static VERIFY_COORDINATE])
{
    struct bytes text = {0};
    return jwk_text(jwk, name, &text) && jwk_decode(text, out);
}

static bool jwk_is_private(yyjson_val *jwk)
{
    static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
    yyjson_val *value = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_in_member(jwk, names[i], &value) != JSON_IN_ABSENT) {
            return true;
        }
    }
    return false;
}

// What a member says where it stands; one that is not there says it too.
static bool jwk_says(yyjson_val *jwk, const char *name, const char *wanted)
{
    yyjson_val *value = NULL;
    enum json_in_found found = json_in_member(jwk, name, &value);
    return found == JSON_IN_ABSENT || (found == JSON_IN_FOUND && yyjson_equals_str(value, wanted));
}

static bool jwk_read_p256(yyjson_val *jwk, struct verify_key *key)
{
    key->algorithm = VERIFY_ES256;
    return jwk_coordinate(jwk, "x", key->x) && jwk_coordinate(jwk, "y", key->y) &&
           jwk_says(jwk, "alg", "ES256");
}

static bool jwk_read_ed25519(yyjson_val *jwk, struct verify_key *key)
{
    key->algorithm = VERIFY_EDDSA;
    return jwk_coordinate(jwk, "x", key->x) &&
           (jwk_says(jwk, "alg", "EdDSA") || jwk_says(jwk, "alg", "Ed25519"));
}

enum fp_error jwk_read(yyjson_val *jwk, struct verify_key *out)
{
    struct verify_key key = {0};
    struct bytes type = {0}, curve = {0};
    bool good = yyjson_is_obj(jwk) && !jwk_is_private(jwk) && jwk_text(jwk, "kty", &type) &&
                jwk_text(jwk, "crv", &curve) && jwk_says(jwk, "use", "sig");
    if (good && bytes_equal_text(type, "EC") && bytes_equal_text(curve, "P-256")) {
        good = jwk_read_p256(jwk, &key);
    } else if (good && bytes_equal_text(type, "OKP") && bytes_equal_text(curve, "Ed25519")) {
        good = jwk_read_ed25519(jwk, &key);
    } else {
        good = false;
    }
    if (!good) {
        return FP_E_KEY_INVALID;
    }
    *out = key;
    return FP_OK;
}

// RFC 7638 3: the required members alone, by name, without blanks.
enum fp_error jwk_thumbprint(const struct verify_key *key, uint8_t out[static DIGEST_SIZE])
{
    bool curve = key->algorithm == VERIFY_ES256;
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, 256);
    buf_append_text(&text, curve ? "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""
                                 : "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
    base64url_append(&text, bytes_of(key->x, sizeof key->x));
    if (curve) {
        buf_append_text(&text, "\",\"y\":\"");
        base64url_append(&text, bytes_of(key->y, sizeof key->y));
    }
    buf_append_text(&text, "\"}");
    error = buf_error(&text);
    error = error != FP_OK ? error : digest_sha256(buf_bytes(&text), out);
    buf_done(&text);
    return error;
}

bool jwk_thumbprint_valid(struct bytes text)
{
    uint8_t raw[VERIFY_COORDINATE];
    return jwk_decode(text, raw);
}
