// What the tests of the sandbox do inside it: each returns DONE, REFUSED or OTHER as exit code of a
// forked child. SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_SANDBOX_ACTIONS_H
#define FP_TEST_SANDBOX_ACTIONS_H

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_UID_BASE 60900
#define DONE          0  // the action worked
#define REFUSED       40 // it failed with EACCES or EPERM
#define OTHER         41 // it failed otherwise
#define NO_SANDBOX    42 // the sandbox itself failed

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static char folder[64];            // a data directory
static char secret[128];           // a file in it
static struct sandbox_report seen; // of the last child

// Written by the child for its parent.
static struct sandbox_report *shared;

static int outcome(bool worked)
{
    return worked ? DONE : errno == EACCES || errno == EPERM ? REFUSED : OTHER;
}

static int database_family;    // AF_INET: the vault has a database at
static uint16_t database_port; // this port

static int close_in(enum sandbox_policy policy, const struct sandbox_path *paths, size_t count)
{
    struct sandbox_request request = {.policy = policy,
                                      .paths = paths,
                                      .path_count = count,
                                      .database_family = database_family,
                                      .database_port = database_port};
    struct fp_note note = {0};
    uint32_t uid = TEST_UID_BASE + (uint32_t)policy;
    if (sandbox_begin(shared, &note) != FP_OK || sandbox_drop(uid, shared, &note) != FP_OK ||
        sandbox_close(&request, shared, &note) != FP_OK) {
        dprintf(STDERR_FILENO, "%s: %s\n", note.field, note.text);
        return NO_SANDBOX;
    }
    return DONE;
}

// Wait status of a child that is closed in and then acts; the data directory is open to the vault.
static int act(enum sandbox_policy policy, int (*action)(void))
{
    struct sandbox_path paths[] = {{folder, true}, {"/etc/hosts", false}};
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        bool vault = policy == SANDBOX_VAULT;
        int result =
            close_in(policy, vault ? paths : paths + 1, vault || policy == SANDBOX_EGRESS ? 1 : 0);
        _exit(result == DONE ? action() : result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    seen = *shared;
    return status;
}

static void assert_exits(int status, int code)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code) {
        fail_msg("wait status %#x, not exit code %d", (unsigned)status, code);
    }
}

static void assert_killed(int status)
{
    if (!seen.seccomp) {
        return; // said so in the report, which another test looks at
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS) {
        fail_msg("wait status %#x, not SIGSYS", (unsigned)status);
    }
}

static int do_nothing(void)
{
    return DONE;
}

static int do_open_secret(void)
{
    return outcome(open(secret, O_RDONLY | O_CLOEXEC) >= 0);
}

static int do_create(void)
{
    char path[160];
    int fd = -1;
    snprintf(path, sizeof path, "%s/new", folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return outcome(fd >= 0 && write(fd, "x", 1) == 1 && fdatasync(fd) == 0 && unlink(path) == 0);
}

static int do_open_passwd(void)
{
    return outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
}

static int do_open_hosts(void)
{
    return outcome(open("/etc/hosts", O_RDONLY | O_CLOEXEC) >= 0);
}

static int do_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
}

static int do_raw_socket(void)
{
    return outcome(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0);
}

static int do_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(connect(0, (struct sockaddr *)&to, sizeof to) == 0);
}

static int do_go_out(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == ECONNREFUSED);
}

static int do_bind(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return outcome(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
}

static int do_ptrace(void)
{
    return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int do_read_parent(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {shared, 1};
    return outcome(process_vm_readv(getppid(), &here, 1, &there, 1, 0) == 1);
}

static int do_exec(void)
{
    char *arguments[] = {"/bin/true", NULL};
    execv(arguments[0], arguments);
    return outcome(false);
}

static int do_fork(void)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        _exit(0);
    }
    return outcome(pid > 0);
}

static void *thread_body(void *argument)
{
    return argument;
}

static int do_thread(void)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, thread_body, shared);
    return error == 0 && pthread_join(thread, NULL) == 0 ? DONE : OTHER;
}

static int do_make_code(void)
{
    return outcome(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0) != MAP_FAILED);
}

static int do_memory(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(page != MAP_FAILED && mprotect(page, 4096, PROT_NONE) == 0 &&
                   munmap(page, 8192) == 0);
}

static int do_become_root(void)
{
    return outcome(setresuid(0, 0, 0) == 0);
}

static int do_signal_parent(void)
{
    return outcome(syscall(SYS_kill, getppid(), 0) == 0);
}

// libuv 1.50 names its threads.
static int do_name_itself(void)
{
    return outcome(prctl(PR_SET_NAME, "renamed", 0, 0, 0) == 0);
}

// libuv 1.50 asks for rings when it makes a loop, and does without where there are none.
static int do_rings(void)
{
    return syscall(SYS_io_uring_setup, 8, NULL) == -1 && errno == ENOSYS ? DONE : OTHER;
}

static int do_look_at_itself(void)
{
    struct stat about;
    return outcome(fstat(0, &about) == 0 && getpid() > 0);
}

#endif
