// Ed25519 (RFC 8032): signatures of audit checkpoints and certificates.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_SIGN_H
#define FP_CRYPTO_SIGN_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/secret.h"

#define SIGN_SEED_SIZE   32
#define SIGN_PUBLIC_SIZE 32
#define SIGN_SIZE        64

// The public half of a seed of SIGN_SEED_SIZE bytes. FP_E_INPUT_INVALID, FP_E_CRYPTO_FAILED.
enum fp_error sign_public(const struct secret *seed, uint8_t out[static SIGN_PUBLIC_SIZE]);
enum fp_error sign_make(const struct secret *seed, struct bytes data,
                        uint8_t out[static SIGN_SIZE]);
// FP_OK when the signature is good; FP_E_UNSEAL_FAILED when not (also of a wrong length).
enum fp_error sign_check(const uint8_t public_key[static SIGN_PUBLIC_SIZE], struct bytes data,
                         struct bytes signature);

#endif
