// SHA-256, HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869), CRC-32. One-shot functions reuse one
// context per thread. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_DIGEST_H
#define FP_CRYPTO_DIGEST_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/secret.h"

#define DIGEST_SIZE 32 // SHA-256

// All return FP_E_CRYPTO_FAILED when the library fails (out of memory), and nothing else unless
// said.
enum fp_error digest_sha256(struct bytes data, uint8_t out[static DIGEST_SIZE]);
// Of several pieces, one after the other, as if they were joined.
enum fp_error digest_sha256_parts(const struct bytes *parts, size_t count,
                                  uint8_t out[static DIGEST_SIZE]);

// SHA-256 of data that comes in pieces over time.
struct digest;
struct digest *digest_create(void); // NULL when out of memory
void digest_free(struct digest *d); // takes NULL
enum fp_error digest_begin(struct digest *d);
enum fp_error digest_add(struct digest *d, struct bytes data);
// Needs digest_begin() before more.
enum fp_error digest_end(struct digest *d, uint8_t out[static DIGEST_SIZE]);

enum fp_error hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static DIGEST_SIZE]);

// HMAC with one key, many times: the key is set up once (in OpenSSL's own memory).
struct hmac;
enum fp_error hmac_create(struct bytes key, struct hmac **out);
void hmac_free(struct hmac *h); // takes NULL; OpenSSL wipes the key
enum fp_error hmac_run(struct hmac *h, const struct bytes *parts, size_t count,
                       uint8_t out[static DIGEST_SIZE]);

// len bytes (at most 255 * 32, else FP_E_LIMIT_EXCEEDED) derived from key; salt may be empty.
enum fp_error hkdf_sha256(struct bytes key, struct bytes salt, struct bytes info, size_t len,
                          struct secret *out);

// CRC-32 as in IEEE 802.3 and zlib: finds typos, is no security.
uint32_t crc32_ieee(struct bytes data);

#endif
