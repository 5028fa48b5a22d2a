// Authenticating clients.
// SPDX-License-Identifier: Apache-2.0
#include "registry/client.h"

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "registry/proof.h"

// Tells nothing about which half was wrong.
static enum fp_error client_check(struct registry_job *job, struct bytes client_id,
                                  struct bytes client_secret, struct store_token *row)
{
    uint8_t hash[DIGEST_SIZE];
    struct token_text form = {0};
    enum fp_error error = token_text_parse(client_secret, &form);
    if (error != FP_OK || form.kind != TOKEN_KIND_CLIENT_SECRET) {
        return FP_E_CLIENT_INVALID;
    }
    error = digest_sha256(client_secret, hash);
    error = error != FP_OK ? error : store_find_token(job->registry->parts.store, hash, row);
    error = error != FP_OK ? error : proof_check_token(job->registry->parts.ring, row);
    if (error == FP_E_STORE_NOT_FOUND || error == FP_E_UNSEAL_FAILED) {
        return FP_E_CLIENT_INVALID;
    }
    if (error != FP_OK) {
        return error;
    }
    if (!secret_bytes_equal(bytes_of(hash, sizeof hash), bytes_of(row->hash, STORE_HASH)) ||
        row->kind != TOKEN_KIND_CLIENT_SECRET || !bytes_equal_text(client_id, row->owner) ||
        (row->revoked_ms != 0 && row->revoked_ms <= job->now_ms) ||
        (row->expires_ms != 0 && row->expires_ms <= job->now_ms)) {
        return FP_E_CLIENT_INVALID;
    }
    return FP_OK;
}

static void client_record_refusal(struct registry_job *job, struct bytes client_id)
{
    struct audit_record *record = job_record(job, AUDIT_CLIENT_REFUSE);
    job->record_count--; // not one of the job's: nothing waits for it
    record->actor_id = id_valid(client_id, "app") ? client_id : (struct bytes){0};
    record->result = FP_E_CLIENT_INVALID;
    registry_record_refusal(job->registry, record, job->now_ms);
}

enum fp_error client_authenticate(struct registry_job *job, struct bytes client_id,
                                  struct bytes client_secret, struct owner *out)
{
    struct store_token secret = {0};
    enum fp_error error = client_check(job, client_id, client_secret, &secret);
    if (error == FP_E_CLIENT_INVALID) {
        client_record_refusal(job, client_id);
    }
    error = error != FP_OK ? error : owner_find(job, client_id, client_id, out);
    if (error != FP_OK) {
        return error == FP_E_APPLICATION_NOT_FOUND ? FP_E_CLIENT_INVALID : error;
    }
    registry_note_use(job->registry, secret.id, job->now_ms);
    job->caller.actor = AUDIT_BY_APPLICATION;
    job->caller.actor_id = client_id;
    job->caller.application = client_id;
    return FP_OK;
}
