// Between write.c, write_list.c and write_part.c only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_WRITE_INT_H
#define FP_MAPPING_WRITE_INT_H

#include "mapping/write.h"

struct writer {
    const struct mapping_write_job *job; // what is done
    struct json_out *errors;             // rows
    unsigned wrong;                      // reported so far
    const char *list;                    // within a list: its name; NULL: the record itself
    size_t index;                        // within a list: which element
};

// -- write.c
// One row about a member; beyond FP_LIMIT_FIELD_ERRORS nothing more is said.
void write__wrong(struct writer *w, struct bytes name, const char *code, const char *message);
void write__unfit(struct writer *w, const struct mapping_write_rule *rule, const char *message);
// The members of an object without the braces around. element: of a list, its `key` is passed over.
void write__members(struct writer *w, const struct mapping_write *write, yyjson_val *object,
                    bool element, bool create, struct buf *out);
// The value of a member whose name is known is appended, or a row.
void write__value(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                  bool create, struct buf *out);
// A sent name for a row: "?" where escapes would make it several times as long.
struct bytes write__name_shown(struct bytes name);
// -- write_part.c
// The state alone, as write__members().
void write__state(struct writer *w, const struct mapping_write *write, yyjson_val *object,
                  struct buf *out);
// -- write_list.c
void write__list(struct writer *w, const struct mapping_write_rule *rule, yyjson_val *value,
                 struct buf *out);

#endif
