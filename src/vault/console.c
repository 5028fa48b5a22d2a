// The dashboard's questions: judged first, then answered by the registry. What takes a while (the
// hash of a password, a search through the audit log) is done by a thread in between; the question
// waits in the table of calls.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/audit_find.h"
#include "registry/control.h"
#include "registry/sign_in.h"

#define CONSOLE_FOUND 1048576 // bytes of what a search finds
#define CONSOLE_RETRY 2       // seconds

// One piece of work for the thread, which sees nothing but this.
struct console_work {
    struct work work;                 // first: see base/worker.h
    struct call *call;                // held by us
    bool finds;                       // a search; else a password
    struct console_password password; // to be made or compared
    struct audit_find find;           // what to look for
    struct buf found;                 // what came out
    char dir[CONFIG_PATH];            // of the log
};

struct console_reply {
    uint64_t number;        // of the console's call
    enum fp_error error;    // FP_OK: body
    struct bytes body;      // JSON
    struct bytes detail;    // JSON object or empty
    struct bytes errors;    // JSON array or empty
    unsigned retry_after_s; // 0: none
    unsigned cookie;        // enum console_cookie
    struct bytes session;   // of a new cookie
};

static void console_reply(struct vault *v, const struct console_reply *reply)
{
    struct buf *console = room_out(v->room, LINK_ROOM_CONSOLE);
    struct link_console_answer out = {.call = reply->number,
                                      .error = (uint16_t)reply->error,
                                      .detail = reply->detail,
                                      .errors = reply->errors,
                                      .retry_after_s = reply->retry_after_s,
                                      .cookie = (uint8_t)reply->cookie,
                                      .session = reply->session,
                                      .body = reply->body};
    if (reply->error != FP_OK && out.retry_after_s == 0 &&
        fp_error_row(reply->error)->status == 503) {
        out.retry_after_s = CONSOLE_RETRY;
    }
    if (console != NULL && link_put_console_answer(console, &out) != FP_OK) {
        log_event(LOG_WARNING, "console_answer_lost", NULL); // its deadline answers
    }
}

void console_answer(struct call *call, const struct answer *answer)
{
    console_reply(call->vault, &(struct console_reply){.number = call->peer_call,
                                                       .error = answer->error,
                                                       .body = answer->body,
                                                       .detail = answer->detail,
                                                       .errors = answer->errors});
}

// registry_done: ctx is the call.
static void console_on_result(void *ctx, const struct registry_result *result)
{
    struct call *call = ctx;
    if (call->listed) {
        console_reply(call->vault, &(struct console_reply){.number = call->peer_call,
                                                           .error = result->error,
                                                           .body = result->body,
                                                           .detail = result->detail,
                                                           .errors = result->errors,
                                                           .cookie = result->cookie,
                                                           .session = result->session});
        call_abandon(call);
    }
    call_returned(call);
}

static struct console_question console_question_of(const struct link_console_call *in)
{
    return (struct console_question){.action = (enum console_action)in->action,
                                     .session = in->session,
                                     .key = in->key,
                                     .reason = in->reason,
                                     .form = in->form,
                                     .request_id = in->request_id,
                                     .address = in->address};
}

// ------------------------------------------------------------------------------------- the thread

static void work_run(void *ctx, struct work *list)
{
    struct console_work *w = (struct console_work *)list;
    (void)ctx;
    if (w->finds) {
        list->result = audit_find_run(w->dir, &w->find, &w->found);
    } else if (w->password.make) {
        list->result = password_make(secret_bytes(&w->password.text), w->password.made);
    } else {
        list->result =
            password_check(w->password.stored, secret_bytes(&w->password.text), &w->password.right);
    }
}

static void work_free(struct console_work *w)
{
    console_password_done(&w->password);
    buf_done(&w->found);
    mem_free(w);
}

