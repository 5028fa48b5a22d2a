// The first operator's one-time link, for fishplate init.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_INIT_OPERATOR_H
#define FP_CLI_INIT_OPERATOR_H

#include "base/buf.h"
#include "base/note.h"
#include "config/config.h"
#include "keys/master.h"

// Opens the installation that was just made and invites its first owner: the link is appended.
// master is taken over.
enum fp_error init_operator_link(const struct config *config, struct master_key *master,
                                 struct buf *out, struct fp_note *note);

#endif
