// Reading signed tokens.
// SPDX-License-Identifier: Apache-2.0
#include "auth/jws.h"

#include "auth/json_in.h"
#include "base/limits.h"
#include "crypto/encoding.h"

#define TIME_MAX INT64_C(253402300799) // the end of the year 9999

static enum fp_error jws_decode(struct bytes part, struct arena *arena, struct bytes *out)
{
    struct buf raw;
    enum fp_error error = part.len != 0 ? FP_OK : FP_E_INPUT_INVALID;
    buf_init(&raw, FP_LIMIT_JWS_TEXT);
    error = error != FP_OK ? error : base64url_decode(part, &raw);
    if (error == FP_OK) {
        *out = arena_copy(arena, buf_bytes(&raw));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&raw);
    return error;
}

static enum fp_error jws_object(struct bytes part, struct arena *arena, yyjson_val **out)
{
    struct bytes json = {0};
    struct fp_note unused = {0};
    enum fp_error error = jws_decode(part, arena, &json);
    error = error != FP_OK ? error : json_in_parse(json, arena, &unused, out);
    if (error == FP_OK && !yyjson_is_obj(*out)) {
        error = FP_E_INPUT_INVALID;
    }
    return error;
}

bool jws_text(yyjson_val *object, const char *name, struct bytes *out)
{
    yyjson_val *value = NULL;
    if (json_in_member(object, name, &value) != JSON_IN_FOUND || !yyjson_is_str(value) ||
        yyjson_get_len(value) == 0) {
        return false;
    }
    *out = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
    return true;
}

bool jws_time(yyjson_val *object, const char *name, int64_t *out_s)
{
    yyjson_val *value = NULL;
    double number = 0;
    if (json_in_member(object, name, &value) != JSON_IN_FOUND || !yyjson_is_num(value)) {
        return false;
    }
    number = yyjson_get_num(value);
    if (!(number >= 0 && number <= (double)TIME_MAX)) {
        return false;
    }
    *out_s = (int64_t)number;
    return true;
}

static enum fp_error jws_header(struct jws *jws)
{
    yyjson_val *unused = NULL;
    struct bytes name = {0};
    if (!jws_text(jws->header, "alg", &name) ||
        json_in_member(jws->header, "crit", &unused) != JSON_IN_ABSENT ||
        json_in_member(jws->header, "b64", &unused) != JSON_IN_ABSENT) {
        return FP_E_INPUT_INVALID; // RFC 7515 4.1.11: extensions that must be known are not
    }
    if (bytes_equal_text(name, "ES256")) {
        jws->algorithm = VERIFY_ES256;
    } else if (bytes_equal_text(name, "EdDSA") || bytes_equal_text(name, "Ed25519")) {
        jws->algorithm = VERIFY_EDDSA; // Ed25519: RFC 9864
    }
    return FP_OK;
}

enum fp_error jws_parse(struct bytes text, struct arena *arena, struct jws *out)
{
    struct jws jws = {0};
    struct bytes rest = text, header = {0}, claims = {0};
    enum fp_error error = FP_E_INPUT_INVALID;
    if (text.len <= FP_LIMIT_JWS_TEXT && bytes_split(&rest, '.', &header) &&
        bytes_split(&rest, '.', &claims) && rest.len != 0) {
        jws.input = bytes_slice(text, 0, header.len + 1 + claims.len);
        // a fourth part is no base64url
        error = jws_decode(rest, arena, &jws.signature);
    }
    error = error != FP_OK ? error : jws_object(header, arena, &jws.header);
    error = error != FP_OK ? error : jws_object(claims, arena, &jws.claims);
    error = error != FP_OK ? error : jws_header(&jws);
    if (error != FP_OK) {
        return error == FP_E_NO_MEMORY ? error : FP_E_INPUT_INVALID;
    }
    *out = jws;
    return FP_OK;
}

enum fp_error jws_verify(const struct jws *jws, const struct verify_key *key)
{
    // RFC 8725 3.1: the key says which algorithm, the header may only agree
    return jws->algorithm == key->algorithm ? verify_signature(key, jws->input, jws->signature)
                                            : FP_E_UNSEAL_FAILED;
}
