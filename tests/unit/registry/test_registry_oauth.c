// The OAuth server over a real store: codes (RFC 6749 4.1, RFC 7636), refresh with rotation and the
// lost answer (RFC 6749 6, RFC 9700 4.14). Requirement rows S10, S11, N11.
// SPDX-License-Identifier: Apache-2.0
#include "oauth_fixture.h"

#include "registry/proof.h"

static void test_registry_oauth__a_code_gives_both_tokens(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    struct registry_identity identity;
    char detail[2048];
    assert_int_equal(
        token_check(w.f, pair.access, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_OK);
    assert_string_equal(identity.token.scopes, "erp:read eam:read");
    assert_string_equal(identity.token.owner, w.conn.id);
    assert_int_equal((identity.token.expires_ms - identity.token.created_ms) / 1000,
                     FP_LIMIT_GRANT_ACCESS_LIFE);
    // a refresh token calls nothing
    assert_int_equal(token_error(w.f, pair.refresh, TOKEN_KIND_CONNECTION), FP_E_TOKEN_KIND_WRONG);
    assert_true(is_active(&w, &w.app, pair.access));
    assert_true(is_active(&w, &w.app, pair.refresh));
}

// One row for each way a code may not be redeemed.
static void test_registry_oauth__codes_refused(void **state)
{
    static const struct {
        const char *name;         // which rule
        const char *redirect_uri; // sent; NULL: not
        const char *verifier;     // sent; NULL: not
        const char *challenge;    // of the request; NULL: none
        bool other;               // another client redeems it
        unsigned named;           // the request named its redirect URI
    } rows[] = {
        {"RFC 6749 4.1.3 redirect_uri differs", REDIRECT "/", VERIFIER, CHALLENGE, false, 1},
        {"RFC 6749 4.1.3 redirect_uri left out", NULL, VERIFIER, CHALLENGE, false, 1},
        {"RFC 6749 4.1.3 redirect_uri not named before", "https://evil.example", VERIFIER,
         CHALLENGE, false, 0},
        {"RFC 6749 4.1.3 another client", REDIRECT, VERIFIER, CHALLENGE, true, 1},
        {"RFC 7636 4.6 verifier left out", REDIRECT, NULL, CHALLENGE, false, 1},
        {"RFC 7636 4.6 verifier differs", REDIRECT, "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
         CHALLENGE, false, 1},
        {"RFC 7636 4.2 plain is not taken", REDIRECT, CHALLENGE, CHALLENGE, false, 1},
        {"RFC 9700 4.8.2 verifier without challenge", REDIRECT, VERIFIER, NULL, false, 1},
    };
    struct oauth_world w = world_make(*state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char code[TOKEN_TEXT_SIZE];
        struct store_connect_link link = link_of(&w);
        struct oauth_request request;
        link.redirect_named = rows[i].named;
        snprintf(link.code_challenge, sizeof link.code_challenge, "%s",
                 rows[i].challenge != NULL ? rows[i].challenge : "");
        code_make(&w, &link, code);
        request = redeem_of(&w, code);
        if (rows[i].other) {
            request.client_id = bytes_of_text(w.other.id);
            request.client_secret = bytes_of_text(w.other.secret);
        }
        request.redirect_uri = bytes_of_text(rows[i].redirect_uri);
        request.verifier = bytes_of_text(rows[i].verifier);
        print_message("%s\n", rows[i].name);
        assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    }
}

static void test_registry_oauth__a_client_without_pkce(void **state)
{
    struct oauth_world w = world_make(*state);
    struct store_connect_link link = link_of(&w);
    struct oauth_request request;
    char code[TOKEN_TEXT_SIZE];
    link.code_challenge[0] = '\0';
    link.redirect_named = 0;
    code_make(&w, &link, code);
    request = request_of(&w.app, OAUTH_AUTHORIZATION_CODE, code);
    assert_int_equal(token_error(w.f, pair_of(&w, &request).access, TOKEN_KIND_CONNECTION), FP_OK);
}

// RFC 6749 4.1.2: denied, and what came of the first use is revoked.
static void test_registry_oauth__a_code_used_twice_ends_its_tokens(void **state)
{
    struct oauth_world w = world_make(*state);
    struct store_connect_link link = link_of(&w);
    struct oauth_request request;
    struct pair pair;
    char code[TOKEN_TEXT_SIZE];
    struct registry_identity identity;
    char detail[2048];
    code_make(&w, &link, code);
    request = redeem_of(&w, code);
    pair = pair_of(&w, &request);
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    assert_int_equal(
        token_check(w.f, pair.access, TOKEN_KIND_CONNECTION, &identity, detail, sizeof detail),
        FP_E_TOKEN_REVOKED);
    assert_true(json_has_text(detail, "/reason", "REUSED"));
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    assert_int_equal(token_error(w.f, w.conn.token, TOKEN_KIND_CONNECTION), FP_OK);
}

// 100 at once: one gets tokens.
static void test_registry_oauth__one_of_many_redeems_wins(void **state)
{
    struct oauth_world w = world_make(*state);
    struct store_connect_link link = link_of(&w);
    struct oauth_request request;
    struct reply replies[100] = {0};
    unsigned won = 0;
    char code[TOKEN_TEXT_SIZE];
    code_make(&w, &link, code);
    request = redeem_of(&w, code);
    for (size_t i = 0; i < 100; i++) {
        ask(&w, &request, &replies[i]);
    }
    registry_settle(w.f->in.registry);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(replies[i].calls, 1);
        assert_true(replies[i].error == FP_OK || replies[i].error == FP_E_GRANT_INVALID);
        won += replies[i].error == FP_OK ? 1 : 0;
        reply_done(&replies[i]);
    }
    assert_int_equal(won, 1);
}

