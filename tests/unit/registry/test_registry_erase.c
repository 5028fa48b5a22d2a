// Erasing a customer: nothing of it opens, its key's bytes are in no file of the store, and a
// certificate proves it. Row N5, S7.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/customers.h"
#include "registry/erase.h"
#include "registry/erasure.h"
#include "registry/metadata.h"

#include <dirent.h>

#define SECRET "{\"password\":\"canary-4711-of-the-customer\"}"

static void erase(struct fixture *f, const char *customer, struct reply *reply)
{
    registry_customer_erase(f->in.registry, &fixture_operator, bytes_of_text(customer), reply_take,
                            reply);
    reply_wait(f, reply);
}

static void customer_of(struct fixture *f, const char *connection, char out[static ID_TEXT])
{
    struct store_connection row = connection_row(f, connection);
    memcpy(out, row.customer, ID_TEXT);
}

static void metadata(struct fixture *f, const struct app *app, const char *connection)
{
    struct reply reply = {0};
    struct metadata_change change = {bytes_of_text(app->id), bytes_of_text(connection),
                                     BYTES("{\"site\":\"canary-meta-0815\"}")};
    registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
}

static bool file_holds(const char *path, struct bytes needle)
{
    static char content[8 << 20];
    size_t len = 0;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    while ((got = read(fd, content + len, sizeof content - len)) > 0) {
        len += (size_t)got;
    }
    close(fd);
    assert_true(len < sizeof content);
    return memmem(content, len, needle.ptr, needle.len) != NULL;
}

// Whether the bytes are in any file of the store: tables, log, index of the log.
static bool store_holds(const struct fixture *f, struct bytes needle)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    bool found = false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s%s", f->config.store_file, ends[i]);
        found = found || file_holds(path, needle);
    }
    return found;
}

static struct store_data_key data_key(struct fixture *f, const char *customer, struct arena *arena)
{
    struct store_data_key row = {0};
    assert_int_equal(store_get_data_key(f->in.store, customer, 1, arena, &row), FP_OK);
    return row;
}

static void check_certificate(struct fixture *f, const struct reply *reply, const char *customer)
{
    const uint8_t *key = audit_signer_public(f->in.signer);
    char *text = yyjson_val_write(yyjson_doc_ptr_get(reply->body, "/data"), 0, NULL);
    struct buf statement;
    char *at = NULL;
    buf_init(&statement, ERASURE_MAX);
    assert_non_null(text);
    assert_int_equal(erasure_check(bytes_of_text(text), key, &statement), FP_OK);
    assert_true(json_has_text(buf_text(&statement), "/customer", customer));
    assert_true(json_has_text(buf_text(&statement), "/by", "command"));
    assert_true(json_has_text(buf_text(&statement), "/by_id", "test"));
    assert_true(json_has_text(buf_text(&statement), "/store", store_id(f->in.store)));
    // one letter of the statement changed: no certificate any more
    at = strstr(text, customer);
    assert_non_null(at);
    at[10] = at[10] == 'z' ? 'y' : 'z';
    buf_clear(&statement);
    at = strstr(text, "statement");
    assert_non_null(at);
    at = strstr(at, "cus_");
    assert_non_null(at);
    at[12] = at[12] == 'z' ? 'y' : 'z';
    assert_int_equal(erasure_check(bytes_of_text(text), key, &statement), FP_E_UNSEAL_FAILED);
    free(text);
    buf_done(&statement);
}

// The number in the certificate is that of the record in the log.
static void check_record(struct fixture *f, const struct reply *reply, const char *customer)
{
    const char *statement = reply_text(reply, "/data/certificate/statement");
    yyjson_doc *doc = yyjson_read(statement, strlen(statement), 0);
    int64_t seq = yyjson_get_sint(yyjson_doc_ptr_get(doc, "/audit_record"));
    char path[1024], line[4096], wanted[64];
    DIR *dir = NULL;
    struct dirent *entry = NULL;
    FILE *log = NULL;
    bool found = false;
    yyjson_doc_free(doc);
    assert_true(seq > 0);
    dir = opendir(f->config.audit_dir);
    while (log == NULL && (entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".jsonl") != NULL) {
            snprintf(path, sizeof path, "%s/%s", f->config.audit_dir, entry->d_name);
            log = fopen(path, "re");
        }
    }
    closedir(dir);
    assert_non_null(log);
    snprintf(wanted, sizeof wanted, "\"seq\":%lld,", (long long)seq);
    while (fgets(line, sizeof line, log) != NULL) {
        if (strstr(line, wanted) != NULL) {
            assert_non_null(strstr(line, "customer.erase"));
            assert_non_null(strstr(line, customer));
            assert_non_null(strstr(line, "\"stage\":\"end\""));
            found = true;
        }
    }
    fclose(log);
    assert_true(found);
}

