// The system operations in their wire shapes, and that nobody sees what is not theirs: a matrix of
// tokens and connections. Rows M1, S3, S9, S15.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "model/model.h"
#include "registry/system.h"

static struct reply system_read(struct fixture *f, const char *token, unsigned operation,
                                const char *key, const char *query)
{
    struct reply reply = {.calls = 1};
    struct registry_identity identity;
    struct arena *arena = arena_create((size_t)8 << 20, true);
    struct buf body, detail, errors;
    struct system_answer out = {&body, &detail, &errors};
    struct system_call call = {operation, bytes_of_text(key), bytes_of_text(query)};
    char text[2048];
    enum token_kind kind = model_operation_at(operation)->token == MODEL_TOKEN_APPLICATION
                               ? TOKEN_KIND_APPLICATION
                               : TOKEN_KIND_CONNECTION;
    buf_init(&body, 1 << 20);
    buf_init(&detail, 8192);
    buf_init(&errors, 8192);
    assert_int_equal(token_check(f, token, kind, &identity, text, sizeof text), FP_OK);
    assert_int_equal(registry_system_way(operation), SYSTEM_READ);
    reply.error = registry_system_read(f->in.registry, &identity, &call, arena, &out);
    snprintf(reply.errors, sizeof reply.errors, "%s", buf_text(&errors));
    if (reply.error == FP_OK) {
        reply.body = yyjson_read((const char *)body.ptr, body.len, 0);
        assert_non_null(reply.body);
    }
    buf_done(&body);
    buf_done(&detail);
    buf_done(&errors);
    arena_free(arena);
    return reply;
}

static enum fp_error system_write(struct fixture *f, const char *token, unsigned operation,
                                  const char *key, struct reply *reply)
{
    struct registry_identity identity;
    struct system_call call = {operation, bytes_of_text(key), (struct bytes){0}};
    struct registry_caller caller = {0};
    char text[2048];
    enum token_kind kind = model_operation_at(operation)->token == MODEL_TOKEN_APPLICATION
                               ? TOKEN_KIND_APPLICATION
                               : TOKEN_KIND_CONNECTION;
    assert_int_equal(token_check(f, token, kind, &identity, text, sizeof text), FP_OK);
    assert_int_equal(registry_system_way(operation), SYSTEM_WRITE);
    caller = registry_caller_of(&identity, BYTES("req_1"), BYTES("192.0.2.1"));
    registry_system_write(f->in.registry, &identity, &caller, &call, reply_take, reply);
    reply_wait(f, reply);
    return reply->error;
}

static int64_t number_at(const struct reply *reply, const char *pointer)
{
    yyjson_val *value = yyjson_doc_ptr_get(reply->body, pointer);
    assert_true(yyjson_is_int(value));
    return yyjson_get_sint(value);
}

// Every field that the contract names is there, and of the type it should have.
static void test_registry_system__connection_has_the_fields_of_the_contract(void **state)
{
    static const char *const fields[] = {
        "key",        "name",       "email",       "status",        "integration_name",
        "redirect",   "scopes",     "tags",        "user_metadata", "client_id",
        "updated_at", "created_at", "connected_at"};
    struct fixture *f = *state;
    struct app app = app_make(f, "Fields", "live");
    struct conn conn = conn_make(f, &app, "F", "f@plant.test", "{}");
    struct reply reply = system_read(f, app.token, MODEL_OP_SYSTEM_CONNECTIONS, "", "");
    yyjson_val *row = yyjson_doc_ptr_get(reply.body, "/data/0");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        assert_non_null(yyjson_obj_get(row, fields[i]));
    }
    assert_string_equal(reply_text(&reply, "/data/0/key"), conn.id);
    assert_string_equal(reply_text(&reply, "/data/0/status"), "active");
    assert_string_equal(reply_text(&reply, "/data/0/integration_name"), "tryton");
    assert_string_equal(reply_text(&reply, "/data/0/client_id"), app.id);
    assert_true(yyjson_is_obj(yyjson_obj_get(row, "user_metadata")));
    assert_true(yyjson_is_arr(yyjson_obj_get(row, "tags")));
    reply_done(&reply);
}

