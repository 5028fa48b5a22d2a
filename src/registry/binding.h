// Whether a caller is who a token is bound to: holder of a DPoP key (RFC 9449) or of a client
// certificate (RFC 8705), at one of the token's addresses. And what a new token is bound to.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_BINDING_H
#define FP_REGISTRY_BINDING_H

#include "auth/possession.h"
#include "auth/request_token.h"
#include "registry/registry_int.h"

struct binding_shown {
    const struct possession *possession; // what the caller proved
    struct bytes address;                // of the caller, as text
};

// TOKEN_BINDING_FAILED with {"reason","cause"} in detail, and "nonce" where one is wanted.
// SERVICE_UNAVAILABLE when nothing can be said.
enum fp_error binding_check(struct registry *registry, const struct store_token *row,
                            const struct binding_shown *shown, int64_t now_ms, struct buf *detail);
// What the tokens of this request are bound to: "" where nothing was proved. DPOP_PROOF_INVALID,
// DPOP_NONCE_REQUIRED with {"reason","nonce"} in the job's detail.
enum fp_error binding_of_request(struct registry_job *job, struct oauth_request *request,
                                 char out[static BINDING_TEXT]);
// What RFC 6749 5.1 calls the type of a token with this binding.
const char *binding_token_type(const char *binding);
// The member cnf (RFC 7800) of a token's description; nothing where it is not bound.
void binding_write_cnf(struct json_out *json, const char *binding);

#endif
