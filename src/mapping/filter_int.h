// Between filter.c and filter_clause.c only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_FILTER_INT_H
#define FP_MAPPING_FILTER_INT_H

#include "mapping/filter.h"

struct filter_clause {
    struct bytes field;     // the source's name
    struct bytes operator;  // the source's word
    struct bytes value;     // JSON
    struct bytes clauses;   // of an any or all
    struct bytes direction; // of an order
};

// Renders a template of the dialect; a failure stays in the buffer.
void filter__put(const struct template *t, struct filter_clause *c, struct buf *out);
void filter__clause(const struct mapping *m, struct bytes field, struct bytes op,
                    struct bytes value, struct buf *out);
// clauses stand with commas between.
void filter__group(const struct mapping *m, bool any, struct bytes clauses, struct buf *out);
// The clause of a filter for the rule's paths from at on.
void filter__first(const struct mapping *m, const struct mapping_rule *rule, unsigned at,
                   const struct model_filter *f, struct buf *out);

// The rule of a field.
const struct mapping_rule *filter__rule(const struct mapping_resource *r,
                                        const struct model_field *field);
// -- filter_text.c: as mapping_filter(), mapping_order() and mapping_key_clause(), for dialects
// other than JSON
enum fp_error filter__text(const struct mapping *m, const struct mapping_resource *r,
                           const struct model_query *query, struct json_out *errors,
                           struct mapping_clauses *out);
enum fp_error filter__text_order(const struct mapping *m, const struct mapping_resource *r,
                                 const struct model_query *query, struct json_out *errors,
                                 struct buf *out);
bool filter__text_key(const struct mapping_resource *r, struct bytes key);
// Whether a text of our own meets a filter.
bool filter__meets(struct bytes text, const struct model_filter *f);

#endif
