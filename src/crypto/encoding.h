// Bytes as text and back: hex, base64 and base64url (RFC 4648), base 62 of fixed width. Decoding is
// strict: one text for each value. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CRYPTO_ENCODING_H
#define FP_CRYPTO_ENCODING_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/error.h"

#define BASE62_256 43 // digits for 256 bits
#define BASE62_32  6  // digits for 32 bits

// Lower-case digits and a NUL; out has room for 2 * data.len + 1.
void hex_encode(struct bytes data, char *out);
void hex_append(struct buf *out, struct bytes data);
// Exactly 2 * len digits of either case; FP_E_INPUT_INVALID otherwise (out is then wiped).
enum fp_error hex_decode(struct bytes text, uint8_t *out, size_t len);

// With padding and + /. The buffer keeps an error, as buf.h says.
void base64_append(struct buf *out, struct bytes data);
// Without padding and with - _.
void base64url_append(struct buf *out, struct bytes data);
// Appends the bytes; FP_E_INPUT_INVALID for anything that base64_append() would not have written
// (line breaks, missing padding, set bits behind the end), FP_E_NO_MEMORY, FP_E_LIMIT_EXCEEDED.
enum fp_error base64_decode(struct bytes text, struct buf *out);
enum fp_error base64url_decode(struct bytes text, struct buf *out);

// A number of len bytes, big-endian, as exactly `digits` digits of 0-9A-Za-z, left-padded with 0;
// no NUL. FP_E_LIMIT_EXCEEDED when it does not fit or len is over 64.
enum fp_error base62_encode(struct bytes number, char *out, size_t digits);
// The other way; FP_E_INPUT_INVALID for other characters or a number over len bytes.
enum fp_error base62_decode(struct bytes text, uint8_t *out, size_t len);
// The six digits that end a token: base 62 of the CRC-32 of its random part.
void base62_checksum(struct bytes text, char out[static BASE62_32]);

#endif
