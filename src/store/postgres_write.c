// The writer: all waiting batches in one transaction, each behind its own savepoint, sent in
// pipelines. A transaction begins by counting itself in `generation`, which also makes it wait for
// every other node's: writers take turns as they do on one file, so nothing they expect can change
// between the look and the commit. SPDX-License-Identifier: Apache-2.0
#include "store/postgres_int.h"

#include <stdio.h>
#include <string.h>

static const char write_back[] = "ROLLBACK TO SAVEPOINT batch";

struct window {
    struct work *first;                     // of its batches
    unsigned counts[FP_LIMIT_STORE_WINDOW]; // statements of each
    unsigned batches;                       // in it
};

static uint64_t write_deadline(void)
{
    return postgres__deadline(FP_LIMIT_STORE_STATEMENT + FP_LIMIT_STORE_CONNECT);
}

// Finding no row fails in the database, so that what comes behind is skipped at once: a division by
// zero where the version was another, a logarithm of zero where there was no row.
static void write_sql(struct buf *sql, const struct store_op *op)
{
    const struct store_entity *entity = store_entity(op->kind);
    const bool expects = !op->tolerant && op->action != STORE_INSERT && op->action != STORE_PUT;
    if (expects) {
        buf_append_text(sql, "WITH done AS (");
    }
    store__sql_change(sql, &store__sql_postgres, entity, op->action);
    if (expects) {
        buf_printf(sql, " RETURNING 1) SELECT %s FROM done",
                   op->action == STORE_UPDATE ? "1/count(*)" : "ln(count(*)::float8)");
    }
}

static enum fp_error write_op(struct postgres_link *link, const struct store_op *op,
                              unsigned *count_io)
{
    bool *known = &link->changes[op->kind][op->action][op->tolerant ? 1 : 0];
    struct postgres_values values = {0};
    struct buf sql;
    char name[32];
    enum fp_error error = FP_OK;
    (void)snprintf(name, sizeof name, "c%u_%u_%d", (unsigned)op->kind, (unsigned)op->action,
                   op->tolerant ? 1 : 0);
    buf_init(&sql, STORE_SQL_MAX);
    if (!*known) {
        write_sql(&sql, op);
        error = buf_error(&sql);
    }
    if (error == FP_OK) {
        postgres__add_row(&values, store_entity(op->kind), op->row);
        error = postgres__send_prepared(link, name, known, buf_text(&sql), &values, count_io);
    }
    buf_done(&sql);
    return error;
}

static enum fp_error write_batch(struct postgres_link *link, const struct store_batch *batch,
                                 unsigned *count_out)
{
    unsigned count = 0;
    enum fp_error error = postgres__send(link, "SAVEPOINT batch", NULL, &count);
    for (size_t i = 0; i < batch->count && error == FP_OK; i++) {
        error = write_op(link, &batch->ops[i], &count);
    }
    if (error == FP_OK) {
        error = postgres__send(link, "RELEASE SAVEPOINT batch", NULL, &count);
    }
    if (error == FP_OK) {
        error = postgres__sync(link);
    }
    *count_out = count;
    return error;
}

// What was prepared in a group that failed may not be there: prepared anew under the same name it
// would be refused, so everything is forgotten on both sides.
static enum fp_error write_forget(struct postgres_link *link)
{
    unsigned count = 0;
    enum fp_error error = postgres__send(link, write_back, NULL, &count);
    if (error == FP_OK) {
        error = postgres__send(link, "RELEASE SAVEPOINT batch", NULL, &count);
    }
    if (error == FP_OK) {
        error = postgres__send(link, "DEALLOCATE ALL", NULL, &count);
    }
    if (error == FP_OK) {
        error = postgres__sync(link);
    }
    memset(link->changes, 0, sizeof link->changes);
    return error != FP_OK ? error : postgres__take(link, count, write_deadline(), NULL);
}

// Sends up to a window of batches; a failure while sending is the link's.
static enum fp_error window_send(struct postgres_link *link, struct work *first, struct window *out)
{
    enum fp_error error = FP_OK;
    *out = (struct window){.first = first};
    for (struct work *work = first;
         work != NULL && out->batches < FP_LIMIT_STORE_WINDOW && error == FP_OK;
         work = work->next) {
        error = write_batch(link, (const struct store_batch *)work, &out->counts[out->batches]);
        out->batches++;
    }
    return error;
}

// Takes the results. The first batch that failed is undone; those behind it in the window found a
// transaction that had failed, and are sent again: *next_out is where to go on.
static enum fp_error window_take(struct postgres_link *link, const struct window *window,
                                 struct work **next_out)
{
    struct work *work = window->first, *next = NULL;
    bool failed = false;
    for (unsigned i = 0; i < window->batches && link->conn != NULL; i++) {
        enum fp_error error = postgres__take(link, window->counts[i], write_deadline(), NULL);
        if (!failed) {
            work->result = error;
            failed = error != FP_OK;
            next = work->next;
        }
        work = work->next;
    }
    *next_out = next;
    if (link->conn == NULL) {
        return FP_E_STORE_UNAVAILABLE;
    }
    return failed ? write_forget(link) : FP_OK;
}

