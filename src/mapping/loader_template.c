// From YAML to templates and paths.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/json_out.h"
#include "base/limits.h"

#include <string.h>

#define TEMPLATE_PARTS 64

struct template_builder {
    struct loader *l;                           // for errors and memory
    struct buf literal;                         // since the last hole
    struct template_part parts[TEMPLATE_PARTS]; // so far
    unsigned count;                             // of parts
    unsigned slots;                             // holes that may stand here
};

static enum fp_error builder_flush(struct template_builder *b, enum template_slot slot,
                                   unsigned index, enum template_mode mode)
{
    struct bytes literal = {0};
    if (buf_error(&b->literal) != FP_OK) {
        return buf_error(&b->literal);
    }
    literal = arena_copy(b->l->arena, buf_bytes(&b->literal));
    if (literal.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    b->parts[b->count++] = (struct template_part){literal, slot, index, mode};
    buf_clear(&b->literal);
    return FP_OK;
}

// The place of a name among the credential fields or the kept values.
static bool builder_index(const struct mapping *m, enum template_slot slot, struct bytes name,
                          unsigned *out)
{
    unsigned count = slot == SLOT_CREDENTIAL ? m->credential_count : m->wire.kept_count;
    for (unsigned i = 0; i < count; i++) {
        const char *known = slot == SLOT_CREDENTIAL ? m->credentials[i].name : m->wire.kept[i];
        if (bytes_equal_text(name, known)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static enum template_slot builder_slot(struct bytes word)
{
    for (unsigned i = 1; i < SLOT_COUNT; i++) {
        if (bytes_equal_text(word, template_slot_name((enum template_slot)i))) {
            return (enum template_slot)i;
        }
    }
    return SLOT_NONE;
}

// One hole: "filter", "session.company".
static enum fp_error builder_hole(struct template_builder *b, const struct yaml_node *node,
                                  struct bytes name, enum template_mode mode)
{
    struct bytes rest = name;
    struct bytes word = {0};
    unsigned index = 0;
    (void)bytes_split(&rest, '.', &word);
    enum template_slot slot = builder_slot(word);
    bool indexed = slot == SLOT_CREDENTIAL || slot == SLOT_SESSION;
    if (slot == SLOT_NONE || (b->slots & LOADER_SLOT(slot)) == 0 || indexed != (rest.ptr != NULL)) {
        return loader__wrong(b->l, node, "\"%.*s\" has no value here.",
                             BYTES_ARG(bytes_slice(name, 0, 60)));
    }
    if (indexed && !builder_index(b->l->mapping, slot, rest, &index)) {
        return loader__wrong(b->l, node, "%s has no \"%.*s\".", template_slot_name(slot),
                             BYTES_ARG(bytes_slice(rest, 0, 60)));
    }
    if (b->count + 1 >= TEMPLATE_PARTS) {
        return loader__wrong(b->l, node, "More than %d values in one template.",
                             TEMPLATE_PARTS - 2);
    }
    if ((slot == SLOT_OBJECT || slot == SLOT_ONE) && mode == TEMPLATE_URL) {
        mode = TEMPLATE_PLAIN; // a path of the definition's own
    }
    if (slot == SLOT_CREDENTIAL && mode == TEMPLATE_URL) {
        enum mapping_credential_kind kind = b->l->mapping->credentials[index].kind;
        mode = kind == CREDENTIAL_URL ? TEMPLATE_PLAIN : TEMPLATE_URL;
        if (kind == CREDENTIAL_SECRET) {
            return loader__wrong(b->l, node, "A secret must not stand in an address.");
        }
    }
    return builder_flush(b, slot, index, mode);
}

static void builder_literal(struct template_builder *b, struct bytes text, bool string)
{
    struct buf quoted;
    if (!string) {
        buf_append_bytes(&b->literal, text);
        return;
    }
    buf_init(&quoted, text.len * 6 + 2);
    struct json_out j = json_out_start(&quoted);
    json_text(&j, text);
    if (quoted.len >= 2) {
        buf_append(&b->literal, quoted.ptr + 1, quoted.len - 2);
    }
    buf_done(&quoted);
}

// Text with {holes}; {{ stands for a brace.
static enum fp_error builder_text(struct template_builder *b, const struct yaml_node *node,
                                  struct bytes text, enum template_mode mode)
{
    while (text.len != 0) {
        size_t brace = text.len;
        size_t close = 0;
        (void)bytes_find(text, '{', &brace);
        builder_literal(b, bytes_slice(text, 0, brace), mode == TEMPLATE_STRING);
        text = bytes_slice(text, brace, text.len);
        if (text.len == 0) {
            break;
        }
        if (text.len > 1 && text.ptr[1] == '{') {
            buf_append_byte(&b->literal, '{');
            text = bytes_slice(text, 2, text.len);
            continue;
        }
        if (!bytes_find(text, '}', &close)) {
            return loader__wrong(b->l, node, "A brace is not closed; {{ stands for one.");
        }
        enum fp_error error = builder_hole(b, node, bytes_slice(text, 1, close - 1), mode);
        if (error != FP_OK) {
            return error;
        }
        text = bytes_slice(text, close + 1, text.len);
    }
    return FP_OK;
}

static bool builder_is_number(struct bytes text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            digits++;
        } else if (!(c == '-' && i == 0 && text.len > 1)) {
            return false;
        }
    }
    return digits != 0 && digits < 16 && (text.ptr[text.len - digits] != '0' || digits == 1);
}

static enum fp_error builder_scalar(struct template_builder *b, const struct yaml_node *node)
{
    bool truth = false;
    if (node->plain && node->text.len > 1 && node->text.ptr[0] == '$') {
        return builder_hole(b, node, bytes_slice(node->text, 1, node->text.len), TEMPLATE_JSON);
    }
    if (yaml_is_null(node)) {
        buf_append_text(&b->literal, "null");
        return FP_OK;
    }
    if (yaml_bool(node, &truth) || (node->plain && builder_is_number(node->text))) {
        buf_append_bytes(&b->literal, node->text);
        return FP_OK;
    }
    buf_append_byte(&b->literal, '"');
    enum fp_error error = builder_text(b, node, node->text, TEMPLATE_STRING);
    buf_append_byte(&b->literal, '"');
    return error;
}

// The YAML reader has limited the depth already.
static enum fp_error builder_json(struct template_builder *b, const struct yaml_node *node,
                                  bool brackets)
{
    enum fp_error error = FP_OK;
    bool map = node->kind == YAML_MAP;
    if (node->kind == YAML_SCALAR) {
        return builder_scalar(b, node);
    }
    if (brackets) {
        buf_append_byte(&b->literal, map ? '{' : '[');
    }
    for (const struct yaml_node *c = node->first; c != NULL && error == FP_OK; c = c->next) {
        if (c != node->first) {
            buf_append_byte(&b->literal, ',');
        }
        if (map) {
            buf_append_byte(&b->literal, '"');
            builder_literal(b, c->name, true);
            buf_append_text(&b->literal, "\":");
        }
        error = builder_json(b, c, true);
    }
    if (brackets) {
        buf_append_byte(&b->literal, map ? '}' : ']');
    }
    return error;
}

static struct template_builder *builder_start(struct loader *l, unsigned slots)
{
    struct template_builder *b = arena_alloc(l->scratch, 1, sizeof *b);
    if (b != NULL) {
        b->l = l;
        b->slots = slots;
        buf_init(&b->literal, FP_LIMIT_DEFINITION_FILE);
    }
    return b;
}

static enum fp_error builder_finish(struct template_builder *b, enum fp_error error,
                                    struct template *out)
{
    struct template_part *parts = NULL;
    if (error == FP_OK) {
        error = builder_flush(b, SLOT_NONE, 0, TEMPLATE_PLAIN);
    }
    buf_done(&b->literal);
    if (error != FP_OK) {
        return error;
    }
    parts = arena_alloc(b->l->arena, b->count, sizeof *parts);
    if (parts == NULL) {
        return FP_E_NO_MEMORY;
    }
    memcpy(parts, b->parts, b->count * sizeof *parts);
    *out = (struct template){parts, b->count};
    return FP_OK;
}

enum fp_error loader__text_template(struct loader *l, const struct yaml_node *node,
                                    enum template_mode mode, unsigned slots, struct template *out)
{
    if (node->kind != YAML_SCALAR) {
        return loader__wrong(l, node, "A text is expected here.");
    }
    struct template_builder *b = builder_start(l, slots);
    if (b == NULL) {
        return FP_E_NO_MEMORY;
    }
    return builder_finish(b, builder_text(b, node, node->text, mode), out);
}

enum fp_error loader__json_template(struct loader *l, const struct yaml_node *node, unsigned slots,
                                    struct template *out)
{
    struct template_builder *b = builder_start(l, slots);
    if (b == NULL) {
        return FP_E_NO_MEMORY;
    }
    return builder_finish(b, builder_json(b, node, true), out);
}

enum fp_error loader__json_items(struct loader *l, const struct yaml_node *node, unsigned slots,
                                 struct template *out)
{
    if (node->kind != YAML_LIST) {
        return loader__wrong(l, node, "A list is expected here.");
    }
    struct template_builder *b = builder_start(l, slots);
    if (b == NULL) {
        return FP_E_NO_MEMORY;
    }
    return builder_finish(b, builder_json(b, node, false), out);
}

enum fp_error loader__json(struct loader *l, const struct yaml_node *node, struct bytes *out)
{
    struct template t = {0};
    enum fp_error error = loader__json_template(l, node, 0, &t);
    if (error == FP_OK) {
        *out = t.parts[0].literal;
    }
    return error;
}

static enum fp_error path_split(struct loader *l, const struct yaml_node *node, struct bytes text,
                                struct mapping_step *steps, unsigned *count_out)
{
    struct bytes rest = text;
    struct bytes piece = {0};
    unsigned count = 0;
    while (bytes_split(&rest, '.', &piece)) {
        if (piece.len == 0 || count == FP_LIMIT_PATH_STEPS) {
            return loader__wrong(l, node, "A path is made of 1 to %d names with dots between.",
                                 FP_LIMIT_PATH_STEPS);
        }
        steps[count++] = (struct mapping_step){.name = piece};
    }
    *count_out = count;
    return FP_OK;
}

static enum fp_error path_keep(struct loader *l, const struct mapping_step *steps, unsigned count,
                               struct mapping_path *out)
{
    struct mapping_step *copy = arena_alloc(l->arena, count, sizeof *copy);
    if (copy == NULL) {
        return FP_E_NO_MEMORY;
    }
    memcpy(copy, steps, count * sizeof *copy);
    out->steps = copy;
    out->count = count;
    return FP_OK;
}

// A backslash takes a dot's meaning away: "company\\.rec_name" is one member.
static void path_unescape(struct mapping_step *steps, unsigned *count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < *count; i++) {
        struct mapping_step step = steps[i];
        while (bytes_ends_with(step.name, BYTES("\\")) && i + 1 < *count) {
            // The pieces lie side by side in a text of our own: close the gap of the backslash.
            uint8_t *start = (uint8_t *)(uintptr_t)step.name.ptr;
            struct bytes next = steps[++i].name;
            start[step.name.len - 1] = '.';
            memmove(start + step.name.len, next.ptr, next.len);
            step.name.len += next.len;
        }
        steps[kept++] = step;
    }
    *count = kept;
}

enum fp_error loader__answer_path(struct loader *l, const struct yaml_node *node,
                                  struct mapping_path *out)
{
    struct mapping_step steps[FP_LIMIT_PATH_STEPS];
    struct mapping_path path = {0};
    struct bytes text = {0};
    unsigned count = 0;
    enum fp_error error = loader__bytes(l, node, &path.source);
    error = error != FP_OK ? error : loader__bytes(l, node, &text);
    if (error == FP_OK && text.len != 0) {
        error = path_split(l, node, text, steps, &count);
        path_unescape(steps, &count);
    }
    for (unsigned i = 0; i < count && error == FP_OK; i++) {
        uint64_t index = 0;
        if (bytes_to_u64(steps[i].name, 1000, &index)) {
            steps[i] = (struct mapping_step){.index = (unsigned)index};
        }
    }
    if (error == FP_OK) {
        error = path_keep(l, steps, count, &path);
    }
    if (error == FP_OK) {
        *out = path;
    }
    return error;
}

enum fp_error loader__record_path(struct loader *l, const struct yaml_node *node, bool whole,
                                  struct mapping_path *out)
{
    struct mapping_step steps[FP_LIMIT_PATH_STEPS];
    struct bytes relation = l->mapping->wire.values.relation;
    struct mapping_path path = {0};
    unsigned count = 0;
    enum fp_error error = loader__bytes(l, node, &path.source);
    if (error != FP_OK) {
        return error;
    }
    path.parent = bytes_starts_with(path.source, BYTES("each."));
    if (path.parent) {
        path.source = bytes_slice(path.source, 5, path.source.len);
    }
    error = path_split(l, node, path.source, steps, &count);
    for (unsigned i = 0; i < count && error == FP_OK; i++) {
        struct bytes name = steps[i].name;
        if (relation.len != 0 && (whole || i + 1 < count)) {
            uint8_t *joined = arena_alloc(l->arena, name.len + relation.len, 1);
            if (joined == NULL) {
                return FP_E_NO_MEMORY;
            }
            memcpy(joined, name.ptr, name.len);
            memcpy(joined + name.len, relation.ptr, relation.len);
            steps[i].name = bytes_of(joined, name.len + relation.len);
        }
    }
    path.place = l->places < MAPPING_PLACES - 1 ? l->places++ : MAPPING_PLACES - 1;
    if (error == FP_OK) {
        error = path_keep(l, steps, count, &path);
    }
    if (error == FP_OK) {
        *out = path;
    }
    return error;
}
