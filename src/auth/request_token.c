// Reading a token request.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_token.h"

#include "auth/json_in.h"
#include "base/limits.h"
#include "crypto/encoding.h"
#include "model/url.h"

#include <string.h>

#define PARAMETERS_MAX 32  // in a form; the endpoint knows three
#define BASIC_MAX      512 // bytes of decoded Basic credentials, percent-encoded inside

// The parameters that are read; others are ignored (RFC 6749 3.2).
enum token_parameter { PARAMETER_GRANT, PARAMETER_ID, PARAMETER_SECRET, PARAMETER_COUNT };

static const char *const parameter_names[PARAMETER_COUNT] = {
    [PARAMETER_GRANT] = "grant_type",
    [PARAMETER_ID] = "client_id",
    [PARAMETER_SECRET] = "client_secret",
};

struct token_parameters {
    struct bytes values[PARAMETER_COUNT]; // ptr NULL: not sent
};

bool media_type_is(struct bytes content_type, const char *type)
{
    struct bytes rest = content_type, piece = {0};
    return bytes_split(&rest, ';', &piece) &&
           bytes_equal_nocase(bytes_trim(piece), bytes_of_text(type));
}

static enum fp_error parameters_put(struct token_parameters *p, struct bytes name,
                                    struct bytes value, struct fp_note *note)
{
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        if (!bytes_equal_text(name, parameter_names[i])) {
            continue;
        }
        if (p->values[i].ptr != NULL) {
            fp_note_set(note, parameter_names[i], "%s stands more than once.", parameter_names[i]);
            return FP_E_OAUTH_REQUEST_INVALID;
        }
        // RFC 6749 3.2: a parameter without a value counts as left out
        p->values[i] = value.len != 0 ? value : (struct bytes){0};
    }
    return FP_OK;
}

