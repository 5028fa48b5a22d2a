// Connections: connect, connect again, end, news from the source, the credential for one use. Rows
// S2, S3, S4, S5, S12, S18.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/metadata.h"

static struct conn connect_again(struct fixture *f, const struct app *app, const char *connection,
                                 const char *name, const char *email, const char *credentials)
{
    struct conn conn = {0};
    struct reply reply = {0};
    struct connection_request request = {.application = bytes_of_text(app->id),
                                         .connection = bytes_of_text(connection),
                                         .name = bytes_of_text(name),
                                         .email = bytes_of_text(email),
                                         .platform = BYTES("tryton"),
                                         .credentials = bytes_of_text(credentials)};
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/key", conn.id, sizeof conn.id);
    reply_copy(&reply, "/data/access_token", conn.token, sizeof conn.token);
    reply_done(&reply);
    return conn;
}

static enum fp_error credential_of(struct fixture *f, const char *id, char *out, size_t size)
{
    struct store_connection row = connection_row(f, id);
    struct arena *arena = arena_create(65536, true);
    struct secret secret = {0};
    enum fp_error error = FP_OK;
    assert_non_null(arena);
    error = registry_credential(f->in.registry, &row, arena, &secret);
    snprintf(out, size, "%.*s", (int)secret.len, secret.ptr != NULL ? (char *)secret.ptr : "");
    secret_done(&secret);
    arena_free(arena);
    return error;
}

static void test_registry_connections__the_credential_comes_back(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Back", "live");
    struct conn conn = conn_make(f, &app, "B", "b@plant.test", "{\"password\":\"s3cret\"}");
    struct store_connection row = connection_row(f, conn.id);
    char text[256];
    assert_int_equal(row.state, CONNECTION_ACTIVE);
    assert_int_equal(row.credential_version, 1);
    assert_string_equal(row.networks, "10.1.0.0/16"); // the application's
    assert_string_equal(row.account, "admin");
    assert_int_equal(credential_of(f, conn.id, text, sizeof text), FP_OK);
    assert_string_equal(text, "{\"password\":\"s3cret\"}");
}

// S18: one customer is one e-mail address within an application, whatever its case, and one key.
static void test_registry_connections__customers_and_their_keys(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Keys", "live");
    struct app other = app_make(f, "Keys too", "live");
    struct conn a = conn_make(f, &app, "A1", "who@plant.test", "{}");
    struct conn b = conn_make(f, &app, "A2", "Who@Plant.Test", "{}");
    struct conn c = conn_make(f, &app, "A3", "else@plant.test", "{}");
    struct conn d = conn_make(f, &other, "A1", "who@plant.test", "{}");
    struct store_connection rows[4] = {connection_row(f, a.id), connection_row(f, b.id),
                                       connection_row(f, c.id), connection_row(f, d.id)};
    struct arena *arena = arena_create(65536, false);
    struct store_data_key keys[3];
    assert_string_equal(rows[0].customer, rows[1].customer);
    assert_string_not_equal(rows[0].customer, rows[2].customer);
    assert_string_not_equal(rows[0].customer, rows[3].customer);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(store_get_data_key(f->in.store, rows[i + 1].customer, 0, arena, &keys[i]),
                         FP_OK);
    }
    assert_memory_not_equal(keys[0].key_id, keys[1].key_id, 16);
    assert_memory_not_equal(keys[0].key_id, keys[2].key_id, 16);
    arena_free(arena);
}

