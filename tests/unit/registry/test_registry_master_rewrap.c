// A new master key while everything goes on: new customers come, rows change, the process stops at
// any slice and goes on with both keys. FISHPLATE_KEYS says how many data keys (100000 to measure).
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/key_rotation.h"
#include "registry/key_rows.h"
#include "registry/master_rewrap.h"

#include <poll.h>

#define SECRET "{\"password\":\"canary-of-the-master\"}"

static void make_keys(struct fixture *f, unsigned count)
{
    struct store_batch *batch = NULL;
    for (unsigned n = 0; n < count; n++) {
        struct keyring_row row;
        struct store_data_key stored;
        char customer[ID_TEXT];
        batch = batch != NULL ? batch : store_batch_create(f->in.store);
        snprintf(customer, sizeof customer, "cus_%u", n);
        assert_int_equal(keyring_make(f->in.ring, customer, 1, &row), FP_OK);
        key_rows_fill(&row, clock_wall_ms(), &stored);
        store_insert_data_key(batch, &stored);
        if (n % 500 == 499 || n + 1 == count) {
            assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
            batch = NULL;
        }
    }
}

static void new_key_file(const struct fixture *f, const char *name)
{
    struct key_id id;
    int dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)unlinkat(dir_fd, name, 0);
    assert_int_equal(master_file_create(dir_fd, name, &id), FP_OK);
    close(dir_fd);
}

static struct master_key *key_of(const struct fixture *f, const char *name)
{
    char path[128];
    struct master_key *key = NULL;
    int fd = -1;
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(master_file_read(fd, &key, NULL), FP_OK);
    close(fd);
    return key;
}

static void start(struct fixture *f, const char *name, struct reply *reply)
{
    char path[128], text[1024];
    ssize_t len = 0;
    int fd = -1;
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = read(fd, text, sizeof text);
    close(fd);
    assert_true(len > 0);
    registry_master_rotate(f->in.registry, &fixture_operator, bytes_of(text, (size_t)len),
                           reply_take, reply);
}

// Pages write no record, so waiting for the store would let all of them go by.
static void slice(struct fixture *f)
{
    struct pollfd one = {store_event_fd(f->in.store), POLLIN, 0};
    audit_wait(f->in.audit);
    if (store_state(f->in.store).waiting != 0) {
        assert_int_equal(poll(&one, 1, 10000), 1);
        store_dispatch(f->in.store);
    }
}

// Rows that this key wraps.
static uint64_t wrapped_by(struct fixture *f, const char *name)
{
    struct master_key *key = key_of(f, name);
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_data_key *rows = NULL;
    uint64_t found = 0;
    size_t count = 0;
    do {
        struct arena *arena = arena_create(4u << 20, false);
        char after[ID_TEXT];
        assert_int_equal(store_list_data_keys(f->in.store, &query, arena, &rows, &count), FP_OK);
        for (size_t i = 0; i < count; i++) {
            found += memcmp(rows[i].master_id, master_id(key)->b, KEY_ID_SIZE) == 0 ? 1 : 0;
        }
        if (count == FP_LIMIT_STORE_LIST) {
            static char cursor[ID_TEXT];
            memcpy(after, rows[count - 1].customer, sizeof after);
            memcpy(cursor, after, sizeof cursor);
            query.after = cursor;
            query.after_number = rows[count - 1].key_version;
        }
        arena_free(arena);
    } while (count == FP_LIMIT_STORE_LIST);
    master_free(key);
    return found;
}

static enum fp_error open_both(struct fixture *f, const char *name, const char *next)
{
    struct fp_note note = {0};
    return installation_open_both(&f->config, key_of(f, name),
                                  next != NULL ? key_of(f, next) : NULL, &f->in, &note);
}

static void check_opens(struct fixture *f, const struct conn *conn)
{
    struct arena *arena = arena_create(1u << 20, false);
    struct store_connection row = connection_row(f, conn->id);
    struct secret secret = {0};
    assert_int_equal(registry_credential(f->in.registry, &row, arena, &secret), FP_OK);
    assert_true(bytes_equal(secret_bytes(&secret), BYTES(SECRET)));
    secret_done(&secret);
    arena_free(arena);
}

