// Sealed and unsealed. With a source that asks for a passphrase the vault starts without a key; a
// command line brings the passphrase, a thread makes the key of it (Argon2id takes a while), and
// only the right one opens anything. To seal again the process ends: a new one holds nothing of it.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/link_wire.h"

#include <inttypes.h>
#include <stdio.h>

// One try. The thread works with the secret and the key text alone.
struct attempt {
    struct work work;          // first: see base/worker.h
    struct vault *vault;       // whose
    struct call *call;         // held by us
    unsigned uid;              // who tries
    uint64_t started_ns;       // monotonic
    struct secret passphrase;  // owned
    struct master_key *master; // what came of it
    struct fp_note note;       // why not
};

static void seal_actor(unsigned uid, char out[static 32])
{
    snprintf(out, 32, "uid:%u", uid);
}

// ---------------------------------------------------------------- records

static enum fp_error seal_record(struct vault *v, enum audit_action action,
                                 const struct seal_tried *what, struct bytes detail, bool wait)
{
    char actor[32];
    struct audit_record record = {.action = action,
                                  .actor = AUDIT_BY_COMMAND,
                                  .result = what->result,
                                  .time_ms = what->time_ms,
                                  .detail = detail};
    seal_actor(what->uid, actor);
    record.actor_id = bytes_of_text(actor);
    return wait ? audit_append_wait(v->in.audit, &record)
                : audit_append(v->in.audit, &record, NULL, NULL);
}

// Those that were refused while there was no log, then this one, all on disk before anything is
// served.
static enum fp_error seal_record_opening(struct vault *v, unsigned uid)
{
    const struct seal_tried opened = {clock_wall_ms(), uid, FP_OK};
    char detail[64];
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < v->seal.tried_count && error == FP_OK; i++) {
        error = seal_record(v, AUDIT_VAULT_UNSEAL, &v->seal.tried[i], BYTES(""), false);
    }
    snprintf(detail, sizeof detail, "{\"refused_before\":%llu}",
             (unsigned long long)v->seal.tried_total);
    return error != FP_OK
               ? error
               : seal_record(v, AUDIT_VAULT_UNSEAL, &opened, bytes_of_text(detail), true);
}

static void seal_note_refusal(struct vault *v, unsigned uid, enum fp_error error)
{
    struct log_line line;
    if (v->seal.tried_count < SEAL_TRIED) {
        v->seal.tried[v->seal.tried_count++] = (struct seal_tried){clock_wall_ms(), uid, error};
    }
    v->seal.tried_total++;
    log_begin(&line, LOG_WARNING, "unseal_refused");
    log_i64(&line, "uid", (int64_t)uid);
    log_text_c(&line, "code", fp_error_code(error));
    log_end(&line);
}

// ---------------------------------------------------------------- the gateway

void seal_tell_gateway(struct vault *v)
{
    struct buf *gateway = room_out(v->room, LINK_ROOM_GATEWAY);
    struct link_state state = {.sealed = v->seal.closed ? 1 : 0,
                               .store_away = v->store_away ? 1 : 0};
    // open is what the gateway takes for granted: a vault that never was otherwise says nothing
    if ((v->seal.worker != NULL || v->store_told) && gateway != NULL &&
        link_put_state(gateway, &state) != FP_OK) {
        room_fail(v->room, "state_lost", FP_E_LIMIT_EXCEEDED);
    }
}

void seal_refuse_gateway(struct vault *v, const struct link_frame *frame)
{
    struct answer answer = {.error = FP_E_SEALED, .application = "", .connection = ""};
    struct link_reader reader = {frame->body, true};
    uint64_t number = link_reader_number(&reader, 8); // all of them begin with their call
    if (frame->number == LINK_CANCEL) {
        return; // it was answered
    }
    if (!reader.good) {
        vault_broken_rule(v, "from gateway");
    }
    answer_gateway(v, number, &answer);
}

// ---------------------------------------------------------------- unsealing

// On the thread.
static void attempt_run(void *ctx, struct work *list)
{
    struct vault *v = ctx;
    struct attempt *a = (struct attempt *)list;
    list->result =
        v->seal.source->open(secret_bytes(&v->seal.text), &a->passphrase, &a->master, &a->note);
    secret_done(&a->passphrase);
}

