// Authorization codes (RFC 6749 4.1.2): issued by the connect page once a connection stands. What
// is needed to answer a browser that came through /oauth/authorize is in its connect link.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CODE_H
#define FP_REGISTRY_CODE_H

#include "auth/request_authorize.h"
#include "registry/registry_int.h"

#define CODE_LOCATION 8192 // bytes of a whole answer through a redirect URI, at most

// As part of a job: a code for this connection, bound to the link's application, redirect URI,
// challenge and scopes; good for FP_LIMIT_CODE_LIFE seconds, once. location_out, a sensitive buffer
// of CODE_LOCATION, becomes where the browser goes: redirect_uri?code&state&iss. The link must be
// of kind STORE_LINK_OAUTH. NO_MEMORY and what the keyring says.
enum fp_error code_issue(struct registry_job *job, const struct store_connect_link *link,
                         const char *connection, struct buf *location_out);
// Where the browser goes when it came to nothing: redirect_uri?error&error_description&state&iss.
void code_refusal(const struct registry *registry, const struct store_connect_link *link,
                  enum authorize_fault fault, struct buf *location_out);

#endif
