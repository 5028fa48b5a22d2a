// Metadata: merging, sealing, reading.
// SPDX-License-Identifier: Apache-2.0
#include "registry/metadata.h"

#include "connection/life.h"
#include "registry/owner.h"
#include "registry/place.h"
#include "registry/wire.h"

#include <string.h>
#include <yyjson.h>

// 0 where there is none yet.
static enum fp_error metadata_open(struct registry *registry, const struct store_connection *row,
                                   struct arena *arena, struct bytes *out, uint32_t *version_out)
{
    struct store_metadata stored = {0};
    struct seal_place place = place_of_metadata(row->customer, row->id);
    struct secret opened = {0};
    struct bytes copy = {0};
    enum fp_error error = store_get_metadata(registry->parts.store, row->id, arena, &stored);
    if (error == FP_E_STORE_NOT_FOUND) {
        *out = (struct bytes){0};
        *version_out = 0;
        return FP_OK;
    }
    error = error != FP_OK ? error
                           : keyring_open(registry->parts.ring, &place, stored.content, &opened);
    if (error == FP_OK) {
        copy = arena_copy(arena, secret_bytes(&opened));
        error = copy.ptr != NULL || opened.len == 0 ? FP_OK : FP_E_NO_MEMORY;
    }
    secret_done(&opened);
    if (error == FP_OK) {
        *out = copy;
        *version_out = stored.version;
    }
    return error;
}

enum fp_error metadata_read(struct registry *registry, const struct store_connection *row,
                            struct arena *arena, struct bytes *out)
{
    uint32_t version = 0;
    return metadata_open(registry, row, arena, out, &version);
}

static bool metadata_depth_fits(struct bytes object)
{
    return object.len <= FP_LIMIT_METADATA_JSON && json_depth_within(object, 2);
}

// All entries of old that new does not name, then those of new. counts how many.
static size_t metadata_merge(yyjson_val *old_root, yyjson_val *new_root, struct json_out *out)
{
    size_t count = 0;
    yyjson_obj_iter iter;
    yyjson_val *key = NULL;
    json_begin_object(out);
    iter = yyjson_obj_iter_with(old_root);
    while (old_root != NULL && (key = yyjson_obj_iter_next(&iter)) != NULL) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (yyjson_obj_getn(new_root, yyjson_get_str(key), yyjson_get_len(key)) == NULL) {
            json_name_bytes(out, bytes_of(yyjson_get_str(key), yyjson_get_len(key)));
            json_text(out, bytes_of(yyjson_get_str(value), yyjson_get_len(value)));
            count++;
        }
    }
    iter = yyjson_obj_iter_with(new_root);
    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        json_name_bytes(out, bytes_of(yyjson_get_str(key), yyjson_get_len(key)));
        json_text(out, bytes_of(yyjson_get_str(value), yyjson_get_len(value)));
        count++;
    }
    json_end_object(out);
    return count;
}

static bool metadata_is_texts(yyjson_val *root)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(root);
    yyjson_val *key = NULL;
    if (!yyjson_is_obj(root)) {
        return false;
    }
    while ((key = yyjson_obj_iter_next(&iter)) != NULL) {
        if (!yyjson_is_str(yyjson_obj_iter_get_val(key)) || yyjson_get_len(key) == 0) {
            return false;
        }
    }
    return true;
}

// The merged object in merged. Views of the JSON library end here.
static enum fp_error metadata_merged(struct registry_job *job, struct bytes old, struct bytes fresh,
                                     struct buf *merged)
{
    struct json_out json = json_out_start(merged);
    yyjson_doc *old_doc = old.len != 0 ? yyjson_read((const char *)old.ptr, old.len, 0) : NULL;
    yyjson_doc *new_doc =
        metadata_depth_fits(fresh) ? yyjson_read((const char *)fresh.ptr, fresh.len, 0) : NULL;
    enum fp_error error = FP_OK;
    if (new_doc == NULL || !metadata_is_texts(yyjson_doc_get_root(new_doc))) {
        error = job_field(job, "metadata", "It must be an object of texts.");
    } else if (metadata_merge(yyjson_doc_get_root(old_doc), yyjson_doc_get_root(new_doc), &json) >
               FP_LIMIT_METADATA_ENTRIES) {
        error = job_field(job, "metadata", "Too many entries: at most 50.");
    } else if (buf_error(merged) == FP_E_LIMIT_EXCEEDED) {
        error = job_field(job, "metadata", "Too large: at most 16384 bytes as JSON.");
    } else {
        error = buf_error(merged);
    }
    yyjson_doc_free(old_doc);
    yyjson_doc_free(new_doc);
    return error;
}

// version: of what was read; whoever was faster undoes the batch, and the job merges anew.
static enum fp_error metadata_store(struct registry_job *job, const struct store_connection *row,
                                    struct bytes object, uint32_t version)
{
    struct seal_place place = place_of_metadata(row->customer, row->id);
    struct store_metadata stored = {.changed_ms = job->now_ms, .version = version};
    struct buf sealed;
    enum fp_error error = FP_OK;
    buf_init(&sealed, FP_LIMIT_METADATA_JSON + SEAL_OVERHEAD);
    error = keyring_seal(job->registry->parts.ring, &place, object, &sealed);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        memcpy(stored.connection, row->id, sizeof stored.connection);
        stored.content = buf_bytes(&sealed);
        if (version == 0) {
            store_insert_metadata(job_batch(job), &stored);
        } else {
            store_update_metadata(job_batch(job), &stored);
        }
    }
    buf_done(&sealed);
    return error;
}

static enum fp_error metadata_set(struct registry_job *job)
{
    const struct metadata_change *input = job->input;
    struct owner *owner = arena_alloc(job->scratch, 1, sizeof *owner);
    struct json_out json = json_out_start(&job->body);
    struct wire_connection wire = {0};
    struct bytes old = {0};
    struct buf merged;
    uint32_t version = 0;
    enum fp_error error = owner != NULL ? FP_E_CONNECTION_NOT_FOUND : FP_E_NO_MEMORY;
    if (owner == NULL || !id_valid(input->connection, "con")) {
        return error;
    }
    error = owner_find(job, input->connection, input->application, owner);
    if (error == FP_OK && owner->connection.state >= CONNECTION_DISCONNECTED) {
        error = FP_E_STATE_CONFLICT;
    }
    error = error != FP_OK
                ? error
                : metadata_open(job->registry, &owner->connection, job->scratch, &old, &version);
    buf_init(&merged, FP_LIMIT_METADATA_JSON);
    error = error != FP_OK ? error : metadata_merged(job, old, input->object, &merged);
    error = error != FP_OK ? error
                           : metadata_store(job, &owner->connection, buf_bytes(&merged), version);
    if (error == FP_OK) {
        wire.row = &owner->connection;
        wire.metadata = buf_bytes(&merged);
        wire.used_ms = registry_last_use(job->registry, owner->connection.id);
        json_begin_object(&json);
        json_name(&json, "data");
        wire_write_connection(&json, &wire);
        json_end_object(&json);
        job_record(job, AUDIT_METADATA_SET)->customer = bytes_of_text(owner->connection.customer);
    }
    buf_done(&merged);
    return error;
}

void registry_metadata_set(struct registry *registry, const struct registry_caller *caller,
                           const struct metadata_change *change, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct metadata_change *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *change;
        job_keep(job, &input->application);
        job_keep(job, &input->connection);
        job_keep(job, &input->object);
    }
    job_run(job, metadata_set);
}
