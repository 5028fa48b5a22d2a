// Checks what a customer typed against the fields of the platform, before anything is sent.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "client/url.h"
#include "driver/driver.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

static void credentials_row(struct json_out *errors, const char *name, const char *code,
                            const char *message)
{
    char field[100];
    (void)snprintf(field, sizeof field, "credentials.%.80s", name);
    model_error_row(errors, bytes_of_text(field), code, message);
}

static bool credentials_characters(const struct mapping_credential *c, struct bytes value)
{
    bool limited = false;
    for (unsigned i = 0; i < 256; i++) {
        limited = limited || c->characters[i];
    }
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = value.ptr[i];
        if (byte < 0x20 || byte == 0x7f || (limited && !c->characters[byte])) {
            return false;
        }
    }
    return true;
}

static bool credentials_value(const struct mapping_credential *c, yyjson_val *value,
                              struct json_out *errors)
{
    struct client_url url;
    struct fp_note note = {0};
    size_t query = 0;
    if (!yyjson_is_str(value)) {
        credentials_row(errors, c->name, "TYPE_INVALID", "Send a text.");
        return false;
    }
    struct bytes text = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
    if (text.len == 0 || text.len > c->max) {
        credentials_row(errors, c->name, "LENGTH_INVALID",
                        text.len == 0 ? "The field is empty." : "The field is too long.");
        return false;
    }
    if (!credentials_characters(c, text)) {
        credentials_row(errors, c->name, "CHARACTER_INVALID",
                        "The field holds a character that cannot stand there.");
        return false;
    }
    if (c->kind == CREDENTIAL_URL && client_url_check(text, &url, &note) != FP_OK) {
        credentials_row(errors, c->name, "URL_INVALID", note.text);
        return false;
    }
    if (c->kind == CREDENTIAL_URL && bytes_find(text, '?', &query)) {
        credentials_row(errors, c->name, "URL_INVALID",
                        "Leave out what follows the question mark.");
        return false;
    }
    return true;
}

static bool credentials_known(const struct mapping *m, const char *name)
{
    for (unsigned i = 0; i < m->credential_count; i++) {
        if (strcmp(m->credentials[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool credentials_fields(const struct mapping *m, yyjson_val *root, struct json_out *errors)
{
    bool good = true;
    yyjson_val *key = NULL;
    yyjson_val *value = NULL;
    size_t index = 0;
    size_t max = 0;
    for (unsigned i = 0; i < m->credential_count; i++) {
        const struct mapping_credential *c = &m->credentials[i];
        yyjson_val *field = yyjson_obj_get(root, c->name);
        if (field != NULL) {
            good = credentials_value(c, field, errors) && good;
        } else if (!c->optional) {
            credentials_row(errors, c->name, "FIELD_MISSING", "The platform needs this field.");
            good = false;
        }
    }
    yyjson_obj_foreach(root, index, max, key, value)
    {
        if (!credentials_known(m, yyjson_get_str(key))) {
            credentials_row(errors, yyjson_get_str(key), "FIELD_UNKNOWN",
                            "The platform has no such field.");
            good = false;
        }
    }
    return good;
}

static void *credentials_malloc(void *ctx, size_t size)
{
    return arena_alloc(ctx, 1, size);
}

static void *credentials_realloc(void *ctx, void *old, size_t old_size, size_t size)
{
    void *fresh = arena_alloc(ctx, 1, size);
    if (fresh != NULL && old != NULL) {
        memcpy(fresh, old, old_size < size ? old_size : size);
    }
    return fresh;
}

static void credentials_free(void *ctx, void *block)
{
    (void)ctx;
    (void)block;
}

enum fp_error driver_check_credentials(const struct mapping *mapping, struct bytes credentials,
                                       struct json_out *errors)
{
    struct arena *arena = arena_create(1u << 20, true);
    enum fp_error error = FP_E_REQUEST_BODY_INVALID;
    if (arena == NULL) {
        return FP_E_NO_MEMORY;
    }
    yyjson_alc alc = {credentials_malloc, credentials_realloc, credentials_free, arena};
    char *copy = arena_text(arena, credentials);
    yyjson_doc *doc = NULL;
    if (copy != NULL && credentials.len <= FP_LIMIT_CREDENTIALS_JSON &&
        json_depth_within(credentials, 4)) {
        doc = yyjson_read_opts(copy, credentials.len, 0, &alc, NULL);
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    if (yyjson_is_obj(root)) {
        error = credentials_fields(mapping, root, errors) ? FP_OK : FP_E_FIELD_INVALID;
    }
    arena_free(arena);
    return error;
}
