// What only PostgreSQL does: several nodes on one database, connections that end, locations that
// are not safe, a database that another program wrote into. Row N11. Needs FISHPLATE_TEST_POSTGRES.
// SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define NODES   2
#define REDEEMS 100

static void pause_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

// Ends every connection of a store to the test's database but the asking one.
static void cut(struct world *w)
{
    free(world_sql(w, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                      "WHERE datname=current_database() AND pid<>pg_backend_pid()"));
}

static void says(struct world *w, const char *sql, const char *expected)
{
    char *value = world_sql(w, sql);
    assert_string_equal(value, expected);
    free(value);
}

static enum fp_error try_open(const char *location, bool create, struct fp_note *note)
{
    const struct store_options options = {.location = location, .create = create};
    struct store *store = NULL;
    enum fp_error error = store_open(&options, &store, note);
    store_close(store);
    return error;
}

static void test_store_postgres__unsafe_locations(void **state)
{
    static const char *const bad[] = {
        "postgresql://u:secret@/db?host=/tmp",              // a password among the settings
        "postgresql://u@db.example.com/db?sslmode=require", // a certificate nobody checks
        "postgresql://u@db.example.com/db?sslmode=disable",
        "postgresql://u@/db?hostaddr=192.0.2.1&host=localhost&sslmode=prefer",
        "postgresql://u@127.0.0.1,192.0.2.1/db",
        "postgresql://u@/db", // wherever libpq would look
        "postgresql://u@/db?host=/tmp&service=other",
        "postgresql://u@/db?host=/tmp&passfile=/etc/passwd",
        "postgresql://u@/db?host=/tmp&nonsense=1",
        "postgres://[::1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fp_note note = {0};
        assert_int_equal(try_open(bad[i], true, &note), FP_E_INPUT_INVALID);
        assert_string_equal(note.field, "store.url");
        assert_null(strstr(note.text, "secret"));
        assert_true(note.text[0] != '\0');
    }
}

static void test_store_postgres__nobody_there(void **state)
{
    struct fp_note note = {0};
    (void)state;
    assert_int_equal(try_open("postgresql://u@/db?host=/nonexistent", true, &note),
                     FP_E_STORE_UNAVAILABLE);
    assert_true(note.text[0] != '\0');
}

static void test_store_postgres__made_only_when_asked(void **state)
{
    struct world *w = *state;
    struct fp_note note = {0};
    assert_int_equal(try_open(w->location, false, &note), FP_E_STORE_NOT_FOUND);
    assert_int_equal(try_open(w->location, true, &note), FP_OK);
    assert_int_equal(try_open(w->location, false, &note), FP_OK);
}

static void test_store_postgres__of_another_program(void **state)
{
    struct world *w = *state;
    struct fp_note note = {0};
    free(world_sql(w, "CREATE TABLE invoices(id int)"));
    assert_int_equal(try_open(w->location, true, &note), FP_E_STORE_INVALID);
    assert_non_null(strstr(note.text, "another program"));
    free(world_sql(w, "CREATE TABLE meta(name text, value text)"));
    assert_int_equal(try_open(w->location, true, &note), FP_E_STORE_INVALID);
    says(w, "SELECT count(*) FROM invoices", "0"); // untouched
}

static void test_store_postgres__newer_version(void **state)
{
    struct world *w = *state;
    struct fp_note note = {0};
    assert_int_equal(try_open(w->location, true, NULL), FP_OK);
    free(world_sql(w, "UPDATE meta SET value='9999' WHERE name='version'"));
    assert_int_equal(try_open(w->location, false, &note), FP_E_STORE_VERSION);
}

static void test_store_postgres__foreign_rows(void **state)
{
    static const char *const writes[] = {
        "UPDATE token SET hash='\\x00', id='tok_1'",
        "UPDATE token SET kind=-1",
        "UPDATE token SET kind=4294967296",
        "UPDATE token SET scopes=repeat('x',100000)",
        "ALTER TABLE token ALTER COLUMN kind TYPE integer",
        "ALTER TABLE token ALTER COLUMN kind TYPE text",
        "ALTER TABLE token DROP COLUMN authenticator",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        struct store_token token, out = {.kind = 77};
        world_open(w);
        put_first(w);
        token = a_token(1, 1, "x");
        assert_int_equal(WRITE(w, store_insert_token, &token), FP_OK);
        free(world_sql(w, writes[i]));
        assert_int_equal(store_get_token(w->store, i == 0 ? "tok_1" : token.id, &out),
                         FP_E_STORE_INVALID);
        assert_int_equal(out.kind, 77);
        store_close(w->store);
        w->store = NULL;
        world_clear(w);
    }
}

// Ends of connections are the database's everyday life: what was not committed is told so, and
// nothing needs to be started anew.
static void test_store_postgres__connections_end(void **state)
{
    struct world *w = *state;
    struct store_application row, out;
    world_open(w);
    put_first(w);
    for (unsigned n = 10; n < 13; n++) {
        enum fp_error error = FP_E_STORE_UNAVAILABLE;
        row = an_application(n);
        cut(w);
        assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK); // on a new one, at once
        for (int i = 0; i < 200 && error == FP_E_STORE_UNAVAILABLE; i++) {
            error = store_get_application(w->store, row.id, &out);
            pause_ms(error == FP_OK ? 0 : 20);
        }
        assert_int_equal(error, FP_OK);
    }
}

