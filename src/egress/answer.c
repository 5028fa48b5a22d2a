// What egress tells the other rooms: how a call went (vault), the answer in pieces with credit
// (gateway), the verdict about a credential (vault).
// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"
#include "base/log.h"
#include "egress/egress_int.h"

#define TICK_MS 20

static void on_tick(uv_timer_t *timer)
{
    struct egress *e = timer->data;
    struct egress_call *blocked = e->blocked;
    e->blocked = NULL;
    egress_source_resume(e);
    while (blocked != NULL) {
        struct egress_call *next = blocked->next_blocked;
        blocked->blocked = false;
        egress_answer_go_on(blocked);
        blocked = next;
    }
    if (e->delayed == NULL && e->blocked == NULL) {
        (void)uv_timer_stop(timer);
    }
}

void egress_tick_start(struct egress *e)
{
    if (!uv_is_active((const uv_handle_t *)&e->tick)) {
        (void)uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
    }
}

static struct bytes evidence(const struct egress_call *call, struct buf *out)
{
    struct json_out json = json_out_start(out);
    json_begin_object(&json);
    json_member_i64(&json, "source_status", call->source_status);
    json_member_i64(&json, "calls", call->requests);
    json_member_i64(&json, "attempts", call->attempts);
    json_member_i64(&json, "repeated", call->retries);
    json_member_bool(&json, "logged_in", call->logged_in);
    if (call->address[0] != '\0') {
        json_member_text_c(&json, "address", call->address);
    }
    if (call->note.text[0] != '\0') {
        json_member_text_c(&json, "note", call->note.text);
    }
    json_end_object(&json);
    return buf_error(out) == FP_OK ? buf_bytes(out) : (struct bytes){NULL, 0};
}

// A text that the link does not take whole is better left out than cut.
static struct bytes fitting(struct bytes text, size_t most)
{
    return text.len <= most ? text : (struct bytes){NULL, 0};
}

// Whether the source has changed something, or may have. A call that was cut off may have, too.
static bool has_changed(const struct egress_call *call)
{
    const struct driver_call *work = &call->work;
    enum fp_error error = call->verdict.error;
    if (call->verify || work->operation == NULL || !work->operation->write ||
        (work->query != NULL && work->query->validate_only)) {
        return false;
    }
    return error == FP_OK || error == FP_E_OUTCOME_UNKNOWN || error == FP_E_WRITTEN_UNREAD ||
           error == FP_E_CANCELLED;
}

bool egress_answer_keep(struct egress_call *call)
{
    struct buf *out = room_out(call->egress->room, LINK_ROOM_VAULT);
    bool large = call->body.len > FP_LIMIT_REPLAY_ANSWER;
    if (out == NULL || !call->keep || !has_changed(call)) {
        return false;
    }
    struct link_keep keep = {.call = call->number,
                             .error = (uint16_t)(large ? FP_E_WRITTEN_UNREAD : call->verdict.error),
                             .detail = fitting(call->verdict.detail, 8192),
                             .errors = fitting(call->verdict.errors, 8192),
                             .etag = large ? (struct bytes){NULL, 0} : call->verdict.etag,
                             .body = large ? (struct bytes){NULL, 0} : buf_bytes(&call->body)};
    return link_put_keep(out, &keep) == FP_OK;
}

void egress_answer_outcome(struct egress_call *call)
{
    struct buf *out = room_out(call->egress->room, LINK_ROOM_VAULT);
    struct buf detail;
    if (out == NULL || call->verify) {
        return;
    }
    buf_init(&detail, 1024);
    struct link_outcome outcome = {.call = call->number,
                                   .connection = call->connection,
                                   .credential_version = call->version,
                                   .error = (uint16_t)call->verdict.error,
                                   .changed = has_changed(call) ? 1 : 0,
                                   .source_status = (uint16_t)call->source_status,
                                   .source_ms = call->source_ms,
                                   .detail = evidence(call, &detail)};
    if (link_put_outcome(out, &outcome) != FP_OK) {
        log_event(LOG_ERROR, "outcome_lost", "The link to the vault is full.");
    }
    buf_done(&detail);
}

void egress_answer_unverified(struct egress *e, uint64_t call, enum fp_error error)
{
    struct buf *out = room_out(e->room, LINK_ROOM_VAULT);
    struct link_verified verified = {.call = call, .error = (uint16_t)error};
    if (out != NULL && link_put_verified(out, &verified) != FP_OK) {
        log_event(LOG_ERROR, "verified_lost", "The link to the vault is full.");
    }
}

