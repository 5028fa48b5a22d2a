// A customer's data key is replaced while everything goes on: what was sealed opens until it is
// done, nothing is under the old key after, and a stop at any slice is gone on from. Row N5, S7.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/customers.h"
#include "registry/erase.h"
#include "registry/key_rotation.h"
#include "registry/metadata.h"
#include "registry/place.h"

#define SECRET "{\"password\":\"canary-of-the-rotation\"}"
#define MAIL   "rotate@plant.test"

static void customer_of(struct fixture *f, const char *connection, char out[static ID_TEXT])
{
    struct store_connection row = connection_row(f, connection);
    memcpy(out, row.customer, ID_TEXT);
}

static void start(struct fixture *f, const char *customer, struct reply *reply)
{
    registry_key_rotate(f->in.registry, &fixture_operator, bytes_of_text(customer), reply_take,
                        reply);
}

static void set_metadata(struct fixture *f, const struct app *app, const char *connection,
                         const char *object, struct reply *reply)
{
    struct metadata_change change = {bytes_of_text(app->id), bytes_of_text(connection),
                                     bytes_of_text(object)};
    registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, reply);
}

static uint32_t key_state(struct fixture *f, const char *customer, uint32_t version)
{
    struct store_data_key row = {0};
    struct arena *arena = arena_create(65536, false);
    enum fp_error error = store_get_data_key(f->in.store, customer, version, arena, &row);
    arena_free(arena);
    return error == FP_OK ? row.state : 0;
}

// The key versions of a connection's credential and metadata; 0: there is none.
static void versions_of(struct fixture *f, const char *connection, uint32_t out[static 2])
{
    struct arena *arena = arena_create(1u << 20, false);
    struct store_connection row = connection_row(f, connection);
    struct store_credential credential = {0};
    struct store_metadata metadata = {0};
    out[0] = out[1] = 0;
    if (store_get_credential(f->in.store, connection, row.credential_version, arena, &credential) ==
        FP_OK) {
        assert_int_equal(seal_key_version(credential.sealed, &out[0]), FP_OK);
    }
    if (store_get_metadata(f->in.store, connection, arena, &metadata) == FP_OK) {
        assert_int_equal(seal_key_version(metadata.content, &out[1]), FP_OK);
    }
    arena_free(arena);
}

// The credential opens, whichever key it is under.
static void check_opens(struct fixture *f, const char *connection)
{
    struct arena *arena = arena_create(1u << 20, false);
    struct store_connection row = connection_row(f, connection);
    struct secret secret = {0};
    assert_int_equal(registry_credential(f->in.registry, &row, arena, &secret), FP_OK);
    assert_true(bytes_equal(secret_bytes(&secret), BYTES(SECRET)));
    secret_done(&secret);
    arena_free(arena);
}

static void test_registry_key_rotation__nothing_is_under_the_old_key(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Rotate", "live");
    struct conn conns[40];
    char customer[ID_TEXT], other[ID_TEXT];
    uint32_t versions[2];
    struct reply reply = {0}, meta = {0};
    struct conn stranger = conn_make(f, &app, "S", "stranger@plant.test", SECRET);
    for (unsigned i = 0; i < 40; i++) {
        conns[i] = conn_make(f, &app, "R", MAIL, SECRET);
        if (i % 2 == 0) {
            set_metadata(f, &app, conns[i].id, "{\"a\":\"1\"}", &meta);
            reply_ok(f, &meta);
            reply_done(&meta);
        }
    }
    customer_of(f, conns[0].id, customer);
    customer_of(f, stranger.id, other);
    start(f, customer, &reply);
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/state"), "done");
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/version")), 2);
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/resealed")), 60);
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/unopened")), 0);
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/connections_done")), 40);
    reply_done(&reply);
    assert_int_equal(key_state(f, customer, 1), STORE_KEY_RETIRED);
    assert_int_equal(key_state(f, customer, 2), STORE_KEY_ACTIVE);
    assert_int_equal(key_state(f, other, 1), STORE_KEY_ACTIVE);
    for (unsigned i = 0; i < 40; i++) {
        versions_of(f, conns[i].id, versions);
        assert_int_equal(versions[0], 2);
        assert_int_equal(versions[1], i % 2 == 0 ? 2 : 0);
        check_opens(f, conns[i].id);
    }
    versions_of(f, stranger.id, versions);
    assert_int_equal(versions[0], 1);
    // what is new is sealed with the new key, also by a process that starts later
    fixture_close(f);
    fixture_open(f);
    conns[0] = conn_make(f, &app, "R", MAIL, SECRET);
    versions_of(f, conns[0].id, versions);
    assert_int_equal(versions[0], 2);
    check_opens(f, conns[1].id);
}

