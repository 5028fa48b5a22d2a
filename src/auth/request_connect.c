// Reading the bodies about connect links.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_connect.h"

#include "auth/json_in.h"
#include "base/limits.h"
#include "crypto/encoding.h"
#include "model/query.h"

#define CONNECT_ENC   65                               // bytes of an uncompressed point
#define CONNECT_TEXT  (FP_LIMIT_CREDENTIALS_JSON + 16) // ciphertext and tag
#define CONNECT_PAGES 1000                             // of a list of platforms

static enum fp_error body_object(struct bytes body, struct arena *arena, struct fp_note *note,
                                 yyjson_val **out)
{
    enum fp_error error = json_in_parse(body, arena, note, out);
    if (error == FP_OK && !yyjson_is_obj(*out)) {
        fp_note_set(note, "", "The body must be a JSON object.");
        error = FP_E_REQUEST_BODY_INVALID;
    }
    return error;
}

// A member that may be left out; null counts as left out.
static bool take_optional(yyjson_val *root, const struct json_in_text *rule,
                          struct json_out *errors, struct bytes *out)
{
    yyjson_val *value = NULL;
    if (json_in_member(root, rule->name, &value) == JSON_IN_ABSENT || yyjson_is_null(value)) {
        return true;
    }
    return json_in_take_text(root, rule, errors, out);
}

static bool platforms_wrong(struct json_out *errors, const char *text)
{
    model_error_row(errors, BYTES("platforms"), "VALUE_INVALID", text);
    return false;
}

// ["a","b"] becomes "a,b"; what a name may look like is the registry's to say.
static bool take_platforms(yyjson_val *root, struct arena *arena, struct json_out *errors,
                           struct bytes *out)
{
    yyjson_val *list = NULL, *entry = NULL;
    yyjson_arr_iter iter;
    struct buf text;
    bool good = true;
    switch (json_in_member(root, "platforms", &list)) {
    case JSON_IN_ABSENT:
        return true;
    case JSON_IN_REPEATED:
        return platforms_wrong(errors, "This field stands more than once.");
    case JSON_IN_FOUND:
    default:
        break;
    }
    if (yyjson_is_null(list)) {
        return true;
    }
    if (!yyjson_arr_iter_init(list, &iter)) {
        return platforms_wrong(errors, "Send an array of names of platforms.");
    }
    buf_init(&text, FP_LIMIT_LINK_PLATFORMS_TEXT);
    while (good && (entry = yyjson_arr_iter_next(&iter)) != NULL) {
        struct bytes name = bytes_of(yyjson_get_str(entry), yyjson_get_len(entry));
        size_t comma = 0;
        good = yyjson_is_str(entry) && name.len != 0 && !bytes_find(name, ',', &comma);
        if (text.len != 0) {
            buf_append_byte(&text, ',');
        }
        buf_append_bytes(&text, name);
    }
    good = good && buf_error(&text) == FP_OK;
    *out = good ? arena_copy(arena, buf_bytes(&text)) : (struct bytes){0};
    buf_done(&text);
    return good ? true : platforms_wrong(errors, "Send an array of names of platforms.");
}

static bool take_seconds(yyjson_val *root, struct json_out *errors, uint32_t *out)
{
    yyjson_val *value = NULL;
    if (json_in_member(root, "expires_in", &value) == JSON_IN_ABSENT || yyjson_is_null(value)) {
        return true;
    }
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) == 0 ||
        yyjson_get_uint(value) > FP_LIMIT_CONNECT_LINK_EXPIRY_MAX) {
        model_error_row(errors, BYTES("expires_in"), "VALUE_INVALID",
                        "Send a number of seconds from 1 to 2592000.");
        return false;
    }
    *out = (uint32_t)yyjson_get_uint(value);
    return true;
}

