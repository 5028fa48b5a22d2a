// Rendering of templates.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/template.h"

#include "base/json_out.h"
#include "model/url.h"

static const char *const template_names[SLOT_COUNT] = {
    [SLOT_CREDENTIAL] = "credentials",
    [SLOT_SESSION] = "session",
    [SLOT_ID] = "id",
    [SLOT_METHOD] = "method",
    [SLOT_PARAMS] = "params",
    [SLOT_OBJECT] = "object",
    [SLOT_FILTER] = "filter",
    [SLOT_OFFSET] = "offset",
    [SLOT_LIMIT] = "limit",
    [SLOT_ORDER] = "order",
    [SLOT_FIELDS] = "fields",
    [SLOT_CONTEXT] = "context",
    [SLOT_EACH] = "each",
    [SLOT_KEY] = "key",
    [SLOT_CLAUSES] = "clauses",
    [SLOT_FIELD] = "field",
    [SLOT_OPERATOR] = "operator",
    [SLOT_VALUE] = "value",
    [SLOT_DIRECTION] = "direction",
    [SLOT_RECORD] = "record",
    [SLOT_RECORDS] = "records",
    [SLOT_KEYS] = "keys",
    [SLOT_ONE] = "one",
    [SLOT_PAGE] = "page",
    [SLOT_CURSOR] = "cursor",
};

const char *template_slot_name(enum template_slot slot)
{
    return slot < SLOT_COUNT ? template_names[slot] : NULL;
}

bool template_has(const struct template *t, enum template_slot slot)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (t->parts[i].slot == slot) {
            return true;
        }
    }
    return false;
}

static bool template_is_clean(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

// The inside of a JSON string: written by the JSON writer, without its quotes.
static void template_string(struct bytes text, struct buf *out)
{
    struct buf quoted;
    buf_init_sensitive(&quoted, text.len * 6 + 2);
    struct json_out j = json_out_start(&quoted);
    json_text(&j, text.ptr == NULL ? BYTES("") : text);
    buf_append_bytes(out, bytes_slice(buf_bytes(&quoted), 1, quoted.len >= 2 ? quoted.len - 2 : 0));
    buf_done(&quoted);
}

static enum fp_error template_put(const struct template_part *part,
                                  const struct template_value *value, struct buf *out)
{
    struct json_out j = json_out_start(out);
    switch (part->mode) {
    case TEMPLATE_JSON:
        if (value->json) {
            buf_append_bytes(out, value->bytes);
        } else {
            json_text(&j, value->bytes.ptr == NULL ? BYTES("") : value->bytes);
        }
        return FP_OK;
    case TEMPLATE_STRING:
        template_string(value->bytes, out);
        return FP_OK;
    case TEMPLATE_URL:
    case TEMPLATE_PLAIN:
        break;
    }
    if (!template_is_clean(value->bytes)) {
        return FP_E_INPUT_INVALID;
    }
    if (part->mode == TEMPLATE_URL) {
        url_encode(out, value->bytes);
    } else {
        buf_append_bytes(out, value->bytes);
    }
    return FP_OK;
}

enum fp_error template_render(const struct template *t, template_lookup *lookup, void *ctx,
                              struct buf *out)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct template_part *part = &t->parts[i];
        struct template_value value = {0};
        buf_append_bytes(out, part->literal);
        if (part->slot == SLOT_NONE) {
            continue;
        }
        if (!lookup(ctx, part->slot, part->index, &value)) {
            if (part->mode == TEMPLATE_JSON) {
                buf_append_text(out, "null");
            }
            continue;
        }
        enum fp_error error = template_put(part, &value, out);
        if (error != FP_OK) {
            return error;
        }
    }
    return buf_error(out);
}
