// Conformance, rows: what is written comes back, expectations hold, batches are whole or nothing.
// Against store.h alone, so that every backend passes it. SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#include "store/replay_rows.h"

static void test_store_rows__every_kind_round_trips(void **state)
{
    struct world *w = *state;
    const struct store_application application = an_application(1);
    const struct store_customer customer = a_customer(1, 1);
    const struct store_connection connection = a_connection(1, 1, 1);
    const struct store_credential credential = a_credential(1, 1, BYTES("\0\1\2sealed"));
    const struct store_token token = a_token(1, 1, connection.id);
    const struct store_code code = a_code(1, 1, connection.id);
    const struct store_data_key key = a_data_key(1, 1);
    const struct store_metadata metadata = {
        .connection = "con_00000000000000000000000001", .content = BYTES("[]"), .changed_ms = 7};
    const struct store_setting setting = {"key_check", BYTES("\1\2\3")};
    struct store_application application_out = {0};
    struct store_customer customer_out = {0};
    struct store_connection connection_out = {0};
    struct store_credential credential_out = {0};
    struct store_token token_out = {0};
    struct store_code code_out = {0};
    struct store_data_key key_out = {0};
    struct store_metadata metadata_out = {0};
    struct store_setting setting_out = {0};
    struct store_batch *batch = a_batch(w);
    store_insert_application(batch, &application);
    store_insert_customer(batch, &customer);
    store_insert_connection(batch, &connection);
    store_insert_credential(batch, &credential);
    store_insert_token(batch, &token);
    store_insert_code(batch, &code);
    store_insert_data_key(batch, &key);
    store_insert_metadata(batch, &metadata);
    store_put_setting(batch, &setting);
    assert_int_equal(store_batch_error(batch), FP_OK);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    world_reopen(w);
    assert_int_equal(store_get_application(w->store, application.id, &application_out), FP_OK);
    assert_memory_equal(&application, &application_out, sizeof application);
    assert_int_equal(store_get_customer(w->store, customer.id, &customer_out), FP_OK);
    assert_memory_equal(&customer, &customer_out, sizeof customer);
    assert_int_equal(store_get_connection(w->store, connection.id, &connection_out), FP_OK);
    assert_memory_equal(&connection, &connection_out, sizeof connection);
    assert_int_equal(store_get_credential(w->store, connection.id, 1, w->arena, &credential_out),
                     FP_OK);
    assert_true(bytes_equal(credential_out.sealed, credential.sealed));
    assert_int_equal(credential_out.created_ms, 5000);
    assert_int_equal(store_get_token(w->store, token.id, &token_out), FP_OK);
    assert_memory_equal(&token, &token_out, sizeof token);
    assert_int_equal(store_find_code(w->store, code.hash, &code_out), FP_OK);
    assert_memory_equal(&code, &code_out, sizeof code);
    assert_int_equal(store_get_data_key(w->store, customer.id, 1, w->arena, &key_out), FP_OK);
    assert_true(bytes_equal(key_out.wrapped, key.wrapped));
    assert_memory_equal(key.key_id, key_out.key_id, sizeof key.key_id);
    assert_int_equal(key_out.reserved, 1024);
    assert_int_equal(store_get_metadata(w->store, connection.id, w->arena, &metadata_out), FP_OK);
    assert_true(bytes_equal(metadata_out.content, BYTES("[]")));
    assert_int_equal(store_get_setting(w->store, "key_check", w->arena, &setting_out), FP_OK);
    assert_true(bytes_equal(setting_out.value, BYTES("\1\2\3")));
}

static void test_store_rows__missing_ones(void **state)
{
    struct world *w = *state;
    struct store_token token = {.kind = 77};
    struct store_data_key key;
    struct store_setting setting;
    const uint8_t hash[STORE_HASH] = {1};
    char long_id[200];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    assert_int_equal(store_get_token(w->store, "tok_none", &token), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_token(w->store, long_id, &token), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_token(w->store, "", &token), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_find_token(w->store, hash, &token), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_data_key(w->store, "cus_none", 0, w->arena, &key),
                     FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_setting(w->store, "none", w->arena, &setting), FP_E_STORE_NOT_FOUND);
    assert_int_equal(token.kind, 77); // outputs are written on success only
}

