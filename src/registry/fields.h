// Checks of the texts that people give, at the command line and in the API: what is wrong with
// them, or NULL.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_FIELDS_H
#define FP_REGISTRY_FIELDS_H

#include "base/bytes.h"

// UTF-8 without control characters, not blank, at most NAME_TEXT bytes.
const char *fields_wrong_name(struct bytes name);
// One @ with something before it and a name with no blanks behind it, at most EMAIL_TEXT bytes, no
// control characters. Whether the address works is not ours to know.
const char *fields_wrong_email(struct bytes email);
// Lower-case letters, digits and dashes, at most 64.
const char *fields_wrong_platform(struct bytes platform);
// An address that goes nowhere by surprise: https, or http on this very machine; ASCII, no user's
// name, no fragment, at most max bytes.
const char *fields_wrong_url(struct bytes url, size_t max);
// Lower case where ASCII: how customers are told apart. Both of EMAIL_TEXT + 1 bytes.
void fields_fold_email(struct bytes email, char *out, size_t size);

#endif
