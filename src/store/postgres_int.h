// What the files of the PostgreSQL backend share. Two links: one for the caller's thread, which
// reads, one for the writer's, which also looks after both. SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_POSTGRES_INT_H
#define FP_STORE_POSTGRES_INT_H

#include "store/sql_int.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

#define POSTGRES_PARAMS_MAX 32                      // of a connection, with the closing NULL
#define POSTGRES_VALUES_MAX (STORE_COLUMNS_MAX + 2) // of a statement
#define POSTGRES_CHANNEL    "fishplate"             // of notifications

// How to reach the database.
struct postgres_params {
    PQconninfoOption *given;                   // owned: of the location
    char *password;                            // owned, wiped; NULL: none
    const char *keywords[POSTGRES_PARAMS_MAX]; // for PQconnectStartParams(), with NULL at the end
    const char *values[POSTGRES_PARAMS_MAX];   // theirs, in given or constant
    char port[8];                              // where given has none
};

// A connection with what was prepared on it.
struct postgres_link {
    PGconn *conn;                                          // NULL: none, or it was lost
    unsigned owed;                                         // statements nobody took results of
    bool gets[STORE_KIND_COUNT][STORE_ACCESS_COUNT];       // prepared
    bool changes[STORE_KIND_COUNT][STORE_ACTION_COUNT][2]; // prepared; [1]: tolerant
    char state[6];                                         // SQLSTATE of the last failure
    char message[200];                                     // first line of its text
};

struct postgres_store {
    struct postgres_params params; // fixed after opening
    char id[40];                   // of the store
    struct postgres_link reader;   // caller's thread
    struct postgres_link writer;   // writer's thread
    bool reading;                  // between read_begin and read_end
    bool begun;                    // the database knows
    bool broken;                   // the link was lost in between
    atomic_bool reader_lost;       // asks the writer's thread for another link
    pthread_mutex_t lock;          // over spare
    struct postgres_link spare;    // made by the writer's thread for the reader
    uint64_t next_try_ns;          // writer's: not before then
    unsigned failures;             // writer's: in a row
    uint64_t generation;           // writer's: highest seen
    int64_t keys_seen;             // writer's: changes of data keys counted so far, by all nodes
    uint64_t next_look_ns;         // writer's: at that count, not before then
    atomic_bool stale;             // another node counted one
    atomic_bool away;              // the writer has no link
};

// Values of one statement, in the database's binary form; what they point to must stay.
struct postgres_values {
    Oid types[POSTGRES_VALUES_MAX];          // of each
    const char *values[POSTGRES_VALUES_MAX]; // where it lies
    int lengths[POSTGRES_VALUES_MAX];        // bytes
    int formats[POSTGRES_VALUES_MAX];        // all 1: binary
    uint8_t numbers[POSTGRES_VALUES_MAX][8]; // integers, big-endian
    size_t count;                            // of them
};

// ------------------------------------------------------------------------------- postgres_params.c
// FP_E_INPUT_INVALID for what is no location, holds a password, or would reach a database beyond
// this machine without a certificate that is checked.
enum fp_error postgres__params_init(struct postgres_params *params,
                                    const struct store_options *options, struct fp_note *note);
void postgres__params_done(struct postgres_params *params); // takes zeroed ones

// --------------------------------------------------------------------------------- postgres_link.c
// Connects and sets the session up, within FP_LIMIT_STORE_CONNECT. FP_E_STORE_UNAVAILABLE,
// FP_E_STORE_INVALID (not UTF-8, too old), FP_E_PERMISSION_DENIED.
enum fp_error postgres__connect(const struct postgres_params *params, struct postgres_link *link,
                                struct fp_note *note);
void postgres__lose(struct postgres_link *link); // closes; takes a closed one
// Before the pipeline: runs the statements, gives the last result (may be NULL) to be cleared.
enum fp_error postgres__exec(struct postgres_link *link, const char *sql, PGresult **out);
// From here on everything goes through the pipeline.
enum fp_error postgres__pipeline(struct postgres_link *link);
// Queue one statement (two where it is prepared first); *count_io counts statements.
enum fp_error postgres__send(struct postgres_link *link, const char *sql,
                             const struct postgres_values *values, unsigned *count_io);
enum fp_error postgres__send_prepared(struct postgres_link *link, const char *name, bool *known_io,
                                      const char *sql, const struct postgres_values *values,
                                      unsigned *count_io);
// Ends a group of statements: a failure in it skips the rest of it, and nothing behind it.
enum fp_error postgres__sync(struct postgres_link *link);
// Takes the results of a group of so many statements: the first failure, or the last result (to be
// cleared; out may be NULL). A link that does not answer by the deadline is closed.
enum fp_error postgres__take(struct postgres_link *link, unsigned count, uint64_t deadline_ns,
                             PGresult **out);
uint64_t postgres__deadline(unsigned ms);
// One statement without values, and its results.
enum fp_error postgres__say(struct postgres_link *link, const char *sql, PGresult **out);

// ---------------------------------------------------------------------------------- postgres_row.c
// The error of the catalogue for a SQLSTATE.
enum fp_error postgres__error(const char *state);
void postgres__add_text(struct postgres_values *values, const char *text);
void postgres__add_number(struct postgres_values *values, int64_t number);
// Every column of the row.
void postgres__add_row(struct postgres_values *values, const struct store_entity *entity,
                       const void *row);
enum fp_error postgres__read_row(const PGresult *result, int at, const struct store_entity *entity,
                                 struct arena *arena, void *row_out);
enum fp_error postgres__read_number(const PGresult *result, int at, int column, int64_t *out);

// ------------------------------------------------------------------------------ postgres_migrate.c
// Makes or brings the tables to this version; the store's id. Before the pipeline.
enum fp_error postgres__migrate(struct postgres_link *link, bool create, char id_out[static 40],
                                struct fp_note *note);

// --------------------------------------------------------------------------------- postgres_read.c
enum fp_error postgres__get(void *state, enum store_kind kind, enum store_access access,
                            struct arena *arena, void *row_out);
enum fp_error postgres__list(void *state, enum store_kind kind, const struct store_query *query,
                             struct arena *arena, struct store_rows *out);
enum fp_error postgres__count(void *state, enum store_kind kind, const struct store_query *query,
                              uint64_t *out);
enum fp_error postgres__generation(void *state, uint64_t *out);
enum fp_error postgres__read_begin(void *state);
void postgres__read_end(void *state);

// -------------------------------------------------------------------------------- postgres_write.c
#define POSTGRES_KEYS_CHANGED "keys_changed" // in meta: a count
enum fp_error postgres__write(void *state, struct work *list, uint64_t *generation_out);

// --------------------------------------------------------------------------------- postgres_tend.c
// On the writer's thread: links that were lost are made anew, with growing pauses.
// Looks whether another node changed data keys.
void postgres__tend(void *state);
bool postgres__changed(void *state);
bool postgres__reachable(const void *state);
// The writer's link, made anew if need and time be.
enum fp_error postgres__writer(struct postgres_store *s);

#endif
