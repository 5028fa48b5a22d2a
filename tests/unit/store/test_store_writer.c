// Conformance, the writer: order, grouping, bounds, restart, out of memory. Against store.h alone.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "store_world.h"

#include <poll.h>

struct seen {
    unsigned next;     // number expected
    unsigned good;     // results FP_OK
    unsigned taken;    // results FP_E_EXISTS
    bool out_of_order; // some came in another order
};

struct one {
    struct seen *seen; // shared
    unsigned number;   // mine
};

static void on_done(void *ctx, enum fp_error result)
{
    struct one *one = ctx;
    one->seen->out_of_order |= one->number != one->seen->next++;
    one->seen->good += result == FP_OK ? 1 : 0;
    one->seen->taken += result == FP_E_EXISTS ? 1 : 0;
}

static void test_store_writer__order_and_groups(void **state)
{
    enum { COUNT = 3000 };
    struct world *w = *state;
    struct seen seen = {0};
    static struct one ones[COUNT];
    uint64_t count = 0;
    for (unsigned n = 0; n < COUNT; n++) {
        struct store_batch *batch = a_batch(w);
        // every third takes the key of the one before: it fails, its neighbours do not
        const struct store_application row = an_application(n % 3 == 2 ? n - 1 : n);
        store_insert_application(batch, &row);
        ones[n] = (struct one){&seen, n};
        assert_int_equal(store_submit(w->store, batch, on_done, &ones[n]), FP_OK);
    }
    while (seen.next < COUNT) {
        struct pollfd fd = {store_event_fd(w->store), POLLIN, 0};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        store_dispatch(w->store);
    }
    assert_false(seen.out_of_order);
    assert_int_equal(seen.good, 2 * COUNT / 3);
    assert_int_equal(seen.taken, COUNT / 3);
    assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &count), FP_OK);
    assert_int_equal(count, 2 * COUNT / 3);
    assert_true(store_state(w->store).commits < COUNT); // many in one transaction
    assert_int_equal(store_state(w->store).waiting, 0);
    assert_int_equal(store_state(w->store).batches, COUNT);
}

struct chain {
    struct world *w;    // where
    unsigned left;      // batches to come
    enum fp_error last; // result
};

static void chain_next(void *ctx, enum fp_error result)
{
    struct chain *chain = ctx;
    chain->last = result;
    if (chain->left-- != 0) {
        struct store_batch *batch = store_batch_create(chain->w->store);
        store_touch_token(batch, "tok_x", 1);
        if (store_submit(chain->w->store, batch, chain_next, chain) != FP_OK) {
            chain->left = 0;
        }
    }
}

static void test_store_writer__callbacks_may_submit(void **state)
{
    struct chain chain = {*state, 20, FP_E_INTERNAL};
    chain_next(&chain, FP_OK);
    store_wait(chain.w->store);
    assert_int_equal(chain.left, UINT32_MAX);
    assert_int_equal(chain.last, FP_OK);
}

static void test_store_writer__queue_is_bounded(void **state)
{
    struct world *w = *state;
    enum fp_error error = FP_OK;
    unsigned submitted = 0;
    while (error == FP_OK && submitted <= FP_LIMIT_STORE_QUEUE) {
        struct store_batch *batch = a_batch(w);
        store_touch_token(batch, "tok_x", 1);
        error = store_submit(w->store, batch, NULL, NULL); // nobody dispatches
        submitted++;
    }
    assert_int_equal(error, FP_E_STORE_UNAVAILABLE);
    assert_int_equal(submitted, FP_LIMIT_STORE_QUEUE + 1);
    store_wait(w->store);
    assert_int_equal(WRITE(w, store_touch_token, "tok_x", 1), FP_OK);
}

static void test_store_writer__close_writes_what_waits(void **state)
{
    enum { COUNT = 500 };
    struct world *w = *state;
    struct seen seen = {0};
    static struct one ones[COUNT];
    uint64_t count = 0;
    for (unsigned n = 0; n < COUNT; n++) {
        struct store_batch *batch = a_batch(w);
        const struct store_application row = an_application(n);
        store_insert_application(batch, &row);
        ones[n] = (struct one){&seen, n};
        assert_int_equal(store_submit(w->store, batch, on_done, &ones[n]), FP_OK);
    }
    world_reopen(w);
    assert_int_equal(seen.good, COUNT);
    assert_int_equal(store_count(w->store, STORE_APPLICATION, NULL, &count), FP_OK);
    assert_int_equal(count, COUNT);
}

static void put_second(struct world *w)
{
    const struct store_application row = an_application(2);
    assert_int_equal(WRITE(w, store_insert_application, &row), FP_OK);
}

static void test_store_writer__id_and_generation(void **state)
{
    struct world *w = *state;
    char id[64];
    uint64_t first = 0, second = 0, third = 0;
    SET(id, "%s", store_id(w->store));
    assert_true(id_valid(bytes_of_text(id), "sto"));
    assert_string_equal(store_backend(w->store),
                        world_postgres() != NULL ? "postgresql" : "sqlite");
    assert_int_equal(store_generation(w->store, &first), FP_OK);
    put_first(w);
    assert_int_equal(store_generation(w->store, &second), FP_OK);
    assert_true(second > first);
    world_reopen(w);
    assert_int_equal(store_generation(w->store, &third), FP_OK);
    assert_int_equal(third, second); // looking is no change
    assert_int_equal(store_state(w->store).generation, third);
    put_second(w);
    assert_int_equal(store_generation(w->store, &third), FP_OK);
    assert_int_equal(third, second + 1);
    assert_int_equal(store_state(w->store).generation, third);
    assert_string_equal(store_id(w->store), id);
}

static enum fp_error write_row(struct world *w, unsigned n)
{
    const struct store_application row = an_application(n);
    const struct store_setting setting = {"name", BYTES("value")};
    struct store_batch *batch = store_batch_create(w->store);
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    store_insert_application(batch, &row);
    store_put_setting(batch, &setting);
    return store_submit_wait(w->store, batch);
}

static enum fp_error read_rows(struct world *w)
{
    struct store_application *rows = NULL;
    struct store_setting setting;
    size_t count = 0;
    struct arena *arena = arena_create(1 << 20, false);
    enum fp_error error = arena != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = store_list_applications(w->store, NULL, arena, &rows, &count);
    }
    if (error == FP_OK) {
        error = store_get_setting(w->store, "name", arena, &setting);
    }
    arena_free(arena);
    return error;
}

static void test_store_writer__out_of_memory(void **state)
{
    struct world *w = *state;
    enum fp_error error = FP_E_NO_MEMORY;
    unsigned long n = 0;
    while (error != FP_OK) {
        mem_fail_at(++n);
        error = write_row(w, 1);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY || error == FP_E_STORE_UNAVAILABLE);
        assert_true(n < 100);
    }
    for (n = 0, error = FP_E_NO_MEMORY; error != FP_OK;) {
        mem_fail_at(++n);
        error = read_rows(w);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        assert_true(n < 100);
    }
    store_close(w->store);
    w->store = NULL;
    for (n = 0, error = FP_E_NO_MEMORY; error != FP_OK;) {
        const struct store_options options = {.location = w->location, .create = true};
        mem_fail_at(++n);
        error = store_open(&options, &w->store, NULL);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY);
        assert_true(n < 200);
    }
    assert_int_equal(read_rows(w), FP_OK);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_store_writer__##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(order_and_groups),        CASE(callbacks_may_submit), CASE(queue_is_bounded),
        CASE(close_writes_what_waits), CASE(id_and_generation),    CASE(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
