// Statements' texts and the steps that make the tables: the same for every database that speaks
// SQL. SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_SQL_INT_H
#define FP_STORE_SQL_INT_H

#include "base/buf.h"
#include "store/store_int.h"

#define STORE_SQL_MAX 4096 // one statement's text

// Where databases differ.
struct sql_dialect {
    char mark;            // before a parameter's number
    const char *greatest; // function that gives the larger of two values
    const char *like;     // operator that compares with a pattern, in whatever case
};
extern const struct sql_dialect store__sql_sqlite, store__sql_postgres;

// Parameters of get and change are numbered by column, from 1.
void store__sql_get(struct buf *sql, const struct sql_dialect *dialect,
                    const struct store_entity *entity, enum store_access access);
void store__sql_change(struct buf *sql, const struct sql_dialect *dialect,
                       const struct store_entity *entity, enum store_action action);
// Parameters: the filters, the cursor's one or two values where there is one, limit, offset.
void store__sql_list(struct buf *sql, const struct sql_dialect *dialect,
                     const struct store_entity *entity, const struct store_query *query,
                     const struct store_filter *filters, size_t count);
void store__sql_count(struct buf *sql, const struct sql_dialect *dialect,
                      const struct store_entity *entity, const struct store_filter *filters,
                      size_t count);

// Steps that make and change the tables, oldest first.
const char *const *store__migrations(unsigned *count_out);

#endif