// The row of a token, its change written as the vault would.
static void row_change(struct oauth_world *w, const char *token,
                       void (*change)(struct store_token *row))
{
    struct registry_identity identity;
    struct store_batch *batch = store_batch_create(w->f->in.store);
    assert_int_equal(registry_find_token(w->f->in.registry, bytes_of_text(token), &identity),
                     FP_OK);
    change(&identity.token);
    assert_int_equal(proof_make_token(w->f->in.ring, &identity.token), FP_OK);
    store_update_token(batch, &identity.token);
    assert_int_equal(store_submit_wait(w->f->in.store, batch), FP_OK);
}

static void change_expire(struct store_token *row)
{
    row->expires_ms = row->created_ms + 1;
}

static void change_rotate_long_ago(struct store_token *row)
{
    row->revoked_ms -= (FP_LIMIT_REFRESH_RETRY + 1) * 1000;
}

static void test_registry_oauth__refresh_rotates(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair first = pair_make(&w), second, again;
    struct oauth_request request = request_of(&w.app, OAUTH_REFRESH_TOKEN, first.refresh);
    second = pair_of(&w, &request);
    assert_string_not_equal(first.refresh, second.refresh);
    assert_string_not_equal(first.access, second.access);
    assert_int_equal(token_error(w.f, second.access, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(token_error(w.f, first.access, TOKEN_KIND_CONNECTION), FP_OK);
    // N11: the answer was lost, here it is again
    again = pair_of(&w, &request);
    assert_string_equal(again.refresh, second.refresh);
    assert_string_equal(again.access, second.access);
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, second.refresh);
    again = pair_of(&w, &request);
    assert_string_not_equal(again.refresh, second.refresh);
}

// Many workers with one refresh token: all get the same pair, none is turned away.
static void test_registry_oauth__refreshes_at_once_agree(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair first = pair_make(&w);
    struct oauth_request request = request_of(&w.app, OAUTH_REFRESH_TOKEN, first.refresh);
    struct reply replies[20] = {0};
    for (size_t i = 0; i < 20; i++) {
        ask(&w, &request, &replies[i]);
    }
    registry_settle(w.f->in.registry);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(replies[i].error, FP_OK);
        assert_string_equal(reply_text(&replies[i], "/access_token"),
                            reply_text(&replies[0], "/access_token"));
        assert_string_equal(reply_text(&replies[i], "/refresh_token"),
                            reply_text(&replies[0], "/refresh_token"));
    }
    for (size_t i = 0; i < 20; i++) {
        reply_done(&replies[i]);
    }
}

