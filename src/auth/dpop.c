// Judging proofs, in the order of RFC 9449 section 4.3.
// SPDX-License-Identifier: Apache-2.0
#include "auth/dpop.h"

#include "auth/json_in.h"
#include "auth/jwk.h"
#include "auth/jws.h"
#include "base/limits.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"

#define DPOP_URL_TEXT 12288 // bytes of a whole URL: the longest target and public_url

static const struct {
    const char *name; // details.reason
    const char *text; // details.cause
} faults[DPOP_FAULTS] = {
    [DPOP_GOOD] = {"", ""},
    [DPOP_MISSING] = {"PROOF_MISSING", "The DPoP header with a proof is missing."},
    [DPOP_REPEATED] = {"PROOF_REPEATED", "There is more than one DPoP header."},
    [DPOP_MALFORMED] = {"PROOF_MALFORMED",
                        "The proof is no compact JWS of at most 4096 bytes with JSON objects, or "
                        "has a critical extension."},
    [DPOP_TYPE] = {"PROOF_TYPE", "The proof's typ is not dpop+jwt."},
    [DPOP_ALGORITHM] = {"PROOF_ALGORITHM", "The proof's alg is neither ES256 nor EdDSA."},
    [DPOP_KEY] = {"PROOF_KEY",
                  "The proof's jwk is no public key of P-256 or Ed25519, or holds a private part."},
    [DPOP_SIGNATURE] = {"PROOF_SIGNATURE", "The proof's signature does not fit its jwk."},
    [DPOP_CLAIMS] = {"PROOF_CLAIMS",
                     "The proof needs jti (at most 256 bytes), htm, htu and iat, each once."},
    [DPOP_METHOD] = {"PROOF_METHOD", "The proof's htm is another method than the request's."},
    [DPOP_URL] = {"PROOF_URL",
                  "The proof's htu is not the URL of the request as public_url begins it."},
    [DPOP_TIME] = {"PROOF_TIME",
                   "The proof's iat is more than 60 seconds from the time of this server."},
    [DPOP_TOKEN] = {"PROOF_TOKEN", "The proof's ath is not the hash of the access token."},
    [DPOP_CLAIMED] = {"PROOF", "The proof does not hold."},
    [DPOP_REPLAYED] = {"PROOF_REPLAYED", "The proof's jti was used before."},
    [DPOP_BEFORE] = {"PROOF_BEFORE_START",
                     "The proof is older than this server's process, which cannot know whether it "
                     "was used: make a new one."},
    [DPOP_NONCE] = {"PROOF_NONCE", "The proof needs the nonce of the DPoP-Nonce header."},
    [DPOP_OTHER_KEY] = {"KEY_OTHER", "The proof's key is not the one that the token is bound to."},
    [DPOP_NOT_BOUND] = {"TOKEN_NOT_BOUND", "The token is bound to no DPoP key: send it as Bearer."},
    [DPOP_SCHEME] = {"SCHEME_BEARER",
                     "The token is bound to a DPoP key: send it as DPoP, with a proof."},
    [DPOP_CERTIFICATE] = {"CERTIFICATE_OTHER",
                          "The token is bound to a client certificate, and the connection was not "
                          "made with it."},
    [DPOP_ADDRESS] = {"ADDRESS_OTHER", "The token does not work from this address."},
};

const char *dpop_fault_name(enum dpop_fault fault)
{
    return faults[fault].name;
}

const char *dpop_fault_text(enum dpop_fault fault)
{
    return faults[fault].text;
}

static uint8_t url_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

// Appends scheme and authority in small letters without the scheme's own port; the rest of the URL
// comes back. false: no such beginning.
static bool url_append_origin(struct bytes url, struct buf *out, struct bytes *rest_out)
{
    static const struct bytes schemes[] = {{(const uint8_t *)"https://", 8},
                                           {(const uint8_t *)"http://", 7}};
    static const char *const ports[] = {":443", ":80"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct bytes rest = bytes_slice(url, schemes[i].len, url.len);
        struct bytes authority = rest;
        size_t end = 0;
        if (!bytes_equal_nocase(bytes_slice(url, 0, schemes[i].len), schemes[i])) {
            continue;
        }
        if (bytes_find(rest, '/', &end)) {
            authority = bytes_slice(rest, 0, end);
        }
        *rest_out = bytes_slice(rest, authority.len, rest.len);
        if (bytes_ends_with(authority, bytes_of_text(ports[i]))) {
            authority.len -= bytes_of_text(ports[i]).len;
        }
        buf_append_bytes(out, schemes[i]);
        for (size_t k = 0; k < authority.len; k++) {
            buf_append_byte(out, url_lower(authority.ptr[k]));
        }
        return authority.len != 0;
    }
    return false;
}

// Digits of escapes in capitals, everything else as it is.
static void url_append_path(struct bytes path, struct buf *out)
{
    size_t digits = 0;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.ptr[i];
        bool small = digits != 0 && c >= 'a' && c <= 'f';
        buf_append_byte(out, small ? (uint8_t)(c - 32) : c);
        digits = c == '%' ? 2 : digits - (digits != 0 ? 1 : 0);
    }
}

static struct bytes url_without(struct bytes url, uint8_t mark)
{
    size_t end = 0;
    return bytes_find(url, mark, &end) ? bytes_slice(url, 0, end) : url;
}