static void test_registry_master_rewrap__beside_everything_else(void **state)
{
    struct fixture *f = *state;
    const char *asked = getenv("FISHPLATE_KEYS");
    unsigned keys = asked != NULL ? (unsigned)strtoul(asked, NULL, 10) : 3000;
    struct app app = app_make(f, "Master", "live");
    struct conn first = conn_make(f, &app, "A", "a@plant.test", SECRET), second, third;
    struct reply reply = {0}, busy = {0}, joined = {0}, look = {0};
    uint64_t from = 0, total = 0;
    make_keys(f, keys);
    new_key_file(f, "next.key");
    from = clock_monotonic_ns();
    start(f, "next.key", &reply);
    start(f, "next.key", &joined);
    start(f, "master.key", &busy);
    second = conn_make(f, &app, "B", "b@plant.test", SECRET); // settles as well
    print_message("%u data keys wrapped anew in %llu ms\n", keys,
                  (unsigned long long)((clock_monotonic_ns() - from) / 1000000));
    assert_int_equal(reply.calls, 1);
    assert_int_equal(reply.error, FP_OK);
    assert_int_equal(busy.error, FP_E_KEY_ROTATING);
    reply_done(&reply);
    reply_done(&busy);
    assert_string_equal(reply_text(&joined, "/data/state"), "under_way");
    reply_done(&joined);
    registry_key_rotation(f->in.registry, &fixture_operator, (struct bytes){0}, reply_take, &look);
    reply_ok(f, &look);
    assert_string_equal(reply_text(&look, "/data/state"), "done");
    reply_done(&look);
    assert_int_equal(store_count(f->in.store, STORE_DATA_KEY, NULL, &total), FP_OK);
    assert_int_equal(total, keys + 3);
    assert_int_equal(wrapped_by(f, "next.key"), total);
    third = conn_make(f, &app, "C", "c@plant.test", SECRET);
    assert_int_equal(wrapped_by(f, "next.key"), total + 1);
    // asked again: it was done
    start(f, "next.key", &reply);
    reply_ok(f, &reply);
    assert_true(yyjson_get_bool(yyjson_doc_ptr_get(reply.body, "/data/was_done")));
    reply_done(&reply);
    fixture_close(f);
    assert_int_equal(open_both(f, "master.key", NULL), FP_E_KEY_OTHER_MASTER);
    // the files have not changed places yet
    assert_int_equal(open_both(f, "master.key", "next.key"), FP_OK);
    check_opens(f, &first);
    fixture_close(f);
    assert_int_equal(open_both(f, "next.key", NULL), FP_OK);
    check_opens(f, &first);
    check_opens(f, &second);
    check_opens(f, &third);
}

static void test_registry_master_rewrap__goes_on_after_a_stop(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Stop", "live");
    struct conn conn = conn_make(f, &app, "A", "a@plant.test", SECRET);
    const char *now = "master.key";
    const char *const names[] = {"one.key", "two.key", "three.key", "four.key", "five.key"};
    unsigned interrupted = 0;
    make_keys(f, 1200);
    for (unsigned round = 0; round < 5; round++) {
        struct reply reply = {0};
        uint64_t total = 0;
        new_key_file(f, names[round]);
        start(f, names[round], &reply);
        for (unsigned i = 0; i <= round; i++) {
            slice(f);
        }
        registry_stop(f->in.registry);
        fixture_close(f);
        interrupted += reply.error == FP_E_SERVICE_UNAVAILABLE ? 1 : 0;
        reply_done(&reply);
        if (interrupted != 0 && round == 0) { // one key alone is not enough
            assert_int_equal(open_both(f, now, NULL), FP_E_KEY_INVALID);
            new_key_file(f, "other.key");
            assert_int_equal(open_both(f, now, "other.key"), FP_E_KEY_INVALID);
        }
        assert_int_equal(open_both(f, now, names[round]), FP_OK);
        check_opens(f, &conn);
        registry_key_tick(f->in.registry, clock_wall_ms());
        registry_settle(f->in.registry);
        assert_int_equal(store_count(f->in.store, STORE_DATA_KEY, NULL, &total), FP_OK);
        assert_int_equal(wrapped_by(f, names[round]), total);
        now = names[round];
        fixture_close(f);
        assert_int_equal(open_both(f, now, NULL), FP_OK);
        check_opens(f, &conn);
    }
    assert_true(interrupted >= 3);
}

static void test_registry_master_rewrap__what_is_no_key(void **state)
{
    struct fixture *f = *state;
    struct reply reply = {0};
    registry_master_rotate(f->in.registry, &fixture_operator, BYTES("no key"), reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_KEY_INVALID);
    reply_done(&reply);
    new_key_file(f, "sealed.key");
    snprintf(f->config.key_source, sizeof f->config.key_source, "passphrase");
    start(f, "sealed.key", &reply); // the next start would ask for a passphrase
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_KEY_INVALID);
    reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_master_rewrap__beside_everything_else,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_master_rewrap__goes_on_after_a_stop,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_master_rewrap__what_is_no_key, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
