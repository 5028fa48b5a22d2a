// What a connect page asks of the registry: what the link is for, the key to seal for, whether a
// further attempt is left, and where the browser goes at the end.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONNECT_PAGE_H
#define FP_REGISTRY_CONNECT_PAGE_H

#include "registry/connect_links.h"

// {"data":{"link","application","environment","name","email","platforms","reconnect","expires_at",
// "attempts_left","public_key","info"}}: what the page shows and what it seals with.
enum fp_error registry_connect_link_describe(struct registry *registry,
                                             const struct store_connect_link *link,
                                             struct buf *body);
// Whether this platform may be connected through the link. FP_E_PLATFORM_UNKNOWN.
enum fp_error registry_connect_link_allows(struct registry *registry,
                                           const struct store_connect_link *link,
                                           struct bytes platform);

struct connect_sealed {
    struct bytes platform; // bound as aad
    struct bytes enc;      // HPKE
    struct bytes text;     // HPKE
};
// Opens what the page sealed. Each link has a key pair of its own, derived from a key of the
// installation and the link's id: nothing is kept for it, and any node has it after any restart.
// FP_E_CONNECT_SEAL_INVALID, FP_E_NO_MEMORY, and what the keyring says.
enum fp_error registry_connect_link_open(struct registry *registry,
                                         const struct store_connect_link *link,
                                         const struct connect_sealed *sealed, struct secret *out);
// Counts an attempt: before the credential is tried, so that parallel ones count, too.
// CONNECT_LINK_EXHAUSTED, _USED, _EXPIRED.
void registry_connect_link_attempt(struct registry *registry, const struct registry_caller *caller,
                                   const char *link, registry_done *done, void *ctx);
// As part of a job: what the page is told of its success, into the job's body.
enum fp_error connect_link_answer(struct registry_job *job, const struct store_connect_link *link,
                                  const struct store_connection *connection);

#endif
