// Operations on applications, for operators.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_APPLICATIONS_H
#define FP_REGISTRY_APPLICATIONS_H

#include "registry/registry.h"

struct application_request {
    struct bytes name;          // shown to people
    struct bytes environment;   // "live" or "test"
    struct bytes networks;      // private networks its connections may reach, CIDRs with commas
    struct bytes redirect_uris; // where browsers may be sent back to, with blanks; empty: none
    uint32_t access_s;          // life of what codes and refreshes give; 0: the default
    uint32_t refresh_s;         // life of refresh tokens; 0: the default
    bool pkce_optional;         // an old client may leave PKCE out
};

// What an update changes; travels between rooms.
enum application_change {
    APPLICATION_CHANGE_REDIRECT_URIS = 1,
    APPLICATION_CHANGE_ACCESS = 2,
    APPLICATION_CHANGE_REFRESH = 4,
    APPLICATION_CHANGE_PKCE = 8
};
struct application_update {
    struct bytes application;           // app_...
    unsigned changes;                   // of enum application_change
    struct application_request request; // the new values; name, environment, networks are not read
};

// {"data":{"id","client_id","client_secret",...}}: the secret is shown this once. FIELD_INVALID,
// LIMIT_EXCEEDED beyond APPLICATIONS.
void registry_application_create(struct registry *registry, const struct registry_caller *caller,
                                 const struct application_request *request, registry_done *done,
                                 void *ctx);
// {"data":application}. APPLICATION_NOT_FOUND, FIELD_INVALID.
void registry_application_update(struct registry *registry, const struct registry_caller *caller,
                                 const struct application_update *update, registry_done *done,
                                 void *ctx);
// {"data":[application]}, oldest first.
void registry_application_list(struct registry *registry, const struct registry_caller *caller,
                               registry_done *done, void *ctx);
// Ends it with everything that belongs to it: its secrets and tokens first, then its connections
// and customers with their data keys, slice by slice. APPLICATION_NOT_FOUND.
void registry_application_delete(struct registry *registry, const struct registry_caller *caller,
                                 struct bytes application, registry_done *done, void *ctx);

#endif
