// The rows of store.h as data: where each column lies in its struct and what it is for. Every
// backend makes its statements from this. SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_SCHEMA_H
#define FP_STORE_SCHEMA_H

#include "store/store.h"

#define STORE_COLUMNS_MAX 24

enum store_type {
    STORE_TEXT,  // char[size], NUL-terminated
    STORE_FIXED, // uint8_t[size], always whole
    STORE_BYTES, // struct bytes of at most size bytes
    STORE_U32,
    STORE_U64,
    STORE_I64
};

enum store_role {
    STORE_KEY = 1,      // part of the row's key
    STORE_SECOND = 2,   // part of its second, also unique, key
    STORE_PARENT = 4,   // what it belongs to: deletes of several rows go by it
    STORE_TOUCHED = 8,  // set by touch, not by update
    STORE_ADDED = 16,   // added to by touch, not set by update
    STORE_VERSION = 32, // counts changes
    STORE_SEARCHED = 64 // a query's search looks into it
};

struct store_column {
    const char *name;     // in the database
    enum store_type type; // how it lies in the struct
    size_t offset;        // where
    size_t size;          // bytes, as store_type says
    unsigned roles;       // of enum store_role
};

struct store_entity {
    const char *table;                  // in the database
    size_t row_size;                    // of the struct
    const struct store_column *columns; // in the order of the struct
    size_t column_count;                // of them
};

const struct store_entity *store_entity(enum store_kind kind);
// The column of that name, or NULL.
const struct store_column *store_column(const struct store_entity *entity, const char *name);
// The one with that role, or NULL.
const struct store_column *store_column_with(const struct store_entity *entity,
                                             enum store_role role);

// A filter of a query that applies: column and value.
struct store_filter {
    const struct store_column *column; // of the entity; NULL: text is searched for
    const char *text;                  // value of a text column, else NULL
    uint32_t number;                   // value of a number column
};
#define STORE_FILTERS_MAX 13
// Fills at most STORE_FILTERS_MAX filters. FP_E_INPUT_INVALID when the entity lacks one's column.
enum fp_error store_filters(const struct store_entity *entity, const struct store_query *query,
                            struct store_filter out[static STORE_FILTERS_MAX], size_t *count_out);

#endif