// S5: connecting again what waits for it: same connection, new version, new token, and the old
// token says why it is dead.
static void test_registry_connections__connect_again_supersedes(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Again", "live");
    struct conn old = conn_make(f, &app, "Plant", "p@plant.test", "{\"password\":\"old\"}");
    struct registry_identity identity;
    struct conn fresh = {0};
    char detail[2048], text[256];
    connection_news(f, old.id, CONNECTION_EVENT_REJECTED, 1);
    assert_string_equal(f->forgotten_id, old.id);
    fresh = connect_again(f, &app, "", "Plant", "p@plant.test", "{\"password\":\"new\"}");
    assert_string_equal(fresh.id, old.id);
    assert_int_equal(connection_row(f, old.id).credential_version, 2);
    assert_string_equal(connection_row(f, old.id).reason, "RECONNECTED");
    assert_int_equal(
        token_check(f, old.token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_TOKEN_SUPERSEDED);
    assert_true(json_has_text(detail, "/reason", "SUPERSEDED"));
    assert_int_equal(token_error(f, fresh.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(credential_of(f, old.id, text, sizeof text), FP_OK);
    assert_string_equal(text, "{\"password\":\"new\"}");
    // a call that was under way with the old credential does not spoil the new one
    connection_news(f, old.id, CONNECTION_EVENT_REJECTED, 1);
    assert_int_equal(token_error(f, fresh.token, TOKEN_KIND_CONNECTION), FP_OK);
}

// One that works is not taken over by another with the same name; naming it does so.
static void test_registry_connections__a_working_one_only_by_name(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Named", "live");
    struct app other = app_make(f, "Named too", "live");
    struct conn first = conn_make(f, &app, "Plant", "n@plant.test", "{}");
    struct conn second = conn_make(f, &app, "Plant", "n@plant.test", "{}");
    struct conn again = {0};
    struct reply reply = {0};
    struct connection_request request = {.application = bytes_of_text(other.id),
                                         .connection = bytes_of_text(first.id),
                                         .name = BYTES("Plant"),
                                         .email = BYTES("n@plant.test"),
                                         .platform = BYTES("tryton"),
                                         .credentials = BYTES("{}")};
    assert_string_not_equal(first.id, second.id);
    again = connect_again(f, &app, first.id, "Plant", "n@plant.test", "{}");
    assert_string_equal(again.id, first.id);
    assert_int_equal(token_error(f, first.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_SUPERSEDED);
    assert_int_equal(token_error(f, second.token, TOKEN_KIND_CONNECTION), FP_OK);
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_wait(f, &reply);
    assert_int_equal(reply.error, FP_E_CONNECTION_NOT_FOUND);
    reply_done(&reply);
}

static enum fp_error disconnect(struct fixture *f, const char *id, const char *application)
{
    struct reply reply = {0};
    enum fp_error error = FP_OK;
    struct connection_end end = {bytes_of_text(id), bytes_of_text(application),
                                 CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    registry_connection_disconnect(f->in.registry, &fixture_operator, &end, reply_take, &reply);
    reply_wait(f, &reply);
    error = reply.error;
    if (error == FP_OK) {
        assert_string_equal(reply_text(&reply, "/data/status"), "disconnected");
        assert_string_equal(reply_text(&reply, "/data/status_reason"), "DISCONNECTED_BY_OPERATOR");
    }
    reply_done(&reply);
    return error;
}

// S4: the end: token dead at once and saying so, credential gone from the store.
static void test_registry_connections__disconnect(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "End", "live");
    struct conn conn = conn_make(f, &app, "E", "e@plant.test", "{\"password\":\"gone\"}");
    struct registry_identity identity;
    struct arena *arena = arena_create(65536, false);
    struct store_credential row;
    char detail[2048], text[256];
    uint64_t epoch = registry_epoch(f->in.registry);
    assert_int_equal(disconnect(f, conn.id, ""), FP_OK);
    assert_true(registry_epoch(f->in.registry) > epoch);
    assert_string_equal(f->forgotten_id, conn.id);
    assert_int_equal(
        token_check(f, conn.token, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_CONNECTION_DISCONNECTED);
    assert_int_equal(store_get_credential(f->in.store, conn.id, 1, arena, &row),
                     FP_E_STORE_NOT_FOUND);
    assert_int_equal(credential_of(f, conn.id, text, sizeof text), FP_E_STORE_NOT_FOUND);
    assert_int_equal(disconnect(f, conn.id, ""), FP_OK); // again: no failure
    // late news changes nothing
    connection_news(f, conn.id, CONNECTION_EVENT_ANSWERED, 1);
    assert_int_equal(connection_row(f, conn.id).state, CONNECTION_DISCONNECTED);
    arena_free(arena);
}

// Only its own application may end it; for another one it does not exist.
static void test_registry_connections__not_anothers(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Mine", "live");
    struct app other = app_make(f, "Not mine", "live");
    struct conn conn = conn_make(f, &app, "M", "m@plant.test", "{}");
    assert_int_equal(disconnect(f, conn.id, other.id), FP_E_CONNECTION_NOT_FOUND);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(disconnect(f, "con_00000000000000000000000000", ""),
                     FP_E_CONNECTION_NOT_FOUND);
    assert_int_equal(disconnect(f, app.id, ""), FP_E_CONNECTION_NOT_FOUND);
    assert_int_equal(disconnect(f, "", ""), FP_E_CONNECTION_NOT_FOUND);
}

static void test_registry_connections__states_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "States", "live");
    struct conn conn = conn_make(f, &app, "S", "s@plant.test", "{}");
    connection_news(f, conn.id, CONNECTION_EVENT_UNREACHABLE, 1);
    assert_int_equal(connection_row(f, conn.id).state, CONNECTION_UNREACHABLE);
    assert_string_equal(connection_row(f, conn.id).reason, "SOURCE_UNREACHABLE");
    connection_news(f, conn.id, CONNECTION_EVENT_ANSWERED, 1);
    assert_int_equal(connection_row(f, conn.id).state, CONNECTION_ACTIVE);
    assert_string_equal(connection_row(f, conn.id).reason, "SOURCE_REACHABLE");
}

// Many calls notice the same at the same moment: one change, no failure.
static void test_registry_connections__the_same_news_many_times(void **state)
{
    enum { MANY = 50 };
    struct fixture *f = *state;
    struct app app = app_make(f, "Many", "live");
    struct conn conn = conn_make(f, &app, "M", "m2@plant.test", "{}");
    struct reply replies[MANY] = {0};
    struct connection_news news = {.connection = bytes_of_text(conn.id),
                                   .kind = CONNECTION_EVENT_REJECTED,
                                   .credential_version = 1};
    struct registry_caller caller = {.actor = AUDIT_BY_SYSTEM};
    uint32_t version = connection_row(f, conn.id).version;
    for (int i = 0; i < MANY; i++) {
        registry_connection_news(f->in.registry, &caller, &news, reply_take, &replies[i]);
    }
    registry_settle(f->in.registry);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(replies[i].calls, 1);
        assert_int_equal(replies[i].error, FP_OK);
    }
    assert_int_equal(connection_row(f, conn.id).state, CONNECTION_REQUIRES_REAUTHORIZATION);
    assert_int_equal(connection_row(f, conn.id).version, version + 1);
}

// The same new customer connects twice at once: one customer, two connections.
static void test_registry_connections__a_new_customer_twice_at_once(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Twice", "live");
    struct reply replies[2] = {0};
    struct connection_request request = {.application = bytes_of_text(app.id),
                                         .name = BYTES("Plant"),
                                         .email = BYTES("both@plant.test"),
                                         .platform = BYTES("tryton"),
                                         .credentials = BYTES("{\"password\":\"x\"}")};
    char ids[2][ID_TEXT], text[64];
    for (int i = 0; i < 2; i++) {
        registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take,
                                   &replies[i]);
    }
    registry_settle(f->in.registry);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(replies[i].error, FP_OK);
        reply_copy(&replies[i], "/data/key", ids[i], sizeof ids[i]);
        reply_done(&replies[i]);
        assert_int_equal(credential_of(f, ids[i], text, sizeof text), FP_OK);
    }
    assert_string_not_equal(ids[0], ids[1]);
    assert_string_equal(connection_row(f, ids[0]).customer, connection_row(f, ids[1]).customer);
}