enum fp_error connect_link_body_parse(struct bytes body, struct arena *arena,
                                      struct json_out *errors, struct fp_note *note,
                                      struct connect_link_body *out)
{
    static const struct json_in_text name = {"name", NULL, FP_LIMIT_NAME_TEXT,
                                             "Send 1 to 200 bytes of text."};
    static const struct json_in_text email = {"email", NULL, FP_LIMIT_EMAIL_TEXT,
                                              "Send an e-mail address."};
    static const struct json_in_text connection = {"connection", NULL, FP_LIMIT_ID_TEXT,
                                                   "Send the id of a connection."};
    static const struct json_in_text url = {"return_url", NULL, FP_LIMIT_RETURN_URL_TEXT,
                                            "Send an address of at most 1024 bytes."};
    struct connect_link_body found = {0};
    yyjson_val *root = NULL;
    bool good = true;
    enum fp_error error = body_object(body, arena, note, &root);
    if (error != FP_OK) {
        return error;
    }
    good = json_in_take_text(root, &name, errors, &found.name) && good;
    good = json_in_take_text(root, &email, errors, &found.email) && good;
    good = take_platforms(root, arena, errors, &found.platforms) && good;
    good = take_optional(root, &connection, errors, &found.connection) && good;
    good = take_optional(root, &url, errors, &found.return_url) && good;
    good = take_seconds(root, errors, &found.expires_in_s) && good;
    if (!good) {
        return FP_E_FIELD_INVALID;
    }
    *out = found;
    return FP_OK;
}

// A text of at most max bytes, absent or empty as the page leaves it.
static bool page_text(yyjson_val *root, const char *name, size_t max, struct bytes *out)
{
    yyjson_val *value = NULL;
    enum json_in_found found = json_in_member(root, name, &value);
    if (found == JSON_IN_ABSENT) {
        return true;
    }
    if (found != JSON_IN_FOUND || !yyjson_is_str(value) || yyjson_get_len(value) > max) {
        return false;
    }
    *out = bytes_of(yyjson_get_str(value), yyjson_get_len(value));
    return true;
}

static bool page_decoded(yyjson_val *root, const char *name, size_t max, struct arena *arena,
                         struct bytes *out)
{
    struct bytes text = {0};
    struct buf raw;
    bool good = page_text(root, name, max * 4 / 3 + 2, &text) && text.len != 0;
    buf_init(&raw, max);
    good = good && base64url_decode(text, &raw) == FP_OK;
    if (good) {
        *out = arena_copy(arena, buf_bytes(&raw));
        good = out->ptr != NULL;
    }
    buf_done(&raw);
    return good;
}

static bool page_number(yyjson_val *root, unsigned *out)
{
    yyjson_val *value = NULL;
    *out = 1;
    if (json_in_member(root, "page", &value) == JSON_IN_ABSENT) {
        return true;
    }
    if (!yyjson_is_uint(value) || yyjson_get_uint(value) == 0 ||
        yyjson_get_uint(value) > CONNECT_PAGES) {
        return false;
    }
    *out = (unsigned)yyjson_get_uint(value);
    return true;
}

enum fp_error connect_page_body_parse(struct bytes body, bool send, struct arena *arena,
                                      struct fp_note *note, struct connect_page_body *out)
{
    struct connect_page_body found = {0};
    yyjson_val *root = NULL;
    bool good = true;
    enum fp_error error = body_object(body, arena, note, &root);
    if (error != FP_OK) {
        return error;
    }
    good =
        page_text(root, "link", FP_LIMIT_TOKEN_TEXT, &found.link) && page_number(root, &found.page);
    if (good && send) {
        good = page_text(root, "platform", FP_LIMIT_PLATFORM_TEXT, &found.platform) &&
               page_text(root, "name", FP_LIMIT_NAME_TEXT, &found.name) &&
               page_text(root, "email", FP_LIMIT_EMAIL_TEXT, &found.email) &&
               page_decoded(root, "enc", CONNECT_ENC, arena, &found.enc) &&
               page_decoded(root, "sealed", CONNECT_TEXT, arena, &found.sealed);
    }
    if (!good) {
        fp_note_set(note, "", "This is not what a connect page sends.");
        return FP_E_REQUEST_BODY_INVALID;
    }
    *out = found;
    return FP_OK;
}
