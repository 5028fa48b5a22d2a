// The OAuth 2.0 server's operations: tokens for a client secret, a code or a refresh token,
// revocation and introspection; and the authorization endpoint's, which leads to a connect page.
// Answers are those of the RFCs, without our envelope.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_OAUTH_H
#define FP_REGISTRY_OAUTH_H

#include "auth/request_authorize.h"
#include "auth/request_token.h"
#include "registry/registry.h"

// What the client asks for; see enum oauth_task. CLIENT_INVALID, whatever was wrong with it; then
//   client_credentials  RFC 6749 4.4: an application's token
//   authorization_code  RFC 6749 4.1.3: a connection's token and a refresh token. GRANT_INVALID
//   with
//                       the reason in detail; a second redeem ends what came of the first
//   refresh_token       RFC 6749 6: the next pair; the old refresh token ends. Shown again within
//                       FP_LIMIT_REFRESH_RETRY seconds, while its successor is unused, it gives the
//                       same pair; later its family ends. GRANT_INVALID, SCOPE_INVALID
//   revoke              RFC 7009: {}; unknown tokens too. CLIENT_UNAUTHORIZED for another client's
//   introspect          RFC 7662: {"active":false} for all that is not this client's and alive
void registry_oauth(struct registry *registry, const struct registry_caller *caller,
                    const struct oauth_request *request, registry_done *done, void *ctx);

// {"location":"..."}: the connect page, or the client's redirect URI with an error.
// AUTHORIZE_CLIENT_UNKNOWN and AUTHORIZE_REDIRECT_INVALID: nothing may be sent anywhere.
void registry_authorize(struct registry *registry, const struct registry_caller *caller,
                        const struct authorize_request *request, registry_done *done, void *ctx);

#endif
