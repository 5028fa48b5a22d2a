// Starting a room: a fresh execution of ourselves, so that each room has an address space of its
// own layout and inherits nothing but one descriptor. SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// libuv must not use io_uring, which goes around seccomp; the time zone is never read; OpenSSL
// loads no configuration. The sanitizers' options are the developer's own.
#define ENVIRONMENT_FIXED "UV_USE_IO_URING=0", "TZ=UTC0", "OPENSSL_CONF=/dev/null"
#define ENVIRONMENT_MAX   8
#define ENVIRONMENT_TEXT  512

static char spawn_asan[ENVIRONMENT_TEXT];
static char spawn_ubsan[ENVIRONMENT_TEXT];

static size_t spawn_pass_on(const char *name, char out[static ENVIRONMENT_TEXT],
                            char *environment[], size_t count)
{
    const char *value = getenv(name);
    struct buf text;
    if (value == NULL) {
        return count;
    }
    buf_init(&text, ENVIRONMENT_TEXT - 1);
    buf_printf(&text, "%s=%s", name, value);
    if (bytes_to_text(buf_bytes(&text), out, ENVIRONMENT_TEXT) && text.error == FP_OK) {
        environment[count++] = out;
    }
    buf_done(&text);
    return count;
}

// Between fork and exec: only calls that are safe there.
static _Noreturn void spawn_become(int executable, int channel, char *arguments[],
                                   char *environment[])
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL);
    }
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) {
        _exit(127);
    }
    // the channel may sit on its number already: then only its close-on-exec flag must go
    if (channel == SUPERVISOR_CHANNEL ? fcntl(channel, F_SETFD, 0) != 0
                                      : dup2(channel, SUPERVISOR_CHANNEL) < 0) {
        _exit(127);
    }
    // all of ours are close-on-exec; this is for those we were started with
    (void)syscall(SYS_close_range, SUPERVISOR_CHANNEL + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)syscall(SYS_execveat, executable, "", arguments, environment, AT_EMPTY_PATH);
    _exit(127);
}

enum fp_error spawn_room(int executable, enum link_room name, int channel, pid_t *pid_out)
{
    char *arguments[] = {"fishplate", "room", (char *)(uintptr_t)link_room_name(name), NULL};
    char *environment[ENVIRONMENT_MAX] = {ENVIRONMENT_FIXED};
    sigset_t all, before;
    size_t count = 3;
    pid_t pid = 0;
    count = spawn_pass_on("ASAN_OPTIONS", spawn_asan, environment, count);
    count = spawn_pass_on("UBSAN_OPTIONS", spawn_ubsan, environment, count);
    environment[count] = NULL;
    // a signal between fork and exec would be told to the loop of the parent by the child
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0) {
        spawn_become(executable, channel, arguments, environment);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return FP_E_IO_FAILED;
    }
    *pid_out = pid;
    return FP_OK;
}
