// Words and errors of ended tokens.
// SPDX-License-Identifier: Apache-2.0
#include "registry/reason.h"

enum fp_error reason_error(struct bytes reason)
{
    if (bytes_equal_text(reason, REASON_SUPERSEDED)) {
        return FP_E_TOKEN_SUPERSEDED;
    }
    if (bytes_equal_text(reason, REASON_DISCONNECTED)) {
        return FP_E_CONNECTION_DISCONNECTED;
    }
    return FP_E_TOKEN_REVOKED;
}
