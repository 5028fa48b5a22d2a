// Hex, base64 (RFC 4648 section 4 and 5), base 62 of fixed width.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/encoding.h"

#include "base/mem.h"
#include "crypto/digest.h"

#include <string.h>

#define BASE62_MAX 64 // bytes of a number

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base62_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void hex_encode(struct bytes data, char *out)
{
    for (size_t i = 0; i < data.len; i++) {
        *out++ = hex_digits[data.ptr[i] >> 4];
        *out++ = hex_digits[data.ptr[i] & 15];
    }
    *out = '\0';
}

void hex_append(struct buf *out, struct bytes data)
{
    uint8_t *at = buf_reserve(out, 2 * data.len);
    if (at != NULL) {
        for (size_t i = 0; i < data.len; i++) {
            at[2 * i] = (uint8_t)hex_digits[data.ptr[i] >> 4];
            at[2 * i + 1] = (uint8_t)hex_digits[data.ptr[i] & 15];
        }
        buf_commit(out, 2 * data.len);
    }
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum fp_error hex_decode(struct bytes text, uint8_t *out, size_t len)
{
    if (text.len != 2 * len) {
        return FP_E_INPUT_INVALID;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.ptr[2 * i]), low = hex_value(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            mem_wipe(out, len);
            return FP_E_INPUT_INVALID;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return FP_OK;
}

static void base64_write(struct buf *out, struct bytes data, const char *digits, bool pad)
{
    for (size_t i = 0; i < data.len; i += 3) {
        size_t n = data.len - i < 3 ? data.len - i : 3;
        uint32_t bits = (uint32_t)data.ptr[i] << 16;
        uint8_t four[4] = {'=', '=', '=', '='};
        bits |= n > 1 ? (uint32_t)data.ptr[i + 1] << 8 : 0;
        bits |= n > 2 ? data.ptr[i + 2] : 0;
        for (size_t k = 0; k <= n; k++) {
            four[k] = (uint8_t)digits[bits >> (18 - 6 * k) & 63];
        }
        buf_append(out, four, pad ? 4 : n + 1);
    }
}

void base64_append(struct buf *out, struct bytes data)
{
    base64_write(out, data, base64_digits, true);
}

void base64url_append(struct buf *out, struct bytes data)
{
    base64_write(out, data, base64url_digits, false);
}

static int digit_value(const char *digits, uint8_t c)
{
    const char *at = c != 0 ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

// One group of 2 to 4 digits, without padding; the bits behind the last byte must be zero.
static enum fp_error base64_group(struct bytes group, const char *digits, struct buf *out)
{
    uint32_t bits = 0;
    uint8_t three[3];
    size_t n = group.len - 1; // bytes
    if (group.len < 2) {
        return FP_E_INPUT_INVALID;
    }
    for (size_t i = 0; i < group.len; i++) {
        int value = digit_value(digits, group.ptr[i]);
        if (value < 0) {
            return FP_E_INPUT_INVALID;
        }
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    if ((bits & (((uint32_t)1 << (24 - 8 * n)) - 1)) != 0) {
        return FP_E_INPUT_INVALID;
    }
    three[0] = (uint8_t)(bits >> 16);
    three[1] = (uint8_t)(bits >> 8);
    three[2] = (uint8_t)bits;
    buf_append(out, three, n);
    mem_wipe(three, sizeof three);
    return FP_OK;
}

static enum fp_error base64_read(struct bytes text, const char *digits, struct buf *out)
{
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < text.len && error == FP_OK; i += 4) {
        error = base64_group(bytes_slice(text, i, 4), digits, out);
    }
    return error == FP_OK ? buf_error(out) : error;
}

enum fp_error base64_decode(struct bytes text, struct buf *out)
{
    size_t padding = 0;
    if (text.len % 4 != 0) {
        return FP_E_INPUT_INVALID;
    }
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=') {
        padding++;
    }
    return base64_read(bytes_slice(text, 0, text.len - padding), base64_digits, out);
}

enum fp_error base64url_decode(struct bytes text, struct buf *out)
{
    return base64_read(text, base64url_digits, out);
}

enum fp_error base62_encode(struct bytes number, char *out, size_t digits)
{
    uint8_t rest[BASE62_MAX];
    enum fp_error error = FP_OK;
    uint8_t left = 0;
    if (number.len > sizeof rest) {
        return FP_E_LIMIT_EXCEEDED;
    }
    memcpy(rest, number.ptr, number.len);
    for (size_t d = digits; d-- > 0;) {
        unsigned remainder = 0;
        for (size_t i = 0; i < number.len; i++) {
            unsigned value = remainder << 8 | rest[i];
            rest[i] = (uint8_t)(value / 62);
            remainder = value % 62;
        }
        out[d] = base62_digits[remainder];
    }
    for (size_t i = 0; i < number.len; i++) {
        left |= rest[i];
    }
    if (left != 0) {
        mem_wipe(out, digits);
        error = FP_E_LIMIT_EXCEEDED;
    }
    mem_wipe(rest, sizeof rest);
    return error;
}

enum fp_error base62_decode(struct bytes text, uint8_t *out, size_t len)
{
    enum fp_error error = FP_OK;
    memset(out, 0, len);
    for (size_t d = 0; d < text.len && error == FP_OK; d++) {
        int value = digit_value(base62_digits, text.ptr[d]);
        unsigned carry = (unsigned)value;
        for (size_t i = len; i-- > 0 && value >= 0;) {
            carry += out[i] * 62u;
            out[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (value < 0 || carry != 0) {
            error = FP_E_INPUT_INVALID;
        }
    }
    if (error != FP_OK) {
        mem_wipe(out, len);
    }
    return error;
}

void base62_checksum(struct bytes text, char out[static BASE62_32])
{
    uint32_t crc = crc32_ieee(text);
    for (size_t d = BASE62_32; d-- > 0; crc /= 62) {
        out[d] = base62_digits[crc % 62];
    }
}
