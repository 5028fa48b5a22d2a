// What calls showed about their connections.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "registry/connections.h"

void outcome_noted(struct vault *v, uint64_t number)
{
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_noted out = {number};
    if (egress != NULL && link_put_noted(egress, &out) != FP_OK) {
        log_event(LOG_WARNING, "noted_lost", "The link to egress is full.");
    }
}

static void outcome_written(void *ctx, const struct registry_result *result)
{
    struct call *call = ctx;
    struct vault *v = call->vault;
    if (result->connection[0] != '\0' || result->error != FP_OK) {
        struct log_line line;
        log_begin(&line, result->error == FP_OK ? LOG_INFO : LOG_WARNING, "connection_state");
        log_text_c(&line, "connection", call->connection);
        log_text_c(&line, "request_id", call->request_id);
        log_text_c(&line, "code", fp_error_code(result->error));
        log_bool(&line, "credentials_rejected", call->rejected);
        log_end(&line);
    }
    if (call->rejected) {
        // also where it could not be written: the answer must not wait for ever
        outcome_noted(v, call->number);
    }
    if (call->listed) {
        call_abandon(call);
    }
    call_returned(call);
}

static void outcome_judge(struct call *call, const struct link_outcome *in,
                          enum connection_event_kind kind)
{
    struct registry_caller caller = {.actor = AUDIT_BY_SYSTEM,
                                     .request_id = bytes_of_text(call->request_id),
                                     .application = bytes_of_text(call->application)};
    struct connection_news news = {.connection = in->connection,
                                   .kind = kind,
                                   .credential_version = in->credential_version,
                                   .detail = in->detail};
    call->stage = CALL_JUDGING;
    call->rejected = kind == CONNECTION_EVENT_REJECTED;
    call->pending++;
    registry_connection_news(call->vault->in.registry, &caller, &news, outcome_written, call);
}

// Whether the news is none: the connection was in that state already when the call began.
static bool outcome_is_old(const struct call *call, enum connection_event_kind kind)
{
    return (kind == CONNECTION_EVENT_ANSWERED && call->state == CONNECTION_ACTIVE) ||
           (kind == CONNECTION_EVENT_UNREACHABLE && call->state == CONNECTION_UNREACHABLE);
}

void vault_on_outcome(struct vault *v, const struct link_frame *frame)
{
    struct link_outcome in = {0};
    struct call *call = NULL;
    enum connection_event_kind kind = CONNECTION_EVENT_COUNT;
    bool news = false;
    if (link_get_outcome(frame->body, &in) != FP_OK || !fp_error_known(in.error)) {
        vault_broken_rule(v, "OUTCOME");
    }
    call = call_find(v, in.call);
    news = connection_event_of_outcome((enum fp_error)in.error, &kind);
    if (call == NULL || call->stage != CALL_AT_EGRESS ||
        !bytes_equal_text(in.connection, call->connection) ||
        in.credential_version != call->credential_version) {
        // cancelled, out of time, or of a call before the gateway was restarted
        if (kind == CONNECTION_EVENT_REJECTED) {
            outcome_noted(v, in.call);
        }
        return;
    }
    vault_repeat_end(call, in.changed != 0);
    if (kind == CONNECTION_EVENT_ANSWERED) {
        registry_note_use(v->in.registry, call->connection, clock_wall_ms());
    }
    if (news && !outcome_is_old(call, kind)) {
        outcome_judge(call, &in, kind);
    } else {
        call_abandon(call);
    }
}
