// Tokens: issue, check with its exact reasons, revocation, the client credentials grant. Rows S1,
// S2, S3, S4, S10, S11, S12, S13, S14.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "model/model.h"
#include "registry/system.h"

static void token_issue(struct fixture *f, const char *owner, uint32_t expires_in_s,
                        const char *scopes, struct reply *reply)
{
    struct token_request request = {.owner = bytes_of_text(owner),
                                    .scopes = bytes_of_text(scopes),
                                    .expires_in_s = expires_in_s};
    registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, reply);
    reply_wait(f, reply);
}

static void token_revoke(struct fixture *f, const char *token_id)
{
    struct reply reply = {0};
    registry_token_revoke(f->in.registry, &fixture_operator, bytes_of_text(token_id), reply_take,
                          &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
}

// S2, S3: connecting gives a token of its own, which names its connection and nothing else.
static void test_registry_tokens__a_connection_has_its_own(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Own", "live");
    struct conn a = conn_make(f, &app, "Plant A", "a@plant.test", "{\"password\":\"pa\"}");
    struct conn b = conn_make(f, &app, "Plant B", "b@plant.test", "{\"password\":\"pb\"}");
    struct registry_identity identity;
    char detail[2048];
    assert_string_not_equal(a.token, b.token);
    assert_int_equal(strncmp(a.token, "fp_live_", 8), 0);
    assert_int_equal(
        token_check(f, a.token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail), FP_OK);
    assert_string_equal(identity.connection.id, a.id);
    assert_string_equal(identity.token.application, app.id);
    assert_string_equal(detail, "");
    assert_int_equal(
        token_check(f, b.token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail), FP_OK);
    assert_string_equal(identity.connection.id, b.id);
}

// S9: the environment shows in every token.
static void test_registry_tokens__environments_differ(void **state)
{
    struct fixture *f = *state;
    struct app test = app_make(f, "Test", "test");
    struct conn conn = conn_make(f, &test, "T", "t@plant.test", "{}");
    assert_int_equal(strncmp(test.token, "fpa_test_", 9), 0);
    assert_int_equal(strncmp(conn.token, "fp_test_", 8), 0);
}

// S1, S11: what is wrong with a text that is no token of ours, and nothing more.
static void test_registry_tokens__unknown_learns_nothing(void **state)
{
    struct fixture *f = *state;
    struct registry_identity identity;
    char detail[2048];
    assert_int_equal(token_check(f, "", TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
                     FP_E_TOKEN_MALFORMED);
    assert_int_equal(
        token_check(f, "fp_live_xyz", TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_TOKEN_MALFORMED);
    assert_int_equal(token_check(f, "fp_live_00000000000000000000000000000000000000000002CZclj",
                                 TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
                     FP_E_TOKEN_UNKNOWN);
    assert_string_equal(detail, "");
    assert_string_equal(identity.token.id, "");
}

static void test_registry_tokens__the_other_kind_is_refused(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Kinds", "live");
    struct conn conn = conn_make(f, &app, "K", "k@plant.test", "{}");
    struct registry_identity identity;
    char detail[2048];
    assert_int_equal(
        token_check(f, conn.token, TOKEN_KIND_APPLICATION, &identity, detail, sizeof detail),
        FP_E_TOKEN_KIND_WRONG);
    assert_true(json_has_text(detail, "/token_of", "connection"));
    assert_true(json_has_text(detail, "/needs_token_of", "application"));
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_KIND_WRONG);
    // a client secret opens nothing but the token endpoint
    assert_int_equal(token_error(f, app.secret, TOKEN_KIND_APPLICATION), FP_E_TOKEN_KIND_WRONG);
    assert_int_equal(token_error(f, app.secret, TOKEN_KIND_CONNECTION), FP_E_TOKEN_KIND_WRONG);
}

// S10, S11: revoked holds for the very next check, with since when.
static void test_registry_tokens__revoked_at_once(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Revoke", "live");
    struct conn conn = conn_make(f, &app, "R", "r@plant.test", "{}");
    struct reply reply = {0};
    struct registry_identity identity;
    char detail[2048], second[128], id[ID_TEXT];
    uint64_t epoch = registry_epoch(f->in.registry);
    token_issue(f, conn.id, 0, "", &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_copy(&reply, "/data/token", second, sizeof second);
    reply_copy(&reply, "/data/id", id, sizeof id);
    reply_done(&reply);
    assert_int_equal(token_error(f, second, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(registry_epoch(f->in.registry), epoch);
    token_revoke(f, id);
    assert_true(registry_epoch(f->in.registry) > epoch);
    assert_string_equal(f->forgotten_id, conn.id);
    assert_int_equal(
        token_check(f, second, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_TOKEN_REVOKED);
    assert_true(json_has_text(detail, "/reason", "REVOKED"));
    // the other one still works; revoking twice is no failure and moves no date
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    token_revoke(f, id);
    registry_token_revoke(f->in.registry, &fixture_operator, BYTES("tok_nosuch"), reply_take,
                          &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_TOKEN_NOT_FOUND);
    reply_done(&reply);
}

static void test_registry_tokens__expire(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Expire", "live");
    struct conn conn = conn_make(f, &app, "E", "e@plant.test", "{}");
    struct reply reply = {0};
    struct registry_identity identity;
    struct buf detail;
    char token[128];
    int64_t now = clock_wall_ms();
    token_issue(f, conn.id, 60, "", &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_copy(&reply, "/data/access_token", token, sizeof token);
    assert_int_equal(yyjson_get_int(yyjson_doc_ptr_get(reply.body, "/data/expires_in")), 60);
    reply_done(&reply);
    buf_init(&detail, 1024);
    assert_int_equal(registry_identify(f->in.registry, bytes_of_text(token), TOKEN_KIND_CONNECTION,
                                       now + 50000, &identity, &detail),
                     FP_OK);
    assert_int_equal(registry_identify(f->in.registry, bytes_of_text(token), TOKEN_KIND_CONNECTION,
                                       now + 70000, &identity, &detail),
                     FP_E_TOKEN_EXPIRED);
    assert_true(json_has_text(buf_text(&detail), "/reason", "EXPIRED"));
    buf_done(&detail);
}

// S14: a token restricted by scopes names the scope that would have been enough.
static void test_registry_tokens__scopes(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Scopes", "live");
    struct conn conn = conn_make(f, &app, "S", "s@plant.test", "{}");
    struct reply reply = {0};
    struct registry_identity identity;
    struct buf text;
    char token[128], detail[2048];
    token_issue(f, conn.id, 0, "vendors:read", &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_copy(&reply, "/data/token", token, sizeof token);
    reply_done(&reply);
    assert_int_equal(token_check(f, token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
                     FP_OK);
    buf_init(&text, 1024);
    assert_int_equal(registry_permits(&identity, MODEL_OP_ERP_VENDORS_LIST, &text), FP_OK);
    assert_int_equal(registry_permits(&identity, MODEL_OP_SYSTEM_INTEGRATION, &text), FP_OK);
    assert_int_equal(registry_permits(&identity, MODEL_OP_ERP_PURCHASE_ORDERS_ITEM, &text),
                     FP_E_PERMISSION_MISSING);
    assert_true(json_has_text(buf_text(&text), "/needed_scope", "purchase_orders:read"));
    buf_done(&text);
    token_issue(f, conn.id, 0, "vendors:all", &reply);
    assert_int_equal(reply.error, FP_E_FIELD_INVALID);
    assert_true(json_has_text(reply.errors, "/0/field", "scopes"));
    reply_done(&reply);
}

// S4, S12, S13: the connection's state speaks through its tokens.
static void test_registry_tokens__follow_the_connection(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Follow", "live");
    struct conn conn = conn_make(f, &app, "F", "f@plant.test", "{}");
    struct registry_identity identity;
    struct reply reply = {0};
    char detail[2048];
    connection_news(f, conn.id, CONNECTION_EVENT_UNREACHABLE, 1);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    connection_news(f, conn.id, CONNECTION_EVENT_REJECTED, 1);
    assert_int_equal(
        token_check(f, conn.token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_REAUTHORIZATION_REQUIRED);
    assert_true(json_has_text(detail, "/reason", "CREDENTIALS_REJECTED"));
    assert_true(json_has_text(detail, "/status", "requires_reauthorization"));
    assert_true(json_has_text(detail, "/connection", conn.id));
    assert_non_null(strstr(detail, "\"since\":\"20"));
    // no new token for a connection that does not work
    token_issue(f, conn.id, 0, "", &reply);
    assert_int_equal(reply.error, FP_E_STATE_CONFLICT);
    assert_true(json_has_text(reply.detail, "/reason", "CREDENTIALS_REJECTED"));
    reply_done(&reply);
}

// RFC 6749 4.4: whatever is wrong, the answer is the same.
static void test_registry_tokens__client_grant(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Grant", "live");
    struct app other = app_make(f, "Other", "live");
    struct conn conn = conn_make(f, &app, "G", "g@plant.test", "{}");
    const char *const wrong[][2] = {
        {app.id, other.secret},
        {other.id, app.secret},
        {app.id, ""},
        {app.id, app.token},
        {app.id, conn.token},
        {"app_nosuch", app.secret},
        {"", ""},
        {conn.id, app.secret},
        {app.id, "fps_yhgIGB9quGfHP8Y83EcC2im5kZukTeYkpb69aekqK3M2mKh4d"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct reply reply = {0};
        client_grant(f, wrong[i][0], wrong[i][1], &reply);
        reply_wait(f, &reply);
        assert_int_equal(reply.error, FP_E_CLIENT_INVALID);
        assert_string_equal(reply.detail, "");
        reply_done(&reply);
    }
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_APPLICATION), FP_OK);
}

static void test_registry_tokens__list_shows_rows_not_tokens(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "List", "live");
    struct conn conn = conn_make(f, &app, "L", "l@plant.test", "{}");
    struct reply reply = {0};
    size_t size = 0;
    char *text = NULL;
    registry_token_list(f->in.registry, &fixture_operator, bytes_of_text(conn.id), reply_take,
                        &reply);
    reply_ok(f, &reply);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(reply.body, "/data")), 1);
    assert_string_equal(reply_text(&reply, "/data/0/status"), "active");
    assert_string_equal(reply_text(&reply, "/data/0/owner"), conn.id);
    text = yyjson_write(reply.body, 0, &size);
    assert_null(strstr(text, conn.token));
    free(text);
    reply_done(&reply);
    registry_token_list(f->in.registry, &fixture_operator, BYTES("con_nosuch"), reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_CONNECTION_NOT_FOUND);
    reply_done(&reply);
}

// Ended tokens keep their reason for a while, then their rows go.
static void test_registry_tokens__sweep(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Sweep", "live");
    struct conn conn = conn_make(f, &app, "W", "w@plant.test", "{}");
    struct reply reply = {0};
    char token[128];
    int64_t later = clock_wall_ms() + INT64_C(1000) * (FP_LIMIT_TOKEN_KEPT + 100);
    token_issue(f, conn.id, 1, "", &reply);
    reply_copy(&reply, "/data/token", token, sizeof token);
    reply_done(&reply);
    registry_sweep(f->in.registry, clock_wall_ms() + 5000);
    registry_settle(f->in.registry);
    assert_int_not_equal(token_error(f, token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
    for (int i = 0; i < 4; i++) {
        registry_sweep(f->in.registry, later);
        registry_settle(f->in.registry);
    }
    assert_int_equal(token_error(f, token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_UNKNOWN);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_APPLICATION), FP_E_TOKEN_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_tokens__a_connection_has_its_own),
        cmocka_unit_test(test_registry_tokens__environments_differ),
        cmocka_unit_test(test_registry_tokens__unknown_learns_nothing),
        cmocka_unit_test(test_registry_tokens__the_other_kind_is_refused),
        cmocka_unit_test(test_registry_tokens__revoked_at_once),
        cmocka_unit_test(test_registry_tokens__expire),
        cmocka_unit_test(test_registry_tokens__scopes),
        cmocka_unit_test(test_registry_tokens__follow_the_connection),
        cmocka_unit_test(test_registry_tokens__client_grant),
        cmocka_unit_test(test_registry_tokens__list_shows_rows_not_tokens),
        cmocka_unit_test(test_registry_tokens__sweep),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
