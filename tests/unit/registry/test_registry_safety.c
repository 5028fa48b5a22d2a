// What must hold when things are wrong: rows that somebody else wrote, a store of another key, an
// audit log that cannot be written, memory that runs out; and that no secret lies anywhere in the
// clear. Rows S17, S18, N3.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/metadata.h"

#include <dirent.h>
#include <sqlite3.h>

static void sql_run(struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    assert_int_equal(sqlite3_open(f->config.store_file, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
        print_error("%s: %s\n", text, message);
        fail();
    }
    sqlite3_free(message);
    sqlite3_close(db);
}

// A token row that another program wrote into the database is no token.
static void test_registry_safety__foreign_token_rows_are_none(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Foreign", "live");
    struct conn conn = conn_make(f, &app, "F", "f@plant.test", "{}");
    char sql[512];
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    snprintf(sql, sizeof sql, "UPDATE token SET scopes='*:read *:write erp:read' WHERE owner='%s'",
             conn.id);
    sql_run(f, sql);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
}

// A binding that was taken out of a row, or moved into a column next to it, ends the token (N6).
static void test_registry_safety__no_unbinding_by_editing(void **state)
{
    static const char *const edits[] = {"binding=''", "family=binding, binding=''",
                                        "addresses=binding, binding=''"};
    struct fixture *f = *state;
    struct app app = app_make(f, "Unbind", "live");
    struct conn conn = conn_make(f, &app, "U", "u@plant.test", "{}");
    struct token_request request = {.owner = bytes_of_text(conn.id),
                                    .binding =
                                        BYTES("jkt:0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")};
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct reply reply = {0};
        char token[TOKEN_TEXT_SIZE], sql[512];
        registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &reply);
        reply_ok(f, &reply);
        reply_copy(&reply, "/data/access_token", token, sizeof token);
        assert_int_equal(token_error(f, token, TOKEN_KIND_CONNECTION), FP_OK);
        snprintf(sql, sizeof sql, "UPDATE token SET %s WHERE binding!=''", edits[i]);
        sql_run(f, sql);
        // the text is too long for a family: the row as a whole is refused then
        assert_int_not_equal(token_error(f, token, TOKEN_KIND_CONNECTION), FP_OK);
        reply_done(&reply);
    }
}

// A revoked token does not come to life by editing its row.
static void test_registry_safety__no_revival_by_editing(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Revive", "live");
    struct conn conn = conn_make(f, &app, "R", "r@plant.test", "{}");
    struct reply reply = {0};
    struct connection_end end = {
        bytes_of_text(conn.id), {0}, CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    char sql[512];
    registry_connection_disconnect(f->in.registry, &fixture_operator, &end, reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
    snprintf(sql, sizeof sql, "UPDATE token SET revoked_ms=0, reason='' WHERE owner='%s'", conn.id);
    sql_run(f, sql);
    snprintf(sql, sizeof sql, "UPDATE connection SET state=2 WHERE id='%s'", conn.id);
    sql_run(f, sql);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
}

// A connection that was pointed at other networks, or at another customer's key, does not work.
static void test_registry_safety__edited_connections_do_not_work(void **state)
{
    static const char *const edits[] = {"networks='0.0.0.0/0'", "platform='other'", "state=3",
                                        "credential_version=7", "account='root'"};
    struct fixture *f = *state;
    struct app app = app_make(f, "Edited", "live");
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        char email[32], sql[512];
        struct conn conn = {0};
        snprintf(email, sizeof email, "e%zu@plant.test", i);
        conn = conn_make(f, &app, "E", email, "{}");
        snprintf(sql, sizeof sql, "UPDATE connection SET %s WHERE id='%s'", edits[i], conn.id);
        sql_run(f, sql);
        assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
    }
}

// S18: a credential moved to another connection does not open there.
static void test_registry_safety__moved_credentials_do_not_open(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Moved", "live");
    struct conn a = conn_make(f, &app, "A", "same@plant.test", "{\"password\":\"a\"}");
    struct conn b = conn_make(f, &app, "B", "same@plant.test", "{\"password\":\"b\"}");
    struct store_connection row = connection_row(f, a.id);
    struct arena *arena = arena_create(65536, true);
    struct secret secret = {0};
    char sql[512];
    snprintf(sql, sizeof sql,
             "UPDATE credential SET sealed=(SELECT sealed FROM credential WHERE connection='%s') "
             "WHERE connection='%s'",
             b.id, a.id);
    sql_run(f, sql);
    assert_int_equal(registry_credential(f->in.registry, &row, arena, &secret), FP_E_UNSEAL_FAILED);
    assert_null(secret.ptr);
    arena_free(arena);
}

// ---------------------------------------------------------------------------- secrets at rest

static bool file_holds(const char *path, const char *needle)
{
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    long size = 0;
    bool found = false;
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    rewind(file);
    data = mem_alloc(1, (size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), (size_t)size);
    found = memmem(data, (size_t)size, needle, strlen(needle)) != NULL;
    mem_free(data);
    fclose(file);
    return found;
}

static unsigned folder_holds(const char *dir, const char *needle, unsigned *files)
{
    DIR *folder = opendir(dir);
    struct dirent *entry = NULL;
    unsigned found = 0;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path, &info) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            found += folder_holds(path, needle, files);
        } else {
            ++*files;
            found += file_holds(path, needle) ? 1 : 0;
        }
    }
    closedir(folder);
    return found;
}