static void work_done(void *ctx, struct work *work)
{
    struct vault *v = ctx;
    struct console_work *w = (struct console_work *)work;
    struct call *call = w->call;
    struct link_console_call in = {0};
    struct console_question q;
    if (call->listed && work->result != FP_OK) {
        console_reply(v, &(struct console_reply){.number = call->peer_call, .error = work->result});
        call_abandon(call);
    } else if (call->listed && link_get_console_call(call_frame(call), &in) == FP_OK) {
        q = console_question_of(&in);
        q.extra = buf_bytes(&w->found);
        call->pending++;
        registry_console(v->in.registry, &q, w->finds ? NULL : &w->password, console_on_result,
                         call);
    }
    call_returned(call);
    work_free(w);
}

static void console_on_worker(uv_poll_t *poll, int status, int events)
{
    struct vault *v = poll->data;
    (void)status;
    (void)events;
    worker_dispatch(v->console_worker);
}

enum fp_error console_begin(struct vault *v)
{
    static const struct worker_ops ops = {
        .run = work_run, .done = work_done, .queue_max = FP_LIMIT_SIGN_IN_QUEUE, .group_max = 1};
    enum fp_error error = FP_OK;
    if (room_config(v->room)->console_listen[0] == '\0') {
        return FP_OK;
    }
    error = worker_create(&ops, v, &v->console_worker);
    return error == FP_OK ? vault_poll(v, &v->console_poll, worker_event_fd(v->console_worker),
                                       console_on_worker)
                          : error;
}

void console_end(struct vault *v)
{
    if (v->console_poll.data != NULL) {
        (void)uv_poll_stop(&v->console_poll);
    }
    worker_free(v->console_worker);
    v->console_worker = NULL;
}

// -------------------------------------------------------------------------------------- questions

static bool console_is_search(enum console_action action)
{
    return action == CONSOLE_AUDIT || action == CONSOLE_REQUEST ||
           action == CONSOLE_CONNECTION_HISTORY;
}

// What the thread has to do; errors without brackets.
static enum fp_error work_prepare(struct vault *v, const struct console_question *q,
                                  struct console_work *w, struct buf *errors, unsigned *retry)
{
    w->finds = console_is_search(q->action);
    buf_init(&w->found, CONSOLE_FOUND);
    if (!w->finds) {
        return registry_console_prepare(v->in.registry, q, &w->password, errors, retry);
    }
    (void)bytes_to_text(bytes_of_text(room_config(v->room)->audit_dir), w->dir, sizeof w->dir);
    return audit_find_plan(q, &w->find);
}

static void console_later(struct vault *v, struct call *call, const struct link_frame *frame,
                          const struct console_question *q)
{
    struct console_work *w = mem_alloc(1, sizeof *w);
    struct console_reply reply = {.number = call->peer_call, .error = FP_E_NO_MEMORY};
    struct buf errors;
    buf_init(&errors, 8000);
    if (w != NULL && call_hold(call, frame, NULL)) {
        reply.error = work_prepare(v, q, w, &errors, &reply.retry_after_s);
    }
    if (reply.error == FP_OK) {
        w->call = call;
        call->pending++;
        reply.error = worker_submit(v->console_worker, &w->work);
        if (reply.error == FP_OK) {
            w = NULL; // moved
        } else {
            call->pending--;
            reply.error = FP_E_RATE_LIMITED;
            reply.retry_after_s = 1;
        }
    }
    if (reply.error != FP_OK) {
        if (errors.len != 0) {
            buf_append_byte(&v->errors, '[');
            buf_append_bytes(&v->errors, buf_bytes(&errors));
            buf_append_byte(&v->errors, ']');
            reply.errors = buf_bytes(&v->errors);
        }
        console_reply(v, &reply);
        call_abandon(call);
    }
    if (w != NULL) {
        work_free(w);
    }
    buf_done(&errors);
}

