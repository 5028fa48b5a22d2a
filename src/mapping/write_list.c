// Lists inside of a record that is written: what is added, changed and removed.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "mapping/value.h"
#include "mapping/write_int.h"

#include <string.h>

struct write_line {
    struct bytes key;     // JSON of one key
    struct bytes record;  // JSON object
    struct bytes records; // objects with commas
    struct bytes keys;    // keys with commas
};

static bool write_line_lookup(void *ctx, enum template_slot slot, unsigned index,
                              struct template_value *out)
{
    const struct write_line *line = ctx;
    (void)index;
    switch (slot) {
    case SLOT_KEY:
        *out = (struct template_value){line->key, true};
        return true;
    case SLOT_RECORD:
        *out = (struct template_value){line->record, true};
        return true;
    case SLOT_RECORDS:
        *out = (struct template_value){line->records, true};
        return true;
    case SLOT_KEYS:
        *out = (struct template_value){line->keys, true};
        return true;
    default:
        return false;
    }
}

static void write_command(const struct template *t, struct write_line *line, struct buf *out)
{
    buf_append_text(out, out->len != 0 ? "," : "");
    enum fp_error error = template_render(t, write_line_lookup, line, out);
    if (error != FP_OK && out->error == FP_OK) {
        out->error = error;
    }
}

static void write_key_json(const struct writer *w, struct bytes key, struct buf *out)
{
    struct json_out j = json_out_start(out);
    if (w->job->mapping->wire.values.key == FORM_INTEGER) {
        buf_append_bytes(out, value_is_integer(key) ? key : BYTES("0"));
    } else {
        json_text(&j, key);
    }
}

// The records that the source has in the list; NULL where they are not known or not there.
static yyjson_val *write_there(const struct writer *w, const struct mapping_write_rule *rule)
{
    yyjson_val *list =
        w->job->before != NULL ? value_at(&rule->read->paths[0], w->job->before) : NULL;
    return yyjson_is_arr(list) ? list : NULL;
}

// A record of the source's list: whether it belongs to ours, and its key.
static bool write_there_key(const struct mapping_write_rule *rule, yyjson_val *item,
                            struct bytes *out)
{
    struct bytes only = {0};
    const struct mapping_rule *key = NULL;
    for (unsigned i = 0; i < rule->read->rule_count; i++) {
        if (strcmp(rule->read->rules[i].field->name, "key") == 0) {
            key = &rule->read->rules[i];
        }
    }
    if (key == NULL || key->kind != RULE_PATH ||
        (rule->read->only_path != NULL &&
         !(value_text(value_at(rule->read->only_path, item), &only) &&
           bytes_equal(only, rule->read->only_value)))) {
        return false;
    }
    return value_text(value_at(&key->paths[0], item), out);
}

// How often the list that was sent names the key, among its first `most` elements.
static unsigned write_names_key(yyjson_val *list, struct bytes key, size_t most)
{
    yyjson_val *item = NULL;
    unsigned count = 0;
    size_t index = 0;
    size_t max = 0;
    yyjson_arr_foreach(list, index, max, item)
    {
        struct bytes text = {0};
        if (index < most && value_text(yyjson_obj_get(item, "key"), &text) &&
            bytes_equal(text, key)) {
            count++;
        }
    }
    return count;
}

// Whether the record has an element of this key; while the record is not known: perhaps.
static bool write_has_key(const struct writer *w, const struct mapping_write_rule *rule,
                          struct bytes key)
{
    yyjson_val *item = NULL;
    size_t index = 0;
    size_t max = 0;
    if (w->job->before == NULL) {
        return true;
    }
    yyjson_arr_foreach(write_there(w, rule), index, max, item)
    {
        struct bytes text = {0};
        if (write_there_key(rule, item, &text) && bytes_equal(text, key)) {
            return true;
        }
    }
    return false;
}

