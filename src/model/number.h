// Numbers as text: taken over as they are, never through a float.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_NUMBER_H
#define FP_MODEL_NUMBER_H

#include "base/bytes.h"

#define MODEL_NUMBER_MAX 64 // bytes; more is no quantity and no amount

// The grammar of RFC 8259 section 6, at most MODEL_NUMBER_MAX bytes and four digits of exponent.
bool model_number_valid(struct bytes text);

#endif
