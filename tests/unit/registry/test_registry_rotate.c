// Tokens end and are replaced: rotation with an overlap, all of an owner at once, unused ones by
// policy. Row S10, N5.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/rotate.h"

static enum fp_error check_at(struct fixture *f, const char *token, int64_t now_ms, char *detail,
                              size_t size)
{
    struct registry_identity identity;
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, 4096);
    error = registry_identify(f->in.registry, bytes_of_text(token), TOKEN_KIND_CONNECTION, now_ms,
                              &identity, &text);
    snprintf(detail, size, "%s", buf_text(&text));
    buf_done(&text);
    return error;
}

// The id of the newest token of an owner.
static void newest_id(struct fixture *f, const char *owner, char out[static ID_TEXT])
{
    struct reply reply = {0};
    registry_token_list(f->in.registry, &fixture_operator, bytes_of_text(owner), reply_take,
                        &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/0/id", out, ID_TEXT);
    reply_done(&reply);
}

static void rotate(struct fixture *f, const char *id, uint32_t overlap_s, struct reply *reply)
{
    struct token_rotation rotation = {bytes_of_text(id), overlap_s};
    registry_token_rotate(f->in.registry, &fixture_operator, &rotation, reply_take, reply);
    reply_wait(f, reply);
}

static void revoke_all(struct fixture *f, const char *id, int64_t expected)
{
    struct reply reply = {0};
    registry_token_revoke(f->in.registry, &fixture_operator, bytes_of_text(id), reply_take, &reply);
    reply_ok(f, &reply);
    assert_int_equal(yyjson_get_sint(yyjson_doc_ptr_get(reply.body, "/data/revoked")), expected);
    reply_done(&reply);
}

// Both work until the overlap is over; then the old one says that it was rotated.
static void test_registry_rotate__overlap(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Rotate", "live");
    struct conn conn = conn_make(f, &app, "R", "r@plant.test", "{}");
    struct reply reply = {0};
    char id[ID_TEXT], fresh[128], detail[2048];
    int64_t now = clock_wall_ms();
    newest_id(f, conn.id, id);
    rotate(f, id, 3600, &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_copy(&reply, "/data/token", fresh, sizeof fresh);
    assert_string_equal(reply_text(&reply, "/data/replaces"), id);
    assert_string_equal(reply_text(&reply, "/data/owner"), conn.id);
    reply_done(&reply);
    assert_string_not_equal(fresh, conn.token);
    assert_int_equal(check_at(f, fresh, now + 3500000, detail, sizeof detail), FP_OK);
    assert_int_equal(check_at(f, conn.token, now + 3500000, detail, sizeof detail), FP_OK);
    assert_int_equal(check_at(f, conn.token, now + 3700000, detail, sizeof detail),
                     FP_E_TOKEN_REVOKED);
    assert_true(json_has_text(detail, "/reason", "ROTATED"));
    assert_int_equal(check_at(f, fresh, now + 3700000, detail, sizeof detail), FP_OK);
}

static void test_registry_rotate__without_overlap(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Rotate now", "live");
    struct conn conn = conn_make(f, &app, "R", "rn@plant.test", "{}");
    struct reply reply = {0};
    char id[ID_TEXT];
    newest_id(f, conn.id, id);
    rotate(f, id, 0, &reply);
    assert_int_equal(reply.error, FP_OK);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, reply_text(&reply, "/data/token"), TOKEN_KIND_CONNECTION),
                     FP_OK);
    reply_done(&reply);
    // what does not work any more is not replaced
    rotate(f, id, 60, &reply);
    assert_int_equal(reply.error, FP_E_STATE_CONFLICT);
    assert_true(json_has_text(reply.detail, "/reason", "ROTATED"));
    reply_done(&reply);
    rotate(f, "tok_00000000000000000000000000", 60, &reply);
    assert_int_equal(reply.error, FP_E_TOKEN_NOT_FOUND);
    reply_done(&reply);
    newest_id(f, conn.id, id);
    rotate(f, id, FP_LIMIT_ROTATE_OVERLAP + 1, &reply);
    assert_int_equal(reply.error, FP_E_FIELD_INVALID);
    reply_done(&reply);
}

// A client secret, too: the application asks for tokens with either of them during the overlap.
static void test_registry_rotate__client_secret(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Rotate secret", "live");
    struct store_query query = {.owner = app.id, .kind = TOKEN_KIND_CLIENT_SECRET};
    struct arena *arena = arena_create(65536, false);
    struct store_token *rows = NULL;
    size_t count = 0;
    struct reply reply = {0};
    const char *secrets[2] = {app.secret, NULL};
    char fresh[128];
    assert_int_equal(store_list_tokens(f->in.store, &query, arena, &rows, &count), FP_OK);
    assert_int_equal(count, 1);
    rotate(f, rows[0].id, 3600, &reply);
    assert_int_equal(reply.error, FP_OK);
    reply_copy(&reply, "/data/token", fresh, sizeof fresh);
    reply_done(&reply);
    assert_int_equal(strncmp(fresh, "fps_", 4), 0);
    secrets[1] = fresh;
    for (size_t i = 0; i < 2; i++) {
        client_grant(f, app.id, secrets[i], &reply);
        reply_ok(f, &reply);
        reply_done(&reply);
    }
    arena_free(arena);
}

