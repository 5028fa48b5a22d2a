// Finding owners.
// SPDX-License-Identifier: Apache-2.0
#include "registry/owner.h"

#include "registry/proof.h"

#include <string.h>

enum fp_error owner_get_connection(struct registry *registry, struct bytes id,
                                   struct store_connection *out)
{
    char text[ID_TEXT];
    enum fp_error error = FP_E_CONNECTION_NOT_FOUND;
    if (!id_valid(id, "con") || !bytes_to_text(id, text, sizeof text)) {
        return error;
    }
    error = store_get_connection(registry->parts.store, text, out);
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_CONNECTION_NOT_FOUND;
    }
    return error != FP_OK ? error : proof_check_connection(registry->parts.ring, out);
}

enum fp_error owner_get_application(struct registry *registry, struct bytes id,
                                    struct store_application *out)
{
    char text[ID_TEXT];
    enum fp_error error = FP_E_APPLICATION_NOT_FOUND;
    if (!id_valid(id, "app") || !bytes_to_text(id, text, sizeof text)) {
        return error;
    }
    error = store_get_application(registry->parts.store, text, out);
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_APPLICATION_NOT_FOUND;
    }
    return error != FP_OK ? error : proof_check_application(registry->parts.ring, out);
}

enum fp_error owner_list_query(struct registry *registry, struct bytes application,
                               struct bytes after, struct store_query *out)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_application row = {0};
    enum fp_error error = FP_OK;
    if (application.len != 0) {
        query.application = (const char *)application.ptr;
        error = owner_get_application(registry, application, &row);
    }
    if (after.len != 0) {
        query.after = (const char *)after.ptr;
    }
    if (error == FP_OK) {
        *out = query;
    }
    return error;
}

enum fp_error owner_find(struct registry_job *job, struct bytes id, struct bytes application,
                         struct owner *out)
{
    enum fp_error error = FP_OK;
    struct bytes application_id = id;
    memset(out, 0, sizeof *out);
    out->is_connection = !id_valid(id, "app");
    if (out->is_connection) {
        error = owner_get_connection(job->registry, id, &out->connection);
        // somebody else's connection is none: nothing shows that it exists
        if (error == FP_OK && application.len != 0 &&
            !bytes_equal_text(application, out->connection.application)) {
            error = FP_E_CONNECTION_NOT_FOUND;
        }
        application_id = bytes_of_text(out->connection.application);
    } else if (application.len != 0 && !bytes_equal(application, id)) {
        error = FP_E_APPLICATION_NOT_FOUND;
    }
    if (error == FP_OK) {
        error = owner_get_application(job->registry, application_id, &out->application);
    }
    if (error == FP_OK) {
        error =
            token_environment_parse(bytes_of_text(out->application.environment), &out->environment);
    }
    if (error == FP_OK) {
        memcpy(job->application, out->application.id, sizeof job->application);
        memcpy(job->connection, out->connection.id, sizeof job->connection);
    }
    return error;
}
