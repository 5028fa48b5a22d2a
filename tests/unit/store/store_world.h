// A store of its own and rows to put into it, for tests written against store.h alone: in a folder,
// or, where FISHPLATE_TEST_POSTGRES says which database, in a schema there.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TESTS_STORE_WORLD_H
#define FP_TESTS_STORE_WORLD_H

#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

struct world {
    char dir[64];        // folder of the test
    char schema[64];     // in PostgreSQL; empty: none
    char location[300];  // of the store
    struct store *store; // open
    struct arena *arena; // for reads
};

static inline void world_open(struct world *w)
{
    struct fp_note note = {0};
    const struct store_options options = {.location = w->location, .create = true};
    enum fp_error error = store_open(&options, &w->store, &note);
    if (error != FP_OK) {
        fail_msg("store_open: %s: %s", fp_error_code(error), note.text);
    }
}

static inline void world_reopen(struct world *w)
{
    store_close(w->store);
    w->store = NULL;
    world_open(w);
}

// The database to test with, or NULL.
static inline const char *world_postgres(void)
{
    return getenv("FISHPLATE_TEST_POSTGRES");
}

// Statements in the test's database as another program would write them; the first value, which
// the caller frees.
static inline char *world_sql(struct world *w, const char *sql)
{
    PGconn *conn = PQconnectdb(w->location);
    PGresult *result = NULL;
    char *value = NULL;
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    PQclear(PQexec(conn, "SET client_min_messages=error"));
    result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    }
    value = strdup(PQntuples(result) != 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return value;
}

// An empty schema, in place of the one that is there.
static inline void world_clear(struct world *w)
{
    char sql[200];
    (void)snprintf(sql, sizeof sql, "DROP SCHEMA IF EXISTS \"%s\" CASCADE; CREATE SCHEMA \"%s\"",
                   w->schema, w->schema);
    free(world_sql(w, sql));
}

static inline struct world *world_create(void)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    // in memory where there is such a folder: thousands of syncs would test the disk's patience
    (void)snprintf(w->dir, sizeof w->dir, "%s/fishplate-store-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    if (world_postgres() != NULL) {
        (void)snprintf(w->schema, sizeof w->schema, "t%s", strrchr(w->dir, '-') + 1);
        (void)snprintf(w->location, sizeof w->location, "%s&options=-csearch_path%%3D%%22%s%%22",
                       world_postgres(), w->schema);
        world_clear(w);
    } else {
        (void)snprintf(w->location, sizeof w->location, "%s/store.db", w->dir);
    }
    w->arena = arena_create(64 << 20, false);
    assert_non_null(w->arena);
    return w;
}

static inline void world_free(struct world *w)
{
    DIR *dir = NULL;
    struct dirent *entry = NULL;
    char path[400];
    store_close(w->store);
    arena_free(w->arena);
    if (w->schema[0] != '\0') {
        (void)snprintf(path, sizeof path, "DROP SCHEMA \"%s\" CASCADE", w->schema);
        free(world_sql(w, path));
    }
    dir = opendir(w->dir);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(dir);
    (void)rmdir(w->dir);
    free(w);
}

static inline int world_setup(void **state)
{
    struct world *w = world_create();
    world_open(w);
    *state = w;
    return 0;
}

static inline int world_teardown(void **state)
{
    world_free(*state);
    return 0;
}

#define SET(field, ...) (void)snprintf(field, sizeof field, __VA_ARGS__)

static inline struct store_application an_application(unsigned n)
{
    struct store_application row = {.created_ms = 1000 + n, .version = 1};
    SET(row.id, "app_%026u", n);
    SET(row.name, "Application %u \xc3\xa4", n);
    SET(row.environment, n % 2 != 0 ? "test" : "live");
    SET(row.networks, "10.0.0.0/8,192.168.%u.0/24", n % 256);
    memset(row.authenticator, (int)n, sizeof row.authenticator);
    return row;
}

