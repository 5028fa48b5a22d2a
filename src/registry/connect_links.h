// Connect links: each opens the connect page for one customer, until it is used once or expires.
// The link's token is shown when it is made and kept as a hash; the row is authenticated as tokens
// are. Besides links that an application makes, a browser that comes through /oauth/authorize gets
// one, with what has to be given back to the client. SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONNECT_LINKS_H
#define FP_REGISTRY_CONNECT_LINKS_H

#include "auth/token_text.h"
#include "registry/registry_int.h"

// What a link is made of. Empty texts are left out.
struct connect_link_plan {
    enum store_link_kind kind;   // who it is for
    struct bytes application;    // app_..., must exist
    struct bytes name;           // customer's; must not be empty where kind is INVITED
    struct bytes email;          // customer's; as name
    struct bytes platforms;      // names with commas; empty: all
    struct bytes connection;     // con_... of the application, to connect it anew
    struct bytes return_url;     // https, or http to this machine; empty: the page stays
    struct bytes redirect_uri;   // OAUTH: where code and state go; checked by the caller
    bool redirect_named;         // OAUTH: the request named it
    struct bytes oauth_state;    // OAUTH: given back
    struct bytes code_challenge; // OAUTH: S256
    struct bytes scopes;         // OAUTH
    uint32_t expires_in_s;       // 0: FP_LIMIT_CONNECT_LINK_EXPIRY
};

// As part of a job: the row goes into its batch, a record of it into its records. text_out is the
// link's token; the caller wipes it. FP_E_FIELD_INVALID with rows in the job's errors;
// APPLICATION_NOT_FOUND, CONNECTION_NOT_FOUND, STATE_CONFLICT (a connection that has ended),
// TOO_MANY_CONNECT_LINKS, NO_MEMORY.
enum fp_error connect_link_make(struct registry_job *job, const struct connect_link_plan *plan,
                                struct store_connect_link *row_out,
                                char text_out[static TOKEN_TEXT_SIZE]);
// The row of a link's token, which works at now_ms. CONNECT_LINK_UNKNOWN; CONNECT_LINK_EXPIRED,
// CONNECT_LINK_USED and CONNECT_LINK_EXHAUSTED also write the row.
enum fp_error connect_link_find(struct registry *registry, struct bytes token, int64_t now_ms,
                                struct store_connect_link *out);
// The same by its id.
enum fp_error connect_link_get(struct registry *registry, struct bytes id, int64_t now_ms,
                               struct store_connect_link *out);
// As part of a job: it led to this connection and works no more. Of two jobs that burn the same
// link at once the store lets one through; the other is built again and finds it used.
enum fp_error connect_link_burn(struct registry_job *job, struct store_connect_link *row,
                                const char *connection);

// A record that names the link, among the job's.
enum fp_error connect_link_record(struct registry_job *job, enum audit_action action,
                                  const struct store_connect_link *row);

// The operation of an application: {"data":{"id","url","name","email","platforms","connection",
// "return_url","expires_at"}}; the url holds the token and is shown this once.
void registry_connect_link_create(struct registry *registry, const struct registry_caller *caller,
                                  const struct connect_link_plan *plan, registry_done *done,
                                  void *ctx);

#endif