static void test_registry_system__client_and_integration(void **state)
{
    static const char *const client[] = {
        "id", "name", "logo_url", "email", "default_redirect", "redirects"};
    static const char *const integration[] = {
        "id", "company_name", "email", "provider", "updated_at", "sync_status", "sync_updated_at"};
    struct fixture *f = *state;
    struct app app = app_make(f, "Shapes", "test");
    struct conn conn = conn_make(f, &app, "Plant", "s@plant.test", "{}");
    struct reply reply = system_read(f, app.token, MODEL_OP_SYSTEM_CLIENT, "", "");
    for (size_t i = 0; i < sizeof client / sizeof client[0]; i++) {
        assert_non_null(yyjson_obj_get(yyjson_doc_ptr_get(reply.body, "/data"), client[i]));
    }
    assert_string_equal(reply_text(&reply, "/data/id"), app.id);
    assert_string_equal(reply_text(&reply, "/data/environment"), "test");
    reply_done(&reply);
    reply = system_read(f, conn.token, MODEL_OP_SYSTEM_INTEGRATION, "", "");
    for (size_t i = 0; i < sizeof integration / sizeof integration[0]; i++) {
        assert_non_null(yyjson_obj_get(yyjson_doc_ptr_get(reply.body, "/data"), integration[i]));
    }
    assert_string_equal(reply_text(&reply, "/data/company_name"), "Plant");
    reply_done(&reply);
    reply = system_read(f, conn.token, MODEL_OP_SYSTEM_SYNC_STATUS, "", "");
    assert_string_equal(reply_text(&reply, "/status"), "done");
    reply_done(&reply);
    connection_news(f, conn.id, CONNECTION_EVENT_UNREACHABLE, 1);
    reply = system_read(f, conn.token, MODEL_OP_SYSTEM_SYNC_STATUS, "", "");
    assert_string_equal(reply_text(&reply, "/status"), "fail");
    reply_done(&reply);
}

static void test_registry_system__paging_is_exact(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Paging", "live");
    struct reply reply = system_read(f, app.token, MODEL_OP_SYSTEM_CONNECTIONS, "", "");
    assert_int_equal(number_at(&reply, "/meta/total"), 0);
    assert_int_equal(number_at(&reply, "/meta/last_page"), 1);
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(reply.body, "/meta/from")));
    reply_done(&reply);
    for (int i = 0; i < 7; i++) {
        char email[32];
        snprintf(email, sizeof email, "p%d@plant.test", i);
        conn_make(f, &app, "P", email, "{}");
    }
    reply = system_read(f, app.token, MODEL_OP_SYSTEM_CONNECTIONS, "", "per_page=3&page=3");
    assert_int_equal(number_at(&reply, "/meta/total"), 7);
    assert_int_equal(number_at(&reply, "/meta/last_page"), 3);
    assert_int_equal(number_at(&reply, "/meta/from"), 7);
    assert_int_equal(number_at(&reply, "/meta/to"), 7);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(reply.body, "/data")), 1);
    assert_string_equal(reply_text(&reply, "/meta/path"),
                        "https://fishplate.test/api/system/connections");
    assert_non_null(strstr(reply_text(&reply, "/links/prev"), "page=2"));
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(reply.body, "/links/next")));
    reply_done(&reply);
    reply = system_read(f, app.token, MODEL_OP_SYSTEM_CONNECTIONS, "", "page=1000000000");
    assert_int_equal(reply.error, FP_OK);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(reply.body, "/data")), 0);
    reply_done(&reply);
    reply = system_read(f, app.token, MODEL_OP_SYSTEM_CONNECTIONS, "", "page=0&filter[name]=x");
    assert_int_equal(reply.error, FP_E_PARAMETER_INVALID);
    assert_true(json_has_text(reply.errors, "/0/field", "page"));
    reply_done(&reply);
}