static void answer_verified(struct egress_call *call)
{
    struct buf *out = room_out(call->egress->room, LINK_ROOM_VAULT);
    struct link_verified verified = {.call = call->number,
                                     .error = (uint16_t)call->verdict.error,
                                     .detail = call->verdict.detail,
                                     .errors = call->verdict.errors,
                                     .account = bytes_slice(call->verdict.account, 0, 256)};
    if (out != NULL && link_put_verified(out, &verified) != FP_OK) {
        log_event(LOG_ERROR, "verified_lost", "The link to the vault is full.");
    }
    egress_call_drop(call);
}

// The next piece of the body that credit allows.
static struct bytes next_piece(const struct egress_call *call)
{
    size_t left = call->body.len - call->body_at;
    size_t credit = FP_LIMIT_LINK_CREDIT - call->unpaid;
    size_t most = left < credit ? left : credit;
    return bytes_slice(buf_bytes(&call->body), call->body_at,
                       most < FP_LIMIT_LINK_CHUNK ? most : FP_LIMIT_LINK_CHUNK);
}

static void paid_out(struct egress_call *call, struct bytes piece)
{
    call->body_at += piece.len;
    call->unpaid += piece.len;
}

static enum fp_error send_head(struct egress_call *call, struct buf *out)
{
    struct bytes piece = next_piece(call);
    bool whole = piece.len == call->body.len;
    struct link_response response = {.call = call->number,
                                     .error = (uint16_t)call->verdict.error,
                                     .detail = fitting(call->verdict.detail, 8192),
                                     .errors = fitting(call->verdict.errors, 8192),
                                     .retry_after_s = call->verdict.retry_after_s,
                                     .application = call->application,
                                     .connection = call->connection,
                                     .platform = call->platform,
                                     .source_ms = call->source_ms,
                                     .source_calls = (uint16_t)call->requests,
                                     .etag = call->verdict.etag,
                                     .unchanged = call->verdict.unchanged ? 1 : 0,
                                     .last = whole ? 1 : 0,
                                     .body = piece};
    enum fp_error error = link_put_response(out, &response);
    if (error == FP_OK) {
        call->answered = true;
        paid_out(call, piece);
    }
    return error;
}

static enum fp_error send_piece(struct egress_call *call, struct buf *out)
{
    struct bytes piece = next_piece(call);
    struct link_body body = {.call = call->number,
                             .last = call->body_at + piece.len == call->body.len ? 1 : 0,
                             .body = piece};
    enum fp_error error = link_put_body(out, &body);
    if (error == FP_OK) {
        paid_out(call, piece);
    }
    return error;
}

static void block(struct egress_call *call)
{
    if (!call->blocked) {
        call->blocked = true;
        call->next_blocked = call->egress->blocked;
        call->egress->blocked = call;
    }
    egress_tick_start(call->egress);
}

void egress_answer_go_on(struct egress_call *call)
{
    struct buf *out = room_out(call->egress->room, LINK_ROOM_GATEWAY);
    enum fp_error error = FP_OK;
    if (out == NULL) {
        egress_call_drop(call);
        return;
    }
    if (!call->answered) {
        error = send_head(call, out);
    }
    while (error == FP_OK && call->body_at < call->body.len &&
           call->unpaid < FP_LIMIT_LINK_CREDIT) {
        error = send_piece(call, out);
    }
    if (error != FP_OK) {
        block(call);
    } else if (call->body_at == call->body.len) {
        egress_call_drop(call);
    }
}

void egress_answer_begin(struct egress_call *call)
{
    call->stage = CALL_ANSWERING;
    if (call->verify) {
        answer_verified(call);
    } else {
        egress_answer_go_on(call);
    }
}

void egress_answer_refuse(struct egress *e, const struct link_execute *in, enum fp_error error)
{
    struct buf *gateway = room_out(e->room, LINK_ROOM_GATEWAY);
    struct buf *vault = room_out(e->room, LINK_ROOM_VAULT);
    struct link_response response = {.call = in->call,
                                     .error = (uint16_t)error,
                                     .retry_after_s = fp_error_row(error)->status == 503 ? 5 : 0,
                                     .application = in->application,
                                     .connection = in->connection,
                                     .platform = in->platform,
                                     .last = 1};
    struct link_outcome outcome = {.call = in->call,
                                   .connection = in->connection,
                                   .credential_version = in->credential_version,
                                   .error = (uint16_t)error};
    if (vault != NULL && link_put_outcome(vault, &outcome) != FP_OK) {
        log_event(LOG_ERROR, "outcome_lost", "The link to the vault is full.");
    }
    if (gateway != NULL && link_put_response(gateway, &response) != FP_OK) {
        log_event(LOG_ERROR, "response_lost", "The link to the gateway is full.");
    }
}
