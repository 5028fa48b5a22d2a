// Moving connections along.
// SPDX-License-Identifier: Apache-2.0
#include "registry/advance.h"

#include "registry/outbox.h"
#include "registry/proof.h"

enum fp_error advance_connection(struct registry_job *job, struct store_connection *row,
                                 const struct connection_event *event, struct connection_step *step)
{
    struct connection_life life = {(enum connection_state)row->state, CONNECTION_REASON_CREATED,
                                   row->changed_ms, row->credential_version};
    enum fp_error error = connection_advance(&life, event, step);
    if (error != FP_OK || !step->changed) {
        return error;
    }
    row->state = step->life.state;
    row->changed_ms = step->life.since_ms;
    if (!bytes_to_text(bytes_of_text(connection_reason_name(step->life.reason)), row->reason,
                       sizeof row->reason)) {
        return FP_E_LIMIT_EXCEEDED;
    }
    error = proof_make_connection(job->registry->parts.ring, row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    store_update_connection(job_batch(job), row);
    job->rights = true;
    error = outbox_connection(job, row);
    if (error != FP_OK) {
        return error;
    }
    return (step->effects & CONNECTION_EFFECT_FORGET) != 0 ? job_forget(job, row->id) : FP_OK;
}
