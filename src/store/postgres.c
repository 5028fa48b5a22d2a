// Opening and closing the PostgreSQL backend: two connections, the tables made, one empty commit.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "store/postgres_int.h"

static void postgres_close(void *state)
{
    struct postgres_store *s = state;
    if (s != NULL) {
        postgres__lose(&s->reader);
        postgres__lose(&s->writer);
        postgres__lose(&s->spare);
        postgres__params_done(&s->params);
        (void)pthread_mutex_destroy(&s->lock);
        mem_free(s);
    }
}

// The writer's link makes the tables, then both go over to pipelines.
static enum fp_error postgres_links(struct postgres_store *s, const struct store_options *options,
                                    struct fp_note *note)
{
    enum fp_error error = postgres__connect(&s->params, &s->writer, note);
    if (error == FP_OK) {
        error = postgres__migrate(&s->writer, options->create, s->id, note);
    }
    if (error == FP_OK) {
        error = postgres__connect(&s->params, &s->reader, note);
    }
    if (error == FP_OK) {
        error = postgres__exec(&s->reader, "SET default_transaction_read_only=on", NULL);
    }
    if (error == FP_OK) {
        error = postgres__pipeline(&s->reader);
    }
    return error != FP_OK ? error : postgres__pipeline(&s->writer);
}

static enum fp_error postgres_open(const struct store_options *options, void **state_out,
                                   struct fp_note *note)
{
    struct postgres_store *s = mem_alloc(1, sizeof *s);
    uint64_t generation = 0;
    enum fp_error error = s != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        (void)pthread_mutex_init(&s->lock, NULL);
        error = postgres__params_init(&s->params, options, note);
    }
    if (error == FP_OK) {
        error = postgres_links(s, options, note);
    }
    if (error == FP_OK) {
        error = postgres__write(s, NULL, &generation); // proves that writing works
    }
    if (error == FP_OK) {
        atomic_store(&s->stale, false); // nothing is held yet
        *state_out = s;
        return FP_OK;
    }
    if (note != NULL && note->text[0] == '\0' && s != NULL) {
        fp_note_set(note, "store.url", "%s", s->writer.message);
    }
    postgres_close(s);
    return error;
}

static const char *postgres_id(const void *state)
{
    const struct postgres_store *s = state;
    return s->id;
}

const struct store_backend store__postgres = {
    .name = "postgresql",
    .open = postgres_open,
    .close = postgres_close,
    .id = postgres_id,
    .generation = postgres__generation,
    .get = postgres__get,
    .list = postgres__list,
    .count = postgres__count,
    .read_begin = postgres__read_begin,
    .read_end = postgres__read_end,
    .write = postgres__write,
    .tend = postgres__tend,
    .changed = postgres__changed,
    .reachable = postgres__reachable,
};
