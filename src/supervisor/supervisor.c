// The supervisor's own life: open, be closed in, start the rooms, follow signals, end in order.
// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor.h"

#include "supervisor/supervisor_int.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/data_dir.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// What a room may take beyond the time for draining before it is ended by force.
#define DRAIN_GRACE_MS 1000
// A room gets at least this long, out of the grace: one that has nothing in flight any more must
// not be cut off, and say so, because the one before it has used up the time.
#define DRAIN_LEAST_MS 250
// Signals so close together came from one event.
#define SAME_SIGNAL_NS 250000000u

// Requests flow gateway -> vault -> egress -> gateway and outcomes go back to the vault: the one
// that accepts ends first, the one that records ends last.
static const enum link_room drain_order[] = {LINK_ROOM_CONSOLE, LINK_ROOM_GATEWAY, LINK_ROOM_EGRESS,
                                             LINK_ROOM_VAULT};

static void supervisor_log_note(const struct fp_note *note, enum fp_error error, const char *event)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, event);
    log_text_c(&line, "error", fp_error_code(error));
    log_text_c(&line, "field", note->field);
    log_text_c(&line, "text", note->text[0] != '\0' ? note->text : fp_error_row(error)->message);
    log_text_c(&line, "next_step", fp_error_row(error)->next_step);
    log_end(&line);
}

static struct supervised *supervisor_find(struct supervisor *supervisor, enum link_room name)
{
    for (size_t i = 0; i < supervisor->room_count; i++) {
        if (supervisor->rooms[i].name == name) {
            return &supervisor->rooms[i];
        }
    }
    return NULL;
}

static bool supervisor_any_alive(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->room_count; i++) {
        if (supervisor->rooms[i].pid != 0) {
            return true;
        }
    }
    return false;
}

static void supervisor_kill_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->room_count; i++) {
        supervised_kill(&supervisor->rooms[i]);
    }
}

// Tells the next room in the order to end, once those before it have.
static void supervisor_drain_next(struct supervisor *supervisor)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t left = supervisor->end_ns > now ? (supervisor->end_ns - now) / 1000000 : 0;
    for (size_t i = 0; i < sizeof drain_order / sizeof drain_order[0]; i++) {
        struct supervised *one = supervisor_find(supervisor, drain_order[i]);
        if (one == NULL || one->pid == 0) {
            continue;
        }
        if (one->state != SUPERVISED_DRAINING) {
            supervised_drain(one, left > DRAIN_LEAST_MS ? (unsigned)left : DRAIN_LEAST_MS);
        }
        return;
    }
    uv_stop(&supervisor->loop);
}

static void supervisor_on_end_timer(uv_timer_t *timer)
{
    struct supervisor *supervisor = timer->data;
    log_event(LOG_WARNING, "drain_timeout", "Rooms that are still there are ended by force.");
    supervisor_kill_all(supervisor);
}

static void supervisor_stop(struct supervisor *supervisor, int status)
{
    if (supervisor->stopping) {
        return;
    }
    supervisor->stopping = true;
    supervisor->status = status;
    supervisor->stop_ns = clock_monotonic_ns();
    supervisor->end_ns =
        supervisor->stop_ns + (uint64_t)supervisor->config->drain_timeout_ms * 1000000;
    for (size_t i = 0; i < supervisor->room_count; i++) {
        (void)uv_timer_stop(&supervisor->rooms[i].timer);
    }
    (void)uv_timer_start(&supervisor->end_timer, supervisor_on_end_timer,
                         supervisor->config->drain_timeout_ms + DRAIN_GRACE_MS, 0);
    notify_manager("STOPPING=1");
    // no room is started again: once the gateway has closed its own, clients are refused, not left
    // waiting in a queue
    openings_close_listeners(&supervisor->openings);
    supervisor_drain_next(supervisor);
}

void supervisor_on_ready(struct supervised *one)
{
    struct supervisor *supervisor = one->supervisor;
    struct log_line line;
    if (supervisor->serving) {
        return;
    }
    for (size_t i = 0; i < supervisor->room_count; i++) {
        if (supervisor->rooms[i].state != SUPERVISED_READY) {
            return;
        }
    }
    supervisor->serving = true;
    log_begin(&line, LOG_INFO, "serving");
    log_i64(&line, "pid", getpid());
    log_i64(&line, "ms", (int64_t)((clock_monotonic_ns() - supervisor->started_ns) / 1000000));
    log_end(&line);
    notify_manager("READY=1");
}

