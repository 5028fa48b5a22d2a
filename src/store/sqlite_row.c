// Rows in and out of statements, by the table of columns. What comes out is checked: another
// program may have written into the file. SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_int.h"

#include <string.h>

enum fp_error sqlite__error(int result)
{
    static const struct {
        int result;          // primary result code
        enum fp_error error; // what it means for us
    } rows[] = {
        {SQLITE_OK, FP_OK},
        {SQLITE_ROW, FP_OK},
        {SQLITE_DONE, FP_OK},
        {SQLITE_CONSTRAINT, FP_E_STORE_CONFLICT},
        {SQLITE_CORRUPT, FP_E_STORE_INVALID},
        {SQLITE_NOTADB, FP_E_STORE_INVALID},
        {SQLITE_FORMAT, FP_E_STORE_INVALID},
        {SQLITE_MISMATCH, FP_E_STORE_INVALID},
        {SQLITE_ERROR, FP_E_STORE_INVALID}, // a table or column that is not there
        {SQLITE_SCHEMA, FP_E_STORE_INVALID},
        {SQLITE_NOMEM, FP_E_NO_MEMORY},
        {SQLITE_PERM, FP_E_PERMISSION_DENIED},
        {SQLITE_READONLY, FP_E_PERMISSION_DENIED},
    };
    if (result == SQLITE_CONSTRAINT_PRIMARYKEY || result == SQLITE_CONSTRAINT_UNIQUE ||
        result == SQLITE_CONSTRAINT_ROWID) {
        return FP_E_EXISTS;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].result == (result & 0xff)) {
            return rows[i].error;
        }
    }
    return FP_E_STORE_UNAVAILABLE; // full, I/O error, busy, cannot open, ...
}

enum fp_error sqlite__prepare(sqlite3 *db, struct buf *sql, bool keep, sqlite3_stmt **out)
{
    enum fp_error error = buf_error(sql);
    if (error == FP_OK) {
        error = sqlite__error(sqlite3_prepare_v3(db, (const char *)sql->ptr, (int)sql->len,
                                                 keep ? SQLITE_PREPARE_PERSISTENT : 0, out, NULL));
    }
    buf_clear(sql);
    return error;
}

static int bind_number(sqlite3_stmt *stmt, int at, const struct store_column *column,
                       const uint8_t *from)
{
    uint32_t small = 0;
    int64_t large = 0; // of u64 too: none of ours reaches 2^63
    if (column->type == STORE_U32) {
        memcpy(&small, from, sizeof small);
        large = small;
    } else {
        memcpy(&large, from, sizeof large);
    }
    return sqlite3_bind_int64(stmt, at, large);
}

static int bind_column(sqlite3_stmt *stmt, int at, const struct store_column *column,
                       const uint8_t *from)
{
    struct bytes value;
    switch (column->type) {
    case STORE_TEXT:
        return sqlite3_bind_text(stmt, at, (const char *)from, -1, SQLITE_STATIC);
    case STORE_FIXED:
        return sqlite3_bind_blob(stmt, at, from, (int)column->size, SQLITE_STATIC);
    case STORE_BYTES:
        memcpy(&value, from, sizeof value);
        return value.len != 0
                   ? sqlite3_bind_blob(stmt, at, value.ptr, (int)value.len, SQLITE_STATIC)
                   : sqlite3_bind_zeroblob(stmt, at, 0);
    case STORE_U32:
    case STORE_U64:
    case STORE_I64:
        break;
    }
    return bind_number(stmt, at, column, from);
}

enum fp_error sqlite__bind_row(sqlite3_stmt *stmt, const struct store_entity *entity,
                               const void *row)
{
    int count = sqlite3_bind_parameter_count(stmt);
    int result = SQLITE_OK;
    for (int i = 0; i < count && i < (int)entity->column_count && result == SQLITE_OK; i++) {
        const struct store_column *column = &entity->columns[i];
        result = bind_column(stmt, i + 1, column, (const uint8_t *)row + column->offset);
    }
    return sqlite__error(result);
}

static enum fp_error read_number(sqlite3_stmt *stmt, int at, const struct store_column *column,
                                 uint8_t *to)
{
    int64_t large = sqlite3_column_int64(stmt, at);
    if (sqlite3_column_type(stmt, at) != SQLITE_INTEGER ||
        (column->type == STORE_U32 && (large < 0 || large > UINT32_MAX)) ||
        (column->type == STORE_U64 && large < 0)) {
        return FP_E_STORE_INVALID;
    }
    if (column->type == STORE_U32) {
        uint32_t small = (uint32_t)large;
        memcpy(to, &small, sizeof small);
    } else {
        memcpy(to, &large, sizeof large);
    }
    return FP_OK;
}

static enum fp_error read_bytes(sqlite3_stmt *stmt, int at, const struct store_column *column,
                                struct arena *arena, uint8_t *to)
{
    const uint8_t *from = sqlite3_column_blob(stmt, at);
    struct bytes value = bytes_of(from, (size_t)sqlite3_column_bytes(stmt, at)), copy = {0};
    if (sqlite3_column_type(stmt, at) != SQLITE_BLOB || value.len > column->size) {
        return FP_E_STORE_INVALID;
    }
    if (value.len != 0) {
        copy = arena_copy(arena, value);
        if (copy.ptr == NULL) {
            return FP_E_NO_MEMORY;
        }
    }
    memcpy(to, &copy, sizeof copy);
    return FP_OK;
}

static enum fp_error read_column(sqlite3_stmt *stmt, int at, const struct store_column *column,
                                 struct arena *arena, uint8_t *to)
{
    const void *from = NULL;
    size_t len = 0;
    switch (column->type) {
    case STORE_TEXT:
        from = sqlite3_column_text(stmt, at);
        len = (size_t)sqlite3_column_bytes(stmt, at);
        return from != NULL && len < column->size &&
                       bytes_to_text(bytes_of(from, len), (char *)to, column->size)
                   ? FP_OK
                   : FP_E_STORE_INVALID;
    case STORE_FIXED:
        from = sqlite3_column_blob(stmt, at);
        if (from == NULL || (size_t)sqlite3_column_bytes(stmt, at) != column->size) {
            return FP_E_STORE_INVALID;
        }
        memcpy(to, from, column->size);
        return FP_OK;
    case STORE_BYTES:
        return read_bytes(stmt, at, column, arena, to);
    case STORE_U32:
    case STORE_U64:
    case STORE_I64:
        break;
    }
    return read_number(stmt, at, column, to);
}

enum fp_error sqlite__read_row(sqlite3_stmt *stmt, const struct store_entity *entity,
                               struct arena *arena, void *row_out)
{
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < entity->column_count && error == FP_OK; i++) {
        const struct store_column *column = &entity->columns[i];
        error = read_column(stmt, (int)i, column, arena, (uint8_t *)row_out + column->offset);
    }
    return error;
}