static void test_registry_rotate__all_of_a_connection(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "All", "live");
    struct conn a = conn_make(f, &app, "A", "a@plant.test", "{}");
    struct conn b = conn_make(f, &app, "B", "b@plant.test", "{}");
    struct token_request request = {.owner = bytes_of_text(a.id)};
    struct reply reply = {0};
    char second[128];
    registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/token", second, sizeof second);
    reply_done(&reply);
    revoke_all(f, a.id, 2);
    assert_int_equal(token_error(f, a.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, second, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, b.token, TOKEN_KIND_CONNECTION), FP_OK);
    revoke_all(f, a.id, 0);
}

// Over several slices: the application's own tokens and those of its connections, not its secret.
static void test_registry_rotate__all_of_an_application(void **state)
{
    enum { TOKENS = 620 };
    struct fixture *f = *state;
    struct app app = app_make(f, "Everything", "live");
    struct app kept = app_make(f, "Kept", "live");
    struct conn conn = conn_make(f, &app, "C", "c@plant.test", "{}");
    struct conn stays = conn_make(f, &kept, "C", "c@plant.test", "{}");
    struct token_request request = {.owner = bytes_of_text(conn.id)};
    struct reply *replies = mem_alloc(TOKENS, sizeof *replies);
    struct reply reply = {0};
    char last[128];
    assert_non_null(replies);
    for (int i = 0; i < TOKENS; i++) {
        registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &replies[i]);
    }
    registry_settle(f->in.registry);
    reply_copy(&replies[TOKENS - 1], "/data/token", last, sizeof last);
    for (int i = 0; i < TOKENS; i++) {
        reply_done(&replies[i]);
    }
    mem_free(replies);
    assert_int_equal(token_error(f, last, TOKEN_KIND_CONNECTION), FP_OK);
    revoke_all(f, app.id, TOKENS + 2);
    assert_int_equal(token_error(f, last, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, conn.token, TOKEN_KIND_CONNECTION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, app.token, TOKEN_KIND_APPLICATION), FP_E_TOKEN_REVOKED);
    assert_int_equal(token_error(f, stays.token, TOKEN_KIND_CONNECTION), FP_OK);
    assert_int_equal(token_error(f, kept.token, TOKEN_KIND_APPLICATION), FP_OK);
    client_grant(f, app.id, app.secret, &reply);
    reply_ok(f, &reply);
    reply_done(&reply);
}

// A connection has room for so many tokens and no more.
static void test_registry_rotate__so_many_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Limit", "live");
    struct conn conn = conn_make(f, &app, "L", "l@plant.test", "{}");
    struct token_request request = {.owner = bytes_of_text(conn.id)};
    unsigned issued = 1;
    enum fp_error error = FP_OK;
    while (error == FP_OK && issued <= FP_LIMIT_TOKENS_PER_CONNECTION) {
        struct reply reply = {0};
        registry_token_issue(f->in.registry, &fixture_operator, &request, reply_take, &reply);
        reply_wait(f, &reply);
        error = reply.error;
        issued += error == FP_OK ? 1 : 0;
        reply_done(&reply);
    }
    assert_int_equal(error, FP_E_TOO_MANY_TOKENS);
    assert_int_equal(issued, FP_LIMIT_TOKENS_PER_CONNECTION);
    revoke_all(f, conn.id, FP_LIMIT_TOKENS_PER_CONNECTION);
}

// tokens.unused_days: what was not used for so long ends, what was used stays.
static void test_registry_rotate__unused_tokens_end(void **state)
{
    struct fixture *f = *state;
    struct app app = app_make(f, "Unused", "live");
    struct conn idle = conn_make(f, &app, "I", "i@plant.test", "{}");
    struct conn busy = conn_make(f, &app, "B", "b2@plant.test", "{}");
    int64_t later = clock_wall_ms() + INT64_C(20) * 86400000;
    char id[ID_TEXT], detail[2048];
    newest_id(f, busy.id, id);
    for (int i = 0; i < 20; i++) {
        registry_sweep(f->in.registry, later);
        registry_settle(f->in.registry);
    }
    assert_int_equal(token_error(f, idle.token, TOKEN_KIND_CONNECTION), FP_OK); // no policy
    f->config.token_unused_days = 15;
    registry_note_use(f->in.registry, id, later - 86400000);
    for (int i = 0; i < 20; i++) {
        registry_sweep(f->in.registry, later);
        registry_settle(f->in.registry);
    }
    f->config.token_unused_days = 0;
    assert_int_equal(check_at(f, idle.token, clock_wall_ms() + 1, detail, sizeof detail),
                     FP_E_TOKEN_REVOKED);
    assert_true(json_has_text(detail, "/reason", "UNUSED"));
    assert_int_equal(token_error(f, busy.token, TOKEN_KIND_CONNECTION), FP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_rotate__overlap),
        cmocka_unit_test(test_registry_rotate__without_overlap),
        cmocka_unit_test(test_registry_rotate__client_secret),
        cmocka_unit_test(test_registry_rotate__all_of_a_connection),
        cmocka_unit_test(test_registry_rotate__all_of_an_application),
        cmocka_unit_test(test_registry_rotate__so_many_and_no_more),
        cmocka_unit_test(test_registry_rotate__unused_tokens_end),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
