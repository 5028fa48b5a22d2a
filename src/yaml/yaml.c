// From libfyaml's events to a tree of our own, which is small, bounded and knows its positions.
// SPDX-License-Identifier: Apache-2.0
#include "yaml/yaml.h"

#include "base/limits.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct yaml_level {
    struct yaml_node *node; // open list or map
    struct yaml_node *last; // its newest child
    struct bytes name;      // of a map: the name whose value comes next; ptr NULL: a name comes
    unsigned name_line;     // where the name stands
    unsigned name_column;   // 1-based
};

struct yaml_builder {
    struct arena *arena;                           // for nodes and texts
    struct fp_note *note;                          // what is wrong
    struct yaml_level levels[FP_LIMIT_YAML_DEPTH]; // open ones
    unsigned depth;                                // of levels
    struct yaml_node *root;                        // of the one document
    unsigned nodes;                                // made so far
};

static enum fp_error yaml_wrong(struct yaml_builder *b, struct fy_event *event, const char *text)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    fp_note_set(b->note, "", "%s", text);
    if (b->note != NULL && mark != NULL) {
        b->note->line = (unsigned)mark->line + 1;
        b->note->column = (unsigned)mark->column + 1;
    }
    return FP_E_INPUT_INVALID;
}

static bool yaml_name_exists(const struct yaml_node *map, struct bytes name)
{
    for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
        if (bytes_equal(child->name, name)) {
            return true;
        }
    }
    return false;
}

// Hangs a node into the level that is open, or makes it the root.
static enum fp_error yaml_attach(struct yaml_builder *b, struct fy_event *event,
                                 struct yaml_node *node)
{
    struct yaml_level *level = b->depth != 0 ? &b->levels[b->depth - 1] : NULL;
    if (level == NULL) {
        b->root = node;
        return FP_OK;
    }
    if (level->node->kind == YAML_MAP) {
        if (level->name.ptr == NULL) {
            return yaml_wrong(b, event, "A name must be a plain text.");
        }
        node->name = level->name;
        node->name_line = level->name_line;
        node->name_column = level->name_column;
        level->name = (struct bytes){0};
    }
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->node->count++;
    return FP_OK;
}

static enum fp_error yaml_node_new(struct yaml_builder *b, struct fy_event *event,
                                   enum yaml_kind kind, struct yaml_node **out)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    struct yaml_node *node = NULL;
    if (++b->nodes > FP_LIMIT_YAML_NODES) {
        return yaml_wrong(b, event, "The file has too many entries.");
    }
    node = arena_alloc(b->arena, 1, sizeof *node);
    if (node == NULL) {
        return FP_E_NO_MEMORY;
    }
    node->kind = kind;
    node->line = mark != NULL ? (unsigned)mark->line + 1 : 0;
    node->column = mark != NULL ? (unsigned)mark->column + 1 : 0;
    *out = node;
    return FP_OK;
}

static enum fp_error yaml_take_name(struct yaml_builder *b, struct fy_event *event,
                                    struct bytes text)
{
    struct yaml_level *level = &b->levels[b->depth - 1];
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (yaml_name_exists(level->node, text)) {
        fp_note_set(b->note, "", "%.*s stands twice.", BYTES_ARG(bytes_slice(text, 0, 60)));
        if (b->note != NULL && mark != NULL) {
            b->note->line = (unsigned)mark->line + 1;
            b->note->column = (unsigned)mark->column + 1;
        }
        return FP_E_INPUT_INVALID;
    }
    if (level->node->count >= FP_LIMIT_YAML_MEMBERS) {
        return yaml_wrong(b, event, "The map has too many members.");
    }
    level->name = text;
    level->name_line = mark != NULL ? (unsigned)mark->line + 1 : 0;
    level->name_column = mark != NULL ? (unsigned)mark->column + 1 : 0;
    return FP_OK;
}

