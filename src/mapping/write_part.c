// Changing a part of a record: its state alone. Published documents call it `status` here and
// `statusKey` there; either is taken for the one that the platform writes.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/write_int.h"

static const struct mapping_write_rule *part_rule(const struct mapping_write *write,
                                                  struct bytes name)
{
    const struct model_field *field = model_field_find(write->entity, name);
    return field != NULL ? &write->rules[field - write->entity->fields] : NULL;
}

// The member's own rule where the platform writes it, else the other name's.
static const struct mapping_write_rule *part_state_rule(const struct mapping_write *write,
                                                        bool is_key)
{
    const struct mapping_write_rule *key = part_rule(write, BYTES("statusKey"));
    const struct mapping_write_rule *text = part_rule(write, BYTES("status"));
    const struct mapping_write_rule *own = is_key ? key : text;
    const struct mapping_write_rule *other = is_key ? text : key;
    if (own != NULL && own->target.len != 0) {
        return own;
    }
    return other != NULL && (own == NULL || other->target.len != 0) ? other : own;
}

void write__state(struct writer *w, const struct mapping_write *write, yyjson_val *object,
                  struct buf *out)
{
    yyjson_val *name = NULL;
    yyjson_val *value = NULL;
    size_t index = 0;
    size_t max = 0;
    unsigned found = 0;
    yyjson_obj_foreach(object, index, max, name, value)
    {
        struct bytes text = bytes_of(yyjson_get_str(name), yyjson_get_len(name));
        bool is_key = bytes_equal_text(text, "statusKey");
        const struct mapping_write_rule *rule = part_state_rule(write, is_key);
        struct json_out j = json_out_start(out);
        if (rule == NULL || (!is_key && !bytes_equal_text(text, "status"))) {
            write__wrong(w, write__name_shown(text), "FIELD_UNKNOWN",
                         "Here the state alone is changed: send statusKey.");
        } else if (found++ != 0) {
            write__wrong(w, text, "FIELD_REPEATED", "Send one of status and statusKey, once.");
        } else {
            json_text(&j, rule->target);
            buf_append_byte(out, ':');
            write__value(w, rule, value, false, out);
        }
    }
    if (found == 0) {
        write__wrong(w, BYTES("statusKey"), "FIELD_REQUIRED", "Send the state that it gets.");
    }
}
