// Reading on the caller's thread with prepared statements.
// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_int.h"

#include <string.h>

enum fp_error sqlite__get(void *state, enum store_kind kind, enum store_access access,
                          struct arena *arena, void *row_out)
{
    struct sqlite_store *s = state;
    const struct store_entity *entity = store_entity(kind);
    sqlite3_stmt *stmt = s->get[kind][access];
    enum fp_error error = sqlite__bind_row(stmt, entity, row_out);
    if (error == FP_OK) {
        int result = sqlite3_step(stmt);
        error = sqlite__error(result);
        if (result == SQLITE_ROW) {
            error = sqlite__read_row(stmt, entity, arena, row_out);
        } else if (result == SQLITE_DONE) {
            error = FP_E_STORE_NOT_FOUND;
        }
    }
    (void)sqlite3_reset(stmt);
    return error;
}

static int list_bind_filters(sqlite3_stmt *stmt, const struct store_filter *filters, size_t count,
                             int *at)
{
    int result = SQLITE_OK;
    for (size_t i = 0; i < count && result == SQLITE_OK; i++) {
        result = filters[i].text != NULL
                     ? sqlite3_bind_text(stmt, (*at)++, filters[i].text, -1, SQLITE_STATIC)
                     : sqlite3_bind_int64(stmt, (*at)++, filters[i].number);
    }
    return result;
}

static enum fp_error list_bind(sqlite3_stmt *stmt, const struct store_query *query,
                               const struct store_filter *filters, size_t count)
{
    // filters, the cursor's one or two values, limit, offset
    const int cursor = sqlite3_bind_parameter_count(stmt) - (int)count - 2;
    int at = 1;
    int result = list_bind_filters(stmt, filters, count, &at);
    uint32_t limit = query != NULL && query->limit != 0 ? query->limit : FP_LIMIT_PAGE_SIZE_DEFAULT;
    if (result == SQLITE_OK && cursor > 0) {
        result = sqlite3_bind_text(stmt, at++, query->after, -1, SQLITE_STATIC);
    }
    if (result == SQLITE_OK && cursor > 1) {
        result = sqlite3_bind_int64(stmt, at++, query->after_number);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(stmt, at++, limit);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(stmt, at++, query != NULL ? query->offset : 0);
    }
    return sqlite__error(result);
}

// All rows of the statement: collected, then moved into the arena as one array.
static enum fp_error list_rows(sqlite3_stmt *stmt, const struct store_entity *entity,
                               struct arena *arena, struct store_rows *out)
{
    struct buf rows;
    size_t count = 0;
    void *all = NULL;
    enum fp_error error = FP_OK;
    int result = SQLITE_DONE;
    buf_init(&rows, FP_LIMIT_STORE_LIST * entity->row_size);
    while (error == FP_OK && (result = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint8_t *row = buf_reserve(&rows, entity->row_size);
        error = buf_error(&rows);
        if (error == FP_OK) {
            memset(row, 0, entity->row_size);
            error = sqlite__read_row(stmt, entity, arena, row);
        }
        if (error == FP_OK) {
            buf_commit(&rows, entity->row_size);
            count++;
        }
    }
    if (error == FP_OK) {
        error = sqlite__error(result);
    }
    if (error == FP_OK && count != 0) {
        all = arena_alloc(arena, count, entity->row_size);
        error = all != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        if (count != 0) {
            memcpy(all, rows.ptr, rows.len);
        }
        *out = (struct store_rows){all, count};
    }
    buf_done(&rows);
    return error;
}

enum fp_error sqlite__list(void *state, enum store_kind kind, const struct store_query *query,
                           struct arena *arena, struct store_rows *out)
{
    struct sqlite_store *s = state;
    const struct store_entity *entity = store_entity(kind);
    struct store_filter filters[STORE_FILTERS_MAX];
    size_t count = 0;
    sqlite3_stmt *stmt = NULL;
    struct buf sql;
    enum fp_error error = store_filters(entity, query, filters, &count);
    buf_init(&sql, STORE_SQL_MAX);
    if (error == FP_OK) {
        store__sql_list(&sql, &store__sql_sqlite, entity, query, filters, count);
        error = sqlite__prepare(s->reader, &sql, false, &stmt);
    }
    if (error == FP_OK) {
        error = list_bind(stmt, query, filters, count);
    }
    if (error == FP_OK) {
        error = list_rows(stmt, entity, arena, out);
    }
    (void)sqlite3_finalize(stmt);
    buf_done(&sql);
    return error;
}

enum fp_error sqlite__count(void *state, enum store_kind kind, const struct store_query *query,
                            uint64_t *out)
{
    struct sqlite_store *s = state;
    struct store_filter filters[STORE_FILTERS_MAX];
    size_t count = 0;
    sqlite3_stmt *stmt = NULL;
    struct buf sql;
    int at = 1;
    enum fp_error error = store_filters(store_entity(kind), query, filters, &count);
    buf_init(&sql, STORE_SQL_MAX);
    if (error == FP_OK) {
        store__sql_count(&sql, &store__sql_sqlite, store_entity(kind), filters, count);
        error = sqlite__prepare(s->reader, &sql, false, &stmt);
    }
    if (error == FP_OK) {
        error = sqlite__error(list_bind_filters(stmt, filters, count, &at));
    }
    if (error == FP_OK) {
        int result = sqlite3_step(stmt);
        error = sqlite__error(result);
        if (result == SQLITE_ROW) {
            *out = (uint64_t)sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    buf_done(&sql);
    return error;
}
