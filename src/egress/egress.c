// The egress room: the only one that may connect out. It obeys the vault alone: what was approved
// and recorded is what is sent. SPDX-License-Identifier: Apache-2.0
#include "egress/egress.h"

#include "base/log.h"
#include "base/mem.h"
#include "egress/egress_int.h"

#include <string.h>

#define SWEEP_MS 5000

static void log_note(const char *event, const struct fp_note *note)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, event);
    log_text_c(&line, "field", note->field);
    log_i64(&line, "line", note->line);
    log_i64(&line, "column", note->column);
    log_text_c(&line, "text", note->text);
    log_end(&line);
}

static void take_public_url(struct egress *e)
{
    struct bytes url = bytes_of_text(e->config->public_url);
    while (bytes_ends_with(url, BYTES("/"))) {
        url.len--;
    }
    (void)bytes_to_text(url, e->public_url, sizeof e->public_url);
}

// Before the sandbox: definitions, trusted certificates, the resolver's modules.
static enum fp_error egress_open(struct room *room, void **state_out)
{
    struct fp_note note = {0};
    struct client_settings settings = {.ca_file = room_config(room)->ca_file};
    struct egress *e = mem_alloc(1, sizeof *e);
    enum fp_error error = FP_E_NO_MEMORY;
    if (e == NULL) {
        return error;
    }
    e->room = room;
    e->loop = room_loop(room);
    e->config = room_config(room);
    take_public_url(e);
    error = networks_parse(bytes_of_text(e->config->networks), &e->networks, &note);
    if (error == FP_OK) {
        error = mapping_set_load(e->config->connectors_dir, &e->mappings, &note);
    }
    if (error == FP_OK) {
        error = client_create(e->loop, &settings, &e->client, &note);
    }
    if (error != FP_OK) {
        log_note("egress_not_opened", &note);
        mapping_set_free(e->mappings);
        mem_free(e);
        return error;
    }
    *state_out = e;
    return FP_OK;
}

static void on_sweep(uv_timer_t *timer)
{
    egress_session_sweep(timer->data, false);
}

static enum fp_error egress_start(void *state)
{
    struct egress *e = state;
    if (uv_timer_init(e->loop, &e->tick) != 0 || uv_timer_init(e->loop, &e->sweep) != 0) {
        return FP_E_INTERNAL;
    }
    e->handles = 2;
    e->tick.data = e;
    e->sweep.data = e;
    (void)uv_timer_start(&e->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    return FP_OK;
}

static void on_forget(struct egress *e, struct bytes body)
{
    struct link_forget in = {0};
    if (link_get_forget(body, &in) != FP_OK) {
        room_fail(e->room, "forget_invalid", FP_E_MESSAGE_INVALID);
    }
    egress_session_forget(e, in.connection);
    client_forget(e->client, in.connection);
}

static void on_stop(struct egress *e, struct bytes body)
{
    struct link_stop in = {0};
    if (link_get_stop(body, &in) != FP_OK) {
        room_fail(e->room, "stop_invalid", FP_E_MESSAGE_INVALID);
    }
    struct egress_call *call = egress_call_find(e, in.call);
    if (call != NULL) { // otherwise the answer and the message have crossed
        egress_call_drop(call);
    } else {
        (void)egress_notify_stop(e, in.call);
    }
}

static void on_noted(struct egress *e, struct bytes body)
{
    struct link_noted in = {0};
    if (link_get_noted(body, &in) != FP_OK) {
        room_fail(e->room, "noted_invalid", FP_E_MESSAGE_INVALID);
    }
    struct egress_call *call = egress_call_find(e, in.call);
    if (call != NULL) {
        egress_call_noted(call);
    }
}

static void on_credit(struct egress *e, struct bytes body)
{
    struct link_credit in = {0};
    if (link_get_credit(body, &in) != FP_OK) {
        room_fail(e->room, "credit_invalid", FP_E_MESSAGE_INVALID);
    }
    struct egress_call *call = egress_call_find(e, in.call);
    if (call != NULL && call->stage == CALL_ANSWERING && !call->verify) {
        call->unpaid -= in.amount < call->unpaid ? in.amount : call->unpaid;
        egress_answer_go_on(call);
    }
}

static void on_abandon(struct egress *e, struct bytes body)
{
    struct link_abandon in = {0};
    if (link_get_abandon(body, &in) != FP_OK) {
        room_fail(e->room, "abandon_invalid", FP_E_MESSAGE_INVALID);
    }
    struct egress_call *call = egress_call_find(e, in.call);
    if (call != NULL && !call->verify) {
        egress_call_abandon(call);
    }
}

static void egress_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    struct egress *e = state;
    static const struct {
        enum link_number number;                           // of the message
        void (*take)(struct egress *e, struct bytes body); // handler
    } handlers[] = {{LINK_EXECUTE, egress_on_execute},
                    {LINK_VERIFY, egress_on_verify},
                    {LINK_PLATFORMS_ASK, egress_on_platforms},
                    {LINK_NOTIFY, egress_on_notify},
                    {LINK_FORGET, on_forget},
                    {LINK_STOP, on_stop},
                    {LINK_NOTED, on_noted},
                    {LINK_CREDIT, on_credit},
                    {LINK_ABANDON, on_abandon}};
    (void)from; // link.def says who may send what; the link has checked it
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].number == frame->number) {
            handlers[i].take(e, frame->body);
            return;
        }
    }
}

