// A room's life: take over descriptors, drop privileges, open, be closed in, serve, drain, end.
// SPDX-License-Identifier: Apache-2.0
#include "room/room.h"

#include "room/room_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "link/channel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// The packet under work; one at a time, and too large for the stack.
static struct channel_packet room_packet;

uv_loop_t *room_loop(struct room *room)
{
    return &room->loop;
}

const struct config *room_config(const struct room *room)
{
    return &room->config;
}

struct bytes room_overview(const struct room *room)
{
    return room->overview.len != 0 ? buf_bytes(&room->overview) : BYTES("[]");
}

void room_finished(struct room *room)
{
    room->finished = true;
}

void room_fail(struct room *room, const char *event, enum fp_error error)
{
    struct log_line line;
    (void)room;
    log_begin(&line, LOG_ERROR, event);
    log_text_c(&line, "error", fp_error_code(error));
    log_text_c(&line, "text", fp_error_row(error)->message);
    log_end(&line);
    _exit(EXIT_FAILURE);
}

bool room__keep_fd(struct room *room, enum room_handover kind, struct bytes name, int fd)
{
    struct room_descriptor *place = NULL;
    for (size_t i = 0; i < FP_LIMIT_ROOM_DESCRIPTORS; i++) {
        struct room_descriptor *one = &room->handed[i];
        if (one->kind == kind && bytes_equal_text(name, one->name)) {
            close(one->fd);
            one->fd = fd;
            return true;
        }
        if (one->kind == 0 && place == NULL) {
            place = one;
        }
    }
    if (place == NULL || !bytes_to_text(name, place->name, sizeof place->name)) {
        close(fd);
        return false;
    }
    place->kind = kind;
    place->fd = fd;
    return true;
}

int room_take_fd(struct room *room, enum room_handover kind, const char *name)
{
    for (size_t i = 0; i < FP_LIMIT_ROOM_DESCRIPTORS; i++) {
        struct room_descriptor *one = &room->handed[i];
        if (one->kind == kind && strcmp(one->name, name) == 0) {
            one->kind = 0;
            return one->fd;
        }
    }
    return -1;
}

enum fp_error room_take_file(struct room *room, const char *name, struct buf *out)
{
    int fd = room_take_fd(room, ROOM_HANDOVER_FILE, name);
    ssize_t got = 1;
    if (fd < 0) {
        return FP_E_CONFIG_INVALID;
    }
    while (got > 0) {
        uint8_t *space = buf_reserve(out, 4096);
        got = space != NULL ? read(fd, space, 4096) : -1;
        if (got > 0) {
            buf_commit(out, (size_t)got);
        }
    }
    close(fd);
    return got == 0 ? FP_OK : FP_E_IO_FAILED;
}

static enum fp_error room_read_config(struct room *room, int fd)
{
    ssize_t got = pread(fd, &room->config, sizeof room->config, 0);
    close(fd);
    if (got != (ssize_t)sizeof room->config) {
        return FP_E_CONFIG_INVALID;
    }
    log_setup(link_room_name(room->ops->name), room->config.log_level);
    return FP_OK;
}

static enum fp_error room_on_handover(struct room *room, struct bytes body, int fd)
{
    struct link_handover in = {0};
    enum link_room peer = LINK_ROOM_SUPERVISOR;
    enum fp_error error = link_get_handover(body, &in);
    if (fd < 0) {
        return FP_E_MESSAGE_INVALID;
    }
    if (error == FP_OK && in.kind == ROOM_HANDOVER_CONFIG) {
        return room_read_config(room, fd);
    }
    if (error == FP_OK && in.kind == ROOM_HANDOVER_LINK && room->serving &&
        link_room_from_name(in.name, &peer)) {
        room__peer_attach(room, peer, fd);
        return FP_OK;
    }
    if (error == FP_OK && in.kind >= ROOM_HANDOVER_LINK && in.kind <= ROOM_HANDOVER_FILE) {
        return room__keep_fd(room, (enum room_handover)in.kind, in.name, fd) ? FP_OK
                                                                             : FP_E_LIMIT_EXCEEDED;
    }
    close(fd);
    return error == FP_OK ? FP_E_MESSAGE_INVALID : error;
}

