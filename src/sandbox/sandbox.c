// The steps that close a process in, in their order, and what is seen after each.
// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "sandbox/sandbox_int.h"
#include "base/json_out.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_MAX 63 // the kernel's sets have 64 bits

#define BIT(capability) (1ull << (capability))
// What the supervisor still needs as root: to make rooms other users (SETUID, SETGID, SETPCAP), to
// give them a root of their own (SYS_CHROOT), to end them (KILL), to open new certificates and to
// remove its sockets (DAC_OVERRIDE).
#define SUPERVISOR_CAPABILITIES                                                                    \
    (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_KILL) |                        \
     BIT(CAP_DAC_OVERRIDE) | BIT(CAP_SYS_CHROOT))

static void sandbox_look(struct sandbox_report *report)
{
    struct rlimit core = {1, 1};
    int death = 0;
    report->no_core_dumps =
        getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
    report->not_dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
    report->dies_with_supervisor =
        prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0) == 0 && death == SIGKILL;
    report->uid = (unsigned)getuid();
}

static enum fp_error sandbox_refused(struct fp_note *note, const char *what)
{
    fp_note_set(note, what, "The operating system refused: %m.");
    return FP_E_PERMISSION_DENIED;
}

#if SANDBOX_SANITIZED
// Asked by LeakSanitizer at the end of a process. It looks at itself as a debugger would, which a
// process that is not dumpable does not let anybody do.
static int sandbox_is_hidden;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return sandbox_is_hidden;
}
#endif

// The kernel forgets both when a process changes its user, so they are set again after that.
static bool sandbox_hide(bool with_parent)
{
#if SANDBOX_SANITIZED
    sandbox_is_hidden = 1;
#endif
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
           (!with_parent || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
}

enum fp_error sandbox_begin(struct sandbox_report *report, struct fp_note *note)
{
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return sandbox_refused(note, "RLIMIT_CORE");
    }
    if (!sandbox_hide(true)) {
        return sandbox_refused(note, "PR_SET_DUMPABLE");
    }
    sandbox_look(report);
    return FP_OK;
}

static bool sandbox_read_capabilities(uint64_t *permitted_out, uint64_t *any_out)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0}};
    if (syscall(SYS_capget, &header, sets) != 0) {
        return false;
    }
    *permitted_out = (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
    *any_out = *permitted_out | (uint64_t)sets[1].effective << 32 | sets[0].effective |
               (uint64_t)sets[1].inheritable << 32 | sets[0].inheritable;
    return true;
}

static bool sandbox_keep_capabilities(uint64_t keep)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{(uint32_t)keep, (uint32_t)keep, 0},
                                             {(uint32_t)(keep >> 32), (uint32_t)(keep >> 32), 0}};
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, sets) == 0;
}

// Without CAP_SETPCAP this fails: PR_SET_NO_NEW_PRIVS then keeps the bounding set from mattering.
static void sandbox_bound_capabilities(uint64_t keep)
{
    for (unsigned long i = 0; i <= CAPABILITY_MAX; i++) {
        if ((keep >> i & 1u) == 0 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) {
            (void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
        }
    }
}

static bool sandbox_bounding_is_empty(void)
{
    for (unsigned long i = 0; i <= CAPABILITY_MAX; i++) {
        if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) {
            return false;
        }
    }
    return true;
}

static void sandbox_look_at_capabilities(bool was_root, struct sandbox_report *report)
{
    uint64_t permitted = 0, any = 1;
    report->no_capabilities = sandbox_read_capabilities(&permitted, &any) && any == 0 &&
                              (!was_root || sandbox_bounding_is_empty());
}

static enum fp_error sandbox_become(uint32_t uid, struct sandbox_report *report,
                                    struct fp_note *note)
{
    if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
        fp_note_set(note, "rooms.uid_base",
                    "User %u is refused: %m. In a container without users of its own set it to 0.",
                    (unsigned)uid);
        return FP_E_PERMISSION_DENIED;
    }
    // the way back must be closed
    if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || getuid() != uid || geteuid() != uid ||
        getgid() != uid || getegid() != uid) {
        fp_note_set(note, "setresuid", "The process could become root again.");
        return FP_E_PERMISSION_DENIED;
    }
    report->own_user = true;
    return FP_OK;
}

