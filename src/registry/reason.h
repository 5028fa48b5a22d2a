// Why a token stopped working: the words in its row, and the error each of them gives.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REASON_H
#define FP_REGISTRY_REASON_H

#include "base/bytes.h"
#include "base/error.h"

#define REASON_REVOKED      "REVOKED"                 // by the application or an operator
#define REASON_ROTATED      "ROTATED"                 // replaced by a new one, overlap over
#define REASON_REUSED       "REUSED"                  // its refresh token or code was used twice
#define REASON_UNUSED       "UNUSED"                  // not used for as long as the policy allows
#define REASON_SUPERSEDED   "SUPERSEDED"              // the connection was connected again
#define REASON_DISCONNECTED "CONNECTION_DISCONNECTED" // the connection has ended

// TOKEN_SUPERSEDED, CONNECTION_DISCONNECTED, or TOKEN_REVOKED for every other word.
enum fp_error reason_error(struct bytes reason);

#endif
