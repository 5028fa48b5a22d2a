// Answers to Idempotency-Keys: found by key and request, sealed, forgotten after a day.
// SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "registry/repeat.h"

struct repeat_world {
    struct fixture *f;                  // open
    struct store_connection connection; // of the request
    struct arena *arena;                // for answers
    int64_t now_ms;                     // when it is asked
};

static struct repeat_world repeat_world_make(struct fixture *f)
{
    struct app app = app_make(f, "Replays", "test");
    struct conn conn = conn_make(f, &app, "Plant", "plant@example.com", "{\"a\":\"b\"}");
    return (struct repeat_world){.f = f,
                                 .connection = connection_row(f, conn.id),
                                 .arena = arena_create(16u << 20, false),
                                 .now_ms = clock_wall_ms()};
}

static enum fp_error look(struct repeat_world *w, const char *key, const char *body,
                          struct repeat *out)
{
    struct repeat_request request = {
        .key = bytes_of_text(key), .operation = "erp.vendors.create", .body = bytes_of_text(body)};
    return repeat_look(w->f->in.registry, &w->connection, &request, w->now_ms, w->now_ms - 60000,
                       out);
}

static void on_done(void *ctx, enum fp_error result)
{
    enum fp_error *out = ctx;
    *out = result;
}

static enum fp_error begin(struct repeat_world *w, const struct repeat *repeat)
{
    enum fp_error result = FP_E_AGAIN;
    enum fp_error error = repeat_begin(w->f->in.registry, repeat, on_done, &result);
    store_wait(w->f->in.store);
    return error != FP_OK ? error : result;
}

static enum fp_error keep(struct repeat_world *w, const struct repeat *repeat,
                          const struct repeat_answer *answer)
{
    enum fp_error result = FP_E_AGAIN;
    enum fp_error error = repeat_keep(w->f->in.registry, repeat, answer, on_done, &result);
    store_wait(w->f->in.store);
    return error != FP_OK ? error : result;
}

static void test_registry_repeat__the_same_request_finds_its_answer(void **state)
{
    struct repeat_world w = repeat_world_make(*state);
    struct repeat repeat = {0}, again = {0}, second = {0};
    struct repeat_answer answer = {.body = BYTES("{\"data\":1}"), .etag = BYTES("\"e\"")};
    struct repeat_answer found = {0};
    assert_int_equal(look(&w, "k", "a", &repeat), FP_OK);
    assert_int_equal(look(&w, "k", "a", &second), FP_OK);
    assert_int_equal(begin(&w, &repeat), FP_OK);
    assert_int_equal(begin(&w, &second), FP_E_EXISTS); // who looked at the same moment
    assert_int_equal(look(&w, "k", "a", &again), FP_E_IDEMPOTENCY_IN_PROGRESS);
    assert_int_equal(look(&w, "k", "b", &again), FP_E_IDEMPOTENCY_KEY_REUSED);
    assert_int_equal(keep(&w, &repeat, &answer), FP_OK);
    assert_int_equal(look(&w, "k", "b", &again), FP_E_IDEMPOTENCY_KEY_REUSED);
    assert_int_equal(look(&w, "k", "a", &again), FP_E_EXISTS);
    assert_int_equal(repeat_open(w.f->in.registry, &again, w.arena, &found), FP_OK);
    assert_int_equal(found.error, FP_OK);
    assert_true(bytes_equal(found.body, answer.body) && bytes_equal(found.etag, answer.etag));
    assert_int_equal(look(&w, "K", "a", &again), FP_OK);
    arena_free(w.arena);
}

static void test_registry_repeat__what_was_lost_stays_unknown(void **state)
{
    struct repeat_world w = repeat_world_make(*state);
    struct repeat repeat = {0}, again = {0};
    struct repeat_answer found = {0};
    assert_int_equal(look(&w, "k", "a", &repeat), FP_OK);
    assert_int_equal(begin(&w, &repeat), FP_OK);
    w.now_ms += 120000; // nothing that is still running began so long ago
    assert_int_equal(look(&w, "k", "a", &again), FP_E_EXISTS);
    assert_int_equal(repeat_open(w.f->in.registry, &again, w.arena, &found), FP_OK);
    assert_int_equal(found.error, FP_E_OUTCOME_UNKNOWN);
    repeat_lose(w.f->in.registry, &repeat);
    store_wait(w.f->in.store);
    w.now_ms -= 120000;
    assert_int_equal(look(&w, "k", "a", &again), FP_E_EXISTS);
    assert_int_equal(repeat_open(w.f->in.registry, &again, w.arena, &found), FP_OK);
    assert_int_equal(found.error, FP_E_OUTCOME_UNKNOWN);
    arena_free(w.arena);
}

static void test_registry_repeat__dropped_and_old_ones_are_free_again(void **state)
{
    struct repeat_world w = repeat_world_make(*state);
    struct repeat repeat = {0}, again = {0};
    struct repeat_answer answer = {.error = FP_E_WRITTEN_UNREAD, .detail = BYTES("{}")};
    uint64_t count = 0;
    assert_int_equal(look(&w, "k", "a", &repeat), FP_OK);
    assert_int_equal(begin(&w, &repeat), FP_OK);
    repeat_drop(w.f->in.registry, &repeat);
    store_wait(w.f->in.store);
    assert_int_equal(look(&w, "k", "b", &repeat), FP_OK);
    assert_int_equal(begin(&w, &repeat), FP_OK);
    assert_int_equal(keep(&w, &repeat, &answer), FP_OK);
    w.now_ms += FP_LIMIT_REPLAY_KEPT * INT64_C(1000) + 1000;
    assert_int_equal(look(&w, "k", "a", &again), FP_OK);
    assert_string_equal(again.expired, repeat.row.id);
    assert_int_equal(begin(&w, &again), FP_OK);
    registry_sweep(w.f->in.registry, w.now_ms);
    registry_settle(w.f->in.registry);
    assert_int_equal(store_count(w.f->in.store, STORE_REPLAY, NULL, &count), FP_OK);
    assert_int_equal(count, 1);
    registry_sweep(w.f->in.registry, w.now_ms + FP_LIMIT_REPLAY_KEPT * INT64_C(1000) + 1000);
    registry_settle(w.f->in.registry);
    assert_int_equal(store_count(w.f->in.store, STORE_REPLAY, NULL, &count), FP_OK);
    assert_int_equal(count, 0);
    arena_free(w.arena);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_registry_repeat__##name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_same_request_finds_its_answer),
        CASE(what_was_lost_stays_unknown),
        CASE(dropped_and_old_ones_are_free_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