static void supervisor_on_child(uv_signal_t *handle, int number)
{
    struct supervisor *supervisor = handle->data;
    (void)number;
    for (size_t i = 0; i < supervisor->room_count; i++) {
        struct supervised *one = &supervisor->rooms[i];
        int status = 0;
        if (one->pid <= 0 || waitpid(one->pid, &status, WNOHANG) != one->pid) {
            continue;
        }
        supervised_gone(one, status);
        if (!supervisor->serving && !supervisor->stopping) {
            log_event(LOG_ERROR, "start_failed",
                      "A room could not start; its reason stands above.");
            supervisor_stop(supervisor, EXIT_FAILURE);
        }
    }
    if (supervisor->stopping) {
        supervisor_drain_next(supervisor);
    }
}

static void supervisor_on_end(uv_signal_t *handle, int number)
{
    struct supervisor *supervisor = handle->data;
    struct log_line line;
    if (supervisor->stopping && clock_monotonic_ns() - supervisor->stop_ns < SAME_SIGNAL_NS) {
        return; // sent to the process and to its group: one wish, not two
    }
    log_begin(&line, LOG_INFO, supervisor->stopping ? "ending_now" : "draining");
    log_i64(&line, "signal", number);
    log_end(&line);
    if (supervisor->stopping) {
        supervisor_kill_all(supervisor);
    } else {
        supervisor_stop(supervisor, EXIT_SUCCESS);
    }
}

static void supervisor_on_hangup(uv_signal_t *handle, int number)
{
    static const enum link_room with_tls[] = {LINK_ROOM_GATEWAY, LINK_ROOM_CONSOLE};
    struct supervisor *supervisor = handle->data;
    struct fp_note note = {0};
    (void)number;
    for (size_t i = 0; i < sizeof with_tls / sizeof with_tls[0] && !supervisor->stopping; i++) {
        struct supervised *one = supervisor_find(supervisor, with_tls[i]);
        enum fp_error error =
            one != NULL ? openings_renew(&supervisor->openings, with_tls[i], &note) : FP_OK;
        if (error != FP_OK) {
            supervisor_log_note(&note, error, "reload_failed");
            return;
        }
        if (one != NULL) {
            supervised_reload(one);
        }
    }
    if (!supervisor->stopping) {
        log_event(LOG_INFO, "reload", "Certificates were opened anew.");
    }
}

static enum fp_error supervisor_make_loop(struct supervisor *supervisor)
{
    static const struct {
        int number;            // signal
        uv_signal_cb callback; // what it does
    } signals[] = {{SIGCHLD, supervisor_on_child},
                   {SIGTERM, supervisor_on_end},
                   {SIGINT, supervisor_on_end},
                   {SIGHUP, supervisor_on_hangup}};
    if (uv_loop_init(&supervisor->loop) != 0 ||
        uv_timer_init(&supervisor->loop, &supervisor->end_timer) != 0) {
        return FP_E_INTERNAL;
    }
    supervisor->end_timer.data = supervisor;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        uv_signal_t *handle = &supervisor->signals[i];
        handle->data = supervisor;
        if (uv_signal_init(&supervisor->loop, handle) != 0 ||
            uv_signal_start(handle, signals[i].callback, signals[i].number) != 0) {
            return FP_E_INTERNAL;
        }
        handle->data = supervisor;
    }
    for (size_t i = 0; i < supervisor->room_count; i++) {
        struct supervised *one = &supervisor->rooms[i];
        if (uv_timer_init(&supervisor->loop, &one->timer) != 0) {
            return FP_E_INTERNAL;
        }
        one->timer.data = one;
    }
    return FP_OK;
}

// Each connection of the API is a descriptor; the soft limit of most systems is 1,024.
static void supervisor_raise_limits(const struct config *config)
{
    struct rlimit files;
    rlim_t wanted = (rlim_t)config->connections + 4096;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) {
        return;
    }
    if (files.rlim_max < wanted) {
        struct rlimit higher = {wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &higher) == 0) { // root only
            return;
        }
    }
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

