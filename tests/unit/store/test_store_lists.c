// Conformance, lists: filters, cursors, offsets, order, counts. Against store.h alone.
// SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#define CONNECTIONS 60

// Two applications, six customers, sixty connections, a token each.
static int fill(void **state)
{
    struct world *w = NULL;
    struct store_batch *batch = NULL;
    assert_int_equal(world_setup(state), 0);
    w = *state;
    batch = a_batch(w);
    for (unsigned n = 1; n <= 2; n++) {
        const struct store_application row = an_application(n);
        store_insert_application(batch, &row);
    }
    for (unsigned n = 1; n <= 6; n++) {
        const struct store_customer row = a_customer(n, 1 + n % 2);
        store_insert_customer(batch, &row);
    }
    for (unsigned n = 1; n <= CONNECTIONS; n++) {
        unsigned customer = 1 + n % 6;
        struct store_connection row = a_connection(n, 1 + customer % 2, customer);
        struct store_token token = a_token(n, 1 + customer % 2, row.id);
        row.state = 1 + n % 4;
        store_insert_connection(batch, &row);
        store_insert_token(batch, &token);
    }
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    return 0;
}

static size_t list(struct world *w, const struct store_query *query, struct store_connection **out)
{
    size_t count = 999;
    assert_int_equal(store_list_connections(w->store, query, w->arena, out, &count), FP_OK);
    return count;
}

static void test_store_lists__default_page(void **state)
{
    struct store_connection *rows = NULL;
    assert_int_equal(list(*state, NULL, &rows), FP_LIMIT_PAGE_SIZE_DEFAULT);
    assert_string_equal(rows[0].id, "con_00000000000000000000000001");
    assert_string_equal(rows[24].id, "con_00000000000000000000000025");
    assert_string_equal(rows[24].account, "admin");
}

static void test_store_lists__cursor_walks_all(void **state)
{
    struct world *w = *state;
    char last[ID_TEXT] = "";
    struct store_query query = {.limit = 7, .after = last};
    struct store_connection *rows = NULL;
    size_t total = 0, count = 0;
    while ((count = list(w, &query, &rows)) != 0) {
        for (size_t i = 0; i < count; i++) {
            assert_true(strcmp(rows[i].id, last) > 0);
            SET(last, "%s", rows[i].id);
        }
        total += count;
    }
    assert_int_equal(total, CONNECTIONS);
}

static void test_store_lists__newest_first_and_offset(void **state)
{
    struct world *w = *state;
    struct store_connection *rows = NULL;
    struct store_query query = {.limit = 10, .newest_first = true};
    assert_int_equal(list(w, &query, &rows), 10);
    assert_string_equal(rows[0].id, "con_00000000000000000000000060");
    query.offset = 55;
    assert_int_equal(list(w, &query, &rows), 5);
    assert_string_equal(rows[4].id, "con_00000000000000000000000001");
    query.offset = 0;
    query.after = "con_00000000000000000000000003";
    assert_int_equal(list(w, &query, &rows), 2);
    assert_string_equal(rows[0].id, "con_00000000000000000000000002");
    query.offset = 1000;
    assert_int_equal(list(w, &query, &rows), 0);
}

static void test_store_lists__filters(void **state)
{
    struct world *w = *state;
    struct store_connection *rows = NULL;
    struct store_query query = {.application = "app_00000000000000000000000001", .limit = 500};
    uint64_t count = 0;
    assert_int_equal(list(w, &query, &rows), 30);
    query.state = 2;
    query.platform = "tryton";
    count = list(w, &query, &rows);
    assert_true(count > 0 && count < 30);
    for (uint64_t i = 0; i < count; i++) {
        assert_string_equal(rows[i].application, "app_00000000000000000000000001");
        assert_string_equal(rows[i].platform, "tryton");
        assert_int_equal(rows[i].state, 2);
    }
    query.limit = 1; // the count knows nothing of pages
    query.offset = 3;
    {
        uint64_t all = 0;
        assert_int_equal(store_count(w->store, STORE_CONNECTION, &query, &all), FP_OK);
        assert_int_equal(all, count);
    }
    query = (struct store_query){.customer = "cus_00000000000000000000000003", .limit = 500};
    assert_int_equal(list(w, &query, &rows), 10);
    query = (struct store_query){.email = "c3@example.com", .limit = 500};
    assert_int_equal(list(w, &query, &rows), 10);
    query = (struct store_query){.email = "' OR ''='", .limit = 500};
    assert_int_equal(list(w, &query, &rows), 0);
}

