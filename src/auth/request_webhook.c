// Reading the body of a new webhook.
// SPDX-License-Identifier: Apache-2.0
#include "auth/request_webhook.h"

#include "auth/json_in.h"
#include "base/limits.h"
#include "model/query.h"

static bool events_wrong(struct json_out *errors)
{
    model_error_row(errors, BYTES("events"), "VALUE_INVALID",
                    "Send an array of names of events, each once.");
    return false;
}

static bool event_name_ok(yyjson_val *entry)
{
    struct bytes name = bytes_of(yyjson_get_str(entry), yyjson_get_len(entry));
    size_t at = 0;
    return yyjson_is_str(entry) && name.len != 0 && !bytes_find(name, ',', &at) &&
           !bytes_find(name, ' ', &at);
}

// ["a","b"] becomes "a b"; which names there are is the registry's to say.
static bool join_events(yyjson_arr_iter *iter, struct arena *arena, struct bytes *out)
{
    yyjson_val *entry = NULL;
    struct buf text;
    bool good = true;
    buf_init(&text, WEBHOOK_EVENTS_TEXT);
    while (good && (entry = yyjson_arr_iter_next(iter)) != NULL) {
        good = event_name_ok(entry);
        if (text.len != 0) {
            buf_append_byte(&text, ' ');
        }
        buf_append_bytes(&text, bytes_of(yyjson_get_str(entry), yyjson_get_len(entry)));
    }
    good = good && buf_error(&text) == FP_OK && text.len != 0;
    *out = good ? arena_copy(arena, buf_bytes(&text)) : (struct bytes){0};
    buf_done(&text);
    return good && out->ptr != NULL;
}

static bool take_events(yyjson_val *root, struct arena *arena, struct json_out *errors,
                        struct bytes *out)
{
    yyjson_val *list = NULL;
    yyjson_arr_iter iter;
    enum json_in_found found = json_in_member(root, "events", &list);
    if (found == JSON_IN_ABSENT || (found == JSON_IN_FOUND && yyjson_is_null(list))) {
        return true;
    }
    return found == JSON_IN_FOUND && yyjson_arr_iter_init(list, &iter) &&
                   join_events(&iter, arena, out)
               ? true
               : events_wrong(errors);
}

enum fp_error webhook_body_parse(struct bytes body, struct arena *arena, struct json_out *errors,
                                 struct fp_note *note, struct webhook_body *out)
{
    static const struct json_in_text url = {"url", NULL, FP_LIMIT_URL_TEXT,
                                            "Send an address of at most 2048 bytes."};
    struct webhook_body found = {0};
    yyjson_val *root = NULL;
    bool good = true;
    enum fp_error error = json_in_parse(body, arena, note, &root);
    if (error == FP_OK && !yyjson_is_obj(root)) {
        fp_note_set(note, "", "The body must be a JSON object.");
        error = FP_E_REQUEST_BODY_INVALID;
    }
    if (error != FP_OK) {
        return error;
    }
    good = json_in_take_text(root, &url, errors, &found.url) && good;
    good = take_events(root, arena, errors, &found.events) && good;
    if (!good) {
        return FP_E_FIELD_INVALID;
    }
    *out = found;
    return FP_OK;
}
