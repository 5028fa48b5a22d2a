// Connect links: what they take, when they stop working, and that each works once. Row S2.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/connect_links.h"

#include <sqlite3.h>

static struct connect_link_plan plan_of(const struct app *app)
{
    return (struct connect_link_plan){.kind = STORE_LINK_INVITED,
                                      .application = bytes_of_text(app->id),
                                      .name = BYTES("Customer"),
                                      .email = BYTES("c@plant.test"),
                                      .return_url = BYTES("https://app.test/done")};
}

// The token inside of the url of the answer.
static void link_make(struct fixture *f, const struct connect_link_plan *plan, char out[static 64])
{
    struct reply reply = {0};
    const char *url = NULL;
    registry_connect_link_create(f->in.registry, &fixture_operator, plan, reply_take, &reply);
    reply_ok(f, &reply);
    url = reply_text(&reply, "/data/url");
    assert_int_equal(strncmp(url, "https://fishplate.test/connect/fplink_", 38), 0);
    snprintf(out, 64, "%s", url + 31);
    reply_done(&reply);
}

static enum fp_error link_refused(struct fixture *f, const struct connect_link_plan *plan,
                                  const char *field)
{
    struct reply reply = {0};
    enum fp_error error = FP_OK;
    registry_connect_link_create(f->in.registry, &fixture_operator, plan, reply_take, &reply);
    reply_wait(f, &reply);
    error = reply.error;
    if (field != NULL) {
        assert_true(json_has_text(reply.errors, "/0/field", field));
    }
    reply_done(&reply);
    return error;
}

static void test_registry_connect_links__find(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app);
    struct store_connect_link row = {0};
    int64_t now = clock_wall_ms();
    char token[64], other[64];
    plan.platforms = BYTES("tryton,odoo");
    plan.expires_in_s = 60;
    link_make(f, &plan, token);
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(token), now, &row), FP_OK);
    assert_string_equal(row.platforms, "tryton,odoo");
    assert_string_equal(row.email, "c@plant.test");
    assert_true(row.expires_ms >= now + 60000);
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(token), now + 120000, &row),
                     FP_E_CONNECT_LINK_EXPIRED);
    // one letter more, another kind of token, nothing at all
    memcpy(other, token, sizeof other);
    other[10] = (char)(other[10] == 'a' ? 'b' : 'a');
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(other), now, &row),
                     FP_E_CONNECT_LINK_UNKNOWN);
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(app.token), now, &row),
                     FP_E_CONNECT_LINK_UNKNOWN);
    assert_int_equal(connect_link_find(f->in.registry, (struct bytes){0}, now, &row),
                     FP_E_CONNECT_LINK_UNKNOWN);
}

static void test_registry_connect_links__refused(void **state)
{
    static const char *const urls[] = {"http://app.test/",        "javascript:alert(1)",
                                       "https://u@app.test/",     "https://app.test/#x",
                                       "https://app.test/\"><b>", "https://"};
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live"), other = app_make(f, "Other", "live");
    struct conn conn = conn_make(f, &other, "O", "o@plant.test", "{}");
    struct connect_link_plan plan = plan_of(&app);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        plan.return_url = bytes_of_text(urls[i]);
        assert_int_equal(link_refused(f, &plan, "return_url"), FP_E_FIELD_INVALID);
    }
    plan = plan_of(&app);
    plan.name = (struct bytes){0};
    assert_int_equal(link_refused(f, &plan, "name"), FP_E_FIELD_INVALID);
    plan = plan_of(&app);
    plan.platforms = BYTES("tryton,<b>");
    assert_int_equal(link_refused(f, &plan, "platforms"), FP_E_FIELD_INVALID);
    plan = plan_of(&app);
    plan.expires_in_s = FP_LIMIT_CONNECT_LINK_EXPIRY_MAX + 1;
    assert_int_equal(link_refused(f, &plan, "expires_in"), FP_E_FIELD_INVALID);
    // another application's connection is none
    plan = plan_of(&app);
    plan.connection = bytes_of_text(conn.id);
    assert_int_equal(link_refused(f, &plan, NULL), FP_E_CONNECTION_NOT_FOUND);
}