static void test_store_rows__second_keys(void **state)
{
    struct world *w = *state;
    struct store_token token, found;
    struct store_customer customer;
    put_first(w);
    token = a_token(7, 1, "con_00000000000000000000000001");
    assert_int_equal(WRITE(w, store_insert_token, &token), FP_OK);
    assert_int_equal(store_find_token(w->store, token.hash, &found), FP_OK);
    assert_string_equal(found.id, token.id);
    assert_int_equal(store_find_customer(w->store, "app_00000000000000000000000001",
                                         "c1@example.com", &customer),
                     FP_OK);
    assert_string_equal(customer.name, "Customer 1");
    assert_int_equal(store_find_customer(w->store, "app_00000000000000000000000002",
                                         "c1@example.com", &customer),
                     FP_E_STORE_NOT_FOUND);
}

static void test_store_rows__a_code_is_redeemed_once(void **state)
{
    struct world *w = *state;
    struct store_code code, found;
    struct store_code *rows = NULL;
    size_t count = 0;
    const struct store_query query = {.connection = "con_00000000000000000000000001"};
    put_first(w);
    code = a_code(1, 1, "con_00000000000000000000000001");
    assert_int_equal(WRITE(w, store_insert_code, &code), FP_OK);
    assert_int_equal(WRITE(w, store_insert_code, &code), FP_E_EXISTS);
    code.redeemed_ms = 5000;
    assert_int_equal(WRITE(w, store_update_code, &code), FP_OK);
    code.redeemed_ms = 5001;
    assert_int_equal(WRITE(w, store_update_code, &code), FP_E_STORE_CONFLICT);
    assert_int_equal(store_find_code(w->store, code.hash, &found), FP_OK);
    assert_int_equal(found.redeemed_ms, 5000);
    assert_int_equal(store_list_codes(w->store, &query, w->arena, &rows, &count), FP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(WRITE(w, store_delete_code, code.id), FP_OK);
    assert_int_equal(WRITE(w, store_delete_code, code.id), FP_E_STORE_NOT_FOUND);
    assert_int_equal(WRITE(w, store_delete_codes, code.connection), FP_OK);
    assert_int_equal(store_find_code(w->store, code.hash, &found), FP_E_STORE_NOT_FOUND);
}

static void test_store_rows__a_replay_is_of_one_key(void **state)
{
    struct world *w = *state;
    struct store_replay replay = {.id = "rpl_00000000000000000000000001",
                                  .hash = {7},
                                  .request = {8},
                                  .connection = "con_00000000000000000000000001",
                                  .state = STORE_REPLAY_RUNNING,
                                  .created_ms = 5000,
                                  .version = 1};
    struct store_replay other = replay, found;
    struct store_replay *rows = NULL;
    size_t count = 0;
    const struct store_query query = {.connection = "con_00000000000000000000000001"};
    put_first(w);
    assert_int_equal(store_find_replay(w->store, replay.hash, w->arena, &found),
                     FP_E_STORE_NOT_FOUND);
    assert_int_equal(WRITE(w, store_insert_replay, &replay), FP_OK);
    other.id[ID_TEXT - 2] = '2';
    assert_int_equal(WRITE(w, store_insert_replay, &other), FP_E_EXISTS);
    replay.state = STORE_REPLAY_DONE;
    replay.answer = BYTES("sealed");
    assert_int_equal(WRITE(w, store_update_replay, &replay), FP_OK);
    assert_int_equal(WRITE(w, store_update_replay, &replay), FP_E_STORE_CONFLICT);
    assert_int_equal(store_find_replay(w->store, replay.hash, w->arena, &found), FP_OK);
    assert_int_equal(found.state, STORE_REPLAY_DONE);
    assert_int_equal(found.version, 2);
    assert_memory_equal(found.request, replay.request, sizeof replay.request);
    assert_true(bytes_equal(found.answer, replay.answer));
    assert_int_equal(store_list_replays(w->store, &query, w->arena, &rows, &count), FP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(WRITE(w, store_delete_replay, replay.id), FP_OK);
    assert_int_equal(WRITE(w, store_delete_replay, replay.id), FP_E_STORE_NOT_FOUND);
    assert_int_equal(WRITE(w, store_delete_replays, replay.connection), FP_OK);
}

static void test_store_rows__families_of_tokens(void **state)
{
    struct world *w = *state;
    struct store_token alone, child;
    struct store_query query = {.owner = "con_00000000000000000000000001"};
    uint64_t count = 0;
    put_first(w);
    alone = a_token(2, 1, query.owner);
    child = a_token(3, 1, query.owner);
    SET(child.family, "grt_1");
    assert_int_equal(WRITE(w, store_insert_token, &alone), FP_OK);
    assert_int_equal(WRITE(w, store_insert_token, &child), FP_OK);
    query.family = "grt_1";
    assert_int_equal(store_count(w->store, STORE_TOKEN, &query, &count), FP_OK);
    assert_int_equal(count, 1);
    query.family = ""; // those that stand alone
    assert_int_equal(store_count(w->store, STORE_TOKEN, &query, &count), FP_OK);
    assert_int_equal(count, 1);
}

static void test_store_rows__taken_keys(void **state)
{
    struct world *w = *state;
    struct store_application application = an_application(1);
    struct store_customer customer = a_customer(2, 1);
    struct store_token token = a_token(1, 1, "x"), other = a_token(2, 1, "x");
    const struct store_setting setting = {"once", BYTES("1")};
    put_first(w);
    assert_int_equal(WRITE(w, store_insert_application, &application), FP_E_EXISTS);
    SET(customer.email, "c1@example.com");
    assert_int_equal(WRITE(w, store_insert_customer, &customer), FP_E_EXISTS);
    assert_int_equal(WRITE(w, store_insert_token, &token), FP_OK);
    memcpy(other.hash, token.hash, sizeof other.hash);
    assert_int_equal(WRITE(w, store_insert_token, &other), FP_E_EXISTS);
    assert_int_equal(WRITE(w, store_insert_setting, &setting), FP_OK);
    assert_int_equal(WRITE(w, store_insert_setting, &setting), FP_E_EXISTS);
}

static void test_store_rows__updates_name_the_version_they_saw(void **state)
{
    struct world *w = *state;
    struct store_connection row, again;
    put_first(w);
    assert_int_equal(store_get_connection(w->store, "con_00000000000000000000000001", &row), FP_OK);
    assert_int_equal(row.version, 1);
    row.state = 3;
    row.used_ms = 999; // not an update's business
    SET(row.reason, "credential_rejected");
    assert_int_equal(WRITE(w, store_update_connection, &row), FP_OK);
    assert_int_equal(WRITE(w, store_update_connection, &row), FP_E_STORE_CONFLICT);
    assert_int_equal(store_get_connection(w->store, row.id, &again), FP_OK);
    assert_int_equal(again.version, 2);
    assert_int_equal(again.state, 3);
    assert_int_equal(again.used_ms, 0);
    assert_string_equal(again.reason, "credential_rejected");
    SET(again.id, "con_none");
    assert_int_equal(WRITE(w, store_update_connection, &again), FP_E_STORE_CONFLICT);
}

static void test_store_rows__touching_is_no_change(void **state)
{
    struct world *w = *state;
    struct store_connection connection;
    struct store_token token = a_token(1, 1, "x");
    put_first(w);
    assert_int_equal(WRITE(w, store_insert_token, &token), FP_OK);
    assert_int_equal(WRITE(w, store_touch_token, token.id, 500), FP_OK);
    assert_int_equal(WRITE(w, store_touch_token, token.id, 400), FP_OK); // never back
    assert_int_equal(WRITE(w, store_touch_token, "tok_none", 400), FP_OK);
    assert_int_equal(store_get_token(w->store, token.id, &token), FP_OK);
    assert_int_equal(token.used_ms, 500);
    assert_int_equal(token.version, 1);
    assert_int_equal(WRITE(w, store_touch_connection, "con_00000000000000000000000001", 77), FP_OK);
    assert_int_equal(store_get_connection(w->store, "con_00000000000000000000000001", &connection),
                     FP_OK);
    assert_int_equal(connection.used_ms, 77);
    assert_int_equal(connection.version, 1);
}

static void test_store_rows__data_keys(void **state)
{
    struct world *w = *state;
    struct store_data_key one = a_data_key(1, 1), two = a_data_key(1, 2), out;
    assert_int_equal(WRITE(w, store_insert_data_key, &one), FP_OK);
    assert_int_equal(WRITE(w, store_insert_data_key, &one), FP_E_EXISTS);
    assert_int_equal(WRITE(w, store_insert_data_key, &two), FP_OK);
    assert_int_equal(store_get_data_key(w->store, one.customer, 0, w->arena, &out), FP_OK);
    assert_int_equal(out.key_version, 2);
    assert_int_equal(WRITE(w, store_reserve_data_key, one.customer, 2, 1024), FP_OK);
    assert_int_equal(WRITE(w, store_reserve_data_key, one.customer, 3, 1024), FP_E_STORE_NOT_FOUND);
    assert_int_equal(store_get_data_key(w->store, one.customer, 2, w->arena, &out), FP_OK);
    assert_int_equal(out.reserved, 2048);
    out.state = STORE_KEY_DESTROYED;
    out.reserved = 0; // not an update's business
    out.wrapped = BYTES("");
    assert_int_equal(WRITE(w, store_update_data_key, &out), FP_OK);
    assert_int_equal(store_get_data_key(w->store, one.customer, 0, w->arena, &out), FP_OK);
    assert_int_equal(out.key_version, 1);
    assert_int_equal(store_get_data_key(w->store, one.customer, 2, w->arena, &out), FP_OK);
    assert_int_equal(out.wrapped.len, 0);
    assert_int_equal(out.reserved, 2048);
    assert_int_equal(WRITE(w, store_delete_data_keys, one.customer), FP_OK);
    assert_int_equal(WRITE(w, store_delete_data_keys, one.customer), FP_OK);
    assert_int_equal(store_get_data_key(w->store, one.customer, 0, w->arena, &out),
                     FP_E_STORE_NOT_FOUND);
}

static void test_store_rows__what_belongs_to_what(void **state)
{
    struct world *w = *state;
    const char *id = "con_00000000000000000000000001";
    const struct store_customer orphan = a_customer(9, 9);
    const struct store_credential first = a_credential(1, 1, BYTES("a")),
                                  second = a_credential(1, 2, BYTES("b"));
    const struct store_token token = a_token(1, 1, id);
    const struct store_metadata metadata = {.connection = "con_00000000000000000000000001",
                                            .content = BYTES("[]")};
    struct store_batch *batch = NULL;
    put_first(w);
    assert_int_equal(WRITE(w, store_insert_customer, &orphan), FP_E_STORE_CONFLICT);
    assert_int_equal(WRITE(w, store_insert_credential, &first), FP_OK);
    assert_int_equal(WRITE(w, store_insert_credential, &second), FP_OK);
    assert_int_equal(WRITE(w, store_insert_token, &token), FP_OK);
    assert_int_equal(WRITE(w, store_insert_metadata, &metadata), FP_OK);
    assert_int_equal(WRITE(w, store_delete_connection, id), FP_E_STORE_CONFLICT);
    assert_int_equal(WRITE(w, store_delete_credential, id, 3), FP_E_STORE_NOT_FOUND);
    assert_int_equal(WRITE(w, store_delete_credential, id, 1), FP_OK);
    batch = a_batch(w);
    store_delete_credential(batch, id, 0);
    store_delete_tokens(batch, id);
    store_delete_codes(batch, id);
    store_delete_replays(batch, id);
    store_delete_metadata(batch, id);
    store_delete_connection(batch, id);
    store_delete_customer(batch, "cus_00000000000000000000000001");
    store_delete_application(batch, "app_00000000000000000000000001");
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    assert_int_equal(WRITE(w, store_delete_connection, id), FP_E_STORE_NOT_FOUND);
    assert_int_equal(WRITE(w, store_delete_credential, id, 0), FP_OK);
    assert_int_equal(WRITE(w, store_delete_tokens, id), FP_OK);
    assert_int_equal(WRITE(w, store_delete_setting, "none"), FP_OK);
    for (unsigned kind = 0; kind < STORE_KIND_COUNT; kind++) {
        uint64_t count = 1;
        assert_int_equal(store_count(w->store, (enum store_kind)kind, NULL, &count), FP_OK);
        assert_int_equal(count, 0);
    }
}

static void test_store_rows__settings_are_replaced(void **state)
{
    struct world *w = *state;
    struct store_setting setting = {"name", BYTES("one")}, out;
    assert_int_equal(WRITE(w, store_put_setting, &setting), FP_OK);
    setting.value = BYTES("");
    assert_int_equal(WRITE(w, store_put_setting, &setting), FP_OK);
    assert_int_equal(store_get_setting(w->store, "name", w->arena, &out), FP_OK);
    assert_int_equal(out.value.len, 0);
    assert_int_equal(WRITE(w, store_delete_setting, "name"), FP_OK);
    assert_int_equal(store_get_setting(w->store, "name", w->arena, &out), FP_E_STORE_NOT_FOUND);
}

static void test_store_rows__failed_batch_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct store_batch *batch = NULL;
    const struct store_application good = an_application(5), taken = an_application(1);
    struct store_application out;
    put_first(w);
    batch = a_batch(w);
    store_insert_application(batch, &good);
    store_insert_application(batch, &taken);
    assert_int_equal(store_submit_wait(w->store, batch), FP_E_EXISTS);
    assert_int_equal(store_get_application(w->store, good.id, &out), FP_E_STORE_NOT_FOUND);
    batch = a_batch(w); // and nothing is wrong with the next
    store_insert_application(batch, &good);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
}

static void test_store_rows__failures_stick_to_the_batch(void **state)
{
    struct world *w = *state;
    struct store_application good = an_application(5), endless = an_application(6), keyless = good;
    struct store_setting large = {"large", {NULL, 0}};
    static const uint8_t zeros[65537];
    struct store_batch *batch = a_batch(w);
    memset(endless.name, 'x', sizeof endless.name);
    store_insert_application(batch, &endless);
    assert_int_equal(store_batch_error(batch), FP_E_INPUT_INVALID);
    store_insert_application(batch, &good);
    assert_int_equal(store_submit_wait(w->store, batch), FP_E_INPUT_INVALID);
    keyless.id[0] = '\0';
    assert_int_equal(WRITE(w, store_insert_application, &keyless), FP_E_INPUT_INVALID);
    large.value = bytes_of(zeros, sizeof zeros);
    assert_int_equal(WRITE(w, store_put_setting, &large), FP_E_INPUT_INVALID);
    assert_int_equal(WRITE(w, store_delete_token, NULL), FP_E_INPUT_INVALID);
    batch = a_batch(w);
    for (unsigned i = 0; i <= FP_LIMIT_STORE_BATCH; i++) {
        store_touch_token(batch, "tok_x", 1);
    }
    assert_int_equal(store_batch_error(batch), FP_E_LIMIT_EXCEEDED);
    store_batch_free(batch);
    store_batch_free(NULL);
}

static void test_store_rows__values_are_data(void **state)
{
    struct world *w = *state;
    struct store_application row = an_application(1), out;
    SET(row.name, "'); DROP TABLE application; --");
    SET(row.id, "' OR 1=1 --");
    assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK);
    assert_int_equal(store_get_application(w->store, row.id, &out), FP_OK);
    assert_string_equal(row.name, out.name);
    assert_int_equal(store_get_application(w->store, "' OR 1=1 -- ", &out), FP_E_STORE_NOT_FOUND);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_store_rows__##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_kind_round_trips),
        CASE(missing_ones),
        CASE(second_keys),
        CASE(taken_keys),
        CASE(a_code_is_redeemed_once),
        CASE(a_replay_is_of_one_key),
        CASE(families_of_tokens),
        CASE(updates_name_the_version_they_saw),
        CASE(touching_is_no_change),
        CASE(data_keys),
        CASE(what_belongs_to_what),
        CASE(settings_are_replaced),
        CASE(failed_batch_leaves_nothing),
        CASE(failures_stick_to_the_batch),
        CASE(values_are_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
