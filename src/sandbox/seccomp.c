// seccomp: the calls each room may make, one row a call. Anything else ends the process. Rows with
// conditions on arguments are added in code below. The supervisor's list is the other way round,
// because rooms inherit it: what no process of this server ever needs.
// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <fcntl.h>

#define G   (1u << SANDBOX_GATEWAY)
#define V   (1u << SANDBOX_VAULT)
#define E   (1u << SANDBOX_EGRESS)
#define ALL (G | V | E)
// Only in builds with AddressSanitizer, whose run time reads its own maps and starts threads.
#define SANITIZER (1u << 31)

struct seccomp_row {
    int call;       // SCMP_SYS(...)
    unsigned rooms; // bits of the rooms that may make it
};

static const struct seccomp_row seccomp_rows[] = {
    // the loop, links and sockets that are open already
    {SCMP_SYS(read), ALL},
    {SCMP_SYS(write), ALL},
    {SCMP_SYS(readv), ALL},
    {SCMP_SYS(writev), ALL},
    {SCMP_SYS(recvfrom), ALL},
    {SCMP_SYS(sendto), ALL},
    {SCMP_SYS(recvmsg), ALL},
    {SCMP_SYS(sendmsg), ALL},
    {SCMP_SYS(epoll_wait), ALL},
    {SCMP_SYS(epoll_pwait), ALL},
    {SCMP_SYS(epoll_ctl), ALL},
    {SCMP_SYS(poll), ALL},
    {SCMP_SYS(ppoll), ALL},
    {SCMP_SYS(eventfd2), ALL},
    {SCMP_SYS(close), ALL},
    {SCMP_SYS(fcntl), ALL},
    {SCMP_SYS(getsockopt), ALL},
    {SCMP_SYS(setsockopt), ALL},
    {SCMP_SYS(getsockname), ALL},
    {SCMP_SYS(getpeername), ALL},
    {SCMP_SYS(shutdown), ALL},
    {SCMP_SYS(accept), G | V},
    {SCMP_SYS(accept4), G | V},
    {SCMP_SYS(listen), G | V},
    // memory, time, threads, signals, ending
    {SCMP_SYS(brk), ALL},
    {SCMP_SYS(munmap), ALL},
    {SCMP_SYS(mremap), ALL},
    {SCMP_SYS(madvise), ALL},
    {SCMP_SYS(mlock), ALL},
    {SCMP_SYS(mlock2), ALL},
    {SCMP_SYS(munlock), ALL},
    {SCMP_SYS(memfd_secret), ALL},
    {SCMP_SYS(futex), ALL},
    {SCMP_SYS(clock_gettime), ALL},
    {SCMP_SYS(clock_getres), ALL},
    {SCMP_SYS(clock_nanosleep), ALL},
    {SCMP_SYS(nanosleep), ALL},
    {SCMP_SYS(gettimeofday), ALL},
    {SCMP_SYS(time), ALL},
    {SCMP_SYS(getpid), ALL},
    {SCMP_SYS(gettid), ALL},
    {SCMP_SYS(getppid), ALL},
    {SCMP_SYS(getuid), ALL},
    {SCMP_SYS(geteuid), ALL},
    {SCMP_SYS(getgid), ALL},
    {SCMP_SYS(getegid), ALL},
    {SCMP_SYS(getrusage), ALL},
    {SCMP_SYS(sysinfo), ALL},
    {SCMP_SYS(uname), ALL},
    {SCMP_SYS(getcpu), ALL},
    {SCMP_SYS(sched_yield), ALL},
    {SCMP_SYS(sched_getaffinity), ALL},
    {SCMP_SYS(rseq), ALL},
    {SCMP_SYS(set_robust_list), ALL},
    {SCMP_SYS(getrandom), ALL},
    {SCMP_SYS(rt_sigprocmask), ALL},
    {SCMP_SYS(rt_sigaction), ALL},
    {SCMP_SYS(rt_sigreturn), ALL},
    {SCMP_SYS(sigaltstack), ALL},
    {SCMP_SYS(restart_syscall), ALL},
    {SCMP_SYS(tgkill), ALL}, // abort(); Landlock from ABI 6 on keeps it inside the room
    {SCMP_SYS(exit), ALL},
    {SCMP_SYS(exit_group), ALL},
    {SCMP_SYS(fstat), ALL},
    {SCMP_SYS(lseek), ALL},
    {SCMP_SYS(pread64), ALL}, // certificate and key files that were handed over
    {SCMP_SYS(capget), ALL},
    // files: the vault's store and audit log; resolver and certificates of egress. Which files is
    // for Landlock to say.
    {SCMP_SYS(open), V},
    {SCMP_SYS(openat), V},
    {SCMP_SYS(stat), V | E | SANITIZER},
    {SCMP_SYS(lstat), V | E | SANITIZER},
    {SCMP_SYS(newfstatat), V | E | SANITIZER},
    {SCMP_SYS(statx), V | E},
    {SCMP_SYS(access), V | E},
    {SCMP_SYS(faccessat), V | E},
    {SCMP_SYS(faccessat2), V | E},
    {SCMP_SYS(readlink), V | E | SANITIZER},
    {SCMP_SYS(readlinkat), V | E | SANITIZER},
    {SCMP_SYS(getcwd), V | E | SANITIZER},
    {SCMP_SYS(getdents64), V | E | SANITIZER},
    {SCMP_SYS(pwrite64), V},
    {SCMP_SYS(preadv), V},
    {SCMP_SYS(pwritev), V},
    {SCMP_SYS(fsync), V},
    {SCMP_SYS(fdatasync), V},
    {SCMP_SYS(ftruncate), V},
    {SCMP_SYS(fallocate), V},
    {SCMP_SYS(fadvise64), V},
    {SCMP_SYS(flock), V},
    {SCMP_SYS(unlink), V},
    {SCMP_SYS(unlinkat), V},
    {SCMP_SYS(rename), V},
    {SCMP_SYS(renameat), V},
    {SCMP_SYS(renameat2), V},
    {SCMP_SYS(mkdir), V},
    {SCMP_SYS(mkdirat), V},
    {SCMP_SYS(rmdir), V},
    {SCMP_SYS(fchmod), V},
    {SCMP_SYS(fchown), V}, // SQLite gives its files the owner of the database: without effect here
    {SCMP_SYS(statfs), V},
    {SCMP_SYS(fstatfs), V},
    // going out
    {SCMP_SYS(connect), E},
    {SCMP_SYS(bind), E}, // the resolver's netlink socket; Landlock refuses TCP
    {SCMP_SYS(sendmmsg), E},
    {SCMP_SYS(recvmmsg), E},
    {SCMP_SYS(socketpair), E},
    {SCMP_SYS(pipe2), E},
    {SCMP_SYS(prctl), SANITIZER},
    {SCMP_SYS(clone), SANITIZER},
};

