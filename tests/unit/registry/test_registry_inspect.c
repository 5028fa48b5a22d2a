// What clients do with tokens that they hold: revocation (RFC 7009), introspection (RFC 7662); and
// the sweep of codes. Requirement rows S10, S11. SPDX-License-Identifier: Apache-2.0
#include "oauth_fixture.h"

static void test_registry_inspect__revocation(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    struct oauth_request request = request_of(&w.other, OAUTH_REVOKE, pair.access);
    // RFC 7009 2.1: another client's
    assert_int_equal(ask_error(&w, &request), FP_E_CLIENT_UNAUTHORIZED);
    assert_int_equal(token_error(w.f, pair.access, TOKEN_KIND_CONNECTION), FP_OK);
    // 2.2: unknown ones are no error
    request = request_of(&w.app, OAUTH_REVOKE, "nothing");
    assert_int_equal(ask_error(&w, &request), FP_OK);
    request = request_of(&w.app, OAUTH_REVOKE, w.app.secret);
    assert_int_equal(ask_error(&w, &request), FP_OK);
    request = request_of(&w.app, OAUTH_REVOKE, w.app.token);
    assert_int_equal(ask_error(&w, &request), FP_OK);
    assert_int_equal(token_error(w.f, w.app.token, TOKEN_KIND_APPLICATION), FP_E_TOKEN_REVOKED);
    // 2.1: a refresh token takes its access tokens with it
    request = request_of(&w.app, OAUTH_REVOKE, pair.refresh);
    assert_int_equal(ask_error(&w, &request), FP_OK);
    assert_int_equal(token_error(w.f, pair.access, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_false(is_active(&w, &w.app, pair.refresh));
    assert_int_equal(token_error(w.f, w.conn.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_true(w.f->forgotten > 0);
}

static void test_registry_inspect__introspection_is_for_the_owner(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    assert_true(is_active(&w, &w.app, w.app.token));
    assert_false(is_active(&w, &w.other, pair.access));
    assert_false(is_active(&w, &w.other, w.app.token));
    assert_false(is_active(&w, &w.app, w.app.secret));
    assert_false(is_active(&w, &w.app, "x"));
}

static uint64_t codes_count(struct oauth_world *w)
{
    uint64_t count = 0;
    assert_int_equal(store_count(w->f->in.store, STORE_CODE, NULL, &count), FP_OK);
    return count;
}

static void test_registry_inspect__codes_are_swept_when_nothing_can_come_of_them(void **state)
{
    struct oauth_world w = world_make(*state);
    int64_t now = clock_wall_ms();
    (void)pair_make(&w);
    registry_sweep(w.f->in.registry, now + (FP_LIMIT_CODE_KEPT - 60) * INT64_C(1000));
    registry_settle(w.f->in.registry);
    assert_int_equal(codes_count(&w), 1);
    registry_sweep(w.f->in.registry, now + (FP_LIMIT_CODE_KEPT + 120) * INT64_C(1000));
    registry_settle(w.f->in.registry);
    assert_int_equal(codes_count(&w), 0);
}

int main(void)
{
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_registry_inspect__##name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(revocation),
        CASE(introspection_is_for_the_owner),
        CASE(codes_are_swept_when_nothing_can_come_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
