// Reading the bodies of operations on connections.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_connection.h"

#include "auth/json_in.h"
#include "auth/possession.h"
#include "base/limits.h"
#include "model/query.h"

#include <stdio.h>

#define METADATA_KEY   64   // bytes
#define METADATA_VALUE 1024 // bytes

// Good enough to keep typing errors out; whether it exists nobody can tell by looking.
static bool email_valid(struct bytes email)
{
    size_t at = 0, second = 0, blank = 0;
    struct bytes domain = {0};
    if (!bytes_find(email, '@', &at) || at == 0 || bytes_find(email, ' ', &blank)) {
        return false;
    }
    domain = bytes_slice(email, at + 1, email.len);
    return domain.len != 0 && !bytes_find(domain, '@', &second);
}

static bool take_email(yyjson_val *root, struct json_out *errors, struct bytes *out)
{
    static const struct json_in_text rule = {"email", NULL, FP_LIMIT_EMAIL_TEXT,
                                             "Send an e-mail address."};
    if (!json_in_take_text(root, &rule, errors, out)) {
        return false;
    }
    if (!email_valid(*out)) {
        model_error_row(errors, BYTES("email"), "VALUE_INVALID", rule.syntax);
        return false;
    }
    return true;
}

// false: a row was added, or *error_out says what else went wrong.
static bool take_credentials(yyjson_val *root, struct arena *arena, struct json_out *errors,
                             struct bytes *out, enum fp_error *error_out)
{
    yyjson_val *value = NULL;
    struct bytes field = BYTES("credentials");
    switch (json_in_member(root, "credentials", &value)) {
    case JSON_IN_ABSENT:
        model_error_row(errors, field, "REQUIRED", "This field is required.");
        return false;
    case JSON_IN_REPEATED:
        model_error_row(errors, field, "REPEATED", "This field stands more than once.");
        return false;
    case JSON_IN_FOUND:
    default:
        break;
    }
    if (!yyjson_is_obj(value)) {
        model_error_row(errors, field, "TYPE_INVALID", "This field must be an object.");
        return false;
    }
    *error_out = json_in_write(value, arena, out);
    if (*error_out == FP_OK && out->len > FP_LIMIT_CREDENTIALS_JSON) {
        model_error_row(errors, field, "VALUE_INVALID", "Send at most 16384 bytes.");
        return false;
    }
    return *error_out == FP_OK;
}

enum fp_error connection_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                    struct fp_note *note, struct connection_body *out)
{
    static const struct json_in_text name = {"name", NULL, FP_LIMIT_NAME_TEXT,
                                             "Send 1 to 200 bytes of text."};
    static const struct json_in_text provider = {"provider", NULL, FP_LIMIT_PLATFORM_TEXT,
                                                 "Send the name of a platform."};
    struct connection_body found = {0};
    yyjson_val *root = NULL;
    bool good = true;
    enum fp_error failure = FP_OK;
    enum fp_error error = json_in_parse(body, arena, note, &root);
    if (error != FP_OK) {
        return error;
    }
    if (!yyjson_is_obj(root)) {
        fp_note_set(note, "", "The body must be a JSON object.");
        return FP_E_REQUEST_BODY_INVALID;
    }
    good = json_in_take_text(root, &name, errors, &found.name) && good;
    good = take_email(root, errors, &found.email) && good;
    good = json_in_take_text(root, &provider, errors, &found.provider) && good;
    good = take_credentials(root, arena, errors, &found.credentials, &failure) && good;
    if (failure != FP_OK) {
        return failure;
    }
    if (!good) {
        return FP_E_FIELD_INVALID;
    }
    *out = found;
    return FP_OK;
}

struct metadata_pair {
    struct bytes key;   // not empty
    struct bytes value; // text
};

static bool metadata_is_known(const struct metadata_pair *pairs, size_t count, struct bytes key)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(pairs[i].key, key)) {
            return true;
        }
    }
    return false;
}

