// Grants that give a connection's tokens, as builds of jobs whose input is a struct oauth_request.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_GRANT_H
#define FP_REGISTRY_GRANT_H

#include "registry/oauth.h"
#include "registry/owner.h"

enum fp_error grant_code(struct registry_job *job);         // code.c
enum fp_error grant_refresh(struct registry_job *job);      // refresh.c
enum fp_error inspect_revoke(struct registry_job *job);     // inspect.c
enum fp_error inspect_introspect(struct registry_job *job); // inspect.c

// An access token and a refresh token of one connection, made together.
struct grant_plan {
    const struct owner *owner;     // the connection and its application
    const char *family;            // grt_...
    const char *scopes;            // of the refresh token
    const char *access_scopes;     // of the access token, within scopes
    const uint8_t *access_random;  // NULL: fresh
    const uint8_t *refresh_random; // NULL: fresh
    const char *binding;           // of the access token; the refresh token keeps it as a reminder
};
struct grant_pair {
    char access[TOKEN_TEXT_SIZE];   // the tokens themselves: wipe them
    char refresh[TOKEN_TEXT_SIZE];  // see above
    struct store_token access_row;  // their rows
    struct store_token refresh_row; // see above
};
// Adds both to the job's batch and records. What mint_token() says.
enum fp_error grant_mint(struct registry_job *job, const struct grant_plan *plan,
                         struct grant_pair *out);
// The answer of RFC 6749 5.1.
void grant_write(struct registry_job *job, const struct grant_pair *pair);
// GRANT_INVALID with its reason, and a record of the refusal that nothing waits for. token_id: of
// the row that was found, or NULL.
enum fp_error grant_refuse(struct registry_job *job, const char *token_id, const char *reason);
// Something that works once was shown again: the family ends, and once that is written the answer
// is GRANT_INVALID.
enum fp_error grant_reused(struct registry_job *job, const char *token_id, const char *connection,
                           const char *family);
// The connection and its application, where it can be used; GRANT_INVALID where not.
enum fp_error grant_find_owner(struct registry_job *job, const char *token_id,
                               const char *connection, const char *application, struct owner *out);

#endif