// A row that somebody else changed is no link of ours.
static void test_registry_connect_links__forged(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app);
    struct store_connect_link row = {0};
    sqlite3 *db = NULL;
    char token[64], path[128];
    link_make(f, &plan, token);
    snprintf(path, sizeof path, "%s/store.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE connect_link SET return_url='https://evil.test/'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(token), clock_wall_ms(), &row),
                     FP_E_UNSEAL_FAILED);
}

static void test_registry_connect_links__gone_with_application(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app);
    struct store_connect_link row = {0};
    struct reply reply = {0};
    char token[64];
    link_make(f, &plan, token);
    registry_application_delete(f->in.registry, &fixture_operator, bytes_of_text(app.id),
                                reply_take, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
    assert_int_equal(connect_link_find(f->in.registry, bytes_of_text(token), clock_wall_ms(), &row),
                     FP_E_CONNECT_LINK_UNKNOWN);
}

static void rows_more(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    char path[128];
    snprintf(path, sizeof path, "%s/store.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

// Those that browsers make, which need no secret for it, take no room from an application's own.
static void test_registry_connect_links__each_kind_has_its_limit(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app), browser = plan_of(&app);
    char token[64];
    browser.kind = STORE_LINK_OAUTH;
    link_make(f, &browser, token);
    rows_more(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<9998)"
                 "INSERT INTO connect_link SELECT 'lnk_'||printf('%032x',i), randomblob(32), kind,"
                 " application, name, email, platforms, connection, return_url, redirect_uri,"
                 " oauth_state, code_challenge, scopes, attempts, created_ms, expires_ms, ended_ms,"
                 " connected, version, authenticator, redirect_named FROM connect_link, n");
    link_make(f, &browser, token); // the ten thousandth
    assert_int_equal(link_refused(f, &browser, NULL), FP_E_TOO_MANY_CONNECT_LINKS);
    link_make(f, &plan, token);
}

static uint64_t links_after(struct fixture *f, int64_t now_ms)
{
    uint64_t count = 0;
    registry_sweep(f->in.registry, now_ms);
    registry_settle(f->in.registry);
    assert_int_equal(store_count(f->in.store, STORE_CONNECT_LINK, NULL, &count), FP_OK);
    return count;
}

static void test_registry_connect_links__swept_when_nobody_needs_the_reason(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app);
    int64_t now = clock_wall_ms();
    char token[64];
    plan.expires_in_s = 60;
    link_make(f, &plan, token);
    plan.kind = STORE_LINK_OAUTH;
    link_make(f, &plan, token);
    assert_int_equal(links_after(f, now + (60 + FP_LIMIT_AUTHORIZE_KEPT - 5) * INT64_C(1000)), 2);
    assert_int_equal(links_after(f, now + (60 + FP_LIMIT_AUTHORIZE_KEPT + 60) * INT64_C(1000)), 1);
    assert_int_equal(links_after(f, now + (60 + FP_LIMIT_CONNECT_LINK_KEPT - 5) * INT64_C(1000)),
                     1);
    assert_int_equal(links_after(f, now + (60 + FP_LIMIT_CONNECT_LINK_KEPT + 60) * INT64_C(1000)),
                     0);
}

// More than one slice: the cursor comes by all of them, those that live lie before those due.
static void test_registry_connect_links__swept_in_slices(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Links", "live");
    struct connect_link_plan plan = plan_of(&app);
    int64_t now = clock_wall_ms();
    uint64_t left = 0;
    char token[64];
    plan.expires_in_s = FP_LIMIT_CONNECT_LINK_EXPIRY_MAX;
    for (int i = 0; i < 101; i++) {
        link_make(f, &plan, token);
    }
    plan.expires_in_s = 60;
    link_make(f, &plan, token);
    now += (60 + FP_LIMIT_CONNECT_LINK_KEPT + 60) * INT64_C(1000);
    left = links_after(f, now);
    assert_int_equal(left, 102);
    assert_int_equal(links_after(f, now), 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_connect_links__find, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_connect_links__refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_connect_links__forged, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_connect_links__gone_with_application,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_connect_links__each_kind_has_its_limit,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(
            test_registry_connect_links__swept_when_nobody_needs_the_reason, fixture_setup,
            fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_connect_links__swept_in_slices, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
