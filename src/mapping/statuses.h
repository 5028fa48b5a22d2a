// The states of a resource: a list that stands in the definition, not in the source.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_STATUSES_H
#define FP_MAPPING_STATUSES_H

#include "base/json_out.h"
#include "mapping/definition.h"

// Appends the records of the page (each a JSON value in an open array) and says how many there are
// in all. Filters by text and truth and sorts are done here. FP_E_FILTER_UNSUPPORTED or
// FP_E_SORT_UNSUPPORTED with rows in errors.
enum fp_error mapping_statuses(const struct mapping_enumeration *enumeration,
                               const struct model_query *query, struct json_out *j,
                               struct json_out *errors, uint64_t *total_out, uint64_t *count_out);

#endif
