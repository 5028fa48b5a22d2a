// What the files of crypto/ share: fetched objects of OpenSSL and one set of contexts per thread.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_CRYPTO_INT_H
#define FP_CRYPTO_CRYPTO_INT_H

#include <openssl/evp.h>

// Fetched once; fetching by name on every use costs more than hashing a token.
struct crypto_objects {
    EVP_MD *sha256;     // SHA-256
    EVP_MAC *hmac;      // HMAC
    EVP_CIPHER *cipher; // AES-256-GCM
};

// Contexts of one thread, freed when it ends.
struct crypto_contexts {
    EVP_MD_CTX *md;       // for digest_sha256()
    EVP_CIPHER_CTX *seal; // set up for encryption
    EVP_CIPHER_CTX *open; // set up for decryption
};

// NULL before crypto_setup(); the objects are read-only.
const struct crypto_objects *crypto__objects(void);
// This thread's; NULL when out of memory or before crypto_setup().
struct crypto_contexts *crypto__contexts(void);

#endif