// What is sealed while the key is being replaced, and what was on its way before, is not lost.
static void test_registry_key_rotation__beside_everything_else(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Beside", "live");
    struct conn first = conn_make(f, &app, "B", "beside@plant.test", SECRET);
    char customer[ID_TEXT];
    uint32_t versions[2];
    struct reply rotation = {0}, again = {0}, meta[8] = {0};
    customer_of(f, first.id, customer);
    for (unsigned i = 0; i < 8; i++) {
        char object[32];
        snprintf(object, sizeof object, "{\"k%u\":\"v\"}", i);
        if (i == 2) {
            start(f, customer, &rotation);
            start(f, customer, &again);
        }
        set_metadata(f, &app, first.id, object, &meta[i]);
        if (i > 3) { // let some of the slices go by
            audit_wait(f->in.audit);
            store_wait(f->in.store);
        }
        if (i == 5) {
            check_opens(f, first.id);
        }
    }
    registry_settle(f->in.registry);
    assert_int_equal(rotation.error, FP_OK);
    assert_int_equal(again.error, FP_E_KEY_ROTATING);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(meta[i].error, FP_OK);
        reply_done(&meta[i]);
    }
    reply_done(&rotation);
    versions_of(f, first.id, versions);
    assert_int_equal(versions[0], 2);
    assert_int_equal(versions[1], 2);
    set_metadata(f, &app, first.id, "{}", &meta[0]);
    reply_ok(f, &meta[0]);
    for (unsigned i = 0; i < 8; i++) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/data/user_metadata/k%u", i);
        assert_string_equal(reply_text(&meta[0], pointer), "v");
    }
    reply_done(&meta[0]);
}

// Stopped after each slice in turn, as by a server that ends: it is taken up by itself.
static void test_registry_key_rotation__goes_on_after_a_stop(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Stop", "live");
    struct conn conns[20];
    char customer[ID_TEXT];
    uint32_t versions[2];
    unsigned interrupted = 0;
    for (unsigned i = 0; i < 20; i++) {
        conns[i] = conn_make(f, &app, "S", "stop@plant.test", SECRET);
    }
    customer_of(f, conns[0].id, customer);
    for (unsigned round = 0; round < 5; round++) {
        struct reply reply = {0};
        uint32_t newest = round + 2;
        start(f, customer, &reply);
        for (unsigned slice = 0; slice < round; slice++) {
            audit_wait(f->in.audit);
            store_wait(f->in.store);
        }
        registry_stop(f->in.registry);
        fixture_close(f);
        interrupted += reply.error == FP_E_SERVICE_UNAVAILABLE ? 1 : 0;
        reply_done(&reply);
        fixture_open(f);
        for (unsigned i = 0; i < 20; i++) {
            check_opens(f, conns[i].id);
        }
        registry_key_tick(f->in.registry, clock_wall_ms());
        registry_settle(f->in.registry);
        assert_int_equal(key_state(f, customer, newest), STORE_KEY_ACTIVE);
        assert_int_equal(key_state(f, customer, newest - 1), STORE_KEY_RETIRED);
        for (unsigned i = 0; i < 20; i++) {
            versions_of(f, conns[i].id, versions);
            assert_int_equal(versions[0], newest);
            check_opens(f, conns[i].id);
        }
    }
    assert_true(interrupted >= 3);
}

// As if it had been made a year and a day ago.
static void make_old(struct fixture *f, const char *customer)
{
    struct store_data_key row = {0};
    struct arena *arena = arena_create(65536, false);
    struct store_batch *batch = store_batch_create(f->in.store);
    assert_int_equal(store_get_data_key(f->in.store, customer, 0, arena, &row), FP_OK);
    row.created_ms -= INT64_C(366) * 86400000;
    store_update_data_key(batch, &row);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    arena_free(arena);
}

// looks: how often the time for a look came.
static void tick(struct fixture *f, unsigned looks)
{
    for (unsigned i = 0; i < 4; i++) {
        registry_key_tick(f->in.registry,
                          clock_wall_ms() + (int64_t)FP_LIMIT_KEY_ROTATE_LOOK * 2 * looks);
        registry_settle(f->in.registry);
    }
}

static void test_registry_key_rotation__by_itself_when_due(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Due", "live");
    struct conn conn = conn_make(f, &app, "D", "due@plant.test", SECRET);
    struct conn young = conn_make(f, &app, "Y", "young@plant.test", SECRET);
    char customer[ID_TEXT], other[ID_TEXT];
    struct store_batch *batch = store_batch_create(f->in.store);
    customer_of(f, conn.id, customer);
    customer_of(f, young.id, other);
    make_old(f, customer);
    make_old(f, KEYRING_SYSTEM);
    tick(f, 1); // never by age, and far from the count
    assert_int_equal(key_state(f, customer, 2), 0);
    f->config.key_rotate_days = 365;
    tick(f, 2);
    assert_int_equal(key_state(f, customer, 1), STORE_KEY_RETIRED);
    assert_int_equal(key_state(f, customer, 2), STORE_KEY_ACTIVE);
    assert_int_equal(key_state(f, other, 2), 0);
    assert_int_equal(key_state(f, KEYRING_SYSTEM, 2), 0);
    f->config.key_rotate_days = 0;
    store_reserve_data_key(batch, customer, 2, FP_LIMIT_KEY_ENCRYPTIONS_DUE);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    tick(f, 3);
    assert_int_equal(key_state(f, customer, 2), STORE_KEY_RETIRED);
    assert_int_equal(key_state(f, customer, 3), STORE_KEY_ACTIVE);
    assert_int_equal(key_state(f, other, 2), 0);
    check_opens(f, conn.id);
}

