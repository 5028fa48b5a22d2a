// The life of a call in egress: its run goes on until it is done or the time is over, then the call
// is decided once, answered, and dropped. SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "egress/egress_int.h"

#include <string.h>

#define CALL_ARENA (4u * 1024 * 1024) // a message and what is decided from it

struct egress_call *egress_call_find(struct egress *e, uint64_t number)
{
    struct egress_call *call = e->calls[number % EGRESS_BUCKETS];
    while (call != NULL && call->number != number) {
        call = call->next;
    }
    return call;
}

struct egress_call *egress_call_create(struct egress *e, uint64_t number)
{
    struct egress_call *call = mem_alloc(1, sizeof *call);
    struct egress_call **bucket = &e->calls[number % EGRESS_BUCKETS];
    if (call == NULL) {
        return NULL;
    }
    call->arena = arena_create(CALL_ARENA, true);
    if (call->arena == NULL) {
        mem_free(call);
        return NULL;
    }
    call->egress = e;
    call->number = number;
    (void)uv_timer_init(e->loop, &call->timer);
    call->timer.data = call;
    call->next = *bucket;
    *bucket = call;
    e->call_count++;
    return call;
}

static void on_closed(uv_handle_t *handle)
{
    struct egress_call *call = handle->data;
    mem_wipe(call, sizeof *call);
    mem_free(call);
}

static void unblock(struct egress_call *call)
{
    struct egress_call **at = &call->egress->blocked;
    while (call->blocked && *at != call) {
        at = &(*at)->next_blocked;
    }
    if (call->blocked) {
        *at = call->next_blocked;
        call->blocked = false;
    }
}

void egress_call_drop(struct egress_call *call)
{
    struct egress *e = call->egress;
    struct egress_call **at = &e->calls[call->number % EGRESS_BUCKETS];
    while (*at != call) {
        at = &(*at)->next;
    }
    *at = call->next;
    e->call_count--;
    call->stage = CALL_GONE;
    unblock(call);
    egress_source_cancel(call);
    egress_session_leave(call, NULL);
    driver_free(call->run);
    call->run = NULL;
    buf_done(&call->body);
    arena_free(call->arena);
    call->arena = NULL;
    (void)uv_timer_stop(&call->timer);
    uv_close((uv_handle_t *)&call->timer, on_closed);
    if (e->draining && e->call_count == 0) {
        room_finished(e->room);
    }
}

void egress_calls_each(struct egress *e, void (*each)(struct egress_call *call))
{
    for (size_t i = 0; i < EGRESS_BUCKETS; i++) {
        struct egress_call *call = e->calls[i];
        while (call != NULL) {
            struct egress_call *next = call->next; // stays readable until the loop's next turn
            if (call->stage != CALL_GONE) {
                each(call);
            }
            call = next;
        }
    }
}

static void take_result(struct egress_call *call)
{
    const struct driver_result *result = driver_result(call->run);
    struct egress_verdict verdict = {.error = result->error,
                                     .detail = result->detail,
                                     .errors = result->errors,
                                     .body = result->body,
                                     .etag = result->etag,
                                     .unchanged = result->unchanged,
                                     .account = result->account,
                                     .retry_after_s = result->retry_after_s};
    if (result->source_status != 0) {
        call->source_status = result->source_status;
    }
    egress_call_decide(call, &verdict);
}

static void on_deadline(uv_timer_t *timer)
{
    struct egress_call *call = timer->data;
    const char *reason = call->stage == CALL_WAITING
                             ? "Another call's log-in did not end in time."
                             : "The source system did not answer within the time of the call.";
    egress_session_leave(call, NULL); // others must not suffer for this call's short time
    if (call->run != NULL && driver_give_up_write(call->run, reason)) {
        take_result(call);
    } else {
        egress_call_fail(call, FP_E_SOURCE_TIMEOUT, reason);
    }
}

void egress_call_begin(struct egress_call *call, uint32_t deadline_ms)
{
    enum fp_error error = FP_OK;
    uint64_t most = deadline_ms < FP_LIMIT_CALL_DEADLINE ? deadline_ms : FP_LIMIT_CALL_DEADLINE;
    call->deadline_ms = uv_now(call->egress->loop) + most;
    (void)uv_timer_start(&call->timer, on_deadline, most, 0);
    error = driver_start(&call->work, &call->run);
    if (error != FP_OK) {
        egress_call_fail(call, error, "The call could not be begun.");
        return;
    }
    egress_call_pump(call);
}

// true: the run goes on.
static bool take_session(struct egress_call *call)
{
    struct bytes session = {0};
    struct egress_verdict verdict = {.error = FP_E_CREDENTIALS_REJECTED};
    switch (egress_session_ask(call, &session)) {
    case WAY_LOG_IN:
        driver_log_in(call->run);
        return true;
    case WAY_USE:
        driver_use_session(call->run, session);
        return true;
    case WAY_WAIT:
        call->stage = CALL_WAITING;
        return false;
    case WAY_REJECTED:
        verdict.detail = BYTES("{\"reason\":\"The source system has just rejected these "
                               "credentials; they were not tried again.\"}");
        egress_call_decide(call, &verdict);
        return false;
    }
    return false;
}

