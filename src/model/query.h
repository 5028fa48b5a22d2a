// The query string of a list: page, per_page, filter[], filterMatch, sort[], fields, include_raw;
// of one record: fields, include_raw; of a write: validate_only. Everything that is not understood
// is refused by name; nothing is ignored. Values are checked against the field's type here; what
// the source can filter by is mapping's business. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_QUERY_H
#define FP_MODEL_QUERY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "model/model.h"

enum model_operator {
    MODEL_EQUALS, // filter[code]=x
    MODEL_CONTAINS,
    MODEL_STARTS_WITH,
    MODEL_ENDS_WITH,
    MODEL_GREATER,
    MODEL_GREATER_EQUAL,
    MODEL_LESS,
    MODEL_LESS_EQUAL,
    MODEL_OPERATOR_COUNT
};

struct model_filter {
    const struct model_field *field; // never NULL
    enum model_operator op;          // fits the field's type
    struct bytes value;              // decoded text; a number is valid JSON
    bool truth;                      // of a boolean
    int64_t time_ms;                 // of a time: the instant
    int64_t time_unit_ms;            // of a time: how exactly it was written: a day, 1000 or 1
    struct bytes name;               // as it was sent, decoded: "filter[code:contains]"
};

struct model_sort {
    const struct model_field *field; // never NULL
    bool descending;                 // sort[x]=1
    struct bytes name;               // "sort[code]"
};

// Fields of an entity by their number, at most FP_LIMIT_ENTITY_FIELDS.
struct model_fields {
    uint64_t bits[FP_LIMIT_ENTITY_FIELDS / 64]; // bit i % 64 of element i / 64
};

static inline bool model_fields_has(const struct model_fields *fields, unsigned number)
{
    return (fields->bits[number / 64 % (FP_LIMIT_ENTITY_FIELDS / 64)] >> number % 64 & 1) != 0;
}

static inline void model_fields_add(struct model_fields *fields, unsigned number)
{
    fields->bits[number / 64 % (FP_LIMIT_ENTITY_FIELDS / 64)] |= UINT64_C(1) << number % 64;
}

struct model_query {
    uint32_t page;                                 // from 1
    uint32_t per_page;                             // 1 to FP_LIMIT_PAGE_SIZE_MAX
    bool match_any;                                // filterMatch=any
    bool validate_only;                            // of a write: check the body, change nothing
    bool selects;                                  // only `fields` are wanted
    bool include_raw;                              // the source's own record beside ours
    struct model_fields fields;                    // with `selects`; the key is always among them
    unsigned filter_count;                         // of filters
    unsigned sort_count;                           // of sorts
    struct model_filter filters[FP_LIMIT_FILTERS]; // in the order sent
    struct model_sort sorts[FP_LIMIT_SORTS];       // first counts most
    struct bytes raw;                              // the query string as sent, for links
};

// Records asked for: (page - 1) * per_page.
uint64_t model_query_offset(const struct model_query *query);
// raw is the query string behind the question mark, not decoded. FP_E_PARAMETER_INVALID: errors (a
// writer standing inside of an array) gets one object per wrong parameter, {"field", "code",
// "message"}. FP_E_NO_MEMORY. Views in out point into raw or the arena.
enum fp_error model_query_parse(struct bytes raw, const struct model_operation *operation,
                                struct arena *arena, struct json_out *errors,
                                struct model_query *out);
// One row of `errors`, as all 422 answers have them.
void model_error_row(struct json_out *errors, struct bytes field, const char *code,
                     const char *message);
// "contains", "gteq": the word of the wire; "equals" for none.
const char *model_operator_name(enum model_operator op);

#endif
