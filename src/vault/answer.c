// Answers, to the gateway or to a command line.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/log.h"

#define RETRY_AFTER_S  2  // of our own 503s: a room restarts, a disk recovers
#define SEALED_AFTER_S 30 // a person comes to unseal

static uint32_t answer_retry_after(enum fp_error error)
{
    if (error == FP_E_SEALED) {
        return SEALED_AFTER_S;
    }
    return fp_error_row(error)->status == 503 ? RETRY_AFTER_S : 0;
}

static void answer_log_lost(const struct answer *answer)
{
    struct log_line line;
    log_begin(&line, LOG_WARNING, "answer_lost");
    log_text_c(&line, "connection", answer->connection);
    log_text_c(&line, "code", fp_error_code(answer->error));
    log_end(&line);
}

void answer_gateway(struct vault *v, uint64_t number, const struct answer *answer)
{
    struct buf *gateway = room_out(v->room, LINK_ROOM_GATEWAY);
    struct link_answer out = {.call = number,
                              .error = (uint16_t)answer->error,
                              .detail = answer->detail,
                              .errors = answer->errors,
                              .retry_after_s = answer_retry_after(answer->error),
                              .application = bytes_of_text(answer->application),
                              .connection = bytes_of_text(answer->connection),
                              .replayed = answer->replayed ? 1 : 0,
                              .etag = answer->etag,
                              .body = answer->body};
    if (gateway != NULL && link_put_answer(gateway, &out) != FP_OK) {
        answer_log_lost(answer); // the queue is full: the gateway's deadline answers
    }
}

void answer_call(struct call *call, const struct answer *answer)
{
    if (call->listed) {
        if (call->console) {
            console_answer(call, answer);
        } else if (call->peer != NULL) {
            control_answer(call, answer);
        } else if ((call->number & VAULT_OWN_CALL) == 0) {
            answer_gateway(call->vault, call->number, answer);
        }
        call_abandon(call);
    }
}

void answer_error(struct call *call, enum fp_error error)
{
    struct answer answer = {
        .error = error, .application = call->application, .connection = call->connection};
    answer_call(call, &answer);
}

void answer_registry(void *ctx, const struct registry_result *result)
{
    struct call *call = ctx;
    struct answer answer = {
        .error = result->error,
        .body = result->body,
        .detail = result->detail,
        .errors = result->errors,
        .application = result->application[0] != '\0' ? result->application : call->application,
        .connection = result->connection[0] != '\0' ? result->connection : call->connection};
    if (call->listed) {
        answer_call(call, &answer);
    }
    call_returned(call);
}

_Noreturn void vault_broken_rule(const struct vault *v, const char *what)
{
    room_fail(v->room, what, FP_E_MESSAGE_INVALID);
}
