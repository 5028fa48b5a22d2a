// The vault: the one room with keys, and the one that opens store and audit log. It checks tokens
// itself, takes customer, target and scopes from its own records, and lets a credential go only
// when the record of its use is on disk.
// SPDX-License-Identifier: Apache-2.0
#include "vault/vault.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/setup.h"
#include "registry/key_rotation.h"
#include "vault/vault_int.h"

#include <sys/stat.h>
#include <unistd.h>

#define VAULT_ARENA (8u * 1024 * 1024)
#define VAULT_BODY  1048576
#define VAULT_TEXT  8192
#define TICK_MS     500
#define FLUSH_TICKS 20  // last uses: every 10 s
#define SWEEP_TICKS 120 // ended tokens: some hundred rows a minute

static void vault_on_changed(void *ctx, const char *connection)
{
    struct vault *v = ctx;
    struct buf *egress = room_out(v->room, LINK_ROOM_EGRESS);
    struct link_forget out = {bytes_of_text(connection)};
    if (egress != NULL && link_put_forget(egress, &out) != FP_OK) {
        // a session that might outlive its connection: egress must start anew
        room_fail(v->room, "forget_lost", FP_E_LIMIT_EXCEEDED);
    }
}

// What another node did to data keys: none of them is held here any longer.
static void vault_take_changes(struct vault *v)
{
    if (store_take_changes(v->in.store)) {
        keyring_forget_all(v->in.ring);
    }
}

// All that is read in one turn of the loop is read at one moment: half the cost of a look-up is the
// lock of the store. It ends before callbacks of the store run, which must see what they wrote.
static void vault_begin_reading(struct vault *v)
{
    if (!v->reading && !v->seal.closed) {
        vault_take_changes(v);
        v->reading = store_read_begin(v->in.store) == FP_OK;
    }
}

static void vault_end_reading(struct vault *v)
{
    if (v->reading) {
        store_read_end(v->in.store);
        v->reading = false;
    }
}

static void vault_on_turn_end(uv_prepare_t *prepare)
{
    vault_end_reading(prepare->data);
}

static void vault_on_audit(uv_poll_t *poll, int status, int events)
{
    struct vault *v = poll->data;
    (void)status;
    (void)events;
    vault_begin_reading(v);
    audit_dispatch(v->in.audit);
}

static void vault_on_store(uv_poll_t *poll, int status, int events)
{
    struct vault *v = poll->data;
    (void)status;
    (void)events;
    vault_end_reading(v);
    store_dispatch(v->in.store);
}

static void vault_watch_audit(struct vault *v)
{
    struct audit_health health = audit_health(v->in.audit);
    bool bad = health.state != FP_OK;
    if (bad) {
        audit_probe(v->in.audit);
    }
    if (health.anchors_lost != v->anchors_lost) {
        v->anchors_lost = health.anchors_lost;
        log_event(LOG_ERROR, "anchor_lost", "A checkpoint could not be copied elsewhere.");
    }
    if (bad != v->audit_bad) {
        struct log_line line;
        log_begin(&line, bad ? LOG_ERROR : LOG_INFO, bad ? "audit_unavailable" : "audit_recovered");
        log_i64(&line, "os_error", health.os_error);
        log_i64(&line, "last_seq", (int64_t)health.last_seq);
        log_end(&line);
        v->audit_bad = bad;
    }
}

static void vault_watch_store(struct vault *v)
{
    bool away = !store_state(v->in.store).reachable;
    vault_take_changes(v);
    if (away != v->store_away) {
        log_event(away ? LOG_ERROR : LOG_INFO, away ? "store_unavailable" : "store_recovered",
                  away ? "The database cannot be reached; calls are answered 503." : NULL);
        v->store_away = away;
        v->store_told = true;
        seal_tell_gateway(v);
    }
}

