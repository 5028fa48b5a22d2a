// Opening, reading through the backend, handing batches to the writer.
// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include "base/mem.h"
#include "store/store_int.h"

#include <pthread.h>
#include <string.h>

struct store {
    const struct store_backend *backend; // what kind
    void *state;                         // the backend's
    struct worker *worker;               // runs write()
    pthread_mutex_t lock;                // over counts
    struct store_state counts;           // without waiting
};

static void store_run(void *ctx, struct work *list)
{
    struct store *store = ctx;
    uint64_t batches = 0, generation = 0;
    enum fp_error error = FP_OK;
    if (list == NULL) {
        store->backend->tend(store->state);
        return;
    }
    for (const struct work *work = list; work != NULL; work = work->next) {
        batches++;
    }
    error = store->backend->write(store->state, list, &generation);
    (void)pthread_mutex_lock(&store->lock);
    store->counts.batches += batches;
    store->counts.commits++;
    store->counts.last = error;
    if (error == FP_OK) {
        store->counts.generation = generation;
    }
    (void)pthread_mutex_unlock(&store->lock);
}

static void store_run_done(void *ctx, struct work *work)
{
    struct store_batch *batch = (struct store_batch *)work;
    (void)ctx;
    if (batch->done != NULL) {
        batch->done(batch->ctx, work->result);
    }
    store_batch_free(batch);
}

bool store_location_remote(const char *location)
{
    return strncmp(location, "postgresql://", strlen("postgresql://")) == 0 ||
           strncmp(location, "postgres://", strlen("postgres://")) == 0;
}

enum fp_error store_open(const struct store_options *options, struct store **out,
                         struct fp_note *note)
{
    const bool remote = store_location_remote(options->location);
    const struct worker_ops ops = {.run = store_run,
                                   .done = store_run_done,
                                   .queue_max = FP_LIMIT_STORE_QUEUE,
                                   .group_max = FP_LIMIT_STORE_GROUP,
                                   .idle_ms = remote ? FP_LIMIT_STORE_TEND : 0};
    struct store *store = mem_alloc(1, sizeof *store);
    enum fp_error error = store != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        (void)pthread_mutex_init(&store->lock, NULL);
        store->backend = remote ? &store__postgres : &store__sqlite;
        error = store->backend->open(options, &store->state, note);
    }
    if (error == FP_OK) {
        error = store->backend->generation(store->state, &store->counts.generation);
    }
    if (error == FP_OK) {
        error = worker_create(&ops, store, &store->worker);
    }
    if (error == FP_OK) {
        *out = store;
        store = NULL; // moved
    }
    store_close(store);
    return error;
}

void store_close(struct store *store)
{
    if (store != NULL) {
        worker_free(store->worker);
        store->backend->close(store->state);
        (void)pthread_mutex_destroy(&store->lock);
        mem_free(store);
    }
}

const char *store_backend(const struct store *store)
{
    return store->backend->name;
}

const char *store_id(const struct store *store)
{
    return store->backend->id(store->state);
}

enum fp_error store_generation(struct store *store, uint64_t *out)
{
    return store->backend->generation(store->state, out);
}

bool store_take_changes(struct store *store)
{
    return store->backend->changed != NULL && store->backend->changed(store->state);
}

enum fp_error store_read_begin(struct store *store)
{
    return store->backend->read_begin(store->state);
}

void store_read_end(struct store *store)
{
    store->backend->read_end(store->state);
}

enum fp_error store__get(struct store *store, enum store_kind kind, enum store_access access,
                         struct arena *arena, void *row_out)
{
    return store->backend->get(store->state, kind, access, arena, row_out);
}

enum fp_error store__list(struct store *store, enum store_kind kind,
                          const struct store_query *query, struct arena *arena,
                          struct store_rows *out)
{
    if (query != NULL && query->limit > FP_LIMIT_STORE_LIST) {
        return FP_E_INPUT_INVALID;
    }
    return store->backend->list(store->state, kind, query, arena, out);
}

enum fp_error store_count(struct store *store, enum store_kind kind,
                          const struct store_query *query, uint64_t *out)
{
    if ((unsigned)kind >= STORE_KIND_COUNT) {
        return FP_E_INPUT_INVALID;
    }
    return store->backend->count(store->state, kind, query, out);
}

enum fp_error store_submit(struct store *store, struct store_batch *batch, store_done *done,
                           void *ctx)
{
    enum fp_error error = batch->error;
    batch->done = done;
    batch->ctx = ctx;
    if (error == FP_OK && worker_submit(store->worker, &batch->work) != FP_OK) {
        error = FP_E_STORE_UNAVAILABLE;
    }
    if (error != FP_OK) {
        store_batch_free(batch);
    }
    return error;
}

int store_event_fd(const struct store *store)
{
    return worker_event_fd(store->worker);
}

void store_dispatch(struct store *store)
{
    worker_dispatch(store->worker);
}

void store_wait(struct store *store)
{
    worker_wait(store->worker);
}

static void store_keep_result(void *ctx, enum fp_error result)
{
    enum fp_error *kept = ctx;
    *kept = result;
}

enum fp_error store_submit_wait(struct store *store, struct store_batch *batch)
{
    enum fp_error result = FP_E_INTERNAL;
    enum fp_error error = store_submit(store, batch, store_keep_result, &result);
    if (error == FP_OK) {
        store_wait(store);
        error = result;
    }
    return error;
}

struct store_state store_state(struct store *store)
{
    struct store_state state;
    (void)pthread_mutex_lock(&store->lock);
    state = store->counts;
    (void)pthread_mutex_unlock(&store->lock);
    state.waiting = worker_waiting(store->worker);
    state.reachable = store->backend->reachable == NULL || store->backend->reachable(store->state);
    return state;
}
