// Tokens come to be and end.
// SPDX-License-Identifier: Apache-2.0
#include "registry/mint.h"

#include "auth/scopes.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "registry/proof.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)

int64_t mint_default_expiry(const struct registry_job *job)
{
    uint32_t days = job->registry->parts.config->token_days;
    return days == 0 ? 0 : job->now_ms + days * DAY_MS;
}

static enum fp_error mint_within_limit(struct registry_job *job, const struct mint_plan *plan)
{
    struct store_query query = {.owner = plan->owner, .family = ""};
    uint64_t count = 0;
    enum fp_error error = FP_OK;
    if (plan->form.kind != TOKEN_KIND_CONNECTION || plan->family != NULL) {
        return FP_OK;
    }
    error = store_count(job->registry->parts.store, STORE_TOKEN, &query, &count);
    if (error == FP_OK && count >= FP_LIMIT_TOKENS_PER_CONNECTION) {
        error = FP_E_TOO_MANY_TOKENS;
    }
    return error;
}

static enum fp_error mint_fill(struct registry_job *job, const struct mint_plan *plan,
                               const char *text, struct store_token *row)
{
    const char *scopes = plan->scopes[0] != '\0' ? plan->scopes : SCOPES_ALL;
    enum fp_error error = digest_sha256(bytes_of_text(text), row->hash);
    id_make("tok", job->now_ms, row->id);
    row->kind = (uint32_t)plan->form.kind;
    if (!bytes_to_text(bytes_of_text(plan->owner), row->owner, sizeof row->owner) ||
        !bytes_to_text(bytes_of_text(plan->application), row->application,
                       sizeof row->application) ||
        !bytes_to_text(bytes_of_text(plan->family), row->family, sizeof row->family) ||
        !bytes_to_text(bytes_of_text(plan->binding), row->binding, sizeof row->binding) ||
        !bytes_to_text(bytes_of_text(plan->addresses), row->addresses, sizeof row->addresses) ||
        !bytes_to_text(bytes_of_text(scopes), row->scopes, sizeof row->scopes)) {
        error = FP_E_LIMIT_EXCEEDED;
    }
    row->created_ms = job->now_ms;
    row->expires_ms = plan->expires_ms;
    row->version = 1;
    return error != FP_OK ? error : proof_make_token(job->registry->parts.ring, row);
}

enum fp_error mint_token(struct registry_job *job, const struct mint_plan *plan,
                         struct store_token *row_out, char text_out[static TOKEN_TEXT_SIZE])
{
    uint8_t random[TOKEN_RANDOM];
    struct store_token row = {0};
    struct store_batch *batch = job_batch(job);
    const char *id = NULL;
    enum fp_error error = batch != NULL ? mint_within_limit(job, plan) : FP_E_NO_MEMORY;
    if (error != FP_OK) {
        return error;
    }
    if (plan->random != NULL) {
        memcpy(random, plan->random, sizeof random);
    } else {
        random_bytes(random, sizeof random);
    }
    token_text_make(plan->form, random, text_out);
    mem_wipe(random, sizeof random);
    error = mint_fill(job, plan, text_out, &row);
    id = error == FP_OK ? arena_text(job->scratch, bytes_of_text(row.id)) : NULL;
    if (id == NULL) {
        mem_wipe(text_out, TOKEN_TEXT_SIZE);
        return error != FP_OK ? error : FP_E_NO_MEMORY;
    }
    store_insert_token(batch, &row);
    job_record(job, AUDIT_TOKEN_ISSUE)->token = bytes_of_text(id);
    *row_out = row;
    return FP_OK;
}

enum fp_error mint_end(struct registry_job *job, struct store_token *row, const char *reason,
                       int64_t at_ms)
{
    struct store_batch *batch = job_batch(job);
    enum fp_error error = FP_OK;
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (row->revoked_ms != 0 && row->revoked_ms <= at_ms) {
        return FP_OK;
    }
    row->revoked_ms = at_ms;
    if (!bytes_to_text(bytes_of_text(reason), row->reason, sizeof row->reason)) {
        return FP_E_LIMIT_EXCEEDED;
    }
    error = proof_make_token(job->registry->parts.ring, row);
    if (error == FP_OK) {
        store_update_token(batch, row);
        job->rights = true;
    }
    return error;
}

static enum fp_error mint_end_found(struct registry_job *job, struct store_query query,
                                    const char *reason)
{
    struct store_token *rows = NULL;
    size_t count = 0;
    enum fp_error error = FP_OK;
    query.limit = FP_LIMIT_STORE_LIST;
    do {
        error = store_list_tokens(job->registry->parts.store, &query, job->scratch, &rows, &count);
        for (size_t i = 0; error == FP_OK && i < count; i++) {
            bool alive = rows[i].expires_ms == 0 || rows[i].expires_ms > job->now_ms;
            // a row that is not ours is no token; it must not become one here
            if (alive && proof_check_token(job->registry->parts.ring, &rows[i]) == FP_OK) {
                error = mint_end(job, &rows[i], reason, job->now_ms);
            }
        }
        query.after = count != 0 ? rows[count - 1].id : NULL;
    } while (error == FP_OK && count == FP_LIMIT_STORE_LIST);
    return error;
}

enum fp_error mint_end_all(struct registry_job *job, const char *owner, const char *reason)
{
    return mint_end_found(job, (struct store_query){.owner = owner}, reason);
}

enum fp_error mint_end_family(struct registry_job *job, const char *owner, const char *family,
                              const char *reason)
{
    return mint_end_found(job, (struct store_query){.owner = owner, .family = family}, reason);
}
