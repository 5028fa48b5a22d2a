// What the files of the SQLite backend share.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_SQLITE_INT_H
#define FP_STORE_SQLITE_INT_H

#include "store/sql_int.h"

#include <sqlite3.h>

struct sqlite_store {
    sqlite3 *reader;                                            // caller's thread
    sqlite3 *writer;                                            // writer's thread
    sqlite3_stmt *get[STORE_KIND_COUNT][STORE_ACCESS_COUNT];    // reader's, made at open
    sqlite3_stmt *change[STORE_KIND_COUNT][STORE_ACTION_COUNT]; // writer's, made when needed
    sqlite3_stmt *generation;                                   // reader's
    sqlite3_stmt *begin, *savepoint, *rollback_to, *release;    // writer's
    sqlite3_stmt *count_commit, *commit;                        // writer's
    sqlite3_stmt *read_begin, *read_end;                        // reader's
    char id[40];                                                // of the store
};

// The error of the catalogue for a result of SQLite that is no row and no success.
enum fp_error sqlite__error(int result);

// Prepares what the buffer holds and empties it. FP_E_STORE_INVALID when the tables do not fit.
enum fp_error sqlite__prepare(sqlite3 *db, struct buf *sql, bool keep, sqlite3_stmt **out);

// Gives the statement every column of the row that it has a parameter for; the row must stay.
enum fp_error sqlite__bind_row(sqlite3_stmt *stmt, const struct store_entity *entity,
                               const void *row);
// The row that the statement stands on; struct bytes are copied into the arena.
enum fp_error sqlite__read_row(sqlite3_stmt *stmt, const struct store_entity *entity,
                               struct arena *arena, void *row_out);

enum fp_error sqlite__get(void *state, enum store_kind kind, enum store_access access,
                          struct arena *arena, void *row_out);
enum fp_error sqlite__list(void *state, enum store_kind kind, const struct store_query *query,
                           struct arena *arena, struct store_rows *out);
enum fp_error sqlite__count(void *state, enum store_kind kind, const struct store_query *query,
                            uint64_t *out);
enum fp_error sqlite__write(void *state, struct work *list, uint64_t *generation_out);

// Brings the tables to this version, within transactions; a new file gets them all.
enum fp_error sqlite__migrate(sqlite3 *db, struct fp_note *note);

#endif