// RFC 9700 4.14.2: in two hands; later than the window, or once the successor was used.
static void test_registry_oauth__an_old_refresh_token_ends_the_family(void **state)
{
    struct oauth_world w = world_make(*state);
    for (unsigned late = 0; late < 2; late++) {
        struct pair first = pair_make(&w), second, third = {0};
        struct oauth_request old = request_of(&w.app, OAUTH_REFRESH_TOKEN, first.refresh);
        struct oauth_request next;
        second = pair_of(&w, &old);
        next = request_of(&w.app, OAUTH_REFRESH_TOKEN, second.refresh);
        if (late != 0) {
            row_change(&w, first.refresh, change_rotate_long_ago);
        } else {
            third = pair_of(&w, &next);
            assert_int_equal(token_error(w.f, third.access, TOKEN_KIND_CONNECTION), FP_OK);
        }
        assert_int_equal(ask_error(&w, &old), FP_E_GRANT_INVALID);
        assert_int_equal(token_error(w.f, first.access, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
        assert_int_equal(token_error(w.f, second.access, TOKEN_KIND_CONNECTION),
                         FP_E_TOKEN_REVOKED);
        assert_int_equal(ask_error(&w, &next), FP_E_GRANT_INVALID);
        if (late == 0) {
            assert_int_equal(token_error(w.f, third.access, TOKEN_KIND_CONNECTION),
                             FP_E_TOKEN_REVOKED);
        }
    }
    assert_int_equal(token_error(w.f, w.conn.token, TOKEN_KIND_CONNECTION), FP_OK);
}

static void test_registry_oauth__refreshes_refused(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    struct oauth_request request = request_of(&w.other, OAUTH_REFRESH_TOKEN, pair.refresh);
    struct reply reply = {0};
    struct connection_news news = {.connection = bytes_of_text(w.conn.id),
                                   .kind = CONNECTION_EVENT_REJECTED,
                                   .credential_version = 1};
    // RFC 6749 6: bound to the client
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.access);
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, "fprt_test_short");
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    request.client_secret = bytes_of_text(w.other.secret);
    assert_int_equal(ask_error(&w, &request), FP_E_CLIENT_INVALID);
    request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    request.scope = BYTES("erp:read erp:write");
    assert_int_equal(ask_error(&w, &request), FP_E_SCOPE_INVALID);
    // S4: no tokens for a system whose credentials are dead
    registry_connection_news(w.f->in.registry, &fixture_operator, &news, reply_take, &reply);
    reply_ok(w.f, &reply);
    reply_done(&reply);
    request.scope = (struct bytes){0};
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    assert_false(is_active(&w, &w.app, pair.access));
}

static void test_registry_oauth__an_expired_refresh_token(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    struct oauth_request request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    row_change(&w, pair.refresh, change_expire);
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    assert_false(is_active(&w, &w.app, pair.refresh));
}

static void test_registry_oauth__a_narrower_scope_is_for_one_access_token(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w), next;
    struct oauth_request request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    struct registry_identity identity;
    request.scope = BYTES("eam:read");
    next = pair_of(&w, &request);
    assert_int_equal(registry_find_token(w.f->in.registry, bytes_of_text(next.access), &identity),
                     FP_OK);
    assert_string_equal(identity.token.scopes, "eam:read");
    assert_int_equal(registry_find_token(w.f->in.registry, bytes_of_text(next.refresh), &identity),
                     FP_OK);
    assert_string_equal(identity.token.scopes, "erp:read eam:read");
    // asked again for another scope, it has no second answer
    request.scope = BYTES("erp:read");
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
    assert_int_equal(token_error(w.f, next.access, TOKEN_KIND_CONNECTION), FP_OK);
}

static void test_registry_oauth__a_disconnect_ends_refresh_tokens(void **state)
{
    struct oauth_world w = world_make(*state);
    struct pair pair = pair_make(&w);
    struct oauth_request request = request_of(&w.app, OAUTH_REFRESH_TOKEN, pair.refresh);
    struct connection_end end = {.connection = bytes_of_text(w.conn.id),
                                 .reason = CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    struct reply reply = {0};
    registry_connection_disconnect(w.f->in.registry, &fixture_operator, &end, reply_take, &reply);
    reply_ok(w.f, &reply);
    reply_done(&reply);
    assert_int_equal(ask_error(&w, &request), FP_E_GRANT_INVALID);
}

int main(void)
{
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_registry_oauth__##name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_code_gives_both_tokens),
        CASE(codes_refused),
        CASE(a_client_without_pkce),
        CASE(a_code_used_twice_ends_its_tokens),
        CASE(one_of_many_redeems_wins),
        CASE(refresh_rotates),
        CASE(refreshes_at_once_agree),
        CASE(an_old_refresh_token_ends_the_family),
        CASE(refreshes_refused),
        CASE(an_expired_refresh_token),
        CASE(a_narrower_scope_is_for_one_access_token),
        CASE(a_disconnect_ends_refresh_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