// Blocks until everything was handed over. Nothing but the supervisor's own messages is read.
static enum fp_error room_take_over(struct room *room)
{
    enum fp_error error = FP_OK;
    while (error == FP_OK) {
        error = channel_receive(room->channel, room->ops->name, LINK_ROOM_SUPERVISOR, &room_packet);
        if (error == FP_OK && room_packet.frame.number == LINK_START) {
            return FP_OK;
        }
        if (error == FP_OK && room_packet.frame.number == LINK_HANDOVER) {
            error = room_on_handover(room, room_packet.frame.body, room_packet.fd);
        } else if (error == FP_OK && room_packet.frame.number != LINK_ROOMS) {
            error = FP_E_MESSAGE_INVALID;
        }
    }
    return error;
}

static void room_on_drain_timeout(uv_timer_t *timer)
{
    log_event(LOG_WARNING, "drain_timeout", "Requests in flight were cut off.");
    uv_stop(timer->loop);
}

static enum fp_error room_on_drain(struct room *room, struct bytes body)
{
    struct link_drain in = {0};
    enum fp_error error = link_get_drain(body, &in);
    if (error == FP_OK) {
        (void)uv_timer_start(&room->drain_timer, room_on_drain_timeout, in.within_ms, 0);
        room->ops->drain(room->state, in.within_ms);
    }
    return error;
}

static enum fp_error room_on_rooms(struct room *room, struct bytes body)
{
    struct link_rooms in = {0};
    enum fp_error error = link_get_rooms(body, &in);
    if (error == FP_OK) {
        buf_clear(&room->overview);
        buf_append_bytes(&room->overview, in.rooms);
    }
    return error;
}

static enum fp_error room_on_message(struct room *room, const struct link_frame *frame, int fd)
{
    if (frame->number == LINK_HANDOVER) {
        return room_on_handover(room, frame->body, fd);
    }
    if (fd >= 0) {
        close(fd);
        return FP_E_MESSAGE_INVALID;
    }
    switch (frame->number) {
    case LINK_DRAIN:
        return room_on_drain(room, frame->body);
    case LINK_ROOMS:
        return room_on_rooms(room, frame->body);
    case LINK_RELOAD:
        if (room->ops->reload != NULL) {
            room->ops->reload(room->state);
        }
        return FP_OK;
    default:
        return FP_E_MESSAGE_INVALID;
    }
}

static void room_on_channel(uv_poll_t *handle, int status, int events)
{
    struct room *room = handle->data;
    enum fp_error error = FP_OK;
    (void)status;
    (void)events;
    while (error == FP_OK) {
        error = channel_receive(room->channel, room->ops->name, LINK_ROOM_SUPERVISOR, &room_packet);
        if (error == FP_OK) {
            error = room_on_message(room, &room_packet.frame, room_packet.fd);
        }
    }
    if (error == FP_E_LINK_CLOSED) {
        log_event(LOG_ERROR, "supervisor_gone", "A room does not outlive its supervisor.");
        _exit(EXIT_FAILURE);
    }
    if (error != FP_E_AGAIN) {
        room_fail(room, "supervisor_message_invalid", error);
    }
}

// The end waits for what is still queued, so that no answer and no record is lost.
static void room_end_if_finished(struct room *room)
{
    if (room->finished && !room__peers_want_write(room)) {
        uv_stop(&room->loop);
    }
}

static void room_on_prepare(uv_prepare_t *handle)
{
    struct room *room = handle->data;
    room__peers_flush(room);
    room_end_if_finished(room);
}

static void room_on_idle(uv_idle_t *handle)
{
    (void)handle; // its being active keeps the loop from sleeping
}

