// Between query.c and query_value.c only.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_QUERY_INT_H
#define FP_MODEL_QUERY_INT_H

#include "model/query.h"

// Checks value against the field's type and fills it in; NULL when it is good, otherwise why not.
const char *model__query_value(struct model_filter *filter);
// Whether the operator makes sense for the type.
bool model__query_operator_fits(enum model_operator op, enum model_type type);

#endif