static void test_store_postgres__cut_within_one_moment(void **state)
{
    struct world *w = *state;
    struct store_application out;
    const char *id = "app_00000000000000000000000001";
    enum fp_error error = FP_E_STORE_UNAVAILABLE;
    world_open(w);
    put_first(w);
    assert_int_equal(store_read_begin(w->store), FP_OK);
    assert_int_equal(store_get_application(w->store, id, &out), FP_OK);
    cut(w);
    for (int i = 0; i < 20; i++) { // never another moment's rows
        assert_int_equal(store_get_application(w->store, id, &out), FP_E_STORE_UNAVAILABLE);
        pause_ms(20);
    }
    store_read_end(w->store);
    for (int i = 0; i < 200 && error == FP_E_STORE_UNAVAILABLE; i++) {
        error = store_get_application(w->store, id, &out);
        pause_ms(error == FP_OK ? 0 : 20);
    }
    assert_int_equal(error, FP_OK);
}

// A copy that lags behind comes up in the place of the database: it is not used.
static void test_store_postgres__came_back_older(void **state)
{
    struct world *w = *state;
    const struct store_application row = an_application(10);
    world_open(w);
    put_first(w);
    free(world_sql(w, "UPDATE generation SET value=0"));
    cut(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(WRITE(w, store_insert_application, &row), FP_E_STORE_UNAVAILABLE);
        pause_ms(250);
    }
    says(w, "SELECT count(*) FROM application", "1");
}

static void test_store_postgres__waits_for_another_node(void **state)
{
    struct world *w = *state;
    PGconn *other = PQconnectdb(w->location);
    const struct store_application row = an_application(7);
    struct store_batch *batch = NULL;
    struct pollfd fd;
    world_open(w);
    PQclear(PQexec(other, "BEGIN; UPDATE generation SET value=value+1"));
    batch = a_batch(w);
    store_insert_application(batch, &row);
    assert_int_equal(store_submit(w->store, batch, NULL, NULL), FP_OK);
    fd = (struct pollfd){store_event_fd(w->store), POLLIN, 0};
    assert_int_equal(poll(&fd, 1, 100), 0); // its turn has not come
    PQclear(PQexec(other, "COMMIT"));
    store_wait(w->store);
    assert_int_equal(store_state(w->store).last, FP_OK);
    PQfinish(other);
}

struct redeem {
    unsigned won;  // results FP_OK
    unsigned lost; // results FP_E_STORE_CONFLICT
};

static void on_redeem(void *ctx, enum fp_error result)
{
    struct redeem *seen = ctx;
    seen->won += result == FP_OK ? 1 : 0;
    seen->lost += result == FP_E_STORE_CONFLICT ? 1 : 0;
}

// A hundred redeem one code over two nodes at once: one of them wins.
static void test_store_postgres__a_code_is_redeemed_once_over_nodes(void **state)
{
    struct world *w = *state;
    struct store *nodes[NODES] = {NULL, NULL};
    struct redeem seen = {0};
    struct store_code code, found;
    world_open(w);
    nodes[0] = w->store;
    put_first(w);
    code = a_code(1, 1, "con_00000000000000000000000001");
    assert_int_equal(WRITE(w, store_insert_code, &code), FP_OK);
    world_open(w); // another node
    nodes[1] = w->store;
    assert_int_equal(store_find_code(nodes[1], code.hash, &found), FP_OK); // seen at once
    for (unsigned i = 0; i < REDEEMS; i++) {
        struct store_batch *batch = store_batch_create(nodes[i % NODES]);
        assert_non_null(batch);
        found.redeemed_ms = 5000 + i;
        store_update_code(batch, &found);
        assert_int_equal(store_submit(nodes[i % NODES], batch, on_redeem, &seen), FP_OK);
    }
    store_wait(nodes[0]);
    store_wait(nodes[1]);
    assert_int_equal(seen.won, 1);
    assert_int_equal(seen.lost, REDEEMS - 1);
    store_close(nodes[0]);
}

static bool takes_changes(struct store *store, int within_ms)
{
    for (int waited = 0; waited < within_ms; waited += 20) {
        if (store_take_changes(store)) {
            return true;
        }
        pause_ms(20);
    }
    return false;
}