static void vault_on_tick(uv_timer_t *timer)
{
    struct vault *v = timer->data;
    uint64_t now_ns = clock_monotonic_ns();
    v->ticks++;
    calls_expire(v, now_ns);
    control_tick(v, now_ns);
    if (v->seal.closed) {
        vault_check_drained(v);
        return;
    }
    vault_watch_audit(v);
    vault_watch_store(v);
    if (v->ticks % FLUSH_TICKS == 0) {
        registry_flush_usage(v->in.registry);
    }
    if (v->ticks % SWEEP_TICKS == 0) {
        registry_sweep(v->in.registry, clock_wall_ms());
    }
    registry_key_tick(v->in.registry, clock_wall_ms());
    hooks_tick(v);
    vault_check_drained(v);
}

void vault_check_drained(struct vault *v)
{
    if (v->draining && !v->closing && v->calls == 0 &&
        (v->seal.closed || registry_under_way(v->in.registry) == 0)) {
        room_finished(v->room);
    }
}

static enum fp_error vault_open(struct room *room, void **state_out)
{
    struct vault *v = NULL;
    struct stat data = {0};
    enum fp_error error = crypto_setup();
    if (error != FP_OK) {
        return error;
    }
    v = mem_alloc(1, sizeof *v);
    if (v == NULL) {
        return FP_E_NO_MEMORY;
    }
    v->room = room;
    v->began_ms = clock_wall_ms();
    v->owner_uid = stat(room_config(room)->data_dir, &data) == 0 ? data.st_uid : geteuid();
    v->master_fd = room_take_fd(room, ROOM_HANDOVER_FILE, "master.key");
    v->next_fd = room_take_fd(room, ROOM_HANDOVER_FILE, "master.key.new");
    v->anchor_fd = room_take_fd(room, ROOM_HANDOVER_FILE, "audit.anchor");
    v->syslog_fd = room_take_fd(room, ROOM_HANDOVER_LISTENER, "audit.syslog");
    v->control_fd = room_take_fd(room, ROOM_HANDOVER_LISTENER, "control");
    v->arena = arena_create(VAULT_ARENA, true);
    buf_init_sensitive(&v->body, VAULT_BODY);
    buf_init(&v->detail, VAULT_TEXT);
    buf_init(&v->errors, VAULT_TEXT);
    *state_out = v;
    if (v->master_fd < 0) {
        log_event(LOG_ERROR, "master_key_missing", "No master key was handed over.");
        return FP_E_KEY_INVALID;
    }
    return v->arena != NULL ? FP_OK : FP_E_NO_MEMORY;
}

enum fp_error vault_poll(struct vault *v, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
    poll->data = v;
    if (uv_poll_init(room_loop(v->room), poll, fd) != 0) {
        return FP_E_IO_FAILED;
    }
    v->handles++;
    return uv_poll_start(poll, UV_READABLE, callback) == 0 ? FP_OK : FP_E_IO_FAILED;
}

static enum fp_error vault_start_clocks(struct vault *v)
{
    if (uv_timer_init(room_loop(v->room), &v->tick) != 0 ||
        uv_prepare_init(room_loop(v->room), &v->turn_end) != 0) {
        return FP_E_IO_FAILED;
    }
    v->handles += 2;
    v->tick.data = v;
    v->turn_end.data = v;
    return uv_timer_start(&v->tick, vault_on_tick, TICK_MS, TICK_MS) == 0 &&
                   uv_prepare_start(&v->turn_end, vault_on_turn_end) == 0
               ? FP_OK
               : FP_E_IO_FAILED;
}

static enum fp_error vault_anchor(struct vault *v)
{
    enum fp_error error = FP_OK;
    if (v->anchor_fd >= 0) {
        error = audit_anchor(v->in.audit, v->anchor_fd, NULL);
    }
    if (error == FP_OK && v->syslog_fd >= 0) {
        // facility authpriv, notice; the words as syslog(3) puts them
        error = audit_anchor(v->in.audit, v->syslog_fd, "<85>fishplate: ");
    }
    return error;
}

