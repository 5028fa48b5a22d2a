// The writer: all waiting batches in one transaction, each behind its own savepoint.
// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_int.h"

static enum fp_error write_step(sqlite3_stmt *stmt)
{
    int result = sqlite3_step(stmt);
    (void)sqlite3_reset(stmt);
    return sqlite__error(result);
}

static enum fp_error write_statement(struct sqlite_store *s, const struct store_op *op,
                                     sqlite3_stmt **out)
{
    struct buf sql;
    sqlite3_stmt **kept = &s->change[op->kind][op->action];
    enum fp_error error = FP_OK;
    if (*kept == NULL) {
        buf_init(&sql, STORE_SQL_MAX);
        store__sql_change(&sql, &store__sql_sqlite, store_entity(op->kind), op->action);
        error = sqlite__prepare(s->writer, &sql, true, kept);
        buf_done(&sql);
    }
    *out = *kept;
    return error;
}

static enum fp_error write_op(struct sqlite_store *s, const struct store_op *op)
{
    sqlite3_stmt *stmt = NULL;
    enum fp_error error = write_statement(s, op, &stmt);
    if (error == FP_OK) {
        error = sqlite__bind_row(stmt, store_entity(op->kind), op->row);
    }
    if (error == FP_OK) {
        error = write_step(stmt);
        // the row dies with its batch: keep no pointer to it
        (void)sqlite3_clear_bindings(stmt);
    }
    if (error == FP_OK && !op->tolerant && sqlite3_changes(s->writer) == 0) {
        error = op->action == STORE_UPDATE ? FP_E_STORE_CONFLICT : FP_E_STORE_NOT_FOUND;
    }
    return error;
}

// One batch, undone as a whole where one of its operations fails.
static enum fp_error write_batch(struct sqlite_store *s, const struct store_batch *batch)
{
    enum fp_error error = write_step(s->savepoint);
    if (error != FP_OK) {
        return error;
    }
    for (size_t i = 0; i < batch->count && error == FP_OK; i++) {
        error = write_op(s, &batch->ops[i]);
    }
    // after some failures (disk full, I/O) SQLite has undone the whole transaction by itself
    if (sqlite3_get_autocommit(s->writer) == 0) {
        enum fp_error undo = error != FP_OK ? write_step(s->rollback_to) : FP_OK;
        enum fp_error end = undo == FP_OK ? write_step(s->release) : undo;
        error = error == FP_OK ? end : error;
    }
    return error;
}

// One more group, unless it is empty; its number.
static enum fp_error write_count(struct sqlite_store *s, bool empty, uint64_t *generation_out)
{
    int result = sqlite3_bind_int(s->count_commit, 1, empty ? 0 : 1);
    if (result == SQLITE_OK) {
        result = sqlite3_step(s->count_commit);
    }
    if (result == SQLITE_ROW) {
        *generation_out = (uint64_t)sqlite3_column_int64(s->count_commit, 0);
        result = sqlite3_step(s->count_commit);
    }
    (void)sqlite3_reset(s->count_commit);
    return sqlite__error(result);
}

// The log back into the tables and cut to nothing, for the batches that asked for it. What they
// wrote stays written, whatever comes of this.
static void write_scrub(struct sqlite_store *s, struct work *list)
{
    bool wanted = false;
    for (const struct work *work = list; work != NULL; work = work->next) {
        wanted = wanted || ((const struct store_batch *)work)->scrub;
    }
    if (!wanted || sqlite3_wal_checkpoint_v2(s->writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                             NULL) == SQLITE_OK) {
        return;
    }
    for (struct work *work = list; work != NULL; work = work->next) {
        if (((const struct store_batch *)work)->scrub && work->result == FP_OK) {
            work->result = FP_E_STORE_UNAVAILABLE;
        }
    }
}

enum fp_error sqlite__write(void *state, struct work *list, uint64_t *generation_out)
{
    struct sqlite_store *s = state;
    uint64_t generation = 0;
    enum fp_error error = write_step(s->begin);
    for (struct work *work = list; work != NULL && error == FP_OK; work = work->next) {
        work->result = write_batch(s, (const struct store_batch *)work);
        if (sqlite3_get_autocommit(s->writer) != 0) {
            error = work->result != FP_OK ? work->result : FP_E_STORE_UNAVAILABLE;
        }
    }
    if (error == FP_OK) {
        error = write_count(s, list == NULL, &generation);
    }
    if (error == FP_OK) {
        error = write_step(s->commit);
    }
    if (error == FP_OK) {
        *generation_out = generation;
        write_scrub(s, list);
    }
    if (error != FP_OK) {
        if (sqlite3_get_autocommit(s->writer) == 0) {
            (void)sqlite3_exec(s->writer, "ROLLBACK", NULL, NULL, NULL);
        }
        for (struct work *work = list; work != NULL; work = work->next) {
            // what failed by itself keeps its own reason
            work->result = work->result == FP_OK || work->result == FP_E_NO_MEMORY
                               ? FP_E_STORE_UNAVAILABLE
                               : work->result;
        }
    }
    return error;
}