static void test_store_lists__what_does_not_apply_is_refused(void **state)
{
    struct world *w = *state;
    struct store_application *applications = NULL;
    struct store_connection *rows = NULL;
    size_t count = 0;
    uint64_t all = 0;
    struct store_query query = {.owner = "x"};
    assert_int_equal(store_list_connections(w->store, &query, w->arena, &rows, &count),
                     FP_E_INPUT_INVALID);
    assert_int_equal(store_count(w->store, STORE_CONNECTION, &query, &all), FP_E_INPUT_INVALID);
    query = (struct store_query){.state = 1};
    assert_int_equal(store_list_applications(w->store, &query, w->arena, &applications, &count),
                     FP_E_INPUT_INVALID);
    query = (struct store_query){.limit = FP_LIMIT_STORE_LIST + 1};
    assert_int_equal(store_list_connections(w->store, &query, w->arena, &rows, &count),
                     FP_E_INPUT_INVALID);
    assert_int_equal(store_count(w->store, STORE_KIND_COUNT, NULL, &all), FP_E_INPUT_INVALID);
}

static void test_store_lists__other_kinds(void **state)
{
    struct world *w = *state;
    struct store_application *applications = NULL;
    struct store_customer *customers = NULL;
    struct store_token *tokens = NULL;
    struct store_data_key *keys = NULL;
    struct store_credential *credentials = NULL;
    struct store_query query = {.application = "app_00000000000000000000000002"};
    size_t count = 0;
    const struct store_data_key one = a_data_key(3, 1), two = a_data_key(3, 2);
    const struct store_credential first = a_credential(9, 1, BYTES("first")),
                                  second = a_credential(9, 2, BYTES("second"));
    assert_int_equal(store_list_applications(w->store, NULL, w->arena, &applications, &count),
                     FP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(store_list_customers(w->store, &query, w->arena, &customers, &count), FP_OK);
    assert_int_equal(count, 3);
    query = (struct store_query){.owner = "con_00000000000000000000000009", .kind = 1};
    assert_int_equal(store_list_tokens(w->store, &query, w->arena, &tokens, &count), FP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(tokens[0].id, "tok_00000000000000000000000009");
    assert_int_equal(WRITE(w, store_insert_data_key, &one), FP_OK);
    assert_int_equal(WRITE(w, store_insert_data_key, &two), FP_OK);
    query = (struct store_query){.customer = one.customer};
    assert_int_equal(store_list_data_keys(w->store, &query, w->arena, &keys, &count), FP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(keys[1].key_version, 2);
    assert_true(bytes_equal(keys[1].wrapped, two.wrapped));
    assert_int_equal(WRITE(w, store_insert_credential, &first), FP_OK);
    assert_int_equal(WRITE(w, store_insert_credential, &second), FP_OK);
    query = (struct store_query){.after = one.customer, .after_number = 1, .limit = 1};
    assert_int_equal(store_list_data_keys(w->store, &query, w->arena, &keys, &count), FP_OK);
    assert_int_equal(count, 1); // a page may end between versions of one customer
    assert_int_equal(keys[0].key_version, 2);
    query.after_number = 2;
    assert_int_equal(store_list_data_keys(w->store, &query, w->arena, &keys, &count), FP_OK);
    assert_int_equal(count, 0);
    query = (struct store_query){.connection = first.connection};
    assert_int_equal(store_list_credentials(w->store, &query, w->arena, &credentials, &count),
                     FP_OK);
    assert_int_equal(count, 2);
    assert_true(bytes_equal(credentials[0].sealed, BYTES("first")));
    assert_true(bytes_equal(credentials[1].sealed, BYTES("second")));
}

static void test_store_lists__one_moment(void **state)
{
    struct world *w = *state;
    uint64_t before = 0, inside = 0, after = 0;
    const struct store_application row = an_application(3);
    assert_int_equal(store_read_begin(w->store), FP_OK);
    assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &before), FP_OK);
    assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK);
    assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &inside), FP_OK);
    store_read_end(w->store);
    assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &after), FP_OK);
    assert_int_equal(inside, before);
    assert_int_equal(after, before + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_store_lists__##name, fill, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(default_page),
        CASE(cursor_walks_all),
        CASE(newest_first_and_offset),
        CASE(filters),
        CASE(what_does_not_apply_is_refused),
        CASE(other_kinds),
        CASE(one_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
