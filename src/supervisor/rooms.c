// One room's process as the supervisor sees it: started, told, watched, started again.
// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// The frame under work; one at a time.
static struct channel_packet rooms_packet;

static void rooms_log(const struct supervised *one, enum log_level level, const char *event,
                      enum fp_error error)
{
    struct log_line line;
    log_begin(&line, level, event);
    log_text_c(&line, "name", link_room_name(one->name));
    if (error != FP_OK) {
        log_text_c(&line, "error", fp_error_code(error));
    }
    log_end(&line);
}

unsigned supervised_penalty_ms(unsigned crashes)
{
    unsigned wait = FP_LIMIT_ROOM_PENALTY_MIN;
    if (crashes < 2) {
        return 0;
    }
    for (unsigned i = 2; i < crashes && wait < FP_LIMIT_ROOM_PENALTY_MAX; i++) {
        wait *= 2;
    }
    return wait < FP_LIMIT_ROOM_PENALTY_MAX ? wait : FP_LIMIT_ROOM_PENALTY_MAX;
}

void supervised_kill(struct supervised *one)
{
    if (one->pid > 0) {
        (void)kill(one->pid, SIGKILL);
    }
}

// A room that does not read what the supervisor tells it hangs: it is ended, and started again.
static void rooms_told(struct supervised *one, enum fp_error error)
{
    if (error != FP_OK && error != FP_E_LINK_CLOSED) {
        rooms_log(one, LOG_ERROR, "room_unreachable", error);
        supervised_kill(one);
    }
}

static enum fp_error rooms_hand_over(struct supervised *one, enum room_handover kind,
                                     const char *name, int fd)
{
    struct link_handover handover = {(uint8_t)kind, bytes_of_text(name)};
    struct buf frame;
    enum fp_error error = FP_OK;
    buf_init(&frame, CHANNEL_PACKET);
    error = link_put_handover(&frame, &handover);
    if (error == FP_OK) {
        error = channel_send(one->watch->fd, buf_bytes(&frame), fd);
    }
    buf_done(&frame);
    return error;
}

// Files are read from their beginning by whoever gets them: the position is shared with the room
// that had them before.
static enum fp_error rooms_hand_over_opened(struct supervised *one, bool files_only)
{
    const struct openings *openings = &one->supervisor->openings;
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < openings->count && error == FP_OK; i++) {
        const struct opened *item = &openings->items[i];
        if (item->owner != one->name || item->fd < 0 ||
            (files_only && item->kind != ROOM_HANDOVER_FILE)) {
            continue;
        }
        if (item->kind == ROOM_HANDOVER_FILE) {
            (void)lseek(item->fd, 0, SEEK_SET);
        }
        error = rooms_hand_over(one, item->kind, item->name, item->fd);
    }
    return error;
}

static void rooms_on_timer(uv_timer_t *timer)
{
    struct supervised *one = timer->data;
    enum fp_error error = FP_OK;
    if (one->state == SUPERVISED_STARTING) {
        rooms_log(one, LOG_ERROR, "room_start_timeout", FP_E_TIMEOUT);
        supervised_kill(one);
        return;
    }
    if (one->name == LINK_ROOM_VAULT) {
        // the master key may have been replaced since
        error = openings_renew(&one->supervisor->openings, one->name, NULL);
        if (error != FP_OK) {
            rooms_log(one, LOG_WARNING, "room_files_kept", error);
        }
    }
    error = supervised_start(one);
    if (error == FP_OK) {
        error = supervised_connect(one);
    }
    if (error == FP_OK) {
        error = supervised_begin(one);
    }
    if (error != FP_OK && one->pid == 0) {
        // no process could be made: try again later
        rooms_log(one, LOG_ERROR, "room_start_failed", error);
        (void)uv_timer_start(&one->timer, rooms_on_timer, FP_LIMIT_ROOM_PENALTY_MAX, 0);
    } else {
        rooms_told(one, error);
    }
}

static void rooms_on_ready(struct supervised *one, struct bytes body)
{
    struct link_ready ready = {0};
    struct log_line line;
    if (one->state != SUPERVISED_STARTING || link_get_ready(body, &ready) != FP_OK ||
        !bytes_to_text(ready.protections, one->protections, sizeof one->protections)) {
        rooms_told(one, FP_E_MESSAGE_INVALID);
        return;
    }
    one->state = SUPERVISED_READY;
    one->ready_ns = clock_monotonic_ns();
    (void)uv_timer_stop(&one->timer);
    log_begin(&line, LOG_INFO, "room_ready");
    log_text_c(&line, "name", link_room_name(one->name));
    log_i64(&line, "pid", one->pid);
    log_i64(&line, "starts", one->starts);
    log_i64(&line, "ms", (int64_t)((one->ready_ns - one->started_ns) / 1000000));
    json_name(&line.json, "protections");
    json_raw(&line.json, bytes_of_text(one->protections));
    log_end(&line);
    supervised_tell_rooms(one->supervisor);
    supervisor_on_ready(one);
}

