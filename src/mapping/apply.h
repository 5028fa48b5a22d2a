// A record of a source becomes a record of ours: every field of the entity, or those that the query
// selects, in the entity's order, null where the source has nothing; on request with the source's
// own record as member "raw". SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_APPLY_H
#define FP_MAPPING_APPLY_H

#include "base/json_out.h"
#include "mapping/definition.h"

#include <yyjson.h>

// Where the members of the rows were found: sources write all rows alike, so that the next row's
// are found at once. Zeroed at first; only ever a hint.
struct mapping_hints {
    uint8_t at[MAPPING_PLACES]; // number of the member, by the path's place
};

struct mapping_record {
    yyjson_val *row;                 // an object, read with VALUE_READ_FLAGS
    yyjson_val *parent;              // of a nested list; NULL otherwise
    struct mapping_hints *hints;     // shared by the rows of a call
    const struct model_query *query; // which fields, and whether with the source's record; NULL:
                                     // all of them, without
};

// Appends the record to j. FP_E_SOURCE_ANSWER_INVALID where a value is not of the form that the
// definition names: the note's field is the path, what was written is to be thrown away.
enum fp_error mapping_apply(const struct mapping *m, const struct mapping_resource *r,
                            const struct mapping_record *record, struct json_out *j,
                            struct fp_note *note);

#endif
