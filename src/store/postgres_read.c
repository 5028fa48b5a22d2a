// Reading on the caller's thread: one round trip a question, statements prepared at their first
// use, and never longer than FP_LIMIT_STORE_READ. SPDX-License-Identifier: Apache-2.0
#include "store/postgres_int.h"

#include <stdio.h>
#include <string.h>

// A link that works, with what was owed taken: the reader's own, or the one that the writer's
// thread made after it was lost.
static enum fp_error read_ready(struct postgres_store *s)
{
    if (s->reading && s->broken) {
        return FP_E_STORE_UNAVAILABLE; // what was seen before belongs to another moment
    }
    if (s->reader.conn != NULL && s->reader.owed != 0) {
        const unsigned owed = s->reader.owed;
        s->reader.owed = 0;
        (void)postgres__take(&s->reader, owed, postgres__deadline(FP_LIMIT_STORE_READ), NULL);
    }
    if (s->reader.conn == NULL) {
        (void)pthread_mutex_lock(&s->lock);
        s->reader = s->spare;
        s->spare = (struct postgres_link){0};
        (void)pthread_mutex_unlock(&s->lock);
    }
    return s->reader.conn != NULL ? FP_OK : FP_E_STORE_UNAVAILABLE;
}

static void read_lost(struct postgres_store *s)
{
    if (s->reader.conn == NULL) {
        s->broken = s->reading;
        atomic_store(&s->reader_lost, true);
    }
}

// The first statement of a reading from one moment begins it.
static enum fp_error read_begin(struct postgres_store *s, unsigned *count_io)
{
    enum fp_error error = FP_OK;
    if (s->reading && !s->begun) {
        error = postgres__send(&s->reader, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL,
                               count_io);
        s->begun = error == FP_OK;
    }
    return error;
}

// After a failure: what was to be prepared may not be, and a transaction has failed.
static void read_forget(struct postgres_link *link)
{
    unsigned count = 0;
    memset(link->gets, 0, sizeof link->gets);
    if (postgres__send(link, "ROLLBACK", NULL, &count) == FP_OK &&
        postgres__send(link, "DEALLOCATE ALL", NULL, &count) == FP_OK &&
        postgres__sync(link) == FP_OK &&
        postgres__take(link, count, postgres__deadline(FP_LIMIT_STORE_READ), NULL) != FP_OK) {
        postgres__lose(link);
    }
}

static enum fp_error read_finish(struct postgres_store *s, enum fp_error error, unsigned count,
                                 PGresult **out)
{
    if (error == FP_OK) {
        error = postgres__sync(&s->reader);
    }
    if (error == FP_OK) {
        error = postgres__take(&s->reader, count, postgres__deadline(FP_LIMIT_STORE_READ), out);
    }
    if (error != FP_OK) {
        s->broken = s->reading;
        read_forget(&s->reader);
    }
    read_lost(s);
    return error;
}

static enum fp_error read_once(struct postgres_store *s, const char *sql,
                               const struct postgres_values *values, PGresult **out)
{
    unsigned count = 0;
    enum fp_error error = read_ready(s);
    if (error == FP_OK) {
        error = read_begin(s, &count);
    }
    if (error == FP_OK) {
        error = postgres__send(&s->reader, sql, values, &count);
    }
    return read_finish(s, error, count, out);
}

static enum fp_error get_send(struct postgres_store *s, enum store_kind kind,
                              enum store_access access, const struct postgres_values *values,
                              unsigned *count_io)
{
    bool *known = &s->reader.gets[kind][access];
    struct buf sql;
    char name[24];
    enum fp_error error = FP_OK;
    (void)snprintf(name, sizeof name, "g%u_%u", (unsigned)kind, (unsigned)access);
    buf_init(&sql, STORE_SQL_MAX);
    if (!*known) {
        store__sql_get(&sql, &store__sql_postgres, store_entity(kind), access);
        error = buf_error(&sql);
    }
    if (error == FP_OK) {
        error = postgres__send_prepared(&s->reader, name, known, buf_text(&sql), values, count_io);
    }
    buf_done(&sql);
    return error;
}

enum fp_error postgres__get(void *state, enum store_kind kind, enum store_access access,
                            struct arena *arena, void *row_out)
{
    struct postgres_store *s = state;
    const struct store_entity *entity = store_entity(kind);
    struct postgres_values values = {0};
    PGresult *result = NULL;
    unsigned count = 0;
    enum fp_error error = read_ready(s);
    postgres__add_row(&values, entity, row_out);
    if (error == FP_OK) {
        error = read_begin(s, &count);
    }
    if (error == FP_OK) {
        error = get_send(s, kind, access, &values, &count);
    }
    error = read_finish(s, error, count, &result);
    if (error == FP_E_INPUT_INVALID) {
        error = FP_E_STORE_NOT_FOUND; // no UTF-8: nothing has such a key
    }
    if (error == FP_OK) {
        error = PQntuples(result) == 0 ? FP_E_STORE_NOT_FOUND
                                       : postgres__read_row(result, 0, entity, arena, row_out);
    }
    PQclear(result);
    return error;
}