static void attempt_answer(struct attempt *a, enum fp_error error, bool already)
{
    struct vault *v = a->vault;
    struct json_out json = json_out_start(&v->body);
    struct answer answer = {.error = error, .application = "", .connection = ""};
    buf_clear(&v->body);
    if (error == FP_OK) {
        json_begin_object(&json);
        json_name(&json, "data");
        json_begin_object(&json);
        json_member_bool(&json, "sealed", false);
        json_member_bool(&json, "already", already);
        json_end_object(&json);
        json_end_object(&json);
        answer.body = buf_bytes(&v->body);
    } else if (a->note.text[0] != '\0') {
        json_begin_object(&json);
        json_member_text_c(&json, "text", a->note.text);
        json_end_object(&json);
        answer.detail = buf_bytes(&v->body);
    }
    answer_call(a->call, &answer);
    buf_clear(&v->body);
}

// Everything is open and on record, or nothing is open.
static enum fp_error attempt_unlock(struct vault *v, struct attempt *a)
{
    struct master_key *master = a->master;
    enum fp_error error = FP_OK;
    a->master = NULL; // moved
    error = vault_unlock(v, master, NULL, &a->note);
    if (error == FP_OK) {
        error = seal_record_opening(v, a->uid);
    }
    if (error != FP_OK && v->in.registry != NULL) {
        // half-open is not a state: this room starts anew, sealed
        room_fail(v->room, "unseal_unrecorded", error);
    }
    return error;
}

static void seal_opened(struct vault *v, const struct attempt *a)
{
    struct log_line line;
    v->seal.closed = false;
    v->seal.failures = 0;
    v->seal.tried_count = 0;
    v->seal.tried_total = 0;
    secret_done(&v->seal.text);
    seal_tell_gateway(v);
    log_begin(&line, LOG_INFO, "unsealed");
    log_i64(&line, "uid", (int64_t)a->uid);
    log_i64(&line, "ms", (int64_t)((clock_monotonic_ns() - a->started_ns) / 1000000));
    log_end(&line);
}

static void seal_refused(struct vault *v, const struct attempt *a, enum fp_error error)
{
    uint64_t wait_ms = FP_LIMIT_UNSEAL_PAUSE;
    seal_note_refusal(v, a->uid, error);
    if (error == FP_E_PASSPHRASE_WRONG) {
        for (unsigned i = 0; i < v->seal.failures && wait_ms < FP_LIMIT_UNSEAL_PAUSE_MOST; i++) {
            wait_ms *= 2;
        }
        v->seal.failures++;
    }
    wait_ms = wait_ms < FP_LIMIT_UNSEAL_PAUSE_MOST ? wait_ms : FP_LIMIT_UNSEAL_PAUSE_MOST;
    v->seal.next_ns = clock_monotonic_ns() + wait_ms * 1000000;
}

static void attempt_free(struct attempt *a)
{
    secret_done(&a->passphrase);
    master_free(a->master);
    mem_free(a);
}

static void attempt_done(void *ctx, struct work *work)
{
    struct vault *v = ctx;
    struct attempt *a = (struct attempt *)work;
    struct call *call = a->call;
    enum fp_error error = work->result;
    v->seal.trying = false;
    if (error == FP_OK && v->draining) {
        error = FP_E_SERVICE_UNAVAILABLE;
    } else if (error == FP_OK) {
        error = attempt_unlock(v, a);
    }
    if (error == FP_OK) {
        seal_opened(v, a);
    } else {
        seal_refused(v, a, error);
    }
    if (call->listed) {
        attempt_answer(a, error, false);
    }
    call_returned(call);
    attempt_free(a);
}

static void seal_on_worker(uv_poll_t *poll, int status, int events)
{
    struct vault *v = poll->data;
    (void)status;
    (void)events;
    worker_dispatch(v->seal.worker);
}

enum fp_error seal_begin(struct vault *v, struct fp_note *note)
{
    static const struct worker_ops ops = {
        .run = attempt_run, .done = attempt_done, .queue_max = 1, .group_max = 1};
    enum fp_error error = master_source_read(v->seal.source, v->master_fd, &v->seal.text, note);
    if (error == FP_OK) {
        error = worker_create(&ops, v, &v->seal.worker);
    }
    if (error == FP_OK) {
        error = vault_poll(v, &v->seal.poll, worker_event_fd(v->seal.worker), seal_on_worker);
    }
    if (error == FP_OK) {
        v->seal.closed = true;
        log_event(LOG_WARNING, "sealed", "Waiting for the passphrase: run fishplate unseal.");
    }
    return error;
}

