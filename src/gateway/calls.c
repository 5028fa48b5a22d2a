// Calls under way: slots with generations, in the order of their deadlines.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "base/mem.h"

#define CALLS_GRACE_MS 2000 // the rooms behind keep the same deadline and explain more
#define CALLS_TICK_MS  250  // how late a deadline may be noticed

static bool calls_grow(struct gateway *g)
{
    size_t count = g->block_count;
    struct gateway_call *block = NULL;
    if (count < GATEWAY_BLOCKS) {
        block = mem_alloc(GATEWAY_BLOCK, sizeof *block);
    }
    if (block == NULL) {
        return false;
    }
    for (size_t i = GATEWAY_BLOCK; i-- > 0;) {
        // while a slot is free, `deadline` keeps the next generation and slot
        block[i].deadline = (uint64_t)1 << 32 | (count * GATEWAY_BLOCK + i);
        block[i].next = g->free;
        g->free = &block[i];
    }
    g->blocks[count] = block;
    g->block_count++;
    return true;
}

// What a call that is lost on its way has come to: a write may have reached the source.
static enum fp_error calls_lost_as(const struct gateway_call *call, enum fp_error otherwise)
{
    return call->writes ? FP_E_OUTCOME_UNKNOWN : otherwise;
}

// Nobody waits for it any more: the rooms behind need not go on.
static void calls_tell_over(struct gateway *g, const struct gateway_call *call)
{
    struct link_cancel cancel = {call->id};
    struct link_abandon abandon = {call->id};
    struct buf *out = room_out(g->room, LINK_ROOM_VAULT);
    if (out != NULL) {
        (void)link_put_cancel(out, &cancel);
    }
    out = room_out(g->room, LINK_ROOM_EGRESS);
    if (out != NULL && call->streaming) {
        (void)link_put_abandon(out, &abandon);
    }
}

static void calls_on_timer(uv_timer_t *timer)
{
    struct gateway *g = timer->data;
    uint64_t now = uv_now(timer->loop);
    while (g->oldest != NULL && g->oldest->deadline <= now) {
        struct gateway_call *call = g->oldest;
        calls_tell_over(g, call);
        if (call->streaming) {
            call->x.error = FP_E_TIMEOUT;
            http_answer_break(g->server, call->x.handle);
            gateway__finish(g, &call->x);
        } else {
            gateway__answer_error(g, &call->x, calls_lost_as(call, FP_E_TIMEOUT), NULL);
        }
        gateway__call_release(g, call);
    }
    if (g->oldest == NULL) {
        (void)uv_timer_stop(timer);
    }
}

static void calls_append(struct gateway *g, struct gateway_call *call)
{
    call->deadline = uv_now(room_loop(g->room)) + g->config->call_timeout_ms + CALLS_GRACE_MS;
    call->next = NULL;
    call->before = g->youngest;
    if (g->youngest != NULL) {
        g->youngest->next = call;
    } else {
        g->oldest = call;
    }
    g->youngest = call;
}

static void calls_unlink(struct gateway *g, struct gateway_call *call)
{
    if (call->before != NULL) {
        call->before->next = call->next;
    } else {
        g->oldest = call->next;
    }
    if (call->next != NULL) {
        call->next->before = call->before;
    } else {
        g->youngest = call->before;
    }
}

struct gateway_call *gateway__call_take(struct gateway *g, const struct gateway_exchange *x,
                                        bool needs_egress)
{
    struct gateway_call *call = NULL;
    if (g->in_flight >= g->config->calls || (g->free == NULL && !calls_grow(g))) {
        return NULL;
    }
    call = g->free;
    g->free = call->next;
    call->id = call->deadline;
    call->x = *x;
    call->needs_egress = needs_egress;
    call->streaming = false;
    call->writes = false;
    calls_append(g, call);
    g->in_flight++;
    if (!uv_is_active((uv_handle_t *)&g->timer)) {
        (void)uv_timer_start(&g->timer, calls_on_timer, CALLS_TICK_MS, CALLS_TICK_MS);
    }
    http_answer_attach(g->server, x->handle, call->id);
    return call;
}

struct buf *gateway__link(struct gateway *g, bool needs_egress)
{
    if (needs_egress && !room_link_is_up(g->room, LINK_ROOM_EGRESS)) {
        return NULL;
    }
    return room_out(g->room, LINK_ROOM_VAULT);
}

struct gateway_call *gateway__call_find(struct gateway *g, uint64_t id)
{
    size_t slot = (size_t)(id & UINT32_MAX);
    struct gateway_call *call = NULL;
    if (slot / GATEWAY_BLOCK >= g->block_count) {
        return NULL;
    }
    call = &g->blocks[slot / GATEWAY_BLOCK][slot % GATEWAY_BLOCK];
    return id != 0 && call->id == id ? call : NULL;
}

void gateway__call_release(struct gateway *g, struct gateway_call *call)
{
    uint64_t slot = call->id & UINT32_MAX;
    uint64_t generation = (call->id >> 32) + 1;
    calls_unlink(g, call);
    *call = (struct gateway_call){.next = g->free};
    // generation 0 is left out, so that no call is number 0
    call->deadline = ((generation & UINT32_MAX) != 0 ? generation : 1) << 32 | slot;
    g->free = call;
    g->in_flight--;
}

void gateway__call_touch(struct gateway *g, struct gateway_call *call)
{
    calls_unlink(g, call);
    calls_append(g, call);
}

void gateway__calls_lost(struct gateway *g, enum link_room peer)
{
    struct gateway_problem problem = {.retry_after_s = GATEWAY_RETRY_AFTER_S};
    struct gateway_call *next = NULL;
    for (struct gateway_call *call = g->oldest; call != NULL; call = next) {
        next = call->next;
        if (call->id == 0) {
            next = g->oldest; // it went with the connection of the one before: start again
            continue;
        }
        if (peer == LINK_ROOM_EGRESS ? !call->needs_egress : call->streaming) {
            continue; // the other room still answers it
        }
        if (call->streaming) {
            call->x.error = FP_E_SERVICE_UNAVAILABLE;
            http_answer_break(g->server, call->x.handle);
            gateway__finish(g, &call->x);
        } else {
            enum fp_error error = calls_lost_as(call, FP_E_SERVICE_UNAVAILABLE);
            gateway__answer_error(g, &call->x, error, call->writes ? NULL : &problem);
        }
        gateway__call_release(g, call);
    }
}

void gateway__on_gone(void *ctx, uint64_t user)
{
    struct gateway *g = ctx;
    struct gateway_call *call = gateway__call_find(g, user);
    gateway__document_gone(g, user);
    if (call != NULL) {
        calls_tell_over(g, call);
        call->x.error = FP_E_CANCELLED;
        gateway__finish(g, &call->x);
        gateway__call_release(g, call);
    }
}

void gateway__on_drained(void *ctx, uint64_t user, size_t bytes)
{
    struct gateway *g = ctx;
    struct gateway_call *call = gateway__call_find(g, user);
    struct buf *out = room_out(g->room, LINK_ROOM_EGRESS);
    gateway__document_drained(g, user, bytes);
    if (call != NULL && call->streaming && out != NULL) {
        struct link_credit credit = {user, (uint32_t)bytes};
        gateway__call_touch(g, call);
        (void)link_put_credit(out, &credit);
    }
}

void gateway__calls_done(struct gateway *g)
{
    for (size_t i = 0; i < g->block_count; i++) {
        mem_free(g->blocks[i]);
    }
    g->block_count = 0;
}
