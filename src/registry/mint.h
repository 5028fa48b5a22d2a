// Making tokens and ending them, as part of a job.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_MINT_H
#define FP_REGISTRY_MINT_H

#include "auth/token_text.h"
#include "registry/registry_int.h"

struct mint_plan {
    struct token_text form;  // kind and environment
    const char *owner;       // connection or application
    const char *application; // whose, in the end
    const char *scopes;      // checked; "" becomes everything
    int64_t expires_ms;      // 0: never
    const char *family;      // grt_..., or NULL: it stands alone
    const uint8_t *random;   // TOKEN_RANDOM bytes to make it of, or NULL: fresh ones
    const char *binding;     // auth/possession.h; NULL or "": whoever holds it
    const char *addresses;   // checked CIDRs; NULL or "": all
};

// A new token: its row goes into the job's batch, a record of its issue into the job's records.
// text_out is the token itself; the caller wipes it. FP_E_TOO_MANY_TOKENS beyond
// FP_LIMIT_TOKENS_PER_CONNECTION live ones, FP_E_NO_MEMORY, FP_E_CRYPTO_FAILED.
enum fp_error mint_token(struct registry_job *job, const struct mint_plan *plan,
                         struct store_token *row_out, char text_out[static TOKEN_TEXT_SIZE]);
// Ends every living token of an owner at job->now_ms, with a word of reason.h.
enum fp_error mint_end_all(struct registry_job *job, const char *owner, const char *reason);
// Ends every living token of a family.
enum fp_error mint_end_family(struct registry_job *job, const char *owner, const char *family,
                              const char *reason);
// Ends one; at_ms may lie ahead (an overlap). Does nothing to one that has ended already.
enum fp_error mint_end(struct registry_job *job, struct store_token *row, const char *reason,
                       int64_t at_ms);
// When a token of a connection issued now expires, by configuration; 0: never.
int64_t mint_default_expiry(const struct registry_job *job);

#endif