static void room_on_check(uv_check_t *handle)
{
    struct room *room = handle->data;
    bool more = false;
    room__peers_read_on(room);
    room__peers_flush(room);
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        more = more || (room->peers[i] != NULL && room->peers[i]->more);
    }
    if (more) {
        (void)uv_idle_start(&room->idle, room_on_idle);
    } else {
        (void)uv_idle_stop(&room->idle);
    }
    room_end_if_finished(room);
}

// libuv opens a spare descriptor with the first stream, the C library reads the time zone once:
// both before files are out of reach.
static void room_warm_up(struct room *room)
{
    uv_pipe_t pipe;
    tzset();
    if (uv_pipe_init(&room->loop, &pipe, 0) == 0) {
        uv_close((uv_handle_t *)&pipe, NULL);
        (void)uv_run(&room->loop, UV_RUN_NOWAIT);
    }
}

static enum fp_error room_make_loop(struct room *room)
{
    if (uv_loop_init(&room->loop) != 0) {
        return FP_E_INTERNAL;
    }
    room_warm_up(room);
    if (uv_poll_init(&room->loop, &room->channel_poll, room->channel) != 0 ||
        uv_prepare_init(&room->loop, &room->prepare) != 0 ||
        uv_check_init(&room->loop, &room->check) != 0 ||
        uv_idle_init(&room->loop, &room->idle) != 0 ||
        uv_timer_init(&room->loop, &room->drain_timer) != 0) {
        return FP_E_INTERNAL;
    }
    room->channel_poll.data = room;
    room->prepare.data = room;
    room->check.data = room;
    room->idle.data = room;
    room->drain_timer.data = room;
    return FP_OK;
}

static enum fp_error room_close_in(struct room *room, struct fp_note *note)
{
    struct sandbox_path paths[ROOM_PATHS_MAX];
    struct room_path_space space;
    struct sandbox_request request = {.policy = room->ops->policy, .paths = paths};
    enum fp_error error = FP_OK;
    request.path_count = room__paths(room, &space, paths);
    request.database_family = room->store.family;
    request.database_port = room->store.port;
    error = sandbox_close(&request, &room->report, note);
    if (error == FP_OK && room->config.require_hardening &&
        !sandbox_report_hardened(&room->report)) {
        fp_note_set(note, "rooms.require_hardening", "A protection is missing: see the list.");
        error = FP_E_PERMISSION_DENIED;
    }
    return error;
}

static void room_log_protections(const struct room *room, enum log_level level, const char *event)
{
    struct buf json;
    struct log_line line;
    buf_init(&json, 1024);
    sandbox_report_json(&room->report, &json);
    log_begin(&line, level, event);
    json_name(&line.json, "protections");
    json_raw(&line.json, buf_bytes(&json));
    log_end(&line);
    buf_done(&json);
}

static enum fp_error room_say_ready(struct room *room)
{
    struct link_ready ready = {0};
    struct buf json, frame;
    enum fp_error error = FP_OK;
    buf_init(&json, 1024);
    buf_init(&frame, CHANNEL_PACKET);
    sandbox_report_json(&room->report, &json);
    ready.protections = buf_bytes(&json);
    error = link_put_ready(&frame, &ready);
    if (error == FP_OK) {
        error = channel_send(room->channel, buf_bytes(&frame), -1);
    }
    buf_done(&json);
    buf_done(&frame);
    return error;
}

// From the first handed-over descriptor to the closed sandbox; no foreign byte is read in it.
static enum fp_error room_settle(struct room *room, struct fp_note *note)
{
    uint32_t uid = 0;
    enum fp_error error = room_take_over(room);
    if (error == FP_OK) {
        error = room_make_loop(room);
    }
    if (error != FP_OK) {
        return error;
    }
    uid = room->config.uid_base != 0 ? room->config.uid_base + (uint32_t)room->ops->name : 0;
    error = room__enter_root(room, note);
    if (error == FP_OK) {
        error = sandbox_drop(uid, &room->report, note);
    }
    if (error == FP_OK) {
        error = room->ops->open(room, &room->state);
    }
    if (error == FP_OK) {
        error = room_close_in(room, note);
    }
    return error;
}

