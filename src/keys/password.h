// Passwords of operators: Argon2id (RFC 9106), written as one text with its costs and salt. Takes a
// tenth of a second and 64 MiB: never on a room's loop.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_KEYS_PASSWORD_H
#define FP_KEYS_PASSWORD_H

#include "base/bytes.h"
#include "base/error.h"

#define PASSWORD_TEXT 160 // bytes of what is stored, without its NUL

// The text to be stored. FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED.
enum fp_error password_make(struct bytes password, char out[static PASSWORD_TEXT + 1]);
// Whether it is the password of a stored text. An empty stored text costs as much time and is
// never right, so that nobody learns whether there is such an account.
enum fp_error password_check(const char *stored, struct bytes password, bool *right_out);
// What is wrong with a new password, for people; NULL: nothing. Length and a list of what guessers
// try first; context (may be empty) are words that it must not be made of: the e-mail address.
const char *password_fault(struct bytes password, struct bytes context);

#endif