static inline struct store_customer a_customer(unsigned n, unsigned application)
{
    struct store_customer row = {.created_ms = 2000 + n, .version = 1};
    SET(row.id, "cus_%026u", n);
    SET(row.application, "app_%026u", application);
    SET(row.name, "Customer %u", n);
    SET(row.email, "c%u@example.com", n);
    return row;
}

static inline struct store_connection a_connection(unsigned n, unsigned application,
                                                   unsigned customer)
{
    struct store_connection row = {.state = 2,
                                   .credential_version = 1,
                                   .created_ms = 3000 + n,
                                   .changed_ms = 3001,
                                   .version = 1};
    SET(row.id, "con_%026u", n);
    SET(row.application, "app_%026u", application);
    SET(row.customer, "cus_%026u", customer);
    SET(row.platform, n % 3 == 0 ? "tryton" : "sap-s4hana");
    SET(row.name, "Connection %u", n);
    SET(row.email, "c%u@example.com", customer);
    SET(row.reason, "connected");
    SET(row.account, "admin");
    memset(row.authenticator, (int)n + 1, sizeof row.authenticator);
    return row;
}

static inline struct store_token a_token(unsigned n, unsigned application, const char *owner)
{
    struct store_token row = {.kind = 1, .created_ms = 4000 + n, .expires_ms = 9000, .version = 1};
    SET(row.id, "tok_%026u", n);
    SET(row.application, "app_%026u", application);
    SET(row.owner, "%s", owner);
    SET(row.scopes, "parts purchase_orders");
    memset(row.hash, 0x5a, sizeof row.hash);
    memcpy(row.hash, &n, sizeof n);
    memset(row.authenticator, (int)n + 2, sizeof row.authenticator);
    return row;
}

static inline struct store_code a_code(unsigned n, unsigned application, const char *connection)
{
    struct store_code row = {
        .redirect_named = 1, .created_ms = 4500 + n, .expires_ms = 64500, .version = 1};
    SET(row.id, "cod_%026u", n);
    SET(row.application, "app_%026u", application);
    SET(row.connection, "%s", connection);
    SET(row.redirect_uri, "https://app.example.com/back");
    SET(row.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    SET(row.scopes, "erp:read");
    SET(row.family, "grt_%026u", n);
    memset(row.hash, 0x6b, sizeof row.hash);
    memcpy(row.hash, &n, sizeof n);
    memset(row.authenticator, (int)n + 3, sizeof row.authenticator);
    return row;
}

static inline struct store_credential a_credential(unsigned n, uint32_t version,
                                                   struct bytes sealed)
{
    struct store_credential row = {
        .credential_version = version, .sealed = sealed, .created_ms = 5000, .version = 1};
    SET(row.connection, "con_%026u", n);
    return row;
}

static inline struct store_data_key a_data_key(unsigned customer, uint32_t version)
{
    struct store_data_key row = {.key_version = version,
                                 .wrapped = BYTES("wrapped\0key"),
                                 .reserved = 1024,
                                 .state = STORE_KEY_ACTIVE,
                                 .created_ms = 6000,
                                 .version = 1};
    SET(row.customer, "cus_%026u", customer);
    memset(row.key_id, (int)version, sizeof row.key_id);
    memset(row.master_id, 0xee, sizeof row.master_id);
    return row;
}

static inline struct store_batch *a_batch(struct world *w)
{
    struct store_batch *batch = store_batch_create(w->store);
    assert_non_null(batch);
    return batch;
}

// Application 1 with customer 1 and connection 1.
static inline void put_first(struct world *w)
{
    struct store_batch *batch = a_batch(w);
    const struct store_application application = an_application(1);
    const struct store_customer customer = a_customer(1, 1);
    const struct store_connection connection = a_connection(1, 1, 1);
    store_insert_application(batch, &application);
    store_insert_customer(batch, &customer);
    store_insert_connection(batch, &connection);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
}

// One operation, written and waited for.
#define WRITE(w, call, ...)                                                                        \
    __extension__({                                                                                \
        struct store_batch *one_ = a_batch(w);                                                     \
        call(one_, __VA_ARGS__);                                                                   \
        store_submit_wait((w)->store, one_);                                                       \
    })

#endif
