// Operations on tokens: issue, list, revoke.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_TOKENS_H
#define FP_REGISTRY_TOKENS_H

#include "registry/registry.h"

struct token_request {
    struct bytes owner;       // con_... or app_...
    struct bytes application; // only if it is this one's; empty: any
    struct bytes scopes;      // empty: everything
    uint32_t expires_in_s;    // 0: the default
    struct bytes binding;     // auth/possession.h; empty: whoever holds it
    struct bytes addresses;   // CIDRs with commas that it works from; empty: all
};

// {"data":{"id","token","access_token","token_type","expires_in",...}}; the token is shown this
// once. CONNECTION_NOT_FOUND, APPLICATION_NOT_FOUND, STATE_CONFLICT with evidence,
// TOO_MANY_TOKENS, FIELD_INVALID.
void registry_token_issue(struct registry *registry, const struct registry_caller *caller,
                          const struct token_request *request, registry_done *done, void *ctx);
// {"data":[token rows]} of one owner, newest first. CONNECTION_NOT_FOUND, APPLICATION_NOT_FOUND.
void registry_token_list(struct registry *registry, const struct registry_caller *caller,
                         struct bytes owner, registry_done *done, void *ctx);
// By the id of its row: {"data":row}. One that has ended already is no failure. By the id of a
// connection or application: all of its living tokens, those of an application's connections
// included, its client secrets not: {"data":{"id","revoked"}}. TOKEN_NOT_FOUND,
// CONNECTION_NOT_FOUND, APPLICATION_NOT_FOUND.
void registry_token_revoke(struct registry *registry, const struct registry_caller *caller,
                           struct bytes token_id, registry_done *done, void *ctx);

#endif
