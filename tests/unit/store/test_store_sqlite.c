// The SQLite backend where it can go wrong: other programs' files, damage, newer versions, full
// disks, kills, a second process. SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static enum fp_error open_store(struct world *w, bool create, struct fp_note *note)
{
    const struct store_options options = {.location = w->location, .create = create};
    *note = (struct fp_note){0};
    return store_open(&options, &w->store, note);
}

static void write_file(const struct world *w, const void *data, size_t len)
{
    int fd = open(w->location, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    (void)close(fd);
}

static void run_sql(const struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(w->location, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    (void)sqlite3_close(db);
}

static int closed_setup(void **state)
{
    *state = world_create();
    return 0;
}

static void close_store(struct world *w)
{
    store_close(w->store);
    w->store = NULL;
}

static void test_store_sqlite__made_only_when_asked(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    struct stat st;
    char path[320];
    (void)umask(0);
    assert_int_equal(open_store(w, false, &note), FP_E_STORE_NOT_FOUND);
    assert_non_null(strstr(note.text, w->location));
    assert_int_equal(open_store(w, true, &note), FP_OK);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        (void)snprintf(path, sizeof path, "%s%s", w->location, ends[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    close_store(w);
    assert_int_equal(open_store(w, false, &note), FP_OK);
}

static void test_store_sqlite__readable_by_others(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    assert_int_equal(open_store(w, true, &note), FP_OK);
    close_store(w);
    assert_int_equal(chmod(w->location, 0640), 0);
    assert_int_equal(open_store(w, false, &note), FP_E_PERMISSION_DENIED);
    assert_non_null(strstr(note.text, "0640"));
}

static void test_store_sqlite__no_store(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    char junk[20000];
    memset(junk, 'j', sizeof junk);
    write_file(w, junk, sizeof junk);
    assert_int_equal(open_store(w, true, &note), FP_E_STORE_INVALID);
    assert_true(note.text[0] != '\0');
    write_file(w, "", 0);
    run_sql(w, "CREATE TABLE theirs(a); INSERT INTO theirs VALUES(1)");
    assert_int_equal(open_store(w, true, &note), FP_E_STORE_INVALID);
    assert_non_null(strstr(note.text, "another program"));
    assert_int_equal(unlink(w->location), 0);
    assert_int_equal(mkdir(w->location, 0700), 0);
    assert_int_equal(open_store(w, true, &note), FP_E_STORE_INVALID);
    assert_int_equal(rmdir(w->location), 0);
}

static void test_store_sqlite__newer_version(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    assert_int_equal(open_store(w, true, &note), FP_OK);
    close_store(w);
    run_sql(w, "PRAGMA user_version=999");
    assert_int_equal(open_store(w, true, &note), FP_E_STORE_VERSION);
    assert_non_null(strstr(note.text, "999"));
}

// A file of the first version: its rows stay, what came later has its defaults.
static void test_store_sqlite__older_version(void **state)
{
    struct world *w = *state;
    struct store_application out;
    world_open(w);
    close_store(w);
    run_sql(w, "DROP TABLE replay; DROP TABLE delivery; DROP TABLE webhook; DROP TABLE code; DROP "
               "TABLE connect_link; "
               "DROP TABLE session; DROP TABLE person;"
               "DROP INDEX connection_name; DROP INDEX connection_changed;"
               "DROP INDEX connection_used; DROP INDEX customer_name;"
               "ALTER TABLE token DROP COLUMN family;"
               "ALTER TABLE metadata DROP COLUMN version;"
               "ALTER TABLE token DROP COLUMN binding;"
               "ALTER TABLE token DROP COLUMN addresses;"
               "ALTER TABLE application DROP COLUMN redirect_uris;"
               "ALTER TABLE application DROP COLUMN access_s;"
               "ALTER TABLE application DROP COLUMN refresh_s;"
               "ALTER TABLE application DROP COLUMN pkce_optional;"
               "INSERT INTO application VALUES('app_old','x','live','',1,1,zeroblob(32));"
               "PRAGMA user_version=1");
    world_open(w);
    assert_int_equal(store_get_application(w->store, "app_old", &out), FP_OK);
    assert_string_equal(out.redirect_uris, "");
    assert_int_equal(out.access_s + out.refresh_s + out.pkce_optional, 0);
}

static void test_store_sqlite__tables_missing(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    assert_int_equal(open_store(w, true, &note), FP_OK);
    close_store(w);
    run_sql(w, "DROP TABLE token");
    assert_int_equal(open_store(w, true, &note), FP_E_STORE_INVALID);
    assert_non_null(strstr(note.text, "token"));
}

// Rows that another program wrote: too long, of another type. They are refused, not cut.
static void test_store_sqlite__foreign_rows(void **state)
{
    struct world *w = *state;
    struct store_application out;
    struct store_application *rows = NULL;
    size_t count = 0;
    world_open(w);
    close_store(w);
    run_sql(w, "INSERT INTO application(id,name,environment,networks,"
               "created_ms,version,authenticator) VALUES('app_long', "
               "printf('%.*c',5000,'x'),'live','',1,1,"
               "zeroblob(32)),('app_short','x','live','',1,1,zeroblob(31)),"
               "('app_nul','x'||char(0)||'y','live','',1,1,zeroblob(32)),"
               "('app_version','x','live','',1,-1,zeroblob(32)),"
               "('app_good','x','live','',1,1,zeroblob(32))");
    world_open(w);
    assert_int_equal(store_get_application(w->store, "app_long", &out), FP_E_STORE_INVALID);
    assert_int_equal(store_get_application(w->store, "app_short", &out), FP_E_STORE_INVALID);
    assert_int_equal(store_get_application(w->store, "app_nul", &out), FP_E_STORE_INVALID);
    assert_int_equal(store_get_application(w->store, "app_version", &out), FP_E_STORE_INVALID);
    assert_int_equal(store_get_application(w->store, "app_good", &out), FP_OK);
    assert_int_equal(store_list_applications(w->store, NULL, w->arena, &rows, &count),
                     FP_E_STORE_INVALID);
}

// Pages overwritten with rubbish: an error, never a crash, whatever page it is.
static void test_store_sqlite__damaged_pages(void **state)
{
    struct world *w = *state;
    struct fp_note note;
    struct stat st;
    world_open(w);
    put_first(w);
    for (unsigned n = 2; n < 40; n++) {
        const struct store_application row = an_application(n);
        assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK);
    }
    close_store(w);
    assert_int_equal(stat(w->location, &st), 0);
    for (off_t page = 0; page < st.st_size / 4096; page++) {
        char kept[4096], junk[4096];
        int fd = open(w->location, O_RDWR);
        memset(junk, 0xa7, sizeof junk);
        assert_int_equal(pread(fd, kept, sizeof kept, page * 4096), (ssize_t)sizeof kept);
        assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), (ssize_t)sizeof junk);
        if (open_store(w, false, &note) == FP_OK) {
            struct store_application *rows = NULL;
            struct store_connection connection;
            const struct store_application row = an_application(100);
            size_t count = 0;
            enum fp_error error = store_list_applications(w->store, NULL, w->arena, &rows, &count);
            assert_true(error == FP_OK || error == FP_E_STORE_INVALID);
            error = store_get_connection(w->store, "con_00000000000000000000000001", &connection);
            assert_true(error == FP_OK || error == FP_E_STORE_INVALID ||
                        error == FP_E_STORE_NOT_FOUND);
            error = WRITE(w, store_insert_application, &row);
            assert_true(error == FP_OK || error == FP_E_STORE_INVALID || error == FP_E_EXISTS ||
                        error == FP_E_STORE_UNAVAILABLE);
            close_store(w);
        } else {
            assert_true(note.text[0] != '\0');
        }
        assert_int_equal(pwrite(fd, kept, sizeof kept, page * 4096), (ssize_t)sizeof kept);
        (void)close(fd);
    }
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_store_sqlite__full_disk(void **state)
{
    struct world *w = *state;
    struct store_application out;
    const struct store_application row = an_application(7);
    (void)signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    put_first(w);
    limit_files(1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(WRITE(w, store_insert_application, &row), FP_E_STORE_UNAVAILABLE);
    }
    assert_int_equal(store_state(w->store).last, FP_E_STORE_UNAVAILABLE);
    assert_int_equal(store_get_application(w->store, row.id, &out), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_application(w->store, "app_00000000000000000000000001", &out),
                     FP_OK); // reading goes on
    limit_files(RLIM_INFINITY);
    assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK);
    assert_int_equal(store_state(w->store).last, FP_OK);
    world_reopen(w);
    assert_int_equal(store_get_application(w->store, row.id, &out), FP_OK);
}

static void test_store_sqlite__busy_with_another_process(void **state)
{
    struct world *w = *state;
    sqlite3 *other = NULL;
    const struct store_application row = an_application(7);
    struct store_batch *batch = NULL;
    struct pollfd fd;
    world_open(w);
    assert_int_equal(sqlite3_open(w->location, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    batch = a_batch(w);
    store_insert_application(batch, &row);
    assert_int_equal(store_submit(w->store, batch, NULL, NULL), FP_OK);
    fd = (struct pollfd){store_event_fd(w->store), POLLIN, 0};
    assert_int_equal(poll(&fd, 1, 50), 0); // it waits its turn
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    store_wait(w->store);
    assert_int_equal(store_state(w->store).last, FP_OK);
    (void)sqlite3_close(other);
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

static void test_store_sqlite__killed_under_load(void **state)
{
    struct world *w = *state;
    uint32_t first = 1;
    for (unsigned round = 0; round < 20; round++) {
        int fds[2], status = 0;
        uint32_t last = 0, n = 0, target = first + 5 + round * 13 % 90;
        pid_t pid = -1;
        uint64_t applications = 0, customers = 0;
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
        }
        (void)kill(pid, SIGKILL);
        while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n) {
            last = n; // what it still said before it died counts
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        (void)close(fds[0]);
        world_open(w);
        for (uint32_t i = 1; i <= last; i++) {
            struct store_customer out;
            char id[ID_TEXT];
            SET(id, "cus_%026u", i);
            assert_int_equal(store_get_customer(w->store, id, &out), FP_OK);
        }
        // batches are whole: as many of the one as of the other
        assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &applications), FP_OK);
        assert_int_equal(store_count(w->store, STORE_CUSTOMER, NULL, &customers), FP_OK);
        assert_int_equal(applications, customers);
        first = (uint32_t)applications + 1;
        close_store(w);
    }
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_store_sqlite__##name, closed_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(made_only_when_asked),
        CASE(readable_by_others),
        CASE(no_store),
        CASE(newer_version),
        CASE(older_version),
        CASE(tables_missing),
        CASE(foreign_rows),
        CASE(damaged_pages),
        CASE(full_disk),
        CASE(busy_with_another_process),
        CASE(killed_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