// Canaries in everything that is secret: they are found in no file, not even while it runs.
static void test_registry_safety__canaries_are_nowhere_on_disk(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Canary", "live");
    struct conn conn =
        conn_make(f, &app, "C", "c@plant.test", "{\"password\":\"canary-7c1e-credential\"}");
    struct metadata_change change = {bytes_of_text(app.id), bytes_of_text(conn.id),
                                     BYTES("{\"note\":\"canary-91d0-metadata\"}")};
    struct reply reply = {0};
    const char *needles[] = {"canary-7c1e-credential", "canary-91d0-metadata", conn.token,
                             app.token, app.secret};
    registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
    for (size_t i = 0; i < sizeof needles / sizeof needles[0]; i++) {
        unsigned files = 0;
        assert_int_equal(folder_holds(f->dir, needles[i], &files), 0);
        assert_true(files >= 3); // store, audit log, key
    }
    // the search itself works: the connection's id is on disk
    unsigned files = 0;
    assert_true(folder_holds(f->dir, conn.id, &files) > 0);
}

// ---------------------------------------------------------------------------- audit or fail

static uint64_t tokens_stored(struct fixture *f)
{
    uint64_t count = 0;
    assert_int_equal(store_count(f->in.store, STORE_TOKEN, NULL, &count), FP_OK);
    return count;
}

// N3: no record, no effect; and when the disk has room again, work goes on.
static void test_registry_safety__no_record_no_effect(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Audit", "live");
    struct conn conn = conn_make(f, &app, "A", "a@plant.test", "{}");
    struct reply reply = {0};
    uint64_t before = tokens_stored(f);
    struct connection_end end = {
        bytes_of_text(conn.id), {0}, CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    struct token_request request = {.owner = bytes_of_text(conn.id)};
    disk_full(true);
    registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_AUDIT_UNAVAILABLE);
    reply_done(&reply);
    registry_connection_disconnect(f->in.registry, &fixture_operator, &end, reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_AUDIT_UNAVAILABLE);
    reply_done(&reply);
    client_grant(f, app.id, app.secret, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_AUDIT_UNAVAILABLE);
    reply_done(&reply);
    disk_full(false);
    for (int i = 0; i < 50 && audit_health(f->in.audit).state != FP_OK; i++) {
        audit_probe(f->in.audit);
        audit_wait(f->in.audit);
    }
    assert_int_equal(audit_health(f->in.audit).state, FP_OK);
    assert_int_equal(tokens_stored(f), before);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
}

// ---------------------------------------------------------------------------- memory

// Every allocation of the whole way of a new connection fails once: either it says so and nothing
// is there, or it works; and what was there before still works.
static void test_registry_safety__memory_runs_out_anywhere(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Memory", "live");
    struct conn conn = conn_make(f, &app, "M", "m@plant.test", "{}");
    unsigned failed = 0, worked = 0;
    for (unsigned long n = 1; n < 400 && worked < 3; n++) {
        struct reply reply = {0};
        char email[32];
        struct connection_request request = {.application = bytes_of_text(app.id),
                                             .name = BYTES("New"),
                                             .email = bytes_of_text(email),
                                             .platform = BYTES("tryton"),
                                             .credentials = BYTES("{\"password\":\"x\"}")};
        snprintf(email, sizeof email, "n%lu@plant.test", n);
        mem_fail_at(n);
        registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &reply);
        registry_settle(f->in.registry);
        mem_fail_at(0);
        assert_int_equal(reply.calls, 1);
        if (reply.error == FP_OK) {
            assert_int_equal(
                token_error(f, reply_text(&reply, "/data/access_token"), TOKEN_KIND_CONNECTION),
                FP_OK);
            worked++;
        } else {
            failed++;
        }
        reply_done(&reply);
    }
    assert_true(failed > 10);
    assert_int_equal(worked, 3);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
}