// The vault must own its directory: better said now than by a store that does not open.
static enum fp_error supervisor_check_owner(const struct supervisor *supervisor,
                                            struct fp_note *note)
{
    const struct config *config = supervisor->config;
    uid_t vault = geteuid();
    struct stat about = {0};
    if (vault == 0 && config->uid_base != 0) {
        vault = config->uid_base + LINK_ROOM_VAULT;
    }
    if (fstat(supervisor->lock, &about) != 0 || about.st_uid != vault) {
        fp_note_set(note, "data_dir",
                    "%.120s belongs to user %u, but the vault runs as user %u: chown -R %u:%u it.",
                    config->data_dir, (unsigned)about.st_uid, (unsigned)vault, (unsigned)vault,
                    (unsigned)vault);
        return FP_E_PERMISSION_DENIED;
    }
    return FP_OK;
}

// All that needs the file system or the privileges of the start.
static enum fp_error supervisor_open(struct supervisor *supervisor, struct fp_note *note)
{
    struct sandbox_request request = {.policy = SANDBOX_SUPERVISOR};
    struct sandbox_report report = {0};
    enum fp_error error = config_lock_data_dir(supervisor->config, &supervisor->lock, note);
    if (error == FP_OK) {
        error = supervisor_check_owner(supervisor, note);
    }
    if (error != FP_OK) {
        return error;
    }
    supervisor_raise_limits(supervisor->config);
    supervisor->executable = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    if (supervisor->executable < 0) {
        fp_note_set(note, "/proc/self/exe", "It cannot be opened: is /proc mounted?");
        return FP_E_IO_FAILED;
    }
    error = openings_make(&supervisor->openings, supervisor->config, note);
    if (error == FP_OK) {
        error = openings_config(supervisor->config, &supervisor->config_fd);
    }
    return error == FP_OK ? sandbox_close(&request, &report, note) : error;
}

static enum fp_error supervisor_start_rooms(struct supervisor *supervisor)
{
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < supervisor->room_count && error == FP_OK; i++) {
        error = supervised_start(&supervisor->rooms[i]);
        if (error == FP_OK) {
            error = supervised_connect(&supervisor->rooms[i]);
        }
    }
    for (size_t i = 0; i < supervisor->room_count && error == FP_OK; i++) {
        error = supervised_begin(&supervisor->rooms[i]);
    }
    // a room that is gone already tells why itself, and its end is told by a signal
    return error == FP_E_LINK_CLOSED ? FP_OK : error;
}

static void supervisor_done(struct supervisor *supervisor)
{
    const int fds[] = {supervisor->config_fd, supervisor->executable, supervisor->lock};
    openings_close(&supervisor->openings);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

static void supervisor_close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void supervisor_run(struct supervisor *supervisor)
{
    sigset_t late;
    if (supervisor_any_alive(supervisor)) {
        (void)uv_run(&supervisor->loop, UV_RUN_DEFAULT);
    }
    // a signal that comes now must not end the process by its default action
    sigemptyset(&late);
    sigaddset(&late, SIGTERM);
    sigaddset(&late, SIGINT);
    sigaddset(&late, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &late, NULL);
    uv_walk(&supervisor->loop, supervisor_close_handle, NULL);
    (void)uv_run(&supervisor->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&supervisor->loop);
}

int supervisor_main(const struct config *config, const enum link_room *rooms, size_t room_count)
{
    static struct supervisor supervisor; // too large for the stack
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    supervisor = (struct supervisor){.config = config,
                                     .config_fd = -1,
                                     .executable = -1,
                                     .lock = -1,
                                     .started_ns = clock_monotonic_ns()};
    log_setup("supervisor", config->log_level);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("UV_USE_IO_URING", "0", 1); // goes around seccomp
    for (size_t i = 0; i < room_count && i < SUPERVISED_MAX; i++) {
        supervisor.rooms[i].supervisor = &supervisor;
        supervisor.rooms[i].name = rooms[i];
        supervisor.room_count++;
    }
    error = supervisor_open(&supervisor, &note);
    if (error == FP_OK) {
        error = supervisor_make_loop(&supervisor);
    }
    if (error == FP_OK) {
        error = supervisor_start_rooms(&supervisor);
        if (error != FP_OK) {
            supervisor_stop(&supervisor, EXIT_FAILURE);
        }
        supervisor_run(&supervisor);
    }
    if (error != FP_OK) {
        supervisor_log_note(&note, error, "not_started");
        supervisor.status = EXIT_FAILURE;
    }
    supervisor_done(&supervisor);
    if (error == FP_OK) {
        log_event(LOG_INFO, "ended", NULL);
    }
    return supervisor.status;
}
