// Who shows a token, and whether it works: the exact reason where it does not, with evidence. Reads
// two rows at most, allocates nothing.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CHECK_H
#define FP_REGISTRY_CHECK_H

#include "auth/token_text.h"
#include "base/buf.h"
#include "registry/registry.h"

struct registry_identity {
    struct token_text form;             // from the text
    struct store_token token;           // its row
    struct store_connection connection; // of a connection's token; else zeroed
    uint64_t epoch;                     // registry_epoch() at the check
};

// needed: TOKEN_KIND_CONNECTION or TOKEN_KIND_APPLICATION. On refusal *out still holds the rows
// that were found (zeroed otherwise), for the record, and detail gets a JSON object with evidence;
// nothing about a token that is unknown. TOKEN_MALFORMED, TOKEN_UNKNOWN, TOKEN_REVOKED,
// TOKEN_SUPERSEDED, TOKEN_EXPIRED, TOKEN_KIND_WRONG, REAUTHORIZATION_REQUIRED,
// CONNECTION_DISCONNECTED; STORE_UNAVAILABLE and such where it cannot be known.
enum fp_error registry_identify(struct registry *registry, struct bytes token,
                                enum token_kind needed, int64_t now_ms,
                                struct registry_identity *out, struct buf *detail);
// The row that belongs to a token of any kind, and nothing more is checked. TOKEN_MALFORMED,
// TOKEN_UNKNOWN.
enum fp_error registry_find_token(struct registry *registry, struct bytes token,
                                  struct registry_identity *out);
// The caller as audit records name it; views point into identity.
struct registry_caller registry_caller_of(const struct registry_identity *identity,
                                          struct bytes request_id, struct bytes address);
// Records a refusal of a token, at most so many a second; nothing waits for it.
void registry_refused(struct registry *registry, const struct registry_identity *identity,
                      const struct registry_caller *caller, enum fp_error error, int64_t now_ms);
// A connection's evidence as members of an object: connection, status, reason, since.
void registry_evidence(const struct store_connection *row, struct buf *detail);

#endif
