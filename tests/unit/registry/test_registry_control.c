// The questions of the command line through their one dispatcher, as the command line itself uses
// it while no server runs. Row S20. SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/control.h"

// Asks with the one frame in question; the reply's calls stay 0 where the dispatcher refuses it.
static enum fp_error ask(struct fixture *f, struct buf *question, struct reply *reply)
{
    struct link_frame frame = {0};
    uint64_t call = 0;
    enum fp_error error = FP_OK;
    assert_int_equal(buf_error(question), FP_OK);
    frame.number = (enum link_number)(question->ptr[4] | question->ptr[5] << 8);
    frame.body = bytes_slice(buf_bytes(question), 8, question->len);
    assert_int_equal(registry_control_call(&frame, &call), FP_OK);
    assert_int_equal(call, 77);
    error = registry_control(f->in.registry, BYTES("tester"), &frame, reply_take, reply);
    registry_settle(f->in.registry);
    buf_done(question);
    return error;
}

#define ASK(f, reply, low, ...)                                                                    \
    do {                                                                                           \
        struct link_##low in_ = {.call = 77, __VA_ARGS__};                                         \
        struct buf question_;                                                                      \
        buf_init(&question_, 65536);                                                               \
        assert_int_equal(link_put_##low(&question_, &in_), FP_OK);                                 \
        assert_int_equal(ask(f, &question_, reply), FP_OK);                                        \
        assert_int_equal((reply)->calls, 1);                                                       \
    } while (0)

static void test_registry_control__a_day_at_the_command_line(void **state)
{
    struct fixture *f = *state;
    struct reply reply = {0};
    struct app app = {0};
    struct conn conn = {0};
    char id[ID_TEXT];
    ASK(f, &reply, application_create, .name = BYTES("Cli"), .environment = BYTES("live"),
        .networks = BYTES("10.0.0.0/8"));
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/id", app.id, sizeof app.id);
    reply_done(&reply);
    conn = conn_make(f, &app, "C", "c@plant.test", "{}");
    ASK(f, &reply, application_list, .actor = BYTES("x"));
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/0/id"), app.id);
    assert_int_equal(yyjson_get_sint(yyjson_doc_ptr_get(reply.body, "/data/0/connections")), 1);
    reply_done(&reply);
    ASK(f, &reply, connection_list, .application = bytes_of_text(app.id));
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/0/key"), conn.id);
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(reply.body, "/next")));
    reply_done(&reply);
    ASK(f, &reply, connection_list, .after = bytes_of_text(conn.id));
    reply_ok(f, &reply);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(reply.body, "/data")), 0);
    reply_done(&reply);
    ASK(f, &reply, connection_show, .connection = bytes_of_text(conn.id));
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/networks"), "10.0.0.0/8");
    reply_done(&reply);
    ASK(f, &reply, token_issue, .owner = bytes_of_text(conn.id), .expires_in_s = 60);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/id", id, sizeof id);
    reply_done(&reply);
    ASK(f, &reply, token_rotate, .token = bytes_of_text(id), .overlap_s = 10);
    reply_ok(f, &reply);
    assert_int_equal(yyjson_get_sint(yyjson_doc_ptr_get(reply.body, "/data/expires_in")), 60);
    reply_done(&reply);
    ASK(f, &reply, token_list, .owner = bytes_of_text(conn.id));
    reply_ok(f, &reply);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(reply.body, "/data")), 3);
    reply_done(&reply);
    ASK(f, &reply, token_revoke, .token = bytes_of_text(id));
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/status"), "revoked");
    reply_done(&reply);
    ASK(f, &reply, connection_delete, .connection = bytes_of_text(conn.id));
    reply_ok(f, &reply);
    assert_string_equal(reply_text(&reply, "/data/status"), "disconnected");
    reply_done(&reply);
    ASK(f, &reply, application_delete, .application = bytes_of_text(app.id));
    reply_ok(f, &reply);
    reply_done(&reply);
}

static void test_registry_control__refusals(void **state)
{
    struct fixture *f = *state;
    struct reply reply = {0};
    ASK(f, &reply, application_create, .name = BYTES(""), .environment = BYTES("prod"),
        .networks = BYTES("x"));
    assert_int_equal(reply.error, FP_E_FIELD_INVALID);
    assert_true(json_has_text(reply.errors, "/0/field", "name"));
    assert_true(json_has_text(reply.errors, "/1/field", "environment"));
    assert_true(json_has_text(reply.errors, "/2/field", "networks"));
    reply_done(&reply);
    ASK(f, &reply, connection_add, .application = BYTES("app_x"));
    assert_int_equal(reply.error, FP_E_NOT_RUNNING); // a credential is tried first, by the server
    reply_done(&reply);
    ASK(f, &reply, application_delete, .application = BYTES("app_x"));
    assert_int_equal(reply.error, FP_E_APPLICATION_NOT_FOUND);
    reply_done(&reply);
    ASK(f, &reply, connection_show, .connection = BYTES("con_x"));
    assert_int_equal(reply.error, FP_E_CONNECTION_NOT_FOUND);
    reply_done(&reply);
    ASK(f, &reply, connection_list, .application = BYTES("app_x"));
    assert_int_equal(reply.error, FP_E_APPLICATION_NOT_FOUND);
    reply_done(&reply);
    ASK(f, &reply, token_issue, .owner = BYTES("cus_x"));
    assert_int_equal(reply.error, FP_E_CONNECTION_NOT_FOUND);
    reply_done(&reply);
}

