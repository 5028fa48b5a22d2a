// The table of calls that the vault works on. A call that nobody waits for any more leaves its
// bucket at once, so that its number may come again, and is freed when the last callback that
// holds it has come back.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

static struct call **call_bucket(struct vault *v, uint64_t number)
{
    return &v->buckets[(number ^ number >> 32) & (VAULT_BUCKETS - 1)];
}

struct call *call_find(struct vault *v, uint64_t number)
{
    struct call *call = *call_bucket(v, number);
    while (call != NULL && call->number != number) {
        call = call->next;
    }
    return call;
}

uint64_t call_own_number(struct vault *v)
{
    v->last_number++;
    return VAULT_OWN_CALL | v->last_number;
}

struct call *call_open(struct vault *v, uint64_t number, uint32_t within_ms)
{
    struct call **bucket = call_bucket(v, number);
    struct call *call = v->calls < FP_LIMIT_CALLS_IN_FLIGHT ? mem_alloc(1, sizeof *call) : NULL;
    if (call == NULL) {
        return NULL;
    }
    call->vault = v;
    call->number = number;
    call->listed = true;
    call->deadline_ns = clock_monotonic_ns() + (uint64_t)within_ms * 1000000;
    call->next = *bucket;
    *bucket = call;
    call->older = v->newest;
    if (v->newest != NULL) {
        v->newest->newer = call;
    } else {
        v->oldest = call;
    }
    v->newest = call;
    v->calls++;
    return call;
}

static void call_unlist(struct call *call)
{
    struct call **link = call_bucket(call->vault, call->number);
    if (!call->listed) {
        return;
    }
    while (*link != call) {
        if (*link == NULL) {
            fp_bug("a listed call is not in its bucket");
        }
        link = &(*link)->next;
    }
    *link = call->next;
    call->listed = false;
}

void call_release(struct call *call)
{
    if (call->held != NULL) {
        secret_done(&call->held->opened);
        mem_free(call->held->link);
        mem_wipe(call->held, call->held->size);
        mem_free(call->held);
        call->held = NULL;
    }
}

static void call_free(struct call *call)
{
    struct vault *v = call->vault;
    call_release(call);
    if (call->older != NULL) {
        call->older->newer = call->newer;
    } else {
        v->oldest = call->newer;
    }
    if (call->newer != NULL) {
        call->newer->older = call->older;
    } else {
        v->newest = call->older;
    }
    v->calls--;
    mem_free(call->repeat);
    mem_free(call);
    vault_check_drained(v);
}

void call_abandon(struct call *call)
{
    if (call->listed && call->stage == CALL_VERIFYING) {
        call->vault->verifying--;
    }
    if (call->webhook[0] != '\0') {
        hooks_forget(call);
    }
    vault_repeat_end(call, call->stage == CALL_AT_EGRESS);
    call_unlist(call);
    call->peer = NULL;
    if (call->pending == 0) {
        call_free(call);
    }
}

void call_returned(struct call *call)
{
    call->pending--;
    if (call->pending == 0 && !call->listed) {
        call_free(call);
    }
}

bool call_hold(struct call *call, const struct link_frame *frame,
               const struct registry_identity *identity)
{
    size_t size = sizeof *call->held + frame->body.len;
    call->held = mem_alloc(1, size);
    if (call->held == NULL) {
        return false;
    }
    if (identity != NULL) {
        call->held->identity = *identity;
    }
    call->held->number = frame->number;
    call->held->size = size;
    call->held->length = frame->body.len;
    memcpy(call->held->frame, frame->body.ptr, frame->body.len);
    return true;
}

struct bytes call_frame(const struct call *call)
{
    return bytes_of(call->held->frame, call->held->length);
}

void call_set_texts(struct call *call, struct bytes request_id, const char *application,
                    const char *connection)
{
    if (!bytes_to_text(request_id, call->request_id, sizeof call->request_id) ||
        !bytes_to_text(bytes_of_text(application), call->application, sizeof call->application) ||
        !bytes_to_text(bytes_of_text(connection), call->connection, sizeof call->connection)) {
        vault_broken_rule(call->vault, "request_id");
    }
}

void call_stop(struct call *call)
{
    struct buf *egress = room_out(call->vault->room, LINK_ROOM_EGRESS);
    struct link_stop stop = {call->number};
    if (egress != NULL && (call->stage == CALL_AT_EGRESS || call->stage == CALL_VERIFYING ||
                           call->stage == CALL_NOTIFYING)) {
        enum fp_error lost = link_put_stop(egress, &stop);
        (void)lost; // the call ends by its own deadline there
    }
}

void calls_gateway_lost(struct vault *v)
{
    struct call *next = NULL;
    for (struct call *call = v->oldest; call != NULL; call = next) {
        next = call->newer;
        if (call->listed && (call->number & VAULT_OWN_CALL) == 0) {
            call_stop(call);
            call_abandon(call);
        }
    }
}

void calls_egress_lost(struct vault *v)
{
    struct call *next = NULL;
    for (struct call *call = v->oldest; call != NULL; call = next) {
        next = call->newer;
        if (call->listed && (call->stage == CALL_AT_EGRESS || call->stage == CALL_VERIFYING)) {
            // a write may have reached the source
            answer_error(call, call->writes ? FP_E_OUTCOME_UNKNOWN : FP_E_LINK_CLOSED);
        } else if (call->listed && call->stage == CALL_NOTIFYING) {
            call_abandon(call); // due again as soon as egress is back
        }
    }
}

void calls_peer_lost(struct vault *v, const struct control_peer *peer)
{
    struct call *next = NULL;
    for (struct call *call = v->oldest; call != NULL; call = next) {
        next = call->newer;
        if (call->listed && call->peer == peer) {
            call_stop(call);
            call_abandon(call);
        }
    }
}

void calls_expire(struct vault *v, uint64_t now_ns)
{
    struct call *next = NULL;
    for (struct call *call = v->oldest; call != NULL; call = next) {
        next = call->newer;
        if (!call->listed || call->deadline_ns > now_ns) {
            continue;
        }
        call_stop(call);
        if (call->stage == CALL_NOTIFYING) {
            hooks_lost(call, FP_E_SOURCE_TIMEOUT);
        } else if (call->stage == CALL_NOTING || call->stage == CALL_AT_EGRESS ||
                   call->stage == CALL_JUDGING) {
            // the gateway's own deadline answers; only the news is given up
            call_abandon(call);
        } else {
            answer_error(call, call->stage == CALL_VERIFYING ? FP_E_SOURCE_TIMEOUT
                                                             : FP_E_SERVICE_UNAVAILABLE);
        }
    }
}
