// Whose a token is or becomes: a connection or an application, read and proven.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_OWNER_H
#define FP_REGISTRY_OWNER_H

#include "auth/token_text.h"
#include "registry/registry_int.h"

struct owner {
    bool is_connection;                   // else an application
    struct store_connection connection;   // where it is one
    struct store_application application; // itself, or the connection's
    enum token_environment environment;   // the application's
};

// application: only if it belongs to this one; empty: any. Fills job->application and
// job->connection. CONNECTION_NOT_FOUND, APPLICATION_NOT_FOUND.
enum fp_error owner_find(struct registry_job *job, struct bytes id, struct bytes application,
                         struct owner *out);
// The rows, proven. FP_E_CONNECTION_NOT_FOUND or FP_E_APPLICATION_NOT_FOUND where there is none,
// FP_E_UNSEAL_FAILED where somebody else wrote it.
enum fp_error owner_get_connection(struct registry *registry, struct bytes id,
                                   struct store_connection *out);
enum fp_error owner_get_application(struct registry *registry, struct bytes id,
                                    struct store_application *out);
// What an operator's list asks of the store: one page of rows behind the id `after`, of one
// application or (both may be empty) of all. The bytes are kept by job_keep(), and pointed to.
// FP_OK, or what owner_get_application() says of the application.
enum fp_error owner_list_query(struct registry *registry, struct bytes application,
                               struct bytes after, struct store_query *out);

#endif