// ---------------------------------------------------------------------------- opening

static void test_registry_safety__a_store_of_another_master_key(void **state)
{
    struct fixture *f = *state;
    struct fp_note note = {0};
    struct key_id id;
    char path[128];
    int dir_fd = -1, fd = -1;
    fixture_close(f);
    dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(master_file_create(dir_fd, "other.key", &id), FP_OK);
    close(dir_fd);
    snprintf(path, sizeof path, "%s/other.key", f->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fixture_open_with(f, fd, &note), FP_E_KEY_OTHER_MASTER);
    assert_string_not_equal(note.text, "");
    assert_null(f->in.store);
    fixture_open(f);
}

static void test_registry_safety__made_only_once(void **state)
{
    struct fixture *f = *state;
    struct fp_note note = {0};
    fixture_close(f);
    assert_int_equal(fixture_create(f, &note), FP_E_EXISTS);
    fixture_open(f);
}

static void test_registry_safety__survives_a_restart(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Restart", "live");
    struct conn conn = conn_make(f, &app, "R", "again@plant.test", "{\"password\":\"kept\"}");
    struct store_connection row;
    struct arena *arena = arena_create(65536, true);
    struct secret secret = {0};
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_APPLICATION), FP_OK);
    row = connection_row(f, conn.id);
    assert_int_equal(registry_credential(f->in.registry, &row, arena, &secret), FP_OK);
    assert_true(bytes_equal_text(secret_bytes(&secret), "{\"password\":\"kept\"}"));
    secret_done(&secret);
    arena_free(arena);
}

// An application goes with everything it has, over several slices.
static void test_registry_safety__deleting_an_application(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Delete", "live");
    struct app kept = app_make(f, "Kept", "live");
    struct conn last = {0}, stays = conn_make(f, &kept, "K", "k@plant.test", "{}");
    struct store_query query = {.application = app.id};
    struct reply reply = {0};
    uint64_t count = 0;
    for (int i = 0; i < 130; i++) {
        char email[32];
        snprintf(email, sizeof email, "d%d@plant.test", i);
        last = conn_make(f, &app, "D", email, "{}");
    }
    f->forgotten = 0;
    registry_application_delete(f->in.registry, &fixture_operator, bytes_of_text(app.id),
                                reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
    assert_int_equal(f->forgotten, 130);
    assert_int_equal(store_count(f->in.store, STORE_CONNECTION, &query, &count), FP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_count(f->in.store, STORE_CUSTOMER, &query, &count), FP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(token_error(f, last.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_APPLICATION), FP_E_TOKEN_UNKNOWN);
    assert_int_equal(token_error(f, stays.token, TOKEN_KIND_CONNECTION), FP_OK);
    registry_application_delete(f->in.registry, &fixture_operator, bytes_of_text(app.id),
                                reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_APPLICATION_NOT_FOUND);
    reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_safety__foreign_token_rows_are_none),
        cmocka_unit_test(test_registry_safety__no_unbinding_by_editing),
        cmocka_unit_test(test_registry_safety__no_revival_by_editing),
        cmocka_unit_test(test_registry_safety__edited_connections_do_not_work),
        cmocka_unit_test(test_registry_safety__moved_credentials_do_not_open),
        cmocka_unit_test(test_registry_safety__canaries_are_nowhere_on_disk),
        cmocka_unit_test(test_registry_safety__no_record_no_effect),
        cmocka_unit_test(test_registry_safety__memory_runs_out_anywhere),
        cmocka_unit_test(test_registry_safety__a_store_of_another_master_key),
        cmocka_unit_test(test_registry_safety__made_only_once),
        cmocka_unit_test(test_registry_safety__survives_a_restart),
        cmocka_unit_test(test_registry_safety__deleting_an_application),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