// It goes around seccomp. Told that there is none, newer versions of libuv do without.
static const int seccomp_rings[] = {
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

// What the supervisor and every room can do without, whatever else is in force.
static const int seccomp_never[] = {
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),

    SCMP_SYS(setns),

    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int seccomp_allow(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

// No memory that is both made and run: pages may not become executable.
static int seccomp_add_memory(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect), SCMP_SYS(pkey_mprotect)};
    int bad = 0;
    for (size_t i = 0; i < COUNT(calls); i++) {
        bad |= seccomp_allow(filter, calls[i], SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
                                SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    }
    return bad;
}

// Looking at its own state; newer versions of libuv name their threads.
static int seccomp_add_questions(scmp_filter_ctx filter)
{
    static const int questions[] = {PR_GET_DUMPABLE, PR_GET_PDEATHSIG, PR_GET_NO_NEW_PRIVS,
                                    PR_GET_SECCOMP,  PR_CAPBSET_READ,  PR_SET_NAME};
    static const unsigned long controls[] = {FIONBIO, FIONREAD, TCGETS};
    int bad = 0;
    for (size_t i = 0; i < COUNT(questions) && !SANDBOX_SANITIZED; i++) {
        bad |= seccomp_allow(filter, SCMP_SYS(prctl),
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)questions[i]));
    }
    for (size_t i = 0; i < COUNT(controls); i++) {
        bad |= seccomp_allow(filter, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, controls[i]));
    }
    // own limits may be read, not changed
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                            SCMP_A2(SCMP_CMP_EQ, 0));
    return bad;
}