// Store and audit log have threads of their own: they are opened closed in, so that the threads
// are, too.
enum fp_error vault_unlock(struct vault *v, struct master_key *master, struct master_key *next,
                           struct fp_note *note)
{
    enum fp_error error = installation_open_both(room_config(v->room), master, next, &v->in, note);
    if (error != FP_OK) {
        return error;
    }
    error = vault_anchor(v);
    if (error != FP_OK) {
        fp_note_set(note, "audit", "The anchors cannot be used.");
        return error;
    }
    registry_watch(v->in.registry, vault_on_changed, v);
    error = vault_poll(v, &v->audit_poll, audit_event_fd(v->in.audit), vault_on_audit);
    if (error == FP_OK) {
        error = vault_poll(v, &v->store_poll, store_event_fd(v->in.store), vault_on_store);
    }
    return error;
}

static enum fp_error vault_open_keys(struct vault *v, struct fp_note *note)
{
    const struct config *config = room_config(v->room);
    struct master_key *master = NULL, *next = NULL;
    enum fp_error error = FP_OK;
    v->seal.source = master_source_find(config->key_source);
    if (v->seal.source != NULL && v->seal.source->asks) {
        return seal_begin(v, note);
    }
    error = installation_master(config, v->master_fd, NULL, &master, note);
    if (error == FP_OK && v->next_fd >= 0 &&
        installation_master(config, v->next_fd, NULL, &next, NULL) != FP_OK) {
        // its file was not finished, so nothing was wrapped by it
        log_event(LOG_WARNING, "next_master_key", "The key that was to replace it does not open.");
    }
    return error == FP_OK ? vault_unlock(v, master, next, note) : error;
}

static enum fp_error vault_start(void *state)
{
    struct vault *v = state;
    struct fp_note note = {0};
    enum fp_error error = vault_open_keys(v, &note);
    close(v->master_fd);
    v->master_fd = -1;
    if (v->next_fd >= 0) {
        close(v->next_fd);
        v->next_fd = -1;
    }
    if (error != FP_OK) {
        log_event(LOG_ERROR, "installation", note.text);
        return error;
    }
    error = vault_start_clocks(v);
    if (error == FP_OK) {
        error = console_begin(v);
    }
    if (error == FP_OK) {
        control_listen(v);
    }
    return error;
}

static void vault_on_gateway(struct vault *v, const struct link_frame *frame)
{
    switch (frame->number) {
    case LINK_CALL:
        vault_on_call(v, frame);
        break;
    case LINK_TOKEN_REQUEST:
        vault_on_token_request(v, frame);
        break;
    case LINK_AUTHORIZE:
        vault_on_authorize(v, frame);
        break;
    case LINK_CONNECTION_CREATE:
        vault_on_connection_create(v, frame);
        break;
    case LINK_CONNECT_OPEN:
        vault_on_connect_open(v, frame);
        break;
    case LINK_CONNECT_SEND:
        vault_on_connect_send(v, frame);
        break;
    case LINK_CONNECT_LINK_CREATE:
        vault_on_connect_link_create(v, frame);
        break;
    case LINK_WEBHOOK_CREATE:
        vault_on_webhook_create(v, frame);
        break;
    case LINK_METADATA_SET:
        vault_on_metadata_set(v, frame);
        break;
    case LINK_CANCEL:
        vault_on_cancel(v, frame);
        break;
    default:
        vault_broken_rule(v, "from gateway");
    }
}

static void vault_on_egress(struct vault *v, const struct link_frame *frame)
{
    switch (frame->number) {
    case LINK_OUTCOME:
        vault_on_outcome(v, frame);
        break;
    case LINK_PLATFORMS_TOLD:
        vault_on_platforms(v, frame);
        break;
    case LINK_KEEP:
        vault_on_keep(v, frame);
        break;
    case LINK_VERIFIED:
        vault_on_verified(v, frame);
        break;
    case LINK_NOTIFIED:
        vault_on_notified(v, frame);
        break;
    default:
        vault_broken_rule(v, "from egress");
    }
}

