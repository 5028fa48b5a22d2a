// A new master key for an installation: every data key is rewrapped, page by page, and nothing
// sealed with them changes. Stopped at any moment, it goes on where it was when it is called again
// with the same two keys; until it is done both are needed, and the server does not start.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_MASTER_ROTATION_H
#define FP_REGISTRY_MASTER_ROTATION_H

#include "config/config.h"
#include "keys/master.h"
#include "store/store.h"

// The store's setting while a rotation is under way: raw id of the new master key.
#define MASTER_ROTATION_SETTING "key_rotation"

struct master_rotation_result {
    uint64_t rewrapped; // data keys that this call rewrapped
    uint64_t total;     // data keys there are
    bool was_done;      // the store belonged to the new key already
};

// While no server runs. Recorded in the audit log before and after. FP_E_KEY_OTHER_MASTER when the
// store belongs to neither, or a rotation to another key is under way; and what the parts say.
// Both keys are taken over, also on failure.
struct master_rotation_masters {
    struct master_key *from; // wraps the rows now
    struct master_key *to;   // will
};
enum fp_error master_rotation_run(const struct config *config,
                                  const struct master_rotation_masters *masters,
                                  struct master_rotation_result *out, struct fp_note *note);

// One page of it, for a caller with its own loop: rewraps at most FP_LIMIT_STORE_LIST keys behind
// the cursor, waiting for the store. *finished_out when none is left behind it.
struct master_rotation_cursor {
    char customer[ID_TEXT]; // last one looked at; "" at the beginning
    uint32_t version;       // of its data key
};
enum fp_error master_rotation_page(struct store *store,
                                   const struct master_rotation_masters *masters,
                                   struct master_rotation_cursor *cursor,
                                   struct master_rotation_result *result, bool *finished_out);

#endif