static void list_values(struct postgres_values *values, const struct store_entity *entity,
                        const struct store_query *query, const struct store_filter *filters,
                        size_t count)
{
    unsigned keys = 0;
    for (size_t i = 0; i < count; i++) {
        if (filters[i].text != NULL) {
            postgres__add_text(values, filters[i].text);
        } else {
            postgres__add_number(values, filters[i].number);
        }
    }
    for (size_t i = 0; i < entity->column_count; i++) {
        keys += (entity->columns[i].roles & STORE_KEY) != 0 ? 1 : 0;
    }
    if (query != NULL && query->after != NULL) {
        postgres__add_text(values, query->after);
        if (keys == 2) {
            postgres__add_number(values, query->after_number);
        }
    }
    postgres__add_number(values, query != NULL && query->limit != 0 ? query->limit
                                                                    : FP_LIMIT_PAGE_SIZE_DEFAULT);
    postgres__add_number(values, query != NULL ? query->offset : 0);
}

static enum fp_error list_rows(const PGresult *result, const struct store_entity *entity,
                               struct arena *arena, struct store_rows *out)
{
    const size_t count = (size_t)PQntuples(result);
    uint8_t *rows = count != 0 ? arena_alloc(arena, count, entity->row_size) : NULL;
    enum fp_error error = count == 0 || rows != NULL ? FP_OK : FP_E_NO_MEMORY;
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        uint8_t *row = rows + i * entity->row_size;
        memset(row, 0, entity->row_size);
        error = postgres__read_row(result, (int)i, entity, arena, row);
    }
    if (error == FP_OK) {
        *out = (struct store_rows){rows, count};
    }
    return error;
}

enum fp_error postgres__list(void *state, enum store_kind kind, const struct store_query *query,
                             struct arena *arena, struct store_rows *out)
{
    const struct store_entity *entity = store_entity(kind);
    struct store_filter filters[STORE_FILTERS_MAX];
    struct postgres_values values = {0};
    PGresult *result = NULL;
    size_t count = 0;
    struct buf sql;
    enum fp_error error = store_filters(entity, query, filters, &count);
    buf_init(&sql, STORE_SQL_MAX);
    if (error == FP_OK) {
        store__sql_list(&sql, &store__sql_postgres, entity, query, filters, count);
        error = buf_error(&sql);
    }
    if (error == FP_OK) {
        list_values(&values, entity, query, filters, count);
        error = read_once(state, buf_text(&sql), &values, &result);
    }
    if (error == FP_OK) {
        error = list_rows(result, entity, arena, out);
    }
    PQclear(result);
    buf_done(&sql);
    return error;
}

static enum fp_error read_number(struct postgres_store *s, const char *sql,
                                 const struct postgres_values *values, uint64_t *out)
{
    PGresult *result = NULL;
    int64_t number = 0;
    enum fp_error error = read_once(s, sql, values, &result);
    if (error == FP_OK) {
        error = postgres__read_number(result, 0, 0, &number);
    }
    if (error == FP_OK) {
        *out = (uint64_t)number;
    }
    PQclear(result);
    return error;
}

enum fp_error postgres__count(void *state, enum store_kind kind, const struct store_query *query,
                              uint64_t *out)
{
    const struct store_entity *entity = store_entity(kind);
    struct store_filter filters[STORE_FILTERS_MAX];
    struct postgres_values values = {0};
    size_t count = 0;
    struct buf sql;
    enum fp_error error = store_filters(entity, query, filters, &count);
    buf_init(&sql, STORE_SQL_MAX);
    if (error == FP_OK) {
        store__sql_count(&sql, &store__sql_postgres, entity, filters, count);
        error = buf_error(&sql);
    }
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        if (filters[i].text != NULL) {
            postgres__add_text(&values, filters[i].text);
        } else {
            postgres__add_number(&values, filters[i].number);
        }
    }
    if (error == FP_OK) {
        error = read_number(state, buf_text(&sql), &values, out);
    }
    buf_done(&sql);
    return error;
}

enum fp_error postgres__generation(void *state, uint64_t *out)
{
    return read_number(state, "SELECT value FROM generation", NULL, out);
}

enum fp_error postgres__read_begin(void *state)
{
    struct postgres_store *s = state;
    enum fp_error error = read_ready(s);
    s->reading = error == FP_OK;
    s->begun = s->broken = false;
    return error;
}

// The end is sent, its answer is taken by who reads next.
void postgres__read_end(void *state)
{
    struct postgres_store *s = state;
    unsigned count = 0;
    if (s->begun && s->reader.conn != NULL &&
        postgres__send(&s->reader, "COMMIT", NULL, &count) == FP_OK &&
        postgres__sync(&s->reader) == FP_OK) {
        s->reader.owed = count;
    }
    s->reading = s->begun = s->broken = false;
    read_lost(s);
}