void seal_close(struct vault *v)
{
    if (v->seal.poll.data != NULL) {
        (void)uv_poll_stop(&v->seal.poll);
    }
    worker_free(v->seal.worker);
    v->seal.worker = NULL;
    secret_done(&v->seal.text);
}

static void seal_too_soon(struct control_peer *peer, uint64_t peer_call, uint64_t wait_ns)
{
    char detail[64];
    struct answer answer = {.error = FP_E_RATE_LIMITED, .application = "", .connection = ""};
    snprintf(detail, sizeof detail, "{\"retry_after_s\":%" PRIu64 "}", wait_ns / 1000000000 + 1);
    answer.detail = bytes_of_text(detail);
    control_reply(peer, peer_call, &answer);
}

static void seal_try(struct control_peer *peer, const struct link_unseal *in)
{
    struct vault *v = peer->vault;
    struct attempt *a = NULL;
    struct call *call = control_open_call(peer, in->call);
    if (call == NULL) {
        return;
    }
    a = mem_alloc(1, sizeof *a);
    if (a == NULL || secret_copy(in->passphrase, &a->passphrase) != FP_OK) {
        mem_free(a);
        answer_error(call, FP_E_NO_MEMORY);
        return;
    }
    a->vault = v;
    a->call = call;
    a->uid = peer->uid;
    a->started_ns = clock_monotonic_ns();
    call->pending++;
    v->seal.trying = true;
    if (worker_submit(v->seal.worker, &a->work) != FP_OK) {
        v->seal.trying = false;
        call->pending--;
        answer_error(call, FP_E_SERVICE_UNAVAILABLE);
        attempt_free(a);
    }
}

static void seal_say(struct control_peer *peer, uint64_t peer_call, const char *body)
{
    struct answer answer = {.body = bytes_of_text(body), .application = "", .connection = ""};
    control_reply(peer, peer_call, &answer);
}

static enum fp_error seal_on_unseal(struct control_peer *peer, const struct link_frame *frame)
{
    struct vault *v = peer->vault;
    struct link_unseal in = {0};
    uint64_t now_ns = clock_monotonic_ns();
    enum fp_error error = link_get_unseal(frame->body, &in);
    if (error != FP_OK) {
        return error;
    }
    if (!v->seal.closed) {
        seal_say(peer, in.call, "{\"data\":{\"sealed\":false,\"already\":true}}");
    } else if (v->seal.trying || now_ns < v->seal.next_ns) {
        seal_too_soon(peer, in.call, v->seal.trying ? 0 : v->seal.next_ns - now_ns);
    } else {
        seal_try(peer, &in);
    }
    return FP_OK;
}

// ---------------------------------------------------------------- sealing

static void seal_end(struct vault *v)
{
    log_event(LOG_WARNING, "sealing", "The vault ends; it starts anew, sealed.");
    v->draining = true;
    room_finished(v->room);
}

static enum fp_error seal_on_seal(struct control_peer *peer, const struct link_frame *frame)
{
    struct vault *v = peer->vault;
    const struct seal_tried what = {clock_wall_ms(), peer->uid, FP_OK};
    struct link_seal in = {0};
    enum fp_error error = link_get_seal(frame->body, &in);
    if (error != FP_OK) {
        return error;
    }
    if (v->seal.closed) {
        seal_say(peer, in.call, "{\"data\":{\"sealed\":true,\"already\":true}}");
        return FP_OK;
    }
    if (v->seal.worker == NULL) {
        control_reply(
            peer, in.call,
            &(struct answer){.error = FP_E_STATE_CONFLICT,
                             .detail = BYTES("{\"text\":\"With this keys.source the vault "
                                             "opens by itself: stop the server "
                                             "instead.\"}"),
                             .application = "",
                             .connection = ""});
        return FP_OK;
    }
    // to seal is right also when the log cannot be written
    if (seal_record(v, AUDIT_VAULT_SEAL, &what, BYTES(""), true) != FP_OK) {
        log_event(LOG_ERROR, "seal_unrecorded", "The audit log cannot be written.");
    }
    seal_say(peer, in.call, "{\"data\":{\"sealed\":true,\"already\":false}}");
    error = link_flush(peer->link);
    if (error != FP_OK) {
        log_event(LOG_WARNING, "control_answer_lost", "The command line does not read.");
    }
    seal_end(v);
    return FP_OK;
}

enum fp_error seal_on_control(struct control_peer *peer, const struct link_frame *frame)
{
    return frame->number == LINK_UNSEAL ? seal_on_unseal(peer, frame) : seal_on_seal(peer, frame);
}
