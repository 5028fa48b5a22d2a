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

void postgres__tend(void *state)
{
    struct postgres_store *s = state;
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
