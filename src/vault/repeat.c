// Changes with an Idempotency-Key: what was answered already is answered again; the others get a
// durable row before they go on, and leave it with their answer, or without a trace where nothing
// was changed. SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "model/model.h"
#include "registry/repeat.h"

#define REPEAT_GRACE_NS UINT64_C(10000000000) // the answer may come when nobody waits any more

// Before this moment nothing that is marked as running can be: we were not there, or it is over its
// time.
static int64_t repeat_alive_since(const struct vault *v, int64_t now_ms)
{
    int64_t longest = (int64_t)room_config(v->room)->call_timeout_ms +
                      (int64_t)(REPEAT_GRACE_NS / 1000000) + 60000;
    return v->began_ms > now_ms - longest ? v->began_ms : now_ms - longest;
}

static struct repeat_request repeat_request_of(const struct link_call *in)
{
    return (struct repeat_request){.key = in->idempotency_key,
                                   .operation = model_operation_at(in->operation)->id,
                                   .record = in->key,
                                   .subrecord = in->subkey,
                                   .query = in->query,
                                   .condition = in->condition,
                                   .body = in->body};
}

static void repeat_answer_again(struct call *call, const struct repeat *repeat)
{
    struct vault *v = call->vault;
    struct repeat_answer kept = {0};
    enum fp_error error = repeat_open(v->in.registry, repeat, v->arena, &kept);
    if (error == FP_E_NO_MEMORY || error == FP_E_STORE_UNAVAILABLE) {
        answer_error(call, error);
        return;
    }
    // an answer that does not open any more says as much as one that was lost
    struct answer answer = {.error = error == FP_OK ? kept.error : FP_E_OUTCOME_UNKNOWN,
                            .body = error == FP_OK ? kept.body : (struct bytes){0},
                            .detail = kept.detail,
                            .errors = kept.errors,
                            .etag = kept.etag,
                            .replayed = true,
                            .application = call->application,
                            .connection = call->connection};
    answer_call(call, &answer);
}

// The row is on disk, or not.
static void repeat_begun(void *ctx, enum fp_error result)
{
    struct call *call = ctx;
    if (call->listed && result == FP_OK) {
        call_audit(call);
    } else if (call->listed) {
        call->settled = true; // no row of ours is there
        answer_error(call,
                     result == FP_E_EXISTS ? FP_E_IDEMPOTENCY_IN_PROGRESS : FP_E_STORE_UNAVAILABLE);
    }
    call_returned(call);
}

void vault_repeat_start(struct call *call, const struct link_call *in,
                        const struct registry_identity *identity)
{
    struct vault *v = call->vault;
    struct repeat_request request = repeat_request_of(in);
    struct repeat found = {0};
    int64_t now_ms = clock_wall_ms();
    enum fp_error error = repeat_look(v->in.registry, &identity->connection, &request, now_ms,
                                      repeat_alive_since(v, now_ms), &found);
    if (error == FP_E_EXISTS) {
        repeat_answer_again(call, &found);
        return;
    }
    call->repeat = error == FP_OK ? mem_alloc(1, sizeof *call->repeat) : NULL;
    if (call->repeat == NULL) {
        answer_error(call, error != FP_OK ? error : FP_E_NO_MEMORY);
        return;
    }
    *call->repeat = found;
    call->deadline_ns += REPEAT_GRACE_NS;
    call->stage = CALL_RECORDING;
    call->pending++;
    if (repeat_begin(v->in.registry, call->repeat, repeat_begun, call) != FP_OK) {
        call->pending--;
        call->settled = true;
        answer_error(call, FP_E_STORE_UNAVAILABLE);
    }
}

void vault_repeat_end(struct call *call, bool changed)
{
    struct vault *v = call->vault;
    if (call->repeat == NULL || call->settled || v->closing || v->seal.closed) {
        return;
    }
    call->settled = true;
    if (changed) {
        repeat_lose(v->in.registry, call->repeat);
    } else {
        repeat_drop(v->in.registry, call->repeat);
    }
}

// The answer is on disk, or not: either way it may go out now.
static void repeat_kept(void *ctx, enum fp_error result)
{
    struct call *call = ctx;
    (void)result; // the row then stays marked as running: a repetition learns that it was lost
    outcome_noted(call->vault, call->number);
    call_returned(call);
}

void vault_on_keep(struct vault *v, const struct link_frame *frame)
{
    struct link_keep in = {0};
    struct call *call = NULL;
    struct repeat_answer answer = {0};
    if (link_get_keep(frame->body, &in) != FP_OK || !fp_error_known(in.error)) {
        vault_broken_rule(v, "KEEP");
    }
    call = call_find(v, in.call);
    if (call == NULL || call->stage != CALL_AT_EGRESS || call->repeat == NULL || call->settled) {
        outcome_noted(v, in.call); // over its time, or of a call before this room was restarted
        return;
    }
    answer = (struct repeat_answer){.error = (enum fp_error)in.error,
                                    .body = in.body,
                                    .detail = in.detail,
                                    .errors = in.errors,
                                    .etag = in.etag};
    call->settled = true;
    call->pending++;
    if (repeat_keep(v->in.registry, call->repeat, &answer, repeat_kept, call) != FP_OK) {
        call->pending--;
        call->settled = false; // the OUTCOME that follows marks it as lost
        outcome_noted(v, in.call);
    }
}