static void rooms_on_watch_closed(uv_handle_t *handle)
{
    struct supervised_watch *watch = handle->data;
    close(watch->fd);
    mem_free(watch);
}

static void rooms_stop_watching(struct supervised *one)
{
    struct supervised_watch *watch = one->watch;
    if (watch != NULL) {
        one->watch = NULL;
        (void)uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, rooms_on_watch_closed);
    }
}

static void rooms_on_message(uv_poll_t *poll, int status, int events)
{
    struct supervised_watch *watch = poll->data;
    struct supervised *one = watch->one;
    enum fp_error error =
        channel_receive(watch->fd, LINK_ROOM_SUPERVISOR, one->name, &rooms_packet);
    (void)status;
    (void)events;
    if (error == FP_OK && rooms_packet.fd >= 0) {
        close(rooms_packet.fd); // no room hands anything over
        error = FP_E_MESSAGE_INVALID;
    }
    if (error == FP_OK && rooms_packet.frame.number == LINK_READY) {
        rooms_on_ready(one, rooms_packet.frame.body);
    } else if (error == FP_OK) {
        error = FP_E_MESSAGE_INVALID;
    }
    if (error == FP_E_LINK_CLOSED) {
        (void)uv_poll_stop(poll); // its exit comes as a signal
    } else if (error != FP_OK && error != FP_E_AGAIN) {
        rooms_told(one, error);
    }
}

static enum fp_error rooms_watch(struct supervised *one, int fd)
{
    struct supervised_watch *watch = mem_alloc(1, sizeof *watch);
    if (watch == NULL || uv_poll_init(&one->supervisor->loop, &watch->poll, fd) != 0) {
        mem_free(watch);
        close(fd);
        return FP_E_NO_MEMORY;
    }
    watch->one = one;
    watch->fd = fd;
    watch->poll.data = watch;
    one->watch = watch;
    return uv_poll_start(&watch->poll, UV_READABLE, rooms_on_message) == 0 ? FP_OK : FP_E_INTERNAL;
}

enum fp_error supervised_start(struct supervised *one)
{
    struct supervisor *supervisor = one->supervisor;
    int ours = -1, theirs = -1;
    enum fp_error error = channel_pair(&ours, &theirs);
    if (error == FP_OK) {
        error = rooms_watch(one, ours);
    }
    if (error == FP_OK) {
        error = spawn_room(supervisor->executable, one->name, theirs, &one->pid);
    }
    if (theirs >= 0) {
        close(theirs);
    }
    if (error != FP_OK) {
        rooms_stop_watching(one);
        return error;
    }
    one->state = SUPERVISED_STARTING;
    one->starts++;
    one->started_ns = clock_monotonic_ns();
    one->ready_ns = 0;
    one->protections[0] = '\0';
    (void)uv_timer_start(&one->timer, rooms_on_timer, FP_LIMIT_ROOM_START, 0);
    error = rooms_hand_over(one, ROOM_HANDOVER_CONFIG, "config", supervisor->config_fd);
    return error == FP_OK ? rooms_hand_over_opened(one, false) : error;
}

static enum fp_error rooms_join(struct supervised *one, struct supervised *other)
{
    int pair[2] = {-1, -1};
    enum fp_error error = FP_OK;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        return FP_E_IO_FAILED;
    }
    error = rooms_hand_over(one, ROOM_HANDOVER_LINK, link_room_name(other->name), pair[0]);
    if (error == FP_OK) {
        // the other room's trouble is not this one's
        rooms_told(other,
                   rooms_hand_over(other, ROOM_HANDOVER_LINK, link_room_name(one->name), pair[1]));
    }
    close(pair[0]);
    close(pair[1]);
    return error;
}

enum fp_error supervised_connect(struct supervised *one)
{
    struct supervisor *supervisor = one->supervisor;
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < supervisor->room_count && error == FP_OK; i++) {
        struct supervised *other = &supervisor->rooms[i];
        if (other != one && other->watch != NULL) {
            error = rooms_join(one, other);
        }
    }
    return error;
}

enum fp_error supervised_begin(struct supervised *one)
{
    struct link_start start = {one->starts};
    struct buf frame;
    enum fp_error error = FP_OK;
    buf_init(&frame, CHANNEL_PACKET);
    error = link_put_start(&frame, &start);
    if (error == FP_OK) {
        error = channel_send(one->watch->fd, buf_bytes(&frame), -1);
    }
    buf_done(&frame);
    return error;
}

