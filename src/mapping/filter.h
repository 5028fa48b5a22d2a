// Filters and sorts of a client in the source's own words. What the source cannot do is refused by
// name; nothing is left out. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_FILTER_H
#define FP_MAPPING_FILTER_H

#include "base/json_out.h"
#include "mapping/definition.h"

struct mapping_clauses {
    struct buf own;       // clauses with commas between, for the records; outside of JSON:
                          // parameters of an address with & between, or an expression
    struct buf parent;    // the same for the parents of a nested list
    unsigned never_count; // outside of JSON: filters that no record can meet
    bool never;           // outside of JSON: no record can meet all of it
};

void mapping_clauses_init(struct mapping_clauses *c);
void mapping_clauses_done(struct mapping_clauses *c);
// Appends the query's filters. FP_E_FILTER_UNSUPPORTED: errors (a writer standing inside of an
// array) has one row for each.
enum fp_error mapping_filter(const struct mapping *m, const struct mapping_resource *r,
                             const struct model_query *query, struct json_out *errors,
                             struct mapping_clauses *out);
// The clause that finds one record by its key. false: no record of this source can have such a key.
bool mapping_key_clause(const struct mapping *m, const struct mapping_resource *r, struct bytes key,
                        struct mapping_clauses *out);
// A value in the source's own form, for texts: FORM_TEXT quoted as the dialect has it.
void mapping_literal(const struct mapping_dialect *d, enum mapping_form form, struct bytes text,
                     struct buf *out);
// Whether clauses that are parameters have one of this (encoded) name.
bool mapping_clauses_name(struct bytes clauses, struct bytes name);
// Appends a JSON array, or outside of JSON a text: the query's sorts, then the resource's own
// order, so that pages are stable. FP_E_SORT_UNSUPPORTED as above.
enum fp_error mapping_order(const struct mapping *m, const struct mapping_resource *r,
                            const struct model_query *query, struct json_out *errors,
                            struct buf *out);

#endif