// BOLA: every application's token with every connection, over every operation with an id.
static void test_registry_system__matrix_of_tokens_and_connections(void **state)
{
    enum { APPS = 3 };
    struct fixture *f = *state;
    struct app apps[APPS];
    struct conn conns[APPS];
    for (int i = 0; i < APPS; i++) {
        char name[16], email[32];
        snprintf(name, sizeof name, "App %d", i);
        snprintf(email, sizeof email, "same@plant.test");
        apps[i] = app_make(f, name, i == 2 ? "test" : "live");
        conns[i] = conn_make(f, &apps[i], "Same", email, "{}");
    }
    for (int a = 0; a < APPS; a++) {
        for (int c = 0; c < APPS; c++) {
            enum fp_error expected = a == c ? FP_OK : FP_E_CONNECTION_NOT_FOUND;
            struct reply reply =
                system_read(f, apps[a].token, MODEL_OP_SYSTEM_METADATA, conns[c].id, "");
            assert_int_equal(reply.error, expected);
            reply_done(&reply);
            assert_int_equal(system_write(f, apps[a].token, MODEL_OP_SYSTEM_CONNECTION_TOKEN,
                                          conns[c].id, &reply),
                             expected);
            reply_done(&reply);
            if (a != c) {
                assert_int_equal(system_write(f, apps[a].token, MODEL_OP_SYSTEM_CONNECTION_DELETE,
                                              conns[c].id, &reply),
                                 expected);
                reply_done(&reply);
            }
        }
        struct reply list = system_read(f, apps[a].token, MODEL_OP_SYSTEM_CONNECTIONS, "", "");
        assert_int_equal(number_at(&list, "/meta/total"), 1);
        assert_string_equal(reply_text(&list, "/data/0/key"), conns[a].id);
        reply_done(&list);
    }
}

static void test_registry_system__a_further_token(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Further", "live");
    struct conn conn = conn_make(f, &app, "F", "f2@plant.test", "{}");
    struct reply reply = {0};
    char token[128];
    assert_int_equal(system_write(f, app.token, MODEL_OP_SYSTEM_CONNECTION_TOKEN, conn.id, &reply),
                     FP_OK);
    reply_copy(&reply, "/data/token", token, sizeof token);
    assert_string_equal(reply_text(&reply, "/data/access_token"), token);
    assert_true(yyjson_is_null(yyjson_doc_ptr_get(reply.body, "/data/expires_in")));
    reply_done(&reply);
    assert_int_equal(token_error(f, token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    // an application cannot make tokens of an application here, not even its own
    assert_int_equal(system_write(f, app.token, MODEL_OP_SYSTEM_CONNECTION_TOKEN, app.id, &reply),
                     FP_E_CONNECTION_NOT_FOUND);
    reply_done(&reply);
}

static void test_registry_system__ends(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Ends", "live");
    struct conn a = conn_make(f, &app, "A", "a3@plant.test", "{}");
    struct conn b = conn_make(f, &app, "B", "b3@plant.test", "{}");
    struct reply reply = {0};
    assert_int_equal(system_write(f, app.token, MODEL_OP_SYSTEM_CONNECTION_DELETE, a.id, &reply),
                     FP_OK);
    assert_string_equal(reply_text(&reply, "/data/status_reason"), "DISCONNECTED_BY_APPLICATION");
    reply_done(&reply);
    assert_int_equal(system_write(f, b.token, MODEL_OP_SYSTEM_INTEGRATION_DELETE, "", &reply),
                     FP_OK);
    assert_string_equal(reply_text(&reply, "/data/status_reason"), "DISCONNECTED_BY_CONNECTION");
    assert_string_equal(reply_text(&reply, "/data/key"), b.id);
    reply_done(&reply);
    assert_int_equal(token_error(f, a.token, TOKEN_KIND_CONNECTION), FP_E_CONNECTION_DISCONNECTED);
    assert_int_equal(token_error(f, b.token, TOKEN_KIND_CONNECTION), FP_E_CONNECTION_DISCONNECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_system__connection_has_the_fields_of_the_contract),
        cmocka_unit_test(test_registry_system__client_and_integration),
        cmocka_unit_test(test_registry_system__paging_is_exact),
        cmocka_unit_test(test_registry_system__matrix_of_tokens_and_connections),
        cmocka_unit_test(test_registry_system__a_further_token),
        cmocka_unit_test(test_registry_system__ends),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
