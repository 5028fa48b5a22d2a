// Requests to the source: several at once, in the time of the call, repeated only where that is
// safe and never after a 401. SPDX-License-Identifier: Apache-2.0
#include "egress/egress_int.h"

static uint64_t remaining_ms(const struct egress_call *call)
{
    uint64_t now = uv_now(call->egress->loop);
    return call->deadline_ms > now ? call->deadline_ms - now : 1;
}

static uint32_t shorter(uint32_t wish, uint32_t standard, uint64_t remaining)
{
    uint64_t ms = wish != 0 ? wish : standard;
    return (uint32_t)(ms < remaining ? ms : remaining);
}

static void busy_begin(struct egress_call *call)
{
    if (call->under_way++ == 0) {
        call->busy_since_ms = uv_now(call->egress->loop);
    }
}

static void busy_end(struct egress_call *call)
{
    if (--call->under_way == 0) {
        call->source_ms += (uint32_t)(uv_now(call->egress->loop) - call->busy_since_ms);
    }
}

static void delayed_remove(struct egress_sent *sent)
{
    struct egress_sent **at = &sent->call->egress->delayed;
    while (*at != NULL && *at != sent) {
        at = &(*at)->next;
    }
    if (*at == sent) {
        *at = sent->next;
    }
}

static void slot_free(struct egress_sent *sent)
{
    busy_end(sent->call);
    *sent = (struct egress_sent){0};
}

void egress_source_cancel(struct egress_call *call)
{
    for (size_t i = 0; i < FP_LIMIT_SOURCE_CALLS_AT_ONCE; i++) {
        struct egress_sent *sent = &call->sent[i];
        if (sent->call != NULL) {
            delayed_remove(sent);
            client_cancel(sent->client);
            slot_free(sent);
        }
    }
}

// Whether the source asks for more patience than a call has.
static bool wants_long_wait(const struct client_answer *answer)
{
    struct bytes value = {0};
    uint64_t seconds = 0;
    return client_answer_header(answer, "retry-after", &value) &&
           (!bytes_to_u64(value, UINT32_MAX, &seconds) || seconds > FP_LIMIT_SOURCE_RETRY_AFTER);
}

static bool worth_repeating(const struct egress_sent *sent, const struct client_answer *answer)
{
    if (!sent->request.safe_to_repeat || sent->tries >= FP_LIMIT_SOURCE_RETRIES) {
        return false;
    }
    if (answer->error == FP_OK) {
        return (answer->status == 502 || answer->status == 503 || answer->status == 504) &&
               !wants_long_wait(answer);
    }
    return answer->error == FP_E_SOURCE_UNREACHABLE && answer->sent; // closed before an answer
}

// false: no time left for it.
static bool repeat_later(struct egress_sent *sent)
{
    struct egress *e = sent->call->egress;
    uint64_t pause = (uint64_t)FP_LIMIT_SOURCE_RETRY_PAUSE << (2 * sent->tries);
    if (remaining_ms(sent->call) <= 2 * pause) {
        return false;
    }
    sent->tries++;
    sent->call->retries++;
    sent->due_ms = uv_now(e->loop) + pause;
    sent->next = e->delayed;
    e->delayed = sent;
    egress_tick_start(e);
    return true;
}

static void feed(struct egress_sent *sent, struct client_answer *answer)
{
    struct egress_call *call = sent->call;
    unsigned number = sent->number;
    if (answer->error != FP_OK) {
        call->note = answer->note;
    }
    driver_feed(call->run, number, answer);
    slot_free(sent);
}

static void on_answer(void *ctx, struct client_answer *answer)
{
    struct egress_sent *sent = ctx;
    struct egress_call *call = sent->call;
    sent->client = NULL;
    call->attempts += answer->attempts;
    call->source_status = answer->status;
    if (answer->address[0] != '\0') {
        (void)bytes_to_text(bytes_of_text(answer->address), call->address, sizeof call->address);
    }
    if (worth_repeating(sent, answer) && repeat_later(sent)) {
        return;
    }
    feed(sent, answer);
    egress_call_pump(call);
}

// FP_OK, or the answer that the run gets instead of one.
static enum fp_error send_request(struct egress_sent *sent, struct fp_note *note)
{
    struct egress_call *call = sent->call;
    struct client_policy policy = {call->connection, &call->networks};
    struct client_begin begin = {&sent->request, &policy, on_answer, sent};
    const struct config *config = call->egress->config;
    uint64_t remaining = remaining_ms(call);
    struct client_request *request = &sent->request;
    request->timeout_ms = shorter(request->timeout_ms, config->source_timeout_ms, remaining);
    request->connect_timeout_ms =
        shorter(request->connect_timeout_ms, config->source_connect_timeout_ms, remaining);
    if (request->max_answer == 0 || request->max_answer > config->source_answer_limit) {
        request->max_answer = config->source_answer_limit;
    }
    return client_send(call->egress->client, &begin, &sent->client, note);
}

static void answer_without_sending(struct egress_sent *sent, enum fp_error error,
                                   const struct fp_note *note)
{
    struct client_answer answer = {.error = error, .note = *note};
    if (error == FP_E_LIMIT_EXCEEDED) {
        answer.error = FP_E_SERVICE_UNAVAILABLE;
    }
    feed(sent, &answer);
}

static struct egress_sent *slot_take(struct egress_call *call)
{
    for (size_t i = 0; i < FP_LIMIT_SOURCE_CALLS_AT_ONCE; i++) {
        if (call->sent[i].call == NULL) {
            return &call->sent[i];
        }
    }
    return NULL;
}

bool egress_source_send(struct egress_call *call)
{
    struct client_request request = {0};
    struct fp_note note = {0};
    unsigned number = 0;
    struct egress_sent *sent = slot_take(call);
    if (sent == NULL || !driver_next(call->run, &number, &request)) {
        return false;
    }
    if (call->requests == FP_LIMIT_SOURCE_CALLS_PER_CALL) {
        egress_call_fail(call, FP_E_SOURCE_ANSWER_TOO_LARGE,
                         "This needs more calls to the source system than one request may make.");
        return false;
    }
    *sent = (struct egress_sent){.call = call, .request = request, .number = number};
    call->requests++;
    busy_begin(call);
    enum fp_error error = send_request(sent, &note);
    if (error != FP_OK) {
        answer_without_sending(sent, error, &note);
    }
    return true;
}

// One at a time: going on with one call may cancel others. false: none is due.
static bool resume_one(struct egress *e)
{
    uint64_t now = uv_now(e->loop);
    struct fp_note note = {0};
    struct egress_sent **at = &e->delayed;
    while (*at != NULL && (*at)->due_ms > now) {
        at = &(*at)->next;
    }
    struct egress_sent *due = *at;
    if (due == NULL) {
        return false;
    }
    struct egress_call *call = due->call;
    *at = due->next;
    due->next = NULL;
    enum fp_error error = send_request(due, &note);
    if (error != FP_OK) {
        answer_without_sending(due, error, &note);
        egress_call_pump(call);
    }
    return true;
}

void egress_source_resume(struct egress *e)
{
    while (resume_one(e)) {
    }
}