static void test_registry_control__status(void **state)
{
    struct fixture *f = *state;
    struct reply reply = {0};
    ASK(f, &reply, status, .actor = BYTES("x"));
    reply_ok(f, &reply);
    assert_true(yyjson_is_false(yyjson_doc_ptr_get(reply.body, "/data/running")));
    assert_string_equal(reply_text(&reply, "/data/audit/state"), "OK");
    assert_true(yyjson_get_sint(yyjson_doc_ptr_get(reply.body, "/data/audit/last_seq")) > 0);
    reply_done(&reply);
}

// Cut and foreign frames: refused without a callback, for every number there is.
static void test_registry_control__broken_frames(void **state)
{
    struct fixture *f = *state;
    for (unsigned number = 0; number < LINK_NUMBERS + 5; number++) {
        static const uint8_t zeros[7];
        struct reply reply = {0};
        struct link_frame frame = {(enum link_number)number, {zeros, sizeof zeros}};
        uint64_t call = 0;
        assert_int_equal(registry_control_call(&frame, &call), FP_E_MESSAGE_INVALID);
        assert_int_equal(registry_control(f->in.registry, BYTES("t"), &frame, reply_take, &reply),
                         FP_E_MESSAGE_INVALID);
        assert_int_equal(reply.calls, 0);
    }
    assert_int_equal(registry_under_way(f->in.registry), 0);
}

// The customer whose row in the list it is, or NULL.
static yyjson_val *key_row(const struct reply *reply, const char *customer)
{
    yyjson_val *row = NULL;
    size_t i = 0, max = 0;
    yyjson_arr_foreach(yyjson_doc_ptr_get(reply->body, "/data"), i, max, row)
    {
        if (strcmp(yyjson_get_str(yyjson_obj_get(row, "customer")), customer) == 0) {
            return row;
        }
    }
    return NULL;
}

static void key_set(struct fixture *f, const char *customer, int64_t created_ms, uint64_t more)
{
    struct arena *arena = arena_create(8192, false);
    struct store_batch *batch = store_batch_create(f->in.store);
    struct store_data_key row = {0};
    assert_non_null(arena);
    assert_non_null(batch);
    assert_int_equal(store_get_data_key(f->in.store, customer, 0, arena, &row), FP_OK);
    row.created_ms = created_ms;
    store_update_data_key(batch, &row);
    store_reserve_data_key(batch, customer, row.key_version, more);
    assert_int_equal(store_submit_wait(f->in.store, batch), FP_OK);
    arena_free(arena);
}

static const char *key_due(struct fixture *f, const char *customer, char out[static 16])
{
    struct reply reply = {0};
    const char *due = NULL;
    ASK(f, &reply, key_status, .actor = BYTES("x"));
    reply_ok(f, &reply);
    assert_non_null(key_row(&reply, customer));
    due = yyjson_get_str(yyjson_obj_get(key_row(&reply, customer), "due"));
    snprintf(out, 16, "%s", due != NULL ? due : "-");
    reply_done(&reply);
    return out;
}

// Row N5: which keys there are, and which of them are due, by age and by count.
static void test_registry_control__key_status(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Keys", "live");
    struct conn conn = conn_make(f, &app, "K", "keys@plant.test", "{}");
    struct store_connection row = {0};
    struct reply reply = {0};
    char due[16];
    int64_t now = clock_wall_ms();
    int64_t year = (int64_t)FP_LIMIT_KEY_AGE_DUE * 86400000;
    assert_int_equal(store_get_connection(f->in.store, conn.id, &row), FP_OK);
    ASK(f, &reply, key_status, .actor = BYTES("x"));
    reply_ok(f, &reply);
    assert_non_null(key_row(&reply, KEYRING_SYSTEM));
    assert_non_null(key_row(&reply, row.customer));
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(reply.body, "/next")));
    reply_done(&reply);
    assert_string_equal(key_due(f, row.customer, due), "-");
    key_set(f, row.customer, now - year + 3600000, 0);
    assert_string_equal(key_due(f, row.customer, due), "-");
    key_set(f, row.customer, now - year, 0);
    assert_string_equal(key_due(f, row.customer, due), "age");
    key_set(f, row.customer, now, FP_LIMIT_KEY_ENCRYPTIONS_DUE);
    assert_string_equal(key_due(f, row.customer, due), "count");
}

// Row N5: a page goes on behind its place; what is no place is refused.
static void test_registry_control__key_status_cursor(void **state)
{
    struct fixture *f = *state;
    struct reply reply = {0};
    static const char *const wrong[] = {"system", " 1", "system x", "system 4294967296", "system "};
    ASK(f, &reply, key_status, .after = BYTES("system 0"));
    reply_ok(f, &reply);
    assert_non_null(key_row(&reply, KEYRING_SYSTEM));
    reply_done(&reply);
    ASK(f, &reply, key_status, .after = BYTES("system 1"));
    reply_ok(f, &reply);
    assert_null(key_row(&reply, KEYRING_SYSTEM));
    reply_done(&reply);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ASK(f, &reply, key_status, .after = bytes_of_text(wrong[i]));
        assert_int_equal(reply.error, FP_E_FIELD_INVALID);
        reply_done(&reply);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_control__a_day_at_the_command_line),
        cmocka_unit_test(test_registry_control__refusals),
        cmocka_unit_test(test_registry_control__status),
        cmocka_unit_test(test_registry_control__broken_frames),
        cmocka_unit_test(test_registry_control__key_status),
        cmocka_unit_test(test_registry_control__key_status_cursor),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