static void vault_frame(void *state, enum link_room from, const struct link_frame *frame)
{
    struct vault *v = state;
    vault_begin_reading(v);
    arena_reset(v->arena);
    buf_clear(&v->body);
    buf_clear(&v->detail);
    buf_clear(&v->errors);
    if (from == LINK_ROOM_CONSOLE) {
        vault_on_console(v, frame);
    } else if (v->seal.closed && from == LINK_ROOM_GATEWAY) {
        seal_refuse_gateway(v, frame);
    } else if (v->seal.closed && from == LINK_ROOM_EGRESS) {
        // of a call before this room was started anew: nobody waits for it
    } else if (from == LINK_ROOM_GATEWAY) {
        vault_on_gateway(v, frame);
    } else if (from == LINK_ROOM_EGRESS) {
        vault_on_egress(v, frame);
    } else {
        vault_broken_rule(v, "from a room that may not ask");
    }
    buf_clear(&v->body);
}

static void vault_link_up(void *state, enum link_room peer)
{
    if (peer == LINK_ROOM_GATEWAY) {
        seal_tell_gateway(state);
    }
}

static void vault_link_down(void *state, enum link_room peer)
{
    struct vault *v = state;
    if (peer == LINK_ROOM_GATEWAY) {
        calls_gateway_lost(v);
    } else if (peer == LINK_ROOM_EGRESS) {
        calls_egress_lost(v);
    } else if (peer == LINK_ROOM_CONSOLE) {
        calls_console_lost(v);
    }
}

static void vault_drain(void *state, unsigned within_ms)
{
    struct vault *v = state;
    (void)within_ms;
    v->draining = true;
    if (!v->seal.closed) {
        registry_stop(v->in.registry);
    }
    hooks_drain(v);
    vault_check_drained(v);
}

static void vault_free(struct vault *v)
{
    arena_free(v->arena);
    buf_done(&v->body);
    buf_done(&v->detail);
    buf_done(&v->errors);
    mem_free(v);
}

void vault_handle_gone(struct vault *v)
{
    v->handles--;
    if (v->handles == 0 && v->closing) {
        vault_free(v);
    }
}

static void vault_on_closed(uv_handle_t *handle)
{
    vault_handle_gone(handle->data);
}

static void vault_close_handle(uv_handle_t *handle)
{
    if (handle->data != NULL && handle->loop != NULL && !uv_is_closing(handle)) {
        uv_close(handle, vault_on_closed);
    }
}

static void vault_close(void *state)
{
    struct vault *v = state;
    if (v == NULL) {
        return;
    }
    v->draining = true;
    if (v->audit_poll.data != NULL) {
        (void)uv_poll_stop(&v->audit_poll);
    }
    if (v->store_poll.data != NULL) {
        (void)uv_poll_stop(&v->store_poll);
    }
    vault_end_reading(v);
    if (v->in.registry != NULL) {
        registry_stop(v->in.registry);
    }
    seal_close(v);
    console_end(v);
    // what is under way is finished first: its callbacks still find everything
    installation_close(&v->in);
    v->closing = true;
    if (v->control_fd >= 0) {
        close(v->control_fd);
    }
    if (v->master_fd >= 0) {
        close(v->master_fd);
    }
    while (v->oldest != NULL) {
        call_abandon(v->oldest);
    }
    if (v->handles == 0) {
        vault_free(v);
        return;
    }
    control_close_all(v);
    vault_close_handle((uv_handle_t *)&v->audit_poll);
    vault_close_handle((uv_handle_t *)&v->store_poll);
    vault_close_handle((uv_handle_t *)&v->control_poll);
    vault_close_handle((uv_handle_t *)&v->seal.poll);
    vault_close_handle((uv_handle_t *)&v->console_poll);
    vault_close_handle((uv_handle_t *)&v->turn_end);
    vault_close_handle((uv_handle_t *)&v->tick);
}

const struct room_ops *vault_room(void)
{
    static const struct room_ops ops = {
        .name = LINK_ROOM_VAULT,
        .policy = SANDBOX_VAULT,
        .open = vault_open,
        .start = vault_start,
        .frame = vault_frame,
        .link_up = vault_link_up,
        .link_down = vault_link_down,
        .drain = vault_drain,
        .close = vault_close,
    };
    return &ops;
}
