// Ending tokens, for the other files of the registry.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_REVOKE_H
#define FP_REGISTRY_REVOKE_H

#include "registry/registry_int.h"

// A token's row by its id, proven; fills job->application and job->connection. TOKEN_NOT_FOUND.
enum fp_error revoke_get(struct registry_job *job, struct bytes id, struct store_token *out);
// Ends one, at once; with a refresh token goes its whole family (RFC 7009 2.1). Sessions of its
// connection are dropped.
enum fp_error revoke_end(struct registry_job *job, struct store_token *row, const char *reason);
// Ends a token that nobody used for too long; nothing waits for it.
void revoke_unused(struct registry *registry, const char *token_id);

#endif