static enum fp_error parameters_from_form(struct bytes body, struct arena *arena,
                                          struct fp_note *note, struct token_parameters *out)
{
    struct bytes rest = body, pair = {0};
    unsigned count = 0;
    while (body.len != 0 && bytes_split(&rest, '&', &pair)) {
        struct bytes value = pair, raw_name = {0}, name = {0};
        enum fp_error error = FP_OK;
        if (++count > PARAMETERS_MAX) {
            fp_note_set(note, "", "There are more than %d parameters.", PARAMETERS_MAX);
            return FP_E_OAUTH_REQUEST_INVALID;
        }
        if (!bytes_split(&value, '=', &raw_name) || value.ptr == NULL) {
            value = BYTES("");
        }
        error = url_decode(raw_name, true, arena, &name);
        if (error == FP_OK) {
            error = url_decode(value, true, arena, &value);
        }
        if (error == FP_E_INPUT_INVALID) {
            fp_note_set(note, "", "The form is not percent-encoded UTF-8.");
            return FP_E_OAUTH_REQUEST_INVALID;
        }
        if (error == FP_OK) {
            error = parameters_put(out, name, value, note);
        }
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error parameters_from_json(struct bytes body, struct arena *arena,
                                          struct fp_note *note, struct token_parameters *out)
{
    yyjson_val *root = NULL, *key = NULL, *value = NULL;
    size_t index = 0, count = 0;
    enum fp_error error = json_in_parse(body, arena, note, &root);
    if (error != FP_OK) {
        return error == FP_E_REQUEST_BODY_INVALID ? FP_E_OAUTH_REQUEST_INVALID : error;
    }
    if (!yyjson_is_obj(root)) {
        fp_note_set(note, "", "The body must be a JSON object.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    yyjson_obj_foreach(root, index, count, key, value)
    {
        struct bytes name = bytes_of(yyjson_get_str(key), yyjson_get_len(key));
        if (yyjson_is_str(value)) {
            error = parameters_put(out, name,
                                   bytes_of(yyjson_get_str(value), yyjson_get_len(value)), note);
        } else {
            for (int i = 0; i < PARAMETER_COUNT; i++) {
                if (bytes_equal_text(name, parameter_names[i])) {
                    fp_note_set(note, parameter_names[i], "%s must be text.", parameter_names[i]);
                    return FP_E_OAUTH_REQUEST_INVALID;
                }
            }
        }
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

// RFC 6749 2.3.1: id and secret are form-encoded before they become user and password of RFC 7617.
static enum fp_error client_from_basic(struct bytes encoded, struct arena *arena,
                                       struct token_request *out)
{
    struct buf plain;
    struct bytes secret = {0}, id = {0};
    enum fp_error error = FP_OK;
    buf_init_sensitive(&plain, BASIC_MAX);
    error = base64_decode(encoded, &plain);
    if (error == FP_OK) {
        secret = arena_copy(arena, buf_bytes(&plain));
        error = secret.ptr == NULL ? FP_E_NO_MEMORY : FP_OK;
    }
    buf_done(&plain);
    if (error == FP_OK && (!bytes_split(&secret, ':', &id) || secret.ptr == NULL)) {
        error = FP_E_CLIENT_INVALID;
    }
    if (error == FP_OK) {
        error = url_decode(id, true, arena, &out->client_id);
    }
    if (error == FP_OK) {
        error = url_decode(secret, true, arena, &out->client_secret);
    }
    return error == FP_OK || error == FP_E_NO_MEMORY ? error : FP_E_CLIENT_INVALID;
}

// Who asks: by header or in the body, never both.
static enum fp_error client_find(struct bytes authorization, const struct token_parameters *p,
                                 struct arena *arena, struct fp_note *note,
                                 struct token_request *out)
{
    static const struct bytes scheme = {(const uint8_t *)"Basic ", 6};
    out->client_id = p->values[PARAMETER_ID];
    out->client_secret = p->values[PARAMETER_SECRET];
    if (authorization.len == 0) {
        return FP_OK;
    }
    if (p->values[PARAMETER_SECRET].ptr != NULL) {
        fp_note_set(note, "", "Send the client's secret once: by header or in the body.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    if (!bytes_equal_nocase(bytes_slice(authorization, 0, scheme.len), scheme)) {
        return FP_E_CLIENT_INVALID;
    }
    enum fp_error error = client_from_basic(
        bytes_trim(bytes_slice(authorization, scheme.len, authorization.len)), arena, out);
    if (error == FP_OK && p->values[PARAMETER_ID].ptr != NULL &&
        !bytes_equal(p->values[PARAMETER_ID], out->client_id)) {
        fp_note_set(note, "client_id", "client_id is another one than in the header.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    return error;
}

static enum fp_error parameters_read(const struct token_request_source *source, struct arena *arena,
                                     struct fp_note *note, struct token_parameters *out)
{
    if (media_type_is(source->content_type, "application/x-www-form-urlencoded")) {
        return parameters_from_form(source->body, arena, note, out);
    }
    if (media_type_is(source->content_type, "application/json")) {
        return parameters_from_json(source->body, arena, note, out);
    }
    fp_note_set(note, "", "Send application/x-www-form-urlencoded or application/json.");
    return FP_E_OAUTH_REQUEST_INVALID;
}

enum fp_error token_request_parse(const struct token_request_source *source, struct arena *arena,
                                  struct fp_note *note, struct token_request *out)
{
    struct token_parameters parameters = {0};
    struct token_request request = {0};
    enum fp_error error = parameters_read(source, arena, note, &parameters);
    if (error != FP_OK) {
        return error;
    }
    if (parameters.values[PARAMETER_GRANT].ptr == NULL) {
        fp_note_set(note, "grant_type", "grant_type is missing.");
        return FP_E_OAUTH_REQUEST_INVALID;
    }
    if (!bytes_equal_text(parameters.values[PARAMETER_GRANT], "client_credentials")) {
        return FP_E_GRANT_UNSUPPORTED;
    }
    error = client_find(source->authorization, &parameters, arena, note, &request);
    if (error != FP_OK) {
        return error;
    }
    if (request.client_id.len == 0 || request.client_secret.len == 0 ||
        request.client_id.len > FP_LIMIT_ID_TEXT ||
        request.client_secret.len > FP_LIMIT_TOKEN_TEXT) {
        return FP_E_CLIENT_INVALID;
    }
    *out = request;
    return FP_OK;
}
