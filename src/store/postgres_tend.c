// Looking after the links, on the writer's thread: what was lost is made anew, with pauses that
// grow while the database is away. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "store/postgres_int.h"

#include <stdlib.h>
#include <string.h>

// Whether it is the same store, no older than it was: a copy that lags behind, put in the place of
// the one we wrote to, would bring revoked tokens back.
static enum fp_error tend_check(struct postgres_store *s, struct postgres_link *link)
{
    PGresult *result = NULL;
    enum fp_error error = postgres__exec(
        link,
        "SELECT (SELECT value FROM meta WHERE name='id'),(SELECT value FROM generation)::text",
        &result);
    if (error == FP_OK) {
        if (PQntuples(result) != 1 || strcmp(PQgetvalue(result, 0, 0), s->id) != 0 ||
            strtoull(PQgetvalue(result, 0, 1), NULL, 10) < s->generation) {
            error = FP_E_STORE_ROLLED_BACK;
        }
    }
    PQclear(result);
    return error;
}

static enum fp_error tend_make(struct postgres_store *s, struct postgres_link *link)
{
    enum fp_error error = FP_OK;
    if (clock_monotonic_ns() < s->next_try_ns) {
        return FP_E_STORE_UNAVAILABLE;
    }
    error = postgres__connect(&s->params, link, NULL);
    if (error == FP_OK) {
        error = tend_check(s, link);
    }
    if (error == FP_OK) {
        error = postgres__pipeline(link);
    }
    if (error == FP_OK) {
        s->failures = 0;
        s->next_try_ns = 0;
    } else {
        unsigned pause = (unsigned)FP_LIMIT_STORE_TEND << (s->failures < 5 ? s->failures : 5);
        pause = pause < FP_LIMIT_STORE_PAUSE ? pause : FP_LIMIT_STORE_PAUSE;
        s->failures++;
        s->next_try_ns = postgres__deadline(pause);
        postgres__lose(link);
    }
    return error;
}

enum fp_error postgres__writer(struct postgres_store *s)
{
    if (s->writer.conn != NULL) {
        return FP_OK;
    }
    return tend_make(s, &s->writer) == FP_OK ? FP_OK : FP_E_STORE_UNAVAILABLE;
}

// A link that the server closed while nobody used it.
static void tend_look(struct postgres_link *link)
{
    if (link->conn != NULL &&
        (PQconsumeInput(link->conn) == 0 || PQstatus(link->conn) != CONNECTION_OK)) {
        postgres__lose(link);
    }
}

// Whether another node counted a change of data keys. Asked for rather than told: it holds behind a
// pool of connections too, and nothing is missed while a link is made anew.
static void tend_keys(struct postgres_store *s)
{
    PGresult *result = NULL;
    int64_t count = 0;
    enum fp_error error = FP_OK;
    if (s->writer.conn == NULL || clock_monotonic_ns() < s->next_look_ns) {
        return;
    }
    s->next_look_ns = postgres__deadline(FP_LIMIT_STORE_TEND / 2);
    error = postgres__say(
        &s->writer,
        "SELECT coalesce((SELECT value::bigint FROM meta WHERE name='" POSTGRES_KEYS_CHANGED
        "'),0)",
        &result);
    if (error == FP_OK) {
        error = postgres__read_number(result, 0, 0, &count);
    }
    if (error == FP_OK && count != s->keys_seen) {
        s->keys_seen = count;
        atomic_store(&s->stale, true);
    }
    PQclear(result);
}

static void tend_links(struct postgres_store *s)
{
    struct postgres_link link = {0};
    tend_look(&s->writer);
    if (postgres__writer(s) != FP_OK || !atomic_load(&s->reader_lost)) {
        return;
    }
    if (tend_make(s, &link) == FP_OK) {
        atomic_store(&s->reader_lost, false);
        (void)pthread_mutex_lock(&s->lock);
        postgres__lose(&s->spare);
        s->spare = link;
        (void)pthread_mutex_unlock(&s->lock);
    }
}

void postgres__tend(void *state)
{
    struct postgres_store *s = state;
    tend_links(s);
    tend_keys(s);
    atomic_store(&s->away, s->writer.conn == NULL);
}

bool postgres__changed(void *state)
{
    struct postgres_store *s = state;
    return atomic_exchange(&s->stale, false);
}

bool postgres__reachable(const void *state)
{
    const struct postgres_store *s = state;
    return !atomic_load(&s->away) && !atomic_load(&s->reader_lost);
}