static void egress_link_up(void *state, enum link_room peer)
{
    (void)state;
    (void)peer;
}

// The client must not wait for an answer that nobody records any more.
static void lose_vault(struct egress_call *call)
{
    if (call->verify || call->stage == CALL_ANSWERING) {
        if (call->verify) {
            egress_call_drop(call);
        }
        return;
    }
    if (call->stage == CALL_DECIDED) {
        egress_call_noted(call); // the source's verdict stands
        return;
    }
    egress_call_fail(call, FP_E_SERVICE_UNAVAILABLE, "A part of the server is being restarted.");
}

static void lose_gateway(struct egress_call *call)
{
    if (!call->verify) {
        egress_call_abandon(call);
    }
}

static void egress_link_down(void *state, enum link_room peer)
{
    struct egress *e = state;
    e->stopping = true;
    if (peer == LINK_ROOM_VAULT) {
        // What it revoked meanwhile is not known: nothing of a credential stays.
        egress_session_sweep(e, true);
        egress_notify_end(e);
        egress_calls_each(e, lose_vault);
    } else if (peer == LINK_ROOM_GATEWAY) {
        egress_calls_each(e, lose_gateway);
    }
    e->stopping = false;
}

static void egress_drain(void *state, unsigned within_ms)
{
    struct egress *e = state;
    (void)within_ms; // the room itself ends what takes longer
    e->draining = true;
    egress_notify_end(e);
    if (e->call_count == 0) {
        room_finished(e->room);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct egress *e = handle->data;
    if (--e->handles == 0) {
        mem_free(e);
    }
}

static void egress_close(void *state)
{
    struct egress *e = state;
    e->stopping = true;
    e->draining = false; // nobody waits for the last call any more
    egress_calls_each(e, egress_call_drop);
    egress_notify_end(e);
    egress_session_sweep(e, true);
    client_free(e->client);
    mapping_set_free(e->mappings);
    uv_close((uv_handle_t *)&e->tick, on_timer_closed);
    uv_close((uv_handle_t *)&e->sweep, on_timer_closed);
}

const struct room_ops *egress_room(void)
{
    static const struct room_ops ops = {.name = LINK_ROOM_EGRESS,
                                        .policy = SANDBOX_EGRESS,
                                        .open = egress_open,
                                        .start = egress_start,
                                        .frame = egress_frame,
                                        .link_up = egress_link_up,
                                        .link_down = egress_link_down,
                                        .drain = egress_drain,
                                        .close = egress_close};
    return &ops;
}
