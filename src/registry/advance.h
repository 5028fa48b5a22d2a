// Moving a connection along its life as part of a job.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_ADVANCE_H
#define FP_REGISTRY_ADVANCE_H

#include "connection/life.h"
#include "registry/registry_int.h"

// Moves the row along and puts it, proven anew, into the job's batch; step says what came out. The
// job forgets the connection's sessions where that is an effect. FP_E_STATE_CONFLICT and what the
// parts say.
enum fp_error advance_connection(struct registry_job *job, struct store_connection *row,
                                 const struct connection_event *event,
                                 struct connection_step *step);

#endif