static void test_registry_erase__nothing_is_left(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Erase", "live");
    struct conn one = conn_make(f, &app, "Plant one", "Erase.Me@plant.test", SECRET);
    struct conn two = conn_make(f, &app, "Plant two", "erase.me@plant.test", SECRET);
    struct conn other = conn_make(f, &app, "Other", "other@plant.test", SECRET);
    struct arena *arena = arena_create(65536, false);
    char customer[ID_TEXT], second[ID_TEXT];
    struct store_data_key key = {0};
    struct store_connection row = {0};
    struct store_customer gone = {0};
    struct store_metadata meta = {0};
    struct store_credential credential = {0};
    struct secret opened = {0};
    struct bytes wrapped = {0};
    struct reply reply = {0};
    metadata(f, &app, one.id);
    customer_of(f, one.id, customer);
    customer_of(f, two.id, second);
    assert_string_equal(customer, second);
    key = data_key(f, customer, arena);
    wrapped = arena_copy(arena, key.wrapped);
    assert_true(wrapped.len > 32);
    assert_true(store_holds(f, wrapped));
    row = connection_row(f, one.id);
    f->forgotten = 0;

    erase(f, customer, &reply);
    assert_int_equal(reply.error, FP_OK);
    check_record(f, &reply, customer);
    check_certificate(f, &reply, customer);
    reply_done(&reply);

    assert_false(store_holds(f, wrapped));
    assert_false(store_holds(f, bytes_slice(wrapped, 8, 28)));
    assert_false(store_holds(f, BYTES("rase.me@plant.test")));
    assert_true(f->forgotten >= 2);
    key = data_key(f, customer, arena);
    assert_int_equal(key.state, STORE_KEY_DESTROYED);
    assert_int_equal(key.wrapped.len, 0);
    // neither from memory, nor for a record that lay in a backup of then
    assert_int_equal(registry_credential(f->in.registry, &row, arena, &opened),
                     FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_credential(f->in.store, one.id, 1, arena, &credential),
                     FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_metadata(f->in.store, one.id, arena, &meta), FP_E_STORE_NOT_FOUND);
    assert_int_equal(token_error(f, one.token, TOKEN_KIND_CONNECTION),
                     FP_E_CONNECTION_DISCONNECTED);
    assert_int_equal(token_error(f, other.token, TOKEN_KIND_CONNECTION), FP_OK);
    row = connection_row(f, two.id);
    assert_int_equal(row.state, CONNECTION_ERASED);
    assert_string_equal(row.name, "");
    assert_int_equal(store_get_customer(f->in.store, customer, &gone), FP_OK);
    assert_true(gone.erased_ms != 0);
    assert_string_equal(gone.name, "");
    assert_string_equal(gone.email, customer);
    arena_free(arena);
}

// What is asked again answers as before, also after a restart; the person may come back as somebody
// new.
static void test_registry_erase__again(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Again", "live");
    struct conn conn = conn_make(f, &app, "A", "again@plant.test", SECRET);
    struct reply first = {0}, second = {0}, shown = {0};
    struct connection_request request = {.connection = bytes_of_text(conn.id),
                                         .credentials = BYTES(SECRET)};
    char customer[ID_TEXT], fresh[ID_TEXT];
    customer_of(f, conn.id, customer);
    erase(f, customer, &first);
    assert_int_equal(first.error, FP_OK);
    fixture_close(f);
    fixture_open(f);
    erase(f, customer, &second);
    assert_int_equal(second.error, FP_OK);
    assert_string_equal(reply_text(&first, "/data/certificate/signature"),
                        reply_text(&second, "/data/certificate/signature"));
    registry_customer_show(f->in.registry, &fixture_operator, bytes_of_text(customer), reply_take,
                           &shown);
    reply_ok(f, &shown);
    assert_string_equal(reply_text(&first, "/data/certificate/signature"),
                        reply_text(&shown, "/data/certificate/signature"));
    assert_string_equal(reply_text(&shown, "/data/keys/0/state"), "destroyed");
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(shown.body, "/data/email")));
    reply_done(&first);
    reply_done(&second);
    reply_done(&shown);
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &first);
    reply_wait(f, &first);
    assert_int_equal(first.error, FP_E_CUSTOMER_ERASED);
    reply_done(&first);
    conn = conn_make(f, &app, "A", "again@plant.test", SECRET);
    customer_of(f, conn.id, fresh);
    assert_string_not_equal(fresh, customer);
    erase(f, "cus_00000000000000000000000000", &first);
    assert_int_equal(first.error, FP_E_CUSTOMER_NOT_FOUND);
    reply_done(&first);
    erase(f, "system", &first);
    assert_int_equal(first.error, FP_E_CUSTOMER_NOT_FOUND);
    reply_done(&first);
}