// What one node does to data keys the other hears of within a second; its own it knows.
static void test_store_postgres__nodes_hear_of_data_keys(void **state)
{
    struct world *w = *state;
    struct store *other = NULL;
    struct store_data_key one = a_data_key(1, 1), two = a_data_key(1, 2);
    world_open(w);
    other = w->store;
    world_open(w);
    assert_false(takes_changes(other, 500));
    assert_int_equal(WRITE(w, store_insert_data_key, &one), FP_OK); // nobody can hold it yet
    assert_false(takes_changes(other, 500));
    assert_int_equal(WRITE(w, store_insert_data_key, &two), FP_OK);
    assert_true(takes_changes(other, 1000));
    one.state = STORE_KEY_DESTROYED;
    assert_int_equal(WRITE(w, store_update_data_key, &one), FP_OK);
    assert_true(takes_changes(other, 1000));
    assert_false(takes_changes(other, 500));
    assert_int_equal(WRITE(w, store_update_data_key, &one), FP_E_STORE_CONFLICT); // undone
    assert_false(takes_changes(other, 500));
    cut(w); // nothing is missed meanwhile
    one.version = 2;
    assert_int_equal(WRITE(w, store_update_data_key, &one), FP_OK);
    assert_true(takes_changes(other, 5000));
    assert_true(store_state(w->store).reachable);
    assert_false(store_take_changes(w->store));
    store_close(other);
}

// What a scrub leaves in the table's own file.
static void test_store_postgres__scrubbed(void **state)
{
    static const char look[] = "CHECKPOINT; SELECT position('wrapped\\000key'::bytea in "
                               "pg_read_binary_file(pg_relation_filepath('data_key')))>0";
    struct world *w = *state;
    struct store_data_key row = a_data_key(1, 1);
    struct store_batch *batch = NULL;
    world_open(w);
    assert_int_equal(WRITE(w, store_insert_data_key, &row), FP_OK);
    says(w, look, "t"); // the search finds what is there
    row.state = STORE_KEY_DESTROYED;
    row.wrapped = (struct bytes){0};
    batch = a_batch(w);
    store_update_data_key(batch, &row);
    store_scrub(batch);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    says(w, look, "f");
}

struct child {
    int out;         // numbers acknowledged are written here
    uint32_t number; // of this batch
};

static void child_done(void *ctx, enum fp_error result)
{
    const struct child *c = ctx;
    if (result != FP_OK || write(c->out, &c->number, sizeof c->number) < 0) {
        _exit(4);
    }
}

// Inserts rows first, first + 1, ... several at a time, until it is killed.
static void child_writes(struct world *w, uint32_t first, int out)
{
    static struct child slots[16];
    world_open(w);
    for (uint32_t n = first;; n++) {
        struct child *c = &slots[n % 16];
        struct store_batch *batch = a_batch(w);
        const struct store_application row = an_application(n);
        const struct store_customer customer = a_customer(n, n);
        if (n % 16 == first % 16) {
            store_wait(w->store);
        }
        *c = (struct child){out, n};
        store_insert_application(batch, &row);
        store_insert_customer(batch, &customer);
        if (store_submit(w->store, batch, child_done, c) != FP_OK) {
            _exit(5);
        }
        store_dispatch(w->store);
    }
}

// Acknowledged ones; *last_out: the last of them.
static uint32_t child_round(struct world *w, uint32_t first, uint32_t target, uint32_t *last_out)
{
    int fds[2], status = 0;
    uint32_t last = 0, n = 0, count = 0;
    pid_t pid = -1;
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(fds[0]);
        child_writes(w, first, fds[1]);
    }
    (void)close(fds[1]);
    while (last < target && read(fds[0], &n, sizeof n) == (ssize_t)sizeof n) {
        last = n;
        count++;
    }
    (void)kill(pid, SIGKILL);
    while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n) {
        last = n; // what it still said before it died counts
        count++;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    (void)close(fds[0]);
    *last_out = last;
    return count;
}

static void test_store_postgres__killed_under_load(void **state)
{
    struct world *w = *state;
    uint64_t acknowledged = 0;
    for (uint32_t round = 0; round < 10; round++) {
        const uint32_t first = 100000 * (round + 1);
        uint64_t applications = 0, customers = 0;
        uint32_t last = 0;
        struct store_customer out;
        char id[ID_TEXT];
        acknowledged += child_round(w, first, first + 5 + round * 13 % 90, &last);
        world_open(w);
        SET(id, "cus_%026u", last);
        assert_int_equal(store_get_customer(w->store, id, &out), FP_OK);
        assert_int_equal(store_read_begin(w->store), FP_OK);
        assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &applications), FP_OK);
        assert_int_equal(store_count(w->store, STORE_CUSTOMER, NULL, &customers), FP_OK);
        store_read_end(w->store);
        assert_true(customers >= acknowledged);    // nothing that was acknowledged is lost
        assert_int_equal(applications, customers); // batches are whole
        store_close(w->store);
        w->store = NULL;
    }
}

static int closed_setup(void **state)
{
    *state = world_create();
    return 0;
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_store_postgres__##name, closed_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(unsafe_locations),
        CASE(nobody_there),
        CASE(made_only_when_asked),
        CASE(of_another_program),
        CASE(newer_version),
        CASE(foreign_rows),
        CASE(connections_end),
        CASE(cut_within_one_moment),
        CASE(came_back_older),
        CASE(waits_for_another_node),
        CASE(a_code_is_redeemed_once_over_nodes),
        CASE(nodes_hear_of_data_keys),
        CASE(scrubbed),
        CASE(killed_under_load),
    };
    if (world_postgres() == NULL) {
        (void)fprintf(stderr, "FISHPLATE_TEST_POSTGRES names no database\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