static const struct {
    const char *name, *email, *platform, *networks; // what is asked for
    const char *field;                              // the first one that is wrong
} wrong_plans[] = {
    {"", "a@b", "tryton", "", "name"},
    {" ", "a@b", "tryton", "", "name"},
    {"a\nb", "a@b", "tryton", "", "name"},
    {"\xff", "a@b", "tryton", "", "name"},
    {"n", "", "tryton", "", "email"},
    {"n", "ab", "tryton", "", "email"},
    {"n", "@b", "tryton", "", "email"},
    {"n", "a@", "tryton", "", "email"},
    {"n", "a@b@c", "tryton", "", "email"},
    {"n", "a b@c", "tryton", "", "email"},
    {"n", "a@b", "", "", "provider"},
    {"n", "a@b", "../etc", "", "provider"},
    {"n", "a@b", "Tryton", "", "provider"},
    {"n", "a@b", "tryton", "10.0.0.0/99", "networks"},
    {"n", "a@b", "tryton", "nonsense", "networks"},
};

static void test_registry_connections__plans_that_are_refused(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Plans", "live");
    struct connection_plan plan = {0};
    for (size_t i = 0; i < sizeof wrong_plans / sizeof wrong_plans[0]; i++) {
        struct connection_request request = {.application = bytes_of_text(app.id),
                                             .name = bytes_of_text(wrong_plans[i].name),
                                             .email = bytes_of_text(wrong_plans[i].email),
                                             .platform = bytes_of_text(wrong_plans[i].platform),
                                             .networks = bytes_of_text(wrong_plans[i].networks)};
        struct buf errors;
        buf_init(&errors, 4096);
        assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors),
                         FP_E_FIELD_INVALID);
        assert_true(json_has_text(buf_text(&errors), "/0/field", wrong_plans[i].field));
        buf_done(&errors);
    }
}