void egress_call_pump(struct egress_call *call)
{
    while (call->stage == CALL_RUNNING) {
        struct bytes session = driver_session(call->run);
        if (session.len != 0) {
            egress_session_gained(call, session);
        }
        if (driver_is_done(call->run)) {
            take_result(call);
        } else if (driver_needs_session(call->run)) {
            if (!take_session(call)) {
                return;
            }
        } else if (!egress_source_send(call)) {
            if (call->under_way == 0 && call->stage == CALL_RUNNING) {
                egress_call_fail(call, FP_E_INTERNAL, "The call stands still.");
            }
            return;
        }
    }
}

// Whether those who wait for this call's log-in would meet the same.
static bool is_shared_fate(enum fp_error error)
{
    const char *type = fp_error_row(error)->type;
    return error != FP_OK && (strcmp(type, "source") == 0 || strcmp(type, "authentication") == 0);
}

static struct bytes keep(struct egress_call *call, struct bytes text)
{
    struct bytes copy = arena_copy(call->arena, text);
    return copy.ptr != NULL ? copy : (struct bytes){NULL, 0};
}

static void log_failure(const struct egress_call *call)
{
    struct log_line line;
    enum fp_error error = call->verdict.error;
    const char *type = fp_error_row(error)->type;
    bool ours = strcmp(type, "server") == 0;
    if (error == FP_OK || (!ours && strcmp(type, "source") != 0 && call->requests == 0)) {
        return;
    }
    log_begin(&line, ours ? LOG_ERROR : LOG_WARNING, "source_call_failed");
    log_text(&line, "request_id", call->request_id);
    log_text(&line, "connection", call->connection);
    log_text(&line, "platform", call->platform);
    log_text_c(&line, "code", fp_error_code(error));
    log_i64(&line, "source_status", call->source_status);
    log_text_c(&line, "address", call->address);
    log_text_c(&line, "text", call->note.text);
    log_end(&line);
}

static void on_noted_timeout(uv_timer_t *timer)
{
    struct egress_call *call = timer->data;
    log_event(LOG_WARNING, "noted_timeout", "The vault did not confirm a verdict in time.");
    egress_call_noted(call);
}

void egress_call_decide(struct egress_call *call, const struct egress_verdict *verdict)
{
    if (call->stage != CALL_RUNNING && call->stage != CALL_WAITING) {
        return;
    }
    call->stage = CALL_DECIDED;
    call->verdict =
        (struct egress_verdict){.error = verdict->error, .retry_after_s = verdict->retry_after_s};
    call->verdict.detail = keep(call, verdict->detail);
    call->verdict.errors = keep(call, verdict->errors);
    call->verdict.account = keep(call, verdict->account);
    call->verdict.etag = keep(call, verdict->etag);
    call->verdict.unchanged = verdict->unchanged;
    egress_source_cancel(call);
    (void)uv_timer_stop(&call->timer);
    if (verdict->error == FP_OK) {
        buf_init(&call->body, verdict->body.len + 1);
        buf_append_bytes(&call->body, verdict->body);
        if (buf_error(&call->body) != FP_OK) {
            call->verdict.error = FP_E_NO_MEMORY;
        }
    }
    // The verdict's texts may lie in the run: nothing of it is needed from here on.
    egress_session_leave(call, is_shared_fate(call->verdict.error) ? &call->verdict : NULL);
    driver_free(call->run);
    call->run = NULL;
    log_failure(call);
    bool kept = egress_answer_keep(call);
    egress_answer_outcome(call);
    if (kept || (!call->verify && call->connection.len != 0 &&
                 call->verdict.error == FP_E_CREDENTIALS_REJECTED)) {
        (void)uv_timer_start(&call->timer, on_noted_timeout, FP_LIMIT_NOTED_TIMEOUT, 0);
        return;
    }
    egress_answer_begin(call);
}

void egress_call_noted(struct egress_call *call)
{
    if (call->stage == CALL_DECIDED) {
        (void)uv_timer_stop(&call->timer);
        egress_answer_begin(call);
    }
}

void egress_call_fail(struct egress_call *call, enum fp_error error, const char *reason)
{
    struct buf detail;
    struct json_out json;
    buf_init(&detail, 1024);
    json = json_out_start(&detail);
    json_begin_object(&json);
    json_member_text_c(&json, "reason", reason);
    json_end_object(&json);
    struct egress_verdict verdict = {.error = error, .detail = buf_bytes(&detail)};
    if (fp_error_row(error)->status == 503) {
        verdict.retry_after_s = 5;
    }
    egress_call_decide(call, &verdict);
    buf_done(&detail);
}

void egress_call_abandon(struct egress_call *call)
{
    if (call->stage == CALL_RUNNING || call->stage == CALL_WAITING) {
        call->verdict = (struct egress_verdict){.error = FP_E_CANCELLED};
        egress_answer_outcome(call);
    }
    egress_call_drop(call);
}
