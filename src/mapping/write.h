// A body of ours becomes a record for the source: every member checked by name and type before
// anything is sent, absent members left out, null cleared.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_WRITE_H
#define FP_MAPPING_WRITE_H

#include "base/arena.h"
#include "base/json_out.h"
#include "mapping/definition.h"

#include <yyjson.h>

struct mapping_write_job {
    const struct mapping *mapping;           // the platform
    const struct mapping_resource *resource; // whose `write` is not NULL
    yyjson_val *body;                        // as sent, read with VALUE_READ_FLAGS
    yyjson_val *before;                      // the source's record, for lists that are changed;
                                             // NULL: not known yet, keys of lists are not compared
    bool create;                             // a new record
    bool state_only;                         // the body is {"statusKey"} or {"status"}
};

// Appends the source's record, a JSON object, to out; "{}" where nothing changes. members (may be
// empty) are JSON members for the end of a new record, with commas between. FP_E_FIELD_INVALID:
// errors (a writer standing inside of an array) gets one row per wrong field, at most
// FP_LIMIT_FIELD_ERRORS; FP_E_REQUEST_BODY_INVALID: no object; FP_E_NO_MEMORY.
enum fp_error mapping_write(const struct mapping_write_job *job, struct bytes members,
                            struct json_out *errors, struct buf *out);

#endif