static enum fp_error yaml_scalar(struct yaml_builder *b, struct fy_event *event)
{
    struct yaml_node *node = NULL;
    size_t len = 0;
    struct fy_token *token = event->scalar.value;
    const char *text = token != NULL ? fy_token_get_text(token, &len) : "";
    struct bytes copy = arena_copy(b->arena, bytes_of(text != NULL ? text : "", len));
    if (event->scalar.anchor != NULL || event->scalar.tag != NULL) {
        return yaml_wrong(b, event, "Anchors and tags are not allowed.");
    }
    if (copy.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (b->depth != 0 && b->levels[b->depth - 1].node->kind == YAML_MAP &&
        b->levels[b->depth - 1].name.ptr == NULL) {
        return yaml_take_name(b, event, copy);
    }
    enum fp_error error = yaml_node_new(b, event, YAML_SCALAR, &node);
    if (error != FP_OK) {
        return error;
    }
    node->text = copy;
    enum fy_scalar_style style = token != NULL ? fy_token_scalar_style(token) : FYSS_PLAIN;
    node->plain = style == FYSS_PLAIN;
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && node->column > 1) {
        node->column--; // the mark stands behind the quote
    }
    return yaml_attach(b, event, node);
}

static enum fp_error yaml_open(struct yaml_builder *b, struct fy_event *event, enum yaml_kind kind)
{
    struct yaml_node *node = NULL;
    bool marked = kind == YAML_MAP
                      ? event->mapping_start.anchor != NULL || event->mapping_start.tag != NULL
                      : event->sequence_start.anchor != NULL || event->sequence_start.tag != NULL;
    if (marked) {
        return yaml_wrong(b, event, "Anchors and tags are not allowed.");
    }
    if (b->depth == FP_LIMIT_YAML_DEPTH) {
        return yaml_wrong(b, event, "The file is nested too deeply.");
    }
    enum fp_error error = yaml_node_new(b, event, kind, &node);
    if (error == FP_OK) {
        error = yaml_attach(b, event, node);
    }
    if (error == FP_OK) {
        b->levels[b->depth++] = (struct yaml_level){.node = node};
    }
    return error;
}

static enum fp_error yaml_event(struct yaml_builder *b, struct fy_event *event)
{
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return b->root == NULL ? FP_OK : yaml_wrong(b, event, "A file holds one document.");
    case FYET_SCALAR:
        return yaml_scalar(b, event);
    case FYET_SEQUENCE_START:
        return yaml_open(b, event, YAML_LIST);
    case FYET_MAPPING_START:
        return yaml_open(b, event, YAML_MAP);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        b->depth--;
        return FP_OK;
    case FYET_ALIAS:
        return yaml_wrong(b, event, "Aliases are not allowed.");
    default:
        return FP_OK;
    }
}

// What the parser itself found wrong, with its position.
static enum fp_error yaml_syntax(struct yaml_builder *b, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    fp_note_set(b->note, "", "%s", error != NULL && error->msg != NULL ? error->msg : "No YAML.");
    if (b->note != NULL && error != NULL) {
        b->note->line = error->line >= 0 ? (unsigned)error->line : 0;
        b->note->column = error->column >= 0 ? (unsigned)error->column : 0;
    }
    return FP_E_INPUT_INVALID;
}

static enum fp_error yaml_run(struct yaml_builder *b, struct fy_parser *parser,
                              struct fy_diag *diag)
{
    enum fp_error error = FP_OK;
    struct fy_event *event = NULL;
    while (error == FP_OK && (event = fy_parser_parse(parser)) != NULL) {
        error = yaml_event(b, event);
        fy_parser_event_free(parser, event);
    }
    if (error == FP_OK && fy_parser_get_stream_error(parser)) {
        error = yaml_syntax(b, diag);
    }
    return error;
}