// Begins the transaction and counts it, unless it is empty.
static enum fp_error write_begin(struct postgres_link *link, bool empty, uint64_t *generation_out)
{
    PGresult *result = NULL;
    unsigned count = 0;
    int64_t generation = 0;
    enum fp_error error = postgres__send(link, "BEGIN", NULL, &count);
    if (error == FP_OK) {
        error = postgres__send(link,
                               empty ? "UPDATE generation SET value=value RETURNING value"
                                     : "UPDATE generation SET value=value+1 RETURNING value",
                               NULL, &count);
    }
    if (error == FP_OK) {
        error = postgres__sync(link);
    }
    if (error == FP_OK) {
        error = postgres__take(link, count, write_deadline(), &result);
    }
    if (error == FP_OK) {
        error = postgres__read_number(result, 0, 0, &generation);
    }
    if (error == FP_OK) {
        *generation_out = (uint64_t)generation;
    }
    PQclear(result);
    return error;
}

// A new customer's first key is nobody's to forget.
static bool write_changes_keys(const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count && batch->work.result == FP_OK; i++) {
        const struct store_op *op = &batch->ops[i];
        const struct store_data_key *key = op->row;
        if (op->kind == STORE_DATA_KEY && op->action != STORE_TOUCH &&
            (op->action != STORE_INSERT || key->key_version > 1)) {
            return true;
        }
    }
    return false;
}

// Counts a change of data keys for the other nodes to see. A count that is not ours by one more
// tells of a change of theirs.
static enum fp_error write_count_keys(struct postgres_store *s, const struct work *list)
{
    static const char sql[] =
        "INSERT INTO meta VALUES('" POSTGRES_KEYS_CHANGED "','1') ON CONFLICT(name) DO UPDATE"
        " SET value=(meta.value::bigint+1)::text RETURNING value::bigint";
    PGresult *result = NULL;
    int64_t count = 0;
    bool wanted = false;
    enum fp_error error = FP_OK;
    for (const struct work *work = list; work != NULL; work = work->next) {
        wanted = wanted || write_changes_keys((const struct store_batch *)work);
    }
    if (!wanted) {
        return FP_OK;
    }
    error = postgres__say(&s->writer, sql, &result);
    if (error == FP_OK) {
        error = postgres__read_number(result, 0, 0, &count);
    }
    if (error == FP_OK) {
        atomic_store(&s->stale, atomic_load(&s->stale) || count != s->keys_seen + 1);
        s->keys_seen = count;
    }
    PQclear(result);
    return error;
}

// Everything up to the commit.
static enum fp_error write_all(struct postgres_link *link, struct work *list,
                               uint64_t *generation_out)
{
    struct window window = {0};
    enum fp_error error = write_begin(link, list == NULL, generation_out);
    for (struct work *work = list; work != NULL && error == FP_OK;) {
        error = window_send(link, work, &window);
        if (error == FP_OK) {
            error = window_take(link, &window, &work);
        }
    }
    return error;
}

// What batches asked to be taken out of the files: the tables of what is sealed are written anew,
// without the rows' older contents. The database's own log and its copies are not ours to change.
static void write_scrub(struct postgres_link *link, struct work *list)
{
    bool wanted = false;
    enum fp_error error = FP_OK;
    for (const struct work *work = list; work != NULL; work = work->next) {
        wanted = wanted || ((const struct store_batch *)work)->scrub;
    }
    if (wanted) {
        error = postgres__say(link, "VACUUM (FULL) data_key", NULL);
    }
    for (struct work *work = list; work != NULL && error != FP_OK; work = work->next) {
        if (((const struct store_batch *)work)->scrub && work->result == FP_OK) {
            work->result = FP_E_STORE_UNAVAILABLE;
        }
    }
}

enum fp_error postgres__write(void *state, struct work *list, uint64_t *generation_out)
{
    struct postgres_store *s = state;
    uint64_t generation = 0;
    enum fp_error error = postgres__writer(s);
    if (error == FP_OK) {
        error = write_all(&s->writer, list, &generation);
        if (error == FP_E_STORE_UNAVAILABLE && s->writer.conn == NULL) {
            // an old connection that had ended: nothing was committed on it, so once more
            error = postgres__writer(s);
            error = error != FP_OK ? error : write_all(&s->writer, list, &generation);
        }
    }
    if (error == FP_OK) {
        error = write_count_keys(s, list);
    }
    if (error == FP_OK) {
        error = postgres__say(&s->writer, "COMMIT", NULL);
    }
    if (error == FP_OK) {
        s->generation = generation;
        *generation_out = generation;
        write_scrub(&s->writer, list);
    } else {
        s->keys_seen = -1; // whatever was counted: look again
        if (s->writer.conn != NULL) {
            (void)postgres__say(&s->writer, "ROLLBACK", NULL);
        }
        for (struct work *work = list; work != NULL; work = work->next) {
            // what failed by itself keeps its own reason
            work->result = work->result == FP_OK || work->result == FP_E_NO_MEMORY
                               ? FP_E_STORE_UNAVAILABLE
                               : work->result;
        }
    }
    postgres__tend(s);
    return error;
}