// Threads, never processes. clone3() hides its flags behind a pointer: the C library falls back to
// clone() when it is told that there is none.
static int seccomp_add_threads(scmp_filter_ctx filter)
{
    if (SANDBOX_SANITIZED) {
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    return seccomp_allow(filter, SCMP_SYS(clone),
                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) |
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

// Internet, the resolver's local daemons and its list of addresses; nothing raw.
static int seccomp_add_sockets(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    int bad = 0;
    for (size_t i = 0; i < COUNT(families); i++) {
        bad |= seccomp_allow(filter, SCMP_SYS(socket),
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    }
    return bad;
}

// The vault's way to its store, where that is a database on a server.
static int seccomp_add_database(scmp_filter_ctx filter, int family)
{
    const scmp_datum_t kind = SOCK_STREAM;
    int bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
                            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, kind));
    return bad;
}

// Files may be opened for reading only.
static int seccomp_add_reading(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    int bad = seccomp_allow(filter, SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0));
    bad |= seccomp_allow(filter, SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0));
    return bad;
}

static int seccomp_add_conditions(scmp_filter_ctx filter, enum sandbox_policy policy)
{
    int bad = seccomp_add_memory(filter) | seccomp_add_questions(filter);
    if (policy == SANDBOX_GATEWAY && !SANDBOX_SANITIZED) {
        // the C library's fstat(): an open descriptor, not a path
        bad |= seccomp_allow(filter, SCMP_SYS(newfstatat), SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
    }
    if (policy != SANDBOX_GATEWAY || SANDBOX_SANITIZED) {
        bad |= seccomp_add_threads(filter);
    }
    if (policy == SANDBOX_EGRESS) {
        bad |= seccomp_add_sockets(filter);
    }
    if (policy == SANDBOX_EGRESS || (policy == SANDBOX_GATEWAY && SANDBOX_SANITIZED)) {
        bad |= seccomp_add_reading(filter);
    }
    return bad;
}

static int seccomp_fill(scmp_filter_ctx filter, enum sandbox_policy policy)
{
    unsigned wanted = 1u << policy | (SANDBOX_SANITIZED ? SANITIZER : 0);
    int bad = 0;
    if (policy == SANDBOX_SUPERVISOR) {
        for (size_t i = 0; i < COUNT(seccomp_never); i++) {
            // LeakSanitizer looks at its own process with it
            if (!SANDBOX_SANITIZED || seccomp_never[i] != SCMP_SYS(ptrace)) {
                bad |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, seccomp_never[i], 0);
            }
        }
        for (size_t i = 0; i < COUNT(seccomp_rings); i++) {
            bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_rings[i], 0);
        }
        // CLONE_THREAD alone only asks whether other threads run
        return bad | seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(unshare), 1,
                                      SCMP_A0(SCMP_CMP_NE, CLONE_THREAD));
    }
    for (size_t i = 0; i < COUNT(seccomp_rows); i++) {
        if ((seccomp_rows[i].rooms & wanted) != 0) {
            bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, seccomp_rows[i].call, 0);
        }
    }
    return bad | seccomp_add_conditions(filter, policy);
}

enum fp_error sandbox__seccomp(const struct sandbox_request *request, struct sandbox_report *report,
                               struct fp_note *note)
{
    bool supervisor = request->policy == SANDBOX_SUPERVISOR;
    scmp_filter_ctx filter = NULL;
    enum fp_error error = FP_OK;
    int result = 0;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
        return FP_OK; // the kernel has none
    }
    filter = seccomp_init(supervisor ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        fp_note_set(note, "seccomp", "No filter could be made.");
        return FP_E_NO_MEMORY;
    }
    // a tree instead of a list: the filter runs on every call
    (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (seccomp_fill(filter, request->policy) != 0 ||
        (request->policy == SANDBOX_VAULT && request->database_family != 0 &&
         seccomp_add_database(filter, request->database_family) != 0)) {
        fp_note_set(note, "seccomp", "The list of calls was refused.");
        error = FP_E_INTERNAL;
        goto out;
    }
    result = seccomp_load(filter);
    if (result != 0) {
        errno = -result;
        fp_note_set(note, "seccomp", "The filter could not be loaded: %m.");
        error = FP_E_PERMISSION_DENIED;
        goto out;
    }
    report->seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
out:
    seccomp_release(filter);
    return error;
}