static void test_registry_connections__a_plan_takes_the_applications_networks(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Nets", "live");
    struct connection_plan plan = {0};
    struct buf errors;
    struct connection_request request = {.application = bytes_of_text(app.id),
                                         .name = BYTES("n"),
                                         .email = BYTES("a@b"),
                                         .platform = BYTES("tryton")};
    buf_init(&errors, 4096);
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors), FP_OK);
    assert_string_equal(plan.networks, "10.1.0.0/16");
    assert_int_equal(errors.len, 0);
    request.networks = BYTES("192.168.0.0/24");
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors), FP_OK);
    assert_string_equal(plan.networks, "192.168.0.0/24");
    request.application = BYTES("app_00000000000000000000000000");
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors),
                     FP_E_APPLICATION_NOT_FOUND);
    buf_done(&errors);
}

// A named connection brings its platform along, and belongs to its application.
static void test_registry_connections__a_plan_to_connect_again(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Replan", "live");
    struct app other = app_make(f, "Replan too", "live");
    struct conn conn = conn_make(f, &app, "P", "replan@plant.test", "{}");
    struct connection_plan plan = {0};
    struct connection_request request = {.connection = bytes_of_text(conn.id)};
    struct buf errors;
    buf_init(&errors, 4096);
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors), FP_OK);
    assert_string_equal(plan.platform, "tryton");
    assert_string_equal(plan.networks, "10.1.0.0/16");
    request.application = bytes_of_text(other.id);
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors),
                     FP_E_CONNECTION_NOT_FOUND);
    request.application = bytes_of_text(app.id);
    assert_int_equal(disconnect(f, conn.id, ""), FP_OK);
    assert_int_equal(registry_connection_plan(f->in.registry, &request, &plan, &errors),
                     FP_E_STATE_CONFLICT);
    buf_done(&errors);
}

static void metadata_set(struct fixture *f, const struct app *app, const char *id,
                         const char *object, struct reply *reply)
{
    struct metadata_change change = {bytes_of_text(app->id), bytes_of_text(id),
                                     bytes_of_text(object)};
    registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, reply);
    reply_wait(f, reply);
}