static enum fp_error yaml_check_text(struct bytes text, struct fp_note *note)
{
    size_t at = 0;
    if (text.len > FP_LIMIT_DEFINITION_FILE) {
        fp_note_set(note, "", "The file is larger than 1 MiB.");
        return FP_E_INPUT_INVALID;
    }
    if (!bytes_is_utf8(text) || bytes_find(text, 0, &at)) {
        fp_note_set(note, "", "The file is not UTF-8 text.");
        return FP_E_INPUT_INVALID;
    }
    return FP_OK;
}

enum fp_error yaml_parse(struct bytes text, struct arena *arena, const struct yaml_node **out,
                         struct fp_note *note)
{
    struct yaml_builder *b = arena_alloc(arena, 1, sizeof *b);
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_PARSE | FYPCF_COLLECT_DIAG};
    struct fy_parser *parser = NULL;
    struct fy_diag *diag = NULL;
    enum fp_error error = yaml_check_text(text, note);
    if (error != FP_OK) {
        return error;
    }
    diag = fy_diag_create(NULL);
    config.diag = diag;
    parser = diag != NULL ? fy_parser_create(&config) : NULL;
    if (b == NULL || parser == NULL) {
        error = FP_E_NO_MEMORY;
        goto out;
    }
    fy_diag_set_collect_errors(diag, true);
    b->arena = arena;
    b->note = note;
    if (fy_parser_set_string(parser, (const char *)text.ptr, text.len) != 0) {
        error = FP_E_NO_MEMORY;
        goto out;
    }
    error = yaml_run(b, parser, diag);
    if (error == FP_OK && b->root == NULL) {
        b->root = arena_alloc(arena, 1, sizeof *b->root);
        error = b->root != NULL ? FP_OK : FP_E_NO_MEMORY;
        if (b->root != NULL) {
            *b->root = (struct yaml_node){.kind = YAML_MAP, .line = 1, .column = 1};
        }
    }
out:
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    if (error == FP_OK) {
        *out = b->root;
    }
    return error;
}

const struct yaml_node *yaml_member(const struct yaml_node *map, const char *name)
{
    if (map == NULL || map->kind != YAML_MAP) {
        return NULL;
    }
    for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
        if (bytes_equal_text(child->name, name)) {
            return child;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->plain &&
           (node->text.len == 0 || bytes_equal_text(node->text, "null") ||
            bytes_equal_text(node->text, "~"));
}

bool yaml_bool(const struct yaml_node *node, bool *out)
{
    bool yes = node->kind == YAML_SCALAR && node->plain && bytes_equal_text(node->text, "true");
    bool no = node->kind == YAML_SCALAR && node->plain && bytes_equal_text(node->text, "false");
    if (yes || no) {
        *out = yes;
    }
    return yes || no;
}

bool yaml_u64(const struct yaml_node *node, uint64_t max, uint64_t *out)
{
    return node->kind == YAML_SCALAR && node->plain && bytes_to_u64(node->text, max, out);
}

__attribute__((format(printf, 4, 0))) static void yaml_note_at(struct fp_note *note, unsigned line,
                                                               unsigned column, const char *format,
                                                               va_list arguments)
{
    char text[sizeof note->text];
    (void)vsnprintf(text, sizeof text, format, arguments);
    fp_note_set(note, "", "%s", text);
    if (note != NULL) {
        note->line = line;
        note->column = column;
    }
}

void yaml_note(struct fp_note *note, const struct yaml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    yaml_note_at(note, node->line, node->column, format, arguments);
    va_end(arguments);
}

void yaml_note_name(struct fp_note *note, const struct yaml_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    yaml_note_at(note, node->name_line, node->name_column, format, arguments);
    va_end(arguments);
}

const struct yaml_node *yaml_unknown_member(const struct yaml_node *map, const char *const *names)
{
    for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
        const char *const *name = names;
        while (*name != NULL && !bytes_equal_text(child->name, *name)) {
            name++;
        }
        if (*name == NULL) {
            return child;
        }
    }
    return NULL;
}