void supervised_reload(struct supervised *one)
{
    struct link_reload reload = {one->starts};
    struct buf frame;
    enum fp_error error = FP_OK;
    if (one->state != SUPERVISED_READY || one->watch == NULL) {
        return;
    }
    buf_init(&frame, CHANNEL_PACKET);
    error = rooms_hand_over_opened(one, true);
    if (error == FP_OK) {
        error = link_put_reload(&frame, &reload);
    }
    if (error == FP_OK) {
        error = channel_send(one->watch->fd, buf_bytes(&frame), -1);
    }
    buf_done(&frame);
    rooms_told(one, error);
}

void supervised_drain(struct supervised *one, unsigned within_ms)
{
    struct link_drain drain = {within_ms};
    struct buf frame;
    enum fp_error error = FP_OK;
    if (one->state != SUPERVISED_READY || one->watch == NULL) {
        supervised_kill(one); // it serves nobody yet
        one->state = SUPERVISED_DRAINING;
        return;
    }
    buf_init(&frame, CHANNEL_PACKET);
    error = link_put_drain(&frame, &drain);
    if (error == FP_OK) {
        error = channel_send(one->watch->fd, buf_bytes(&frame), -1);
    }
    buf_done(&frame);
    one->state = SUPERVISED_DRAINING;
    rooms_told(one, error);
}

static const char *rooms_state_name(const struct supervised *one)
{
    static const char *const names[] = {"down", "starting", "ready", "draining", "ended"};
    return names[one->state];
}

void supervised_tell_rooms(struct supervisor *supervisor)
{
    struct link_rooms message = {0};
    struct buf json, frame;
    struct json_out j;
    buf_init(&json, 8192);
    buf_init(&frame, CHANNEL_PACKET);
    j = json_out_start(&json);
    json_begin_array(&j);
    for (size_t i = 0; i < supervisor->room_count; i++) {
        const struct supervised *one = &supervisor->rooms[i];
        json_begin_object(&j);
        json_member_text_c(&j, "name", link_room_name(one->name));
        json_member_i64(&j, "pid", one->pid);
        json_member_text_c(&j, "state", rooms_state_name(one));
        json_member_i64(&j, "starts", one->starts);
        json_name(&j, "protections");
        json_raw(&j, bytes_of_text(one->protections[0] != '\0' ? one->protections : "null"));
        json_end_object(&j);
    }
    json_end_array(&j);
    message.rooms = buf_bytes(&json);
    if (link_put_rooms(&frame, &message) == FP_OK) {
        for (size_t i = 0; i < supervisor->room_count; i++) {
            struct supervised *one = &supervisor->rooms[i];
            if (one->state == SUPERVISED_READY && one->watch != NULL) {
                rooms_told(one, channel_send(one->watch->fd, buf_bytes(&frame), -1));
            }
        }
    }
    buf_done(&json);
    buf_done(&frame);
}

// A room that ends without being told, and without a fault, wants to start anew: the vault, to be
// sealed.
static bool rooms_asked_for(const struct supervised *one, int wait_status)
{
    return one->state == SUPERVISED_READY && WIFEXITED(wait_status) &&
           WEXITSTATUS(wait_status) == EXIT_SUCCESS;
}

static void rooms_log_exit(const struct supervised *one, int wait_status, unsigned wait_ms)
{
    bool as_told = one->state == SUPERVISED_DRAINING || rooms_asked_for(one, wait_status);
    struct log_line line;
    log_begin(&line, as_told ? LOG_INFO : LOG_ERROR, "room_exited");
    log_text_c(&line, "name", link_room_name(one->name));
    log_i64(&line, "pid", one->pid);
    if (WIFSIGNALED(wait_status)) {
        log_i64(&line, "signal", WTERMSIG(wait_status));
    } else {
        log_i64(&line, "status", WEXITSTATUS(wait_status));
    }
    log_i64(&line, "uptime_ms", (int64_t)((clock_monotonic_ns() - one->started_ns) / 1000000));
    if (one->supervisor->serving && !one->supervisor->stopping) {
        log_i64(&line, "restart_in_ms", wait_ms);
    }
    log_end(&line);
}

void supervised_gone(struct supervised *one, int wait_status)
{
    struct supervisor *supervisor = one->supervisor;
    uint64_t served = one->ready_ns == 0 ? 0 : clock_monotonic_ns() - one->ready_ns;
    unsigned wait = 0;
    if (!rooms_asked_for(one, wait_status)) {
        one->crashes = served / 1000000 < FP_LIMIT_ROOM_STABLE ? one->crashes + 1 : 0;
        wait = supervised_penalty_ms(one->crashes);
    }
    rooms_log_exit(one, wait_status, wait);
    rooms_stop_watching(one);
    (void)uv_timer_stop(&one->timer);
    one->pid = 0;
    one->protections[0] = '\0';
    one->state = supervisor->stopping ? SUPERVISED_OVER : SUPERVISED_DOWN;
    if (!supervisor->stopping && supervisor->serving) {
        (void)uv_timer_start(&one->timer, rooms_on_timer, wait, 0);
    }
    supervised_tell_rooms(supervisor);
}
