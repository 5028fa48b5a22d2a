// Sessions at sources: kept for a short time, one log-in for all calls of a connection, no second
// attempt with a credential that the source has rejected.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "egress/egress_int.h"

#include <string.h>

static struct egress_session **bucket_of(struct egress *e, struct bytes connection)
{
    return &e->sessions[bytes_hash(connection) % EGRESS_BUCKETS];
}

static void session_free(struct egress_session *session)
{
    buf_done(&session->session);
    mem_free(session);
}

static void session_release(struct egress_session *session)
{
    if (!session->in_table && session->owner == NULL && session->waiters == NULL &&
        session->busy == 0) {
        session_free(session);
    }
}

// Out of the table; freed now, or by the last call that takes part in it.
static void session_remove(struct egress *e, struct egress_session *session)
{
    struct bytes connection = bytes_of(session->connection, session->connection_len);
    struct egress_session **at = bucket_of(e, connection);
    while (*at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
    session->in_table = false;
    e->session_count--;
    session_release(session);
}

static struct egress_session *session_find(const struct egress_call *call)
{
    struct egress_session *session = *bucket_of(call->egress, call->connection);
    while (session != NULL && (session->version != call->version ||
                               !bytes_equal(bytes_of(session->connection, session->connection_len),
                                            call->connection))) {
        session = session->next;
    }
    return session;
}

static struct egress_session *session_create(const struct egress_call *call)
{
    struct egress *e = call->egress;
    struct egress_session **bucket = bucket_of(e, call->connection);
    struct egress_session *session = NULL;
    if (e->session_count >= FP_LIMIT_SOURCE_SESSIONS) {
        return NULL;
    }
    session = mem_alloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    memcpy(session->connection, call->connection.ptr, call->connection.len);
    session->connection_len = call->connection.len;
    session->version = call->version;
    session->in_table = true;
    buf_init_sensitive(&session->session, FP_LIMIT_CREDENTIALS_JSON);
    session->next = *bucket;
    *bucket = session;
    e->session_count++;
    return session;
}

static void waiter_add(struct egress_session *session, struct egress_call *call)
{
    struct egress_call **at = &session->waiters;
    while (*at != NULL) {
        at = &(*at)->next_waiter;
    }
    call->next_waiter = NULL;
    *at = call;
}

static void session_expire(struct egress *e, struct egress_session *session)
{
    if (session->until_ms <= uv_now(e->loop)) {
        buf_clear(&session->session);
        session->rejected = false;
    }
}

enum egress_way egress_session_ask(struct egress_call *call, struct bytes *session_out)
{
    struct egress *e = call->egress;
    struct egress_session *session = NULL;
    if (call->verify || call->connection.len == 0) {
        return WAY_LOG_IN;
    }
    session = call->session != NULL ? call->session : session_find(call);
    if (session == NULL) {
        session = session_create(call);
    }
    if (session == NULL) {
        return WAY_LOG_IN; // no room to share it
    }
    session_expire(e, session);
    if (session->rejected) {
        return WAY_REJECTED;
    }
    if (session->session.len != 0 && session->generation != call->session_generation) {
        call->session_generation = session->generation;
        *session_out = buf_bytes(&session->session);
        return WAY_USE;
    }
    buf_clear(&session->session); // the one that the source has just refused
    call->session = session;
    if (session->owner == NULL) {
        session->owner = call;
        return WAY_LOG_IN;
    }
    waiter_add(session, call);
    return WAY_WAIT;
}

// All who wait, in order; they take part no more until they ask again.
static struct egress_call *waiters_take(struct egress_session *session)
{
    struct egress_call *first = session->waiters;
    session->waiters = NULL;
    for (struct egress_call *call = first; call != NULL; call = call->next_waiter) {
        call->session = NULL;
        call->stage = CALL_RUNNING;
    }
    return first;
}

void egress_session_gained(struct egress_call *call, struct bytes secret)
{
    struct egress_session *session = call->session;
    struct egress *e = call->egress;
    struct egress_call *next = NULL;
    if (session == NULL || session->owner != call) {
        return;
    }
    session->owner = NULL;
    call->session = NULL;
    call->logged_in = true;
    buf_clear(&session->session);
    buf_append_bytes(&session->session, secret);
    if (buf_error(&session->session) != FP_OK) {
        buf_clear(&session->session);
    }
    session->generation = ++e->generation;
    session->until_ms = uv_now(e->loop) + FP_LIMIT_SOURCE_SESSION;
    call->session_generation = session->generation;
    struct egress_call *waiter = waiters_take(session);
    session->busy++;
    for (; waiter != NULL; waiter = next) {
        next = waiter->next_waiter;
        waiter->session_generation = session->generation;
        driver_use_session(waiter->run, secret);
        egress_call_pump(waiter);
    }
    session->busy--;
    session_release(session);
}

static void waiter_remove(struct egress_session *session, struct egress_call *call)
{
    struct egress_call **at = &session->waiters;
    while (*at != NULL && *at != call) {
        at = &(*at)->next_waiter;
    }
    if (*at == call) {
        *at = call->next_waiter;
    }
}

void egress_session_leave(struct egress_call *call, const struct egress_verdict *verdict)
{
    struct egress_session *session = call->session;
    struct egress_call *next = NULL;
    if (session == NULL) {
        return;
    }
    call->session = NULL;
    if (session->owner != call) {
        waiter_remove(session, call);
        session_release(session);
        return;
    }
    session->owner = NULL;
    if (verdict != NULL && verdict->error == FP_E_CREDENTIALS_REJECTED) {
        session->rejected = true;
        session->until_ms = uv_now(call->egress->loop) + FP_LIMIT_SOURCE_SESSION;
    }
    struct egress_call *waiter = waiters_take(session);
    session->busy++;
    for (; waiter != NULL; waiter = next) {
        next = waiter->next_waiter;
        if (call->egress->stopping) {
            continue; // it is about to be dropped too
        }
        if (verdict != NULL) {
            egress_call_decide(waiter, verdict);
        } else {
            egress_call_pump(waiter); // the first one logs in, the others wait for it
        }
    }
    session->busy--;
    session_release(session);
}

void egress_session_forget(struct egress *e, struct bytes connection)
{
    struct egress_session *session = *bucket_of(e, connection);
    while (session != NULL) {
        struct egress_session *next = session->next;
        if (bytes_equal(bytes_of(session->connection, session->connection_len), connection)) {
            session_remove(e, session);
        }
        session = next;
    }
}

void egress_session_sweep(struct egress *e, bool all)
{
    uint64_t now = uv_now(e->loop);
    for (size_t i = 0; i < EGRESS_BUCKETS; i++) {
        struct egress_session *session = e->sessions[i];
        while (session != NULL) {
            struct egress_session *next = session->next;
            bool idle = session->owner == NULL && session->waiters == NULL;
            if (all || (idle && session->until_ms <= now)) {
                session_remove(e, session);
            }
            session = next;
        }
    }
}
