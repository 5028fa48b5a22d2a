// HPKE (RFC 9180), base mode, one message per key: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
// AES-256-GCM. What a browser seals for the vault is opened here. OpenSSL 3.0 has no HPKE of its
// own: it is put together from its ECDH and our HMAC and AES-GCM.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_HPKE_H
#define FP_CRYPTO_HPKE_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/secret.h"

#define HPKE_PUBLIC_SIZE  65 // an uncompressed point (SEC 1): 4, x, y
#define HPKE_PRIVATE_SIZE 32
#define HPKE_TAG_SIZE     16

// DeriveKeyPair() of RFC 9180 7.1.3; ikm of at least 32 bytes. FP_E_CRYPTO_FAILED, FP_E_NO_MEMORY.
enum fp_error hpke_key_pair(struct bytes ikm, struct secret *private_out,
                            uint8_t public_out[static HPKE_PUBLIC_SIZE]);

struct hpke_sealed {
    struct bytes enc;  // sender's ephemeral public key, HPKE_PUBLIC_SIZE bytes
    struct bytes info; // what both sides know of the purpose
    struct bytes aad;  // bound, not encrypted
    struct bytes text; // ciphertext and tag
};

// FP_E_UNSEAL_FAILED for everything that a sender may have done wrong: another size, a point that
// is not on the curve, another info, aad or key, a changed text. FP_E_CRYPTO_FAILED,
// FP_E_NO_MEMORY.
enum fp_error hpke_open(const struct secret *private_key,
                        const uint8_t public_key[static HPKE_PUBLIC_SIZE],
                        const struct hpke_sealed *sealed, struct secret *out);

// The first half, for tests with the vectors of RFC 9180 A.3, whose AEAD is another one: Decap().
enum fp_error hpke_shared_secret(const struct secret *private_key,
                                 const uint8_t public_key[static HPKE_PUBLIC_SIZE],
                                 struct bytes enc, struct secret *out);

#endif
