// Reading parameters.
// SPDX-License-Identifier: Apache-2.0
#include "auth/parameters.h"

#include "auth/json_in.h"
#include "model/url.h"

#define PARAMETERS_MAX 32 // of one request; no endpoint knows half as many

static void parameters_put(struct parameters *p, struct bytes name, struct bytes value)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (bytes_equal_text(name, p->names[i])) {
            p->repeated |= p->seen & (1u << i);
            p->seen |= 1u << i;
            p->values[i] = value.len != 0 ? value : (struct bytes){0};
        }
    }
}

enum fp_error parameters_form(struct parameters *p, struct bytes text, struct arena *arena,
                              struct fp_note *note)
{
    struct bytes rest = text, pair = {0};
    unsigned count = 0;
    while (text.len != 0 && bytes_split(&rest, '&', &pair)) {
        struct bytes value = pair, raw_name = {0}, name = {0};
        enum fp_error error = FP_OK;
        if (++count > PARAMETERS_MAX) {
            fp_note_set(note, "", "There are more than %d parameters.", PARAMETERS_MAX);
            return FP_E_INPUT_INVALID;
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
        }
        if (error != FP_OK) {
            return error;
        }
        parameters_put(p, name, value);
    }
    return FP_OK;
}

static bool parameters_know(const struct parameters *p, struct bytes name)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (bytes_equal_text(name, p->names[i])) {
            return true;
        }
    }
    return false;
}

enum fp_error parameters_json(struct parameters *p, struct bytes text, struct arena *arena,
                              struct fp_note *note)
{
    yyjson_val *root = NULL, *key = NULL, *value = NULL;
    size_t index = 0, count = 0;
    enum fp_error error = json_in_parse(text, arena, note, &root);
    if (error != FP_OK) {
        return error == FP_E_REQUEST_BODY_INVALID ? FP_E_INPUT_INVALID : error;
    }
    if (!yyjson_is_obj(root)) {
        fp_note_set(note, "", "The body must be a JSON object.");
        return FP_E_INPUT_INVALID;
    }
    yyjson_obj_foreach(root, index, count, key, value)
    {
        struct bytes name = bytes_of(yyjson_get_str(key), yyjson_get_len(key));
        if (!yyjson_is_str(value) && parameters_know(p, name)) {
            fp_note_set(note, "", "%.*s must be text.", (int)name.len, (const char *)name.ptr);
            return FP_E_INPUT_INVALID;
        }
        parameters_put(p, name, bytes_of(yyjson_get_str(value), yyjson_get_len(value)));
    }
    return FP_OK;
}