// An erasure that begins while the key is being replaced ends that; one that is over refuses it.
static void test_registry_key_rotation__erasing_goes_first(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Erase", "live");
    for (unsigned slices = 0; slices < 5; slices++) {
        struct conn conns[20];
        char customer[ID_TEXT], mail[32];
        struct reply rotation = {0}, erasure = {0};
        snprintf(mail, sizeof mail, "erase%u@plant.test", slices);
        for (unsigned i = 0; i < 20; i++) {
            conns[i] = conn_make(f, &app, "E", mail, SECRET);
        }
        customer_of(f, conns[0].id, customer);
        start(f, customer, &rotation);
        for (unsigned i = 0; i < slices; i++) {
            audit_wait(f->in.audit);
            store_wait(f->in.store);
        }
        registry_customer_erase(f->in.registry, &fixture_operator, bytes_of_text(customer),
                                reply_take, &erasure);
        reply_ok(f, &erasure);
        reply_done(&erasure);
        assert_true(rotation.error == FP_E_CUSTOMER_ERASED || rotation.error == FP_OK);
        reply_done(&rotation);
        assert_int_equal(key_state(f, customer, 1), STORE_KEY_DESTROYED);
        assert_true(key_state(f, customer, 2) == STORE_KEY_DESTROYED ||
                    key_state(f, customer, 2) == 0);
        start(f, customer, &rotation);
        reply_wait(f, &rotation);
        assert_int_equal(rotation.error, FP_E_CUSTOMER_ERASED);
        reply_done(&rotation);
    }
}

static void test_registry_key_rotation__what_is_no_customer(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = {"", "system", "cus_00000000000000000000000000", "x"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct reply reply = {0};
        start(f, none[i], &reply);
        reply_wait(f, &reply);
        assert_int_equal(reply.error, FP_E_CUSTOMER_NOT_FOUND);
        reply_done(&reply);
        if (none[i][0] == '\0') {
            continue; // asks for the master key's
        }
        registry_key_rotation(f->in.registry, &fixture_operator, bytes_of_text(none[i]), reply_take,
                              &reply);
        reply_wait(f, &reply);
        assert_int_equal(reply.error, FP_E_CUSTOMER_NOT_FOUND);
        reply_done(&reply);
    }
}

// A record that somebody changed opens neither before nor after; the rest does not wait for it.
static void test_registry_key_rotation__a_record_that_does_not_open(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Broken", "live");
    struct conn good = conn_make(f, &app, "G", "broken@plant.test", SECRET);
    struct conn bad = conn_make(f, &app, "B", "broken@plant.test", SECRET);
    struct arena *arena = arena_create(1u << 20, false);
    struct store_batch *batch = store_batch_create(f->in.store);
    struct store_credential row = {0};
    uint8_t changed[1024];
    char customer[ID_TEXT];
    uint32_t versions[2];
    struct reply reply = {0};
    assert_int_equal(store_get_credential(f->in.store, bad.id, 1, arena, &row), FP_OK);
    assert_true(row.sealed.len <= sizeof changed);
    memcpy(changed, row.sealed.ptr, row.sealed.len);
    changed[row.sealed.len - 1] ^= 1;
    row.sealed = bytes_of(changed, row.sealed.len);
    store_update_credential(batch, &row);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    customer_of(f, good.id, customer);
    start(f, customer, &reply);
    reply_ok(f, &reply);
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/resealed")), 1);
    assert_int_equal(yyjson_get_uint(yyjson_doc_ptr_get(reply.body, "/data/unopened")), 1);
    reply_done(&reply);
    versions_of(f, good.id, versions);
    assert_int_equal(versions[0], 2);
    check_opens(f, good.id);
    versions_of(f, bad.id, versions);
    assert_int_equal(versions[0], 1);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_key_rotation__nothing_is_under_the_old_key),
        cmocka_unit_test(test_registry_key_rotation__beside_everything_else),
        cmocka_unit_test(test_registry_key_rotation__goes_on_after_a_stop),
        cmocka_unit_test(test_registry_key_rotation__by_itself_when_due),
        cmocka_unit_test(test_registry_key_rotation__erasing_goes_first),
        cmocka_unit_test(test_registry_key_rotation__what_is_no_customer),
        cmocka_unit_test(test_registry_key_rotation__a_record_that_does_not_open),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