bool dpop_url_matches(struct bytes htu, struct bytes base, struct bytes path)
{
    struct buf wanted, shown;
    struct bytes rest = {0};
    bool same = false;
    buf_init(&wanted, DPOP_URL_TEXT);
    buf_init(&shown, DPOP_URL_TEXT);
    if (base.len != 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    if (url_append_origin(base, &wanted, &rest)) {
        url_append_path(rest, &wanted);
        url_append_path(path, &wanted);
        if (url_append_origin(url_without(url_without(htu, '#'), '?'), &shown, &rest)) {
            url_append_path(rest.len != 0 ? rest : BYTES("/"), &shown);
            same = buf_error(&wanted) == FP_OK && buf_error(&shown) == FP_OK &&
                   bytes_equal(buf_bytes(&wanted), buf_bytes(&shown));
        }
    }
    buf_done(&wanted);
    buf_done(&shown);
    return same;
}

// RFC 9449 4.3 numbers 4 to 7: the header, and that its key made the signature.
static enum fp_error dpop_check_header(const struct jws *jws, enum dpop_fault *fault,
                                       struct verify_key *key_out)
{
    struct bytes type = {0};
    yyjson_val *jwk = NULL;
    enum fp_error error = FP_OK;
    if (!jws_text(jws->header, "typ", &type) || !bytes_equal_text(type, "dpop+jwt")) {
        *fault = DPOP_TYPE;
    } else if (jws->algorithm == 0) {
        *fault = DPOP_ALGORITHM;
    } else if (json_in_member(jws->header, "jwk", &jwk) != JSON_IN_FOUND ||
               jwk_read(jwk, key_out) != FP_OK || key_out->algorithm != jws->algorithm) {
        *fault = DPOP_KEY;
    } else {
        error = jws_verify(jws, key_out);
        *fault = error == FP_E_UNSEAL_FAILED ? DPOP_SIGNATURE
                 : error == FP_E_KEY_INVALID ? DPOP_KEY
                                             : DPOP_GOOD;
    }
    return *fault != DPOP_GOOD ? FP_OK : error;
}

static bool dpop_token_fits(yyjson_val *claims, struct bytes token)
{
    uint8_t hash[DIGEST_SIZE];
    struct bytes ath = {0};
    struct buf wanted;
    bool same = false;
    buf_init(&wanted, JWK_THUMBPRINT);
    if (jws_text(claims, "ath", &ath) && digest_sha256(token, hash) == FP_OK) {
        base64url_append(&wanted, bytes_of(hash, sizeof hash));
        same = secret_bytes_equal(ath, buf_bytes(&wanted));
    }
    buf_done(&wanted);
    return same;
}

// Numbers 3 and 8 to 12.
static enum dpop_fault dpop_check_claims(yyjson_val *claims, const struct dpop_expect *expect,
                                         struct bytes *jti_out, struct dpop_proof *out)
{
    struct bytes method = {0}, url = {0};
    int64_t away_s = 0;
    if (!jws_text(claims, "jti", jti_out) || jti_out->len > FP_LIMIT_DPOP_JTI ||
        !jws_text(claims, "htm", &method) || !jws_text(claims, "htu", &url) ||
        !jws_time(claims, "iat", &out->iat_s)) {
        return DPOP_CLAIMS;
    }
    if (!bytes_equal(method, expect->method)) {
        return DPOP_METHOD;
    }
    if (!dpop_url_matches(url, expect->base, expect->path)) {
        return DPOP_URL;
    }
    away_s = expect->now_ms / 1000 - out->iat_s;
    if (away_s > FP_LIMIT_DPOP_WINDOW || away_s < -(int64_t)FP_LIMIT_DPOP_WINDOW) {
        return DPOP_TIME;
    }
    if (expect->token.len != 0 && !dpop_token_fits(claims, expect->token)) {
        return DPOP_TOKEN;
    }
    (void)jws_text(claims, "nonce", &out->nonce);
    return DPOP_GOOD;
}

enum fp_error dpop_check(struct bytes proof, const struct dpop_expect *expect, struct arena *arena,
                         enum dpop_fault *fault_out, struct dpop_proof *out)
{
    struct jws jws = {0};
    struct verify_key key = {0};
    struct dpop_proof found = {0};
    struct bytes parts[2] = {{found.thumbprint, sizeof found.thumbprint}, {0}};
    enum dpop_fault fault = DPOP_GOOD;
    enum fp_error error = jws_parse(proof, arena, &jws);
    if (error == FP_E_INPUT_INVALID) {
        *fault_out = DPOP_MALFORMED;
        return FP_OK;
    }
    error = error != FP_OK ? error : dpop_check_header(&jws, &fault, &key);
    if (error == FP_OK && fault == DPOP_GOOD) {
        fault = dpop_check_claims(jws.claims, expect, &parts[1], &found);
    }
    if (error == FP_OK && fault == DPOP_GOOD) {
        error = jwk_thumbprint(&key, found.thumbprint);
        error = error != FP_OK ? error : digest_sha256_parts(parts, 2, found.jti);
    }
    if (error == FP_OK) {
        *fault_out = fault;
        if (fault == DPOP_GOOD) {
            *out = found;
        }
    }
    return error;
}