// A connection that was under way when the erasure began is caught, one that comes later refused,
// and a second erasure at the same time, too.
static void test_registry_erase__others_at_work(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Race", "live");
    struct conn conn = conn_make(f, &app, "A", "race@plant.test", SECRET);
    struct connection_request request = {.application = bytes_of_text(app.id),
                                         .name = BYTES("Before"),
                                         .email = BYTES("race@plant.test"),
                                         .platform = BYTES("tryton"),
                                         .credentials = BYTES(SECRET)};
    struct reply before = {0}, erased = {0}, twice = {0}, after = {0};
    char customer[ID_TEXT], caught[ID_TEXT];
    customer_of(f, conn.id, customer);
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &before);
    registry_customer_erase(f->in.registry, &fixture_operator, bytes_of_text(customer), reply_take,
                            &erased);
    registry_customer_erase(f->in.registry, &fixture_operator, bytes_of_text(customer), reply_take,
                            &twice);
    request.name = BYTES("After");
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &after);
    registry_settle(f->in.registry);
    assert_int_equal(before.error, FP_OK);
    assert_int_equal(erased.error, FP_OK);
    assert_int_equal(twice.error, FP_E_CUSTOMER_ERASED);
    assert_int_equal(after.error, FP_E_CUSTOMER_ERASED);
    reply_copy(&before, "/data/key", caught, sizeof caught);
    assert_int_equal(connection_row(f, caught).state, CONNECTION_ERASED);
    assert_int_equal(
        token_error(f, reply_text(&before, "/data/access_token"), TOKEN_KIND_CONNECTION),
        FP_E_CONNECTION_DISCONNECTED);
    reply_done(&before);
    reply_done(&erased);
    reply_done(&twice);
    reply_done(&after);
}

// A full disk half-way: no certificate; asked again it goes on to the end.
static void test_registry_erase__resumed(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Resume", "live");
    struct conn conn = conn_make(f, &app, "A", "resume@plant.test", SECRET);
    struct store_customer row = {0};
    struct store_batch *batch = NULL;
    struct arena *arena = arena_create(65536, false);
    struct store_data_key key = {0};
    struct reply reply = {0};
    char customer[ID_TEXT];
    customer_of(f, conn.id, customer);
    disk_full(true);
    erase(f, customer, &reply);
    disk_full(false);
    assert_int_not_equal(reply.error, FP_OK);
    reply_done(&reply);
    assert_int_equal(store_get_customer(f->in.store, customer, &row), FP_OK);
    assert_int_equal(row.erased_ms, 0);
    // as a kill behind the keys leaves it: destroyed, nothing marked, no certificate
    audit_probe(f->in.audit);
    audit_wait(f->in.audit);
    key = data_key(f, customer, arena);
    key.state = STORE_KEY_DESTROYED;
    key.wrapped = (struct bytes){0};
    row.erased_ms = clock_wall_ms();
    memcpy(row.email, row.id, sizeof row.id);
    batch = store_batch_create(f->in.store);
    store_update_data_key(batch, &key);
    store_update_customer(batch, &row);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    fixture_close(f);
    fixture_open(f);
    erase(f, customer, &reply);
    assert_int_equal(reply.error, FP_OK);
    check_certificate(f, &reply, customer);
    reply_done(&reply);
    assert_int_equal(connection_row(f, conn.id).state, CONNECTION_ERASED);
    arena_free(arena);
}

static void test_registry_erase__listed(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "List", "live");
    struct customer_list list = {bytes_of_text(app.id), {0}};
    struct reply reply = {0};
    (void)conn_make(f, &app, "A", "One@plant.test", SECRET);
    (void)conn_make(f, &app, "B", "two@plant.test", SECRET);
    registry_customer_list(f->in.registry, &fixture_operator, &list, reply_take, &reply);
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/0/email"), "one@plant.test");
    assert_string_equal(reply_text(&reply, "/data/1/name"), "B");
    assert_int_equal(yyjson_get_sint(yyjson_doc_ptr_get(reply.body, "/data/1/connections")), 1);
    reply_done(&reply);
    list.application = BYTES("app_00000000000000000000000000");
    registry_customer_list(f->in.registry, &fixture_operator, &list, reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_APPLICATION_NOT_FOUND);
    reply_done(&reply);
}

// Whatever comes as a certificate.
static void test_registry_erase__no_certificates(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "null",
                                      "{\"statement\":1,\"signature\":\"\"}",
                                      "{\"statement\":\"{}\",\"signature\":\"\"}",
                                      "{\"statement\":\"{}\",\"signature\":\"!\"}",
                                      "{\"certificate\":[[[[[[[]]]]]]]}"};
    struct buf statement;
    buf_init(&statement, 4096);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(
            erasure_check(bytes_of_text(bad[i]), audit_signer_public(f->in.signer), &statement),
            FP_OK);
    }
    assert_int_equal(statement.len, 0);
    buf_done(&statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_erase__nothing_is_left, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_erase__again, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_erase__others_at_work, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_erase__resumed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_erase__listed, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_erase__no_certificates, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