// Rooms, links, calls and what the registry knows, as `extra` of the question.
static void console_system(struct vault *v, struct console_question *q)
{
    struct json_out json = json_out_start(&v->body);
    json_begin_object(&json);
    json_member_text_c(&json, "version", FP_VERSION);
    json_member_text_c(&json, "key_source", room_config(v->room)->key_source);
    registry_status(v->in.registry, &json);
    json_member_i64(&json, "calls_in_flight", (int64_t)v->calls);
    json_member_bool(&json, "gateway", room_link_is_up(v->room, LINK_ROOM_GATEWAY));
    json_member_bool(&json, "egress", room_link_is_up(v->room, LINK_ROOM_EGRESS));
    json_name(&json, "rooms");
    json_raw(&json, room_overview(v->room));
    json_end_object(&json);
    q->extra = buf_error(&v->body) == FP_OK ? buf_bytes(&v->body) : (struct bytes){0};
}

void vault_on_platforms(struct vault *v, const struct link_frame *frame)
{
    struct link_platforms_told in = {0};
    struct link_console_call asked = {0};
    struct call *call = NULL;
    struct console_question q;
    if (link_get_platforms_told(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "PLATFORMS_TOLD");
    }
    call = call_find(v, in.call);
    if (call == NULL || !call->console || call->held == NULL ||
        link_get_console_call(call_frame(call), &asked) != FP_OK) {
        return; // nobody waits any more
    }
    q = console_question_of(&asked);
    q.extra = in.platforms;
    call->pending++;
    registry_console(v->in.registry, &q, NULL, console_on_result, call);
}

// Egress has the definitions.
static void console_platforms(struct vault *v, struct call *call, const struct link_frame *frame)
{
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_platforms_ask out = {.call = call->number};
    if (egress == NULL || !call_hold(call, frame, NULL) ||
        link_put_platforms_ask(egress, &out) != FP_OK) {
        answer_error(call, FP_E_LINK_CLOSED);
    }
}

static void console_ask(struct vault *v, const struct link_console_call *in,
                        const struct link_frame *frame)
{
    struct console_question q = console_question_of(in);
    const struct console_action_row *row = console_action_row(in->action);
    enum fp_error error =
        v->draining ? FP_E_SERVICE_UNAVAILABLE : registry_console_admit(v->in.registry, &q);
    struct call *call = NULL;
    if (error == FP_OK) {
        call = call_open(v, call_own_number(v), FP_LIMIT_CALL_DEADLINE);
        error = call != NULL ? FP_OK : FP_E_SERVICE_UNAVAILABLE;
    }
    if (error != FP_OK) {
        console_reply(v, &(struct console_reply){.number = in->call, .error = error});
        return;
    }
    call->console = true;
    call->peer_call = in->call;
    call->stage = CALL_IN_REGISTRY;
    if ((row->flags & CONSOLE_NEEDS_PASSWORD) != 0 || console_is_search(q.action)) {
        console_later(v, call, frame, &q);
        return;
    }
    if (q.action == CONSOLE_PLATFORMS) {
        console_platforms(v, call, frame);
        return;
    }
    if (q.action == CONSOLE_SYSTEM) {
        console_system(v, &q);
    }
    call->pending++;
    registry_console(v->in.registry, &q, NULL, console_on_result, call);
}

void vault_on_console(struct vault *v, const struct link_frame *frame)
{
    struct link_console_call in = {0};
    if (frame->number != LINK_CONSOLE_CALL || link_get_console_call(frame->body, &in) != FP_OK) {
        vault_broken_rule(v, "CONSOLE_CALL");
    }
    if (v->seal.closed || v->console_worker == NULL) {
        console_reply(v, &(struct console_reply){.number = in.call, .error = FP_E_SEALED});
    } else {
        console_ask(v, &in, frame);
    }
}

void calls_console_lost(struct vault *v)
{
    struct call *next = NULL;
    for (struct call *call = v->oldest; call != NULL; call = next) {
        next = call->newer;
        if (call->listed && call->console) {
            call_abandon(call);
        }
    }
}
