// Rows in and out of PostgreSQL's binary format, by the table of columns. What comes out is
// checked: another program may have written into the database. SPDX-License-Identifier: Apache-2.0
#include "store/postgres_int.h"

#include <string.h>

// Types of pg_type.h, which no header of libpq gives.
#define OID_BYTEA 17u
#define OID_INT8  20u
#define OID_TEXT  25u

enum fp_error postgres__error(const char *state)
{
    static const struct {
        const char *state;   // SQLSTATE, or the class it begins with
        enum fp_error error; // what it means for us
    } rows[] = {
        {"23505", FP_E_EXISTS},          // unique
        {"23", FP_E_STORE_CONFLICT},     // other constraints
        {"22012", FP_E_STORE_CONFLICT},  // division by zero: an expectation of ours
        {"2201E", FP_E_STORE_NOT_FOUND}, // logarithm of zero: another
        {"22021", FP_E_INPUT_INVALID},   // not UTF-8
        {"22P05", FP_E_INPUT_INVALID},
        {"42501", FP_E_PERMISSION_DENIED},
        {"28", FP_E_PERMISSION_DENIED},
        {"42", FP_E_STORE_INVALID}, // a table or column that is not there
        {"3F000", FP_E_STORE_INVALID},
        {"XX001", FP_E_STORE_INVALID}, // damaged
        {"XX002", FP_E_STORE_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strncmp(state, rows[i].state, strlen(rows[i].state)) == 0) {
            return rows[i].error;
        }
    }
    return FP_E_STORE_UNAVAILABLE; // shut down, full, timed out, a deadlock, ...
}

static void values_add(struct postgres_values *values, Oid type, const void *value, size_t len)
{
    const size_t at = values->count;
    if (at < POSTGRES_VALUES_MAX) {
        values->types[at] = type;
        values->values[at] = len != 0 ? value : "";
        values->lengths[at] = (int)len;
        values->formats[at] = 1;
        values->count++;
    }
}

void postgres__add_text(struct postgres_values *values, const char *text)
{
    values_add(values, OID_TEXT, text, strlen(text));
}

void postgres__add_number(struct postgres_values *values, int64_t number)
{
    if (values->count < POSTGRES_VALUES_MAX) {
        uint8_t *to = values->numbers[values->count];
        for (unsigned i = 0; i < 8; i++) {
            to[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
        }
        values_add(values, OID_INT8, to, 8);
    }
}

void postgres__add_row(struct postgres_values *values, const struct store_entity *entity,
                       const void *row)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        const struct store_column *column = &entity->columns[i];
        const uint8_t *from = (const uint8_t *)row + column->offset;
        struct bytes value = {0};
        uint32_t small = 0;
        int64_t large = 0; // of u64 too: none of ours reaches 2^63
        switch (column->type) {
        case STORE_TEXT:
            postgres__add_text(values, (const char *)from);
            break;
        case STORE_FIXED:
            values_add(values, OID_BYTEA, from, column->size);
            break;
        case STORE_BYTES:
            memcpy(&value, from, sizeof value);
            values_add(values, OID_BYTEA, value.ptr, value.len);
            break;
        case STORE_U32:
            memcpy(&small, from, sizeof small);
            postgres__add_number(values, small);
            break;
        case STORE_U64:
        case STORE_I64:
            memcpy(&large, from, sizeof large);
            postgres__add_number(values, large);
            break;
        }
    }
}

enum fp_error postgres__read_number(const PGresult *result, int at, int column, int64_t *out)
{
    uint64_t value = 0;
    if (at >= PQntuples(result) || column >= PQnfields(result) ||
        PQftype(result, column) != OID_INT8 || PQgetisnull(result, at, column) != 0 ||
        PQgetlength(result, at, column) != 8) {
        return FP_E_STORE_INVALID;
    }
    for (unsigned i = 0; i < 8; i++) {
        value = value << 8 | (uint8_t)PQgetvalue(result, at, column)[i];
    }
    *out = (int64_t)value;
    return FP_OK;
}

static enum fp_error read_number(const PGresult *result, int at, int i,
                                 const struct store_column *column, uint8_t *to)
{
    int64_t large = 0;
    enum fp_error error = postgres__read_number(result, at, i, &large);
    if (error != FP_OK || (column->type == STORE_U32 && (large < 0 || large > UINT32_MAX)) ||
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

static enum fp_error read_value(struct bytes value, const struct store_column *column,
                                struct arena *arena, uint8_t *to)
{
    struct bytes copy = {0};
    if (column->type == STORE_TEXT) {
        return value.len < column->size && bytes_to_text(value, (char *)to, column->size)
                   ? FP_OK
                   : FP_E_STORE_INVALID;
    }
    if (column->type == STORE_FIXED) {
        if (value.len != column->size) {
            return FP_E_STORE_INVALID;
        }
        memcpy(to, value.ptr, column->size);
        return FP_OK;
    }
    if (value.len > column->size) {
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

enum fp_error postgres__read_row(const PGresult *result, int at, const struct store_entity *entity,
                                 struct arena *arena, void *row_out)
{
    enum fp_error error =
        PQnfields(result) == (int)entity->column_count ? FP_OK : FP_E_STORE_INVALID;
    for (int i = 0; i < (int)entity->column_count && error == FP_OK; i++) {
        const struct store_column *column = &entity->columns[i];
        uint8_t *to = (uint8_t *)row_out + column->offset;
        const bool bytes = column->type == STORE_FIXED || column->type == STORE_BYTES;
        if (!bytes && column->type != STORE_TEXT) {
            error = read_number(result, at, i, column, to);
        } else if (PQgetisnull(result, at, i) != 0 ||
                   PQftype(result, i) != (bytes ? OID_BYTEA : OID_TEXT)) {
            error = FP_E_STORE_INVALID;
        } else {
            error =
                read_value(bytes_of(PQgetvalue(result, at, i), (size_t)PQgetlength(result, at, i)),
                           column, arena, to);
        }
    }
    return error;
}
