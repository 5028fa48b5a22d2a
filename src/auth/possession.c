// Packing and unpacking.
// SPDX-License-Identifier: Apache-2.0
#include "auth/possession.h"

#include "crypto/encoding.h"

#include <string.h>

#define FLAG_DPOP        1u // scheme
#define FLAG_CERTIFICATE 2u
#define FLAG_ALL         (FLAG_DPOP | FLAG_CERTIFICATE)
#define HEAD             2u // flags and fault

void possession_encode(const struct possession *possession, struct buf *out)
{
    const struct dpop_proof *proof = &possession->proof;
    buf_append_byte(out, (uint8_t)((possession->scheme_dpop ? FLAG_DPOP : 0) |
                                   (possession->certificate ? FLAG_CERTIFICATE : 0)));
    buf_append_byte(out, (uint8_t)possession->fault);
    if (possession->certificate) {
        buf_append(out, possession->certificate_sha256, DIGEST_SIZE);
    }
    if (possession->fault == DPOP_GOOD) {
        buf_append(out, proof->thumbprint, DIGEST_SIZE);
        buf_append(out, proof->jti, DIGEST_SIZE);
        for (unsigned i = 0; i < 8; i++) {
            buf_append_byte(out, (uint8_t)((uint64_t)proof->iat_s >> (8 * (7 - i))));
        }
        buf_append_bytes(out, proof->nonce.len <= POSSESSION_NONCE ? proof->nonce : BYTES("?"));
    }
}

static bool take(struct bytes *rest, uint8_t out[static DIGEST_SIZE])
{
    if (rest->len < DIGEST_SIZE) {
        return false;
    }
    memcpy(out, rest->ptr, DIGEST_SIZE);
    *rest = bytes_slice(*rest, DIGEST_SIZE, rest->len);
    return true;
}

static bool take_proof(struct bytes *rest, struct dpop_proof *out)
{
    uint64_t seconds = 0;
    if (!take(rest, out->thumbprint) || !take(rest, out->jti) || rest->len < 8) {
        return false;
    }
    for (unsigned i = 0; i < 8; i++) {
        seconds = seconds << 8 | rest->ptr[i];
    }
    out->iat_s = (int64_t)(seconds & INT64_MAX);
    out->nonce = bytes_slice(*rest, 8, rest->len);
    rest->len = 0;
    return out->nonce.len <= POSSESSION_NONCE;
}

enum fp_error possession_decode(struct bytes text, struct possession *out)
{
    struct possession found = {.fault = DPOP_MISSING};
    struct bytes rest = bytes_slice(text, HEAD, text.len);
    bool good = true;
    if (text.len != 0) {
        good = text.len >= HEAD && (text.ptr[0] & ~FLAG_ALL) == 0 && text.ptr[1] < DPOP_CLAIMED;
        if (good) {
            found.scheme_dpop = (text.ptr[0] & FLAG_DPOP) != 0;
            found.certificate = (text.ptr[0] & FLAG_CERTIFICATE) != 0;
            found.fault = (enum dpop_fault)text.ptr[1];
            good = !found.certificate || take(&rest, found.certificate_sha256);
        }
        if (good && found.fault == DPOP_GOOD) {
            good = take_proof(&rest, &found.proof);
        }
        good = good && rest.len == 0;
    }
    if (!good) {
        return FP_E_INPUT_INVALID;
    }
    *out = found;
    return FP_OK;
}

bool binding_is_key(const char *binding)
{
    return strncmp(binding, "jkt:", 4) == 0;
}

bool binding_is_certificate(const char *binding)
{
    return strncmp(binding, "x5t:", 4) == 0;
}

bool binding_valid(struct bytes text)
{
    bool kind = bytes_starts_with(text, BYTES("jkt:")) || bytes_starts_with(text, BYTES("x5t:"));
    return text.len == 0 || (kind && jwk_thumbprint_valid(bytes_slice(text, 4, text.len)));
}

void binding_make(const char *kind, const uint8_t thumbprint[static DIGEST_SIZE],
                  char out[static BINDING_TEXT])
{
    struct buf text;
    buf_init(&text, BINDING_TEXT);
    buf_append_text(&text, kind);
    buf_append_byte(&text, ':');
    base64url_append(&text, bytes_of(thumbprint, DIGEST_SIZE));
    if (buf_error(&text) != FP_OK || !bytes_to_text(buf_bytes(&text), out, BINDING_TEXT)) {
        memcpy(out, "?", 2); // out of memory: a binding that nothing meets
    }
    buf_done(&text);
}