static void test_registry_connections__metadata_merges(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Meta", "live");
    struct conn conn = conn_make(f, &app, "M", "meta@plant.test", "{}");
    struct reply reply = {0};
    static const char *const wrong[] = {
        "", "[]", "{\"a\":1}", "{\"a\":{}}", "{\"\":\"x\"}", "{", "{\"a\":[[[\"x\"]]]}"};
    metadata_set(f, &app, conn.id, "{\"plant\":\"N\xc3\xbcrnberg\",\"cost\":\"1\"}", &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_done(&reply);
    metadata_set(f, &app, conn.id, "{\"cost\":\"2\"}", &reply);
    assert_int_equal(reply.error, FP_OK);
    assert_string_equal(reply_text(&reply, "/data/user_metadata/plant"), "N\xc3\xbcrnberg");
    assert_string_equal(reply_text(&reply, "/data/user_metadata/cost"), "2");
    assert_null(yyjson_doc_ptr_get(reply.body, "/data/tags"));
    reply_done(&reply);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        metadata_set(f, &app, conn.id, wrong[i], &reply);
        assert_int_equal(reply.error, FP_E_FIELD_INVALID);
        reply_done(&reply);
    }
}

// Both were built from the same row: the later one merges anew instead of losing the first.
static void test_registry_connections__metadata_set_by_two_at_once(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Two", "live");
    struct conn conn = conn_make(f, &app, "T", "two@plant.test", "{}");
    struct reply reply = {0}, one = {0}, two = {0};
    struct metadata_change change = {bytes_of_text(app.id), bytes_of_text(conn.id), {0}};
    for (unsigned round = 0; round < 2; round++) { // the row is made, then changed
        change.object = round == 0 ? BYTES("{\"a\":\"1\"}") : BYTES("{\"c\":\"3\"}");
        registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, &one);
        change.object = round == 0 ? BYTES("{\"b\":\"2\"}") : BYTES("{\"d\":\"4\"}");
        registry_metadata_set(f->in.registry, &fixture_operator, &change, reply_take, &two);
        reply_ok(f, &one);
        reply_ok(f, &two);
        reply_done(&one);
        reply_done(&two);
    }
    metadata_set(f, &app, conn.id, "{\"e\":\"5\"}", &reply);
    assert_int_equal(reply.error, FP_OK);
    for (unsigned i = 0; i < 5; i++) {
        char pointer[32] = "/data/user_metadata/a", value[2] = {(char)('1' + i), '\0'};
        pointer[strlen(pointer) - 1] = (char)('a' + i);
        assert_string_equal(reply_text(&reply, pointer), value);
    }
    reply_done(&reply);
}

static void test_registry_connections__metadata_has_limits(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Much", "live");
    struct conn conn = conn_make(f, &app, "M", "much@plant.test", "{}");
    struct reply reply = {0};
    char object[64];
    for (int i = 0; i < FP_LIMIT_METADATA_ENTRIES; i++) {
        snprintf(object, sizeof object, "{\"k%d\":\"v\"}", i);
        metadata_set(f, &app, conn.id, object, &reply);
        assert_int_equal(reply.error, FP_OK);
        reply_done(&reply);
    }
    metadata_set(f, &app, conn.id, "{\"one\":\"more\"}", &reply);
    assert_int_equal(reply.error, FP_E_FIELD_INVALID);
    reply_done(&reply);
    metadata_set(f, &app, conn.id, "{\"k0\":\"w\"}", &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_done(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_connections__the_credential_comes_back),
        cmocka_unit_test(test_registry_connections__customers_and_their_keys),
        cmocka_unit_test(test_registry_connections__connect_again_supersedes),
        cmocka_unit_test(test_registry_connections__a_working_one_only_by_name),
        cmocka_unit_test(test_registry_connections__disconnect),
        cmocka_unit_test(test_registry_connections__not_anothers),
        cmocka_unit_test(test_registry_connections__states_come_and_go),
        cmocka_unit_test(test_registry_connections__the_same_news_many_times),
        cmocka_unit_test(test_registry_connections__a_new_customer_twice_at_once),
        cmocka_unit_test(test_registry_connections__plans_that_are_refused),
        cmocka_unit_test(test_registry_connections__a_plan_takes_the_applications_networks),
        cmocka_unit_test(test_registry_connections__a_plan_to_connect_again),
        cmocka_unit_test(test_registry_connections__metadata_merges),
        cmocka_unit_test(test_registry_connections__metadata_set_by_two_at_once),
        cmocka_unit_test(test_registry_connections__metadata_has_limits),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