enum fp_error sandbox_root(const char *folder, struct sandbox_report *report, struct fp_note *note)
{
    if (chroot(folder) != 0) {
        if (errno == EPERM) {
            return FP_OK; // a container without CAP_SYS_CHROOT: the report says so
        }
        return sandbox_refused(note, "data_dir");
    }
    if (chdir("/") != 0) {
        return sandbox_refused(note, "data_dir");
    }
    report->own_root = true;
    return FP_OK;
}

enum fp_error sandbox_folder(const char *folder, struct fp_note *note)
{
    return chdir(folder) == 0 ? FP_OK : sandbox_refused(note, "data_dir");
}

enum fp_error sandbox_drop(uint32_t uid, struct sandbox_report *report, struct fp_note *note)
{
    bool root = geteuid() == 0;
    enum fp_error error = FP_OK;
    sandbox_bound_capabilities(0);
    if (root && uid != 0) {
        error = sandbox_become(uid, report, note);
    }
    if (error != FP_OK) {
        return error;
    }
    if (!sandbox_keep_capabilities(0)) {
        return sandbox_refused(note, "capset");
    }
    if (!sandbox_hide(true)) {
        return sandbox_refused(note, "PR_SET_DUMPABLE");
    }
    sandbox_look(report);
    sandbox_look_at_capabilities(root, report);
    return FP_OK;
}

// The supervisor: fewer capabilities, and no core, but it may die after its parent.
static enum fp_error sandbox_supervise(struct sandbox_report *report, struct fp_note *note)
{
    struct rlimit none = {0, 0};
    uint64_t permitted = 0, any = 0;
    if (setrlimit(RLIMIT_CORE, &none) != 0) {
        return sandbox_refused(note, "RLIMIT_CORE");
    }
    if (!sandbox_hide(false)) {
        return sandbox_refused(note, "PR_SET_DUMPABLE");
    }
    if (sandbox_read_capabilities(&permitted, &any) && any != 0) {
        sandbox_bound_capabilities(SUPERVISOR_CAPABILITIES);
        if (!sandbox_keep_capabilities(permitted & SUPERVISOR_CAPABILITIES)) {
            return sandbox_refused(note, "capset");
        }
    }
    sandbox_look(report);
    sandbox_look_at_capabilities(false, report);
    return FP_OK;
}

enum fp_error sandbox_close(const struct sandbox_request *request, struct sandbox_report *report,
                            struct fp_note *note)
{
    enum fp_error error = FP_OK;
    if (request->policy == SANDBOX_SUPERVISOR) {
        error = sandbox_supervise(report, note);
    }
    if (error != FP_OK) {
        return error;
    }
    // the kernel says so without doing anything; a container that refuses to say is not in the way
    if (unshare(CLONE_THREAD) != 0 && errno == EINVAL) {
        fp_note_set(note, "threads", "A thread runs already: it would not be closed in.");
        return FP_E_INTERNAL;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return sandbox_refused(note, "PR_SET_NO_NEW_PRIVS");
    }
    report->no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    error = sandbox__landlock(request, report, note);
    if (error != FP_OK) {
        return error;
    }
    return sandbox__seccomp(request, report, note);
}

bool sandbox_report_hardened(const struct sandbox_report *report)
{
    return report->no_core_dumps && report->not_dumpable && report->dies_with_supervisor &&
           report->own_user && report->no_capabilities && report->no_new_privileges &&
           report->landlock_abi != 0 && report->seccomp;
}

void sandbox_report_json(const struct sandbox_report *report, struct buf *out)
{
    struct json_out j = json_out_start(out);
    json_begin_object(&j);
    json_member_bool(&j, "no_core_dumps", report->no_core_dumps);
    json_member_bool(&j, "not_dumpable", report->not_dumpable);
    json_member_bool(&j, "dies_with_supervisor", report->dies_with_supervisor);
    json_member_bool(&j, "own_user", report->own_user);
    json_member_bool(&j, "own_root", report->own_root);
    json_member_bool(&j, "no_capabilities", report->no_capabilities);
    json_member_bool(&j, "no_new_privileges", report->no_new_privileges);
    json_member_i64(&j, "landlock_abi", report->landlock_abi);
    json_member_bool(&j, "landlock_network", report->landlock_network);
    json_member_bool(&j, "seccomp", report->seccomp);
    json_member_i64(&j, "uid", report->uid);
    json_end_object(&j);
}
