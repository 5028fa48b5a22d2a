// The worker: order, groups, bounds, idling, ending with work left.
// SPDX-License-Identifier: Apache-2.0
#include "base/worker.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT 1000

struct job {
    struct work work; // first
    unsigned number;  // order of submission
};

struct owner {
    struct job jobs[COUNT]; // all of them
    unsigned next_run;      // number that run() must see next (thread)
    unsigned next_done;     // number that done() must see next
    unsigned largest;       // group (thread)
    atomic_uint idles;      // calls without work
    bool wrong;             // order broken
    pthread_mutex_t gate;   // held: run() waits
};

static void run(void *ctx, struct work *list)
{
    struct owner *o = ctx;
    unsigned size = 0;
    if (list == NULL) {
        atomic_fetch_add(&o->idles, 1);
        return;
    }
    (void)pthread_mutex_lock(&o->gate);
    (void)pthread_mutex_unlock(&o->gate);
    for (struct work *w = list; w != NULL; w = w->next) {
        struct job *job = (struct job *)w;
        o->wrong |= job->number != o->next_run++;
        w->result = job->number % 2 != 0 ? FP_E_EXISTS : FP_OK;
        size++;
    }
    o->largest = size > o->largest ? size : o->largest;
}

static void done(void *ctx, struct work *work)
{
    struct owner *o = ctx;
    struct job *job = (struct job *)work;
    o->wrong |= job->number != o->next_done++;
    o->wrong |= work->result != (job->number % 2 != 0 ? FP_E_EXISTS : FP_OK);
}

static const struct worker_ops ops = {
    .run = run, .done = done, .queue_max = COUNT, .group_max = 64, .idle_ms = 0};

static struct owner *make(const struct worker_ops *how, struct worker **out)
{
    struct owner *o = calloc(1, sizeof *o);
    assert_non_null(o);
    for (unsigned i = 0; i < COUNT; i++) {
        o->jobs[i].number = i;
    }
    assert_int_equal(pthread_mutex_init(&o->gate, NULL), 0);
    assert_int_equal(worker_create(how, o, out), FP_OK);
    return o;
}

static void test_base_worker__order_groups_and_bounds(void **state)
{
    struct worker *w = NULL;
    struct owner *o = make(&ops, &w);
    struct job extra = {.number = COUNT};
    (void)state;
    (void)pthread_mutex_lock(&o->gate);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(worker_submit(w, &o->jobs[i].work), FP_OK);
    }
    assert_int_equal(worker_submit(w, &extra.work), FP_E_LIMIT_EXCEEDED);
    (void)pthread_mutex_unlock(&o->gate);
    while (o->next_done < COUNT) {
        struct pollfd fd = {worker_event_fd(w), POLLIN, 0};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        worker_dispatch(w);
    }
    assert_false(o->wrong);
    assert_int_equal(o->largest, 64);
    assert_int_equal(worker_waiting(w), 0);
    worker_free(w);
    free(o);
}

static void test_base_worker__ends_with_everything_done(void **state)
{
    struct worker *w = NULL;
    struct owner *o = make(&ops, &w);
    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(worker_submit(w, &o->jobs[i].work), FP_OK);
    }
    worker_free(w);
    worker_free(NULL);
    assert_int_equal(o->next_done, COUNT);
    assert_false(o->wrong);
    free(o);
}

static void test_base_worker__idles(void **state)
{
    struct worker_ops often = ops;
    struct worker *w = NULL;
    struct owner *o = NULL;
    (void)state;
    often.idle_ms = 1;
    o = make(&often, &w);
    while (atomic_load(&o->idles) < 3) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(worker_submit(w, &o->jobs[0].work), FP_OK);
    worker_wait(w);
    assert_int_equal(o->next_done, 1);
    worker_free(w);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_worker__order_groups_and_bounds),
        cmocka_unit_test(test_base_worker__ends_with_everything_done),
        cmocka_unit_test(test_base_worker__idles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