static void room_attach_first_links(struct room *room)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        int fd = room_take_fd(room, ROOM_HANDOVER_LINK, link_room_name((enum link_room)i));
        if (fd >= 0) {
            room__peer_attach(room, (enum link_room)i, fd);
        }
    }
}

static enum fp_error room_serve(struct room *room)
{
    enum fp_error error = room->ops->start(room->state);
    if (error != FP_OK) {
        return error;
    }
    room->serving = true;
    room_attach_first_links(room);
    if (uv_poll_start(&room->channel_poll, UV_READABLE, room_on_channel) != 0 ||
        uv_prepare_start(&room->prepare, room_on_prepare) != 0 ||
        uv_check_start(&room->check, room_on_check) != 0) {
        return FP_E_INTERNAL;
    }
    error = room_say_ready(room);
    if (error == FP_OK) {
        (void)uv_run(&room->loop, UV_RUN_DEFAULT);
        room->serving = false;
    }
    return error;
}

static void room_free(struct room *room)
{
    for (unsigned i = 0; i < LINK_ROOM_COUNT; i++) {
        room__peer_drop(room, (enum link_room)i);
    }
    uv_close((uv_handle_t *)&room->channel_poll, NULL);
    uv_close((uv_handle_t *)&room->prepare, NULL);
    uv_close((uv_handle_t *)&room->check, NULL);
    uv_close((uv_handle_t *)&room->idle, NULL);
    uv_close((uv_handle_t *)&room->drain_timer, NULL);
    room->ops->close(room->state);
    for (unsigned i = 0; i < 64 && uv_loop_alive(&room->loop) != 0; i++) {
        (void)uv_run(&room->loop, UV_RUN_NOWAIT);
    }
    (void)uv_loop_close(&room->loop);
    for (size_t i = 0; i < FP_LIMIT_ROOM_DESCRIPTORS; i++) {
        if (room->handed[i].kind != 0) {
            close(room->handed[i].fd);
        }
    }
    buf_done(&room->overview);
    close(room->channel);
    mem_free(room);
}

static void room_say_why(const struct room *room, const struct fp_note *note, enum fp_error error)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "room_not_started");
    log_text_c(&line, "error", fp_error_code(error));
    log_text_c(&line, "field", note->field);
    log_text_c(&line, "text", note->text[0] != '\0' ? note->text : fp_error_row(error)->message);
    log_end(&line);
    room_log_protections(room, LOG_ERROR, "protections");
}

// The supervisor tells rooms when to end. A terminal's Ctrl-C, or a service manager, sends its
// signal to all processes alike: rooms would end before their requests do.
static void room_ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}

int room_main(const struct room_ops *ops, int supervisor_fd)
{
    struct fp_note note = {0};
    struct room *room = mem_alloc(1, sizeof *room);
    enum fp_error error = FP_OK;
    log_setup(link_room_name(ops->name), LOG_INFO);
    room_ignore_signals();
    if (room == NULL) {
        return EXIT_FAILURE;
    }
    room->ops = ops;
    room->channel = supervisor_fd;
    buf_init(&room->overview, CHANNEL_PACKET);
    (void)prctl(PR_SET_NAME, link_room_name(ops->name), 0, 0, 0);
    error = sandbox_begin(&room->report, &note);
    if (error == FP_OK) {
        error = room_settle(room, &note);
    }
    if (error == FP_OK) {
        error = room_serve(room);
    }
    if (error != FP_OK) {
        room_say_why(room, &note, error);
        _exit(EXIT_FAILURE);
    }
    log_event(LOG_INFO, "room_ended", NULL);
    room_free(room);
    return EXIT_SUCCESS;
}