static void write_remove(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *list,
                         struct buf *commands)
{
    struct buf keys;
    yyjson_val *item = NULL;
    size_t index = 0;
    size_t max = 0;
    buf_init(&keys, FP_LIMIT_HTTP_BODY);
    yyjson_arr_foreach(write_there(w, rule), index, max, item)
    {
        struct bytes key = {0};
        if (write_there_key(rule, item, &key) && write_names_key(list, key, SIZE_MAX) == 0) {
            buf_append_text(&keys, keys.len != 0 ? "," : "");
            write_key_json(w, key, &keys);
        }
    }
    if (keys.len != 0) {
        struct write_line line = {.keys = buf_bytes(&keys)};
        write_command(&w->job->mapping->wire.line_remove, &line, commands);
    }
    buf_done(&keys);
}

// One element: to be added, or with its key to be changed.
static void write_element(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *list,
                          struct buf *added, struct buf *commands)
{
    struct bytes key = {0};
    yyjson_val *element = yyjson_arr_get(list, w->index);
    yyjson_val *sent = yyjson_obj_get(element, "key");
    bool change = sent != NULL && !yyjson_is_null(sent);
    if (!yyjson_is_obj(element)) {
        write__wrong(w, BYTES(""), "VALUE_INVALID", "Send an object.");
        return;
    }
    if (change && (w->job->create || !yyjson_is_str(sent) || !value_text(sent, &key) ||
                   !write_has_key(w, rule, key) || write_names_key(list, key, w->index) != 0)) {
        write__wrong(
            w, BYTES("key"), "VALUE_INVALID",
            "The record has no element of this key, or it is named twice; leave the key out "
            "to add one.");
        return;
    }
    struct buf record;
    buf_init(&record, FP_LIMIT_RUN_BODY);
    buf_append_byte(&record, '{');
    write__members(w, rule->nested, element, true, !change, &record);
    buf_append_byte(&record, '}');
    if (change) {
        struct buf text;
        buf_init(&text, FP_LIMIT_KEY_TEXT * 6 + 2);
        write_key_json(w, key, &text);
        struct write_line line = {.key = buf_bytes(&text), .record = buf_bytes(&record)};
        write_command(&w->job->mapping->wire.line_change, &line, commands);
        buf_done(&text);
    } else {
        buf_append_text(added, added->len != 0 ? "," : "");
        buf_append_bytes(added, buf_bytes(&record));
    }
    if (buf_error(&record) != FP_OK && commands->error == FP_OK) {
        commands->error = buf_error(&record);
    }
    buf_done(&record);
}

// The whole list as it shall be: elements with a key are changed, others added, those that are not
// named any more removed.
void write__list(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                 struct buf *out)
{
    struct writer inner = *w;
    struct buf added;
    struct buf commands;
    if (w->list != NULL || (!yyjson_is_arr(value) && !yyjson_is_null(value)) ||
        yyjson_arr_size(value) > FP_LIMIT_WRITE_LINES) {
        write__unfit(w, rule, "Send an array of at most 500 objects.");
        return;
    }
    buf_init(&added, FP_LIMIT_RUN_BODY);
    buf_init(&commands, FP_LIMIT_RUN_BODY);
    inner.list = rule->field->name;
    write_remove(&inner, rule, value, &commands);
    for (inner.index = 0; inner.index < yyjson_arr_size(value); inner.index++) {
        write_element(&inner, rule, value, &added, &commands);
    }
    if (added.len != 0) {
        struct write_line line = {.records = buf_bytes(&added)};
        write_command(&w->job->mapping->wire.line_add, &line, &commands);
    }
    w->wrong = inner.wrong;
    buf_append_byte(out, '[');
    buf_append_bytes(out, buf_bytes(&commands));
    buf_append_byte(out, ']');
    if (out->error == FP_OK) {
        out->error = buf_error(&added) != FP_OK ? buf_error(&added) : buf_error(&commands);
    }
    buf_done(&added);
    buf_done(&commands);
}