// One {"key","value"}; position is 0-based.
static bool metadata_take(yyjson_val *entry, size_t position, struct metadata_pair *pairs,
                          struct json_out *errors)
{
    char key_field[32], value_field[32], field[32];
    struct json_in_text key = {"key", key_field, METADATA_KEY, "Send 1 to 64 bytes of text."};
    struct json_in_text value = {"value", value_field, METADATA_VALUE,
                                 "Send 1 to 1024 bytes of text."};
    bool good = true;
    snprintf(field, sizeof field, "%zu", position);
    snprintf(key_field, sizeof key_field, "%zu.key", position);
    snprintf(value_field, sizeof value_field, "%zu.value", position);
    if (!yyjson_is_obj(entry)) {
        model_error_row(errors, bytes_of_text(field), "TYPE_INVALID",
                        "An entry must be an object with key and value.");
        return false;
    }
    good = json_in_take_text(entry, &key, errors, &pairs[position].key) && good;
    good = json_in_take_text(entry, &value, errors, &pairs[position].value) && good;
    if (good && metadata_is_known(pairs, position, pairs[position].key)) {
        model_error_row(errors, bytes_of_text(key_field), "REPEATED", "This key stands before.");
        good = false;
    }
    return good;
}

static enum fp_error metadata_write(const struct metadata_pair *pairs, size_t count,
                                    struct arena *arena, struct json_out *errors, struct bytes *out)
{
    struct buf text;
    struct json_out j = json_out_start(&text);
    enum fp_error error = FP_OK;
    buf_init(&text, FP_LIMIT_METADATA_JSON);
    json_begin_object(&j);
    for (size_t i = 0; i < count; i++) {
        json_name_bytes(&j, pairs[i].key);
        json_text(&j, pairs[i].value);
    }
    json_end_object(&j);
    error = buf_error(&text);
    if (error == FP_E_LIMIT_EXCEEDED) {
        model_error_row(errors, BYTES("metadata"), "TOO_LARGE", "Send at most 16384 bytes in all.");
        error = FP_E_FIELD_INVALID;
    } else if (error == FP_OK) {
        *out = arena_copy(arena, buf_bytes(&text));
        error = out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&text);
    return error;
}

enum fp_error metadata_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                  struct fp_note *note, struct bytes *metadata_out)
{
    struct metadata_pair pairs[FP_LIMIT_METADATA_ENTRIES] = {0};
    yyjson_val *root = NULL;
    size_t count = 1;
    bool good = true;
    enum fp_error error = json_in_parse(body, arena, note, &root);
    if (error != FP_OK) {
        return error;
    }
    if (yyjson_is_arr(root)) {
        count = yyjson_arr_size(root);
    } else if (!yyjson_is_obj(root)) {
        fp_note_set(note, "", "The body must be an array of objects with key and value.");
        return FP_E_REQUEST_BODY_INVALID;
    }
    if (count > FP_LIMIT_METADATA_ENTRIES) {
        model_error_row(errors, BYTES("metadata"), "TOO_MANY", "Send at most 50 entries.");
        return FP_E_FIELD_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        yyjson_val *entry = yyjson_is_arr(root) ? yyjson_arr_get(root, i) : root;
        good = metadata_take(entry, i, pairs, errors) && good;
    }
    return good ? metadata_write(pairs, count, arena, errors, metadata_out) : FP_E_FIELD_INVALID;
}

enum fp_error token_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                               struct bytes *out)
{
    struct fp_note unused = {0};
    yyjson_val *root = NULL, *cnf = NULL, *value = NULL;
    char text[BINDING_TEXT] = "";
    enum fp_error error =
        body.len != 0 ? json_in_parse(body, arena, &unused, &root) : FP_E_REQUEST_BODY_INVALID;
    *out = (struct bytes){0};
    if (error == FP_E_NO_MEMORY) {
        return error;
    }
    if (error != FP_OK || json_in_member(root, "cnf", &cnf) == JSON_IN_ABSENT) {
        return FP_OK;
    }
    if (json_in_member(cnf, "jkt", &value) == JSON_IN_FOUND &&
        yyjson_get_len(value) == JWK_THUMBPRINT) {
        snprintf(text, sizeof text, "jkt:%s", yyjson_get_str(value));
    }
    if (text[0] == '\0' || yyjson_obj_size(cnf) != 1 || !binding_valid(bytes_of_text(text))) {
        model_error_row(errors, BYTES("cnf"), "VALUE_INVALID",
                        "Send jkt alone: the SHA-256 thumbprint of a key in base64url.");
        return FP_E_FIELD_INVALID;
    }
    *out = arena_copy(arena, bytes_of_text(text));
    return out->ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
}
