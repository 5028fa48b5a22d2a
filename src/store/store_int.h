// What the files of store/ share: a batch, and what a backend does.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_STORE_INT_H
#define FP_STORE_STORE_INT_H

#include "base/worker.h"
#include "store/schema.h"
#include "store/store.h"

enum store_action {
    STORE_INSERT,
    STORE_PUT,       // insert or replace
    STORE_UPDATE,    // where the version is the row's
    STORE_TOUCH,     // the touched or added column alone
    STORE_DELETE,    // by key
    STORE_DELETE_OF, // by parent
    STORE_ACTION_COUNT
};

struct store_op {
    enum store_kind kind;     // of the row
    enum store_action action; // what to do
    bool tolerant;            // finding no row is no failure
    const void *row;          // in the batch's arena
};

struct store_batch {
    struct work work;     // first: the worker's
    struct store *store;  // where it goes
    struct arena *arena;  // rows
    struct store_op *ops; // owned
    size_t count;         // of ops
    size_t room;          // allocated
    enum fp_error error;  // sticky, while it is filled
    bool scrub;           // take old contents out of the files afterwards
    store_done *done;     // may be NULL
    void *ctx;            // its argument
};

// Which unique key a row is looked up by.
enum store_access {
    STORE_BY_KEY,
    STORE_BY_SECOND,
    STORE_NEWEST, // of a parent: the highest version that is not destroyed
    STORE_ACCESS_COUNT
};

struct store_rows {
    void *rows;   // in the arena, one behind the other
    size_t count; // of them
};

// A kind of database. read functions run on the caller's thread, write on the writer's.
struct store_backend {
    const char *name; // "sqlite", "postgresql"
    enum fp_error (*open)(const struct store_options *options, void **state_out,
                          struct fp_note *note);
    void (*close)(void *state); // takes half-opened ones
    const char *(*id)(const void *state);
    enum fp_error (*generation)(void *state, uint64_t *out);
    // row_out holds the key columns and receives the row; untouched where not found.
    enum fp_error (*get)(void *state, enum store_kind kind, enum store_access access,
                         struct arena *arena, void *row_out);
    enum fp_error (*list)(void *state, enum store_kind kind, const struct store_query *query,
                          struct arena *arena, struct store_rows *out);
    enum fp_error (*count)(void *state, enum store_kind kind, const struct store_query *query,
                           uint64_t *out);
    enum fp_error (*read_begin)(void *state);
    void (*read_end)(void *state);
    // Writes the batches of the list, each whole or not at all, and sets work.result; the result of
    // the transaction, and the generation it made.
    enum fp_error (*write)(void *state, struct work *list, uint64_t *generation_out);
    // On the writer's thread every FP_LIMIT_STORE_TEND ms without work; NULL: not needed.
    void (*tend)(void *state);
    // Whether another node changed data keys since it was last asked; NULL: there are no others.
    bool (*changed)(void *state);
    // Whether the database can be used as far as is known; NULL: always.
    bool (*reachable)(const void *state);
};

extern const struct store_backend store__sqlite, store__postgres;

// The typed functions of store.h end here.
enum fp_error store__get(struct store *store, enum store_kind kind, enum store_access access,
                         struct arena *arena, void *row_out);
enum fp_error store__list(struct store *store, enum store_kind kind,
                          const struct store_query *query, struct arena *arena,
                          struct store_rows *out);
// Copies the row; a failure stays in the batch.
void store__add(struct store_batch *batch, enum store_kind kind, enum store_action action,
                bool tolerant, const void *row);
// Fits text into a key column of size bytes; false when it cannot be a key.
bool store__text(char *out, size_t size, const char *text);

#endif
