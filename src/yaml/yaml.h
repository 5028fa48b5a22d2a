// Reading YAML: one document as a tree with positions, for messages that name line and column.
// Strict: no anchors, aliases, tags or merge keys, no duplicate names, depth and size limited.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_YAML_YAML_H
#define FP_YAML_YAML_H

#include "base/arena.h"
#include "base/error.h"
#include "base/note.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;           // what it is
    bool plain;                    // a scalar without quotes: null, true and 12 mean what they say
    struct bytes text;             // of a scalar; NUL-terminated copy
    struct bytes name;             // of a member of a map; NUL-terminated copy
    unsigned line;                 // of the value, 1-based
    unsigned column;               // 1-based
    unsigned name_line;            // of the name
    unsigned name_column;          // 1-based
    unsigned count;                // children of a list or map
    const struct yaml_node *first; // first child
    const struct yaml_node *next;  // next child of the same parent
};

// text must be UTF-8 without NUL. An empty document gives an empty map. Nodes lie in the arena.
// FP_E_INPUT_INVALID with line, column and reason in the note; FP_E_NO_MEMORY.
enum fp_error yaml_parse(struct bytes text, struct arena *arena, const struct yaml_node **out,
                         struct fp_note *note);
// A member of a map; NULL when map is NULL, no map, or has no such member.
const struct yaml_node *yaml_member(const struct yaml_node *map, const char *name);
// Plain null, ~ or nothing.
bool yaml_is_null(const struct yaml_node *node);
// Plain true or false.
bool yaml_bool(const struct yaml_node *node, bool *out);
// A plain whole number up to max.
bool yaml_u64(const struct yaml_node *node, uint64_t max, uint64_t *out);
// Puts the node's position and the text into the note.
void yaml_note(struct fp_note *note, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same at the node's name.
void yaml_note_name(struct fp_note *note, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The first member whose name is not in the list (NULL at its end); NULL when all are known.
const struct yaml_node *yaml_unknown_member(const struct yaml_node *map, const char *const *names);

#endif
