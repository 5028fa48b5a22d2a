// A PKCS#11 token, spoken to in a short-lived process of its own: a module runs nowhere else.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_HSM_H
#define FP_CLI_HSM_H

#include "base/buf.h"
#include "base/note.h"
#include "config/config.h"
#include "keys/master.h"

// The master key behind a descriptor, unwrapped by the token of the configuration. secret: the PIN
// on the way in, the key (MASTER_KEY_SIZE bytes) on the way out; sensitive. FP_E_PASSPHRASE_WRONG
// for a wrong PIN, FP_E_KEY_INVALID with a note for whatever else is in the way.
enum fp_error hsm_unwrap(const struct config *config, int fd, struct buf *secret,
                         struct fp_note *note);
// A new master key in a new file, wrapped by the token's key, which is made where it is not there.
// secret as above. FP_E_EXISTS when the file is there.
enum fp_error hsm_make(const struct config *config, int dir_fd, const char *name,
                       struct buf *secret, struct fp_note *note);

#endif
