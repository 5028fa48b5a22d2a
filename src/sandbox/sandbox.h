// Closing a process in: resource limits, privileges, Landlock and seccomp, one policy per room,
// verified after it is applied.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_SANDBOX_SANDBOX_H
#define FP_SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/error.h"
#include "base/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_policy {
    SANDBOX_SUPERVISOR,
    SANDBOX_GATEWAY, // the console's too: both serve HTTP and do nothing else
    SANDBOX_VAULT,
    SANDBOX_EGRESS
};

struct sandbox_path {
    const char *path; // file or folder
    bool write;       // also create, change and remove below it
};

struct sandbox_request {
    enum sandbox_policy policy;       // which list of system calls
    const struct sandbox_path *paths; // all that stays reachable in the file system
    size_t path_count;                // entries of paths
    int database_family;              // SANDBOX_VAULT: a store on a server is reached by sockets of
                                      // this family alone (AF_UNIX, AF_INET, ..); 0: by none
    uint16_t database_port;           // and, TCP with Landlock from ABI 4 on, at this port alone
};

// What came out; every flag was verified by looking, not by trusting the call that set it.
struct sandbox_report {
    bool no_core_dumps;        // RLIMIT_CORE 0
    bool not_dumpable;         // PR_SET_DUMPABLE 0: no ptrace by the same user
    bool dies_with_supervisor; // PR_SET_PDEATHSIG
    bool own_user;             // runs as a user of its own
    bool own_root;             // sees one folder as its root; only where started as root
    bool no_capabilities;      // permitted, effective, inheritable and ambient sets are empty; the
                               // bounding set too where started as root
    bool no_new_privileges;    // PR_SET_NO_NEW_PRIVS
    unsigned landlock_abi;     // in force; 0: not available
    bool landlock_network;     // ABI 4 and later: TCP bind (egress) or bind and connect are refused
    bool seccomp;              // filter in force
    unsigned uid;              // as it runs now
};

// First step, before anything else in the process: limits, not dumpable, dies with its parent.
enum fp_error sandbox_begin(struct sandbox_report *report, struct fp_note *note);
// Where started as root, before sandbox_drop(): the folder becomes the root of the file system, so
// that nothing else exists for the room, and no folder above it needs to be open to it. FP_OK with
// own_root false where a container does not let root do that.
enum fp_error sandbox_root(const char *folder, struct sandbox_report *report, struct fp_note *note);
// In its place where something outside of the folder is needed too: the folder becomes the working
// directory, so that no folder above it needs to be open to the room, which Landlock closes in.
enum fp_error sandbox_folder(const char *folder, struct fp_note *note);
// Where started as root: become uid and gid for good, give up every capability; verified by trying
// to get back. Not as root: capabilities only; own_user stays false.
enum fp_error sandbox_drop(uint32_t uid, struct sandbox_report *report, struct fp_note *note);
// The last step: Landlock as far as the kernel has it, then seccomp (a call outside of the list
// ends the process with SIGSYS). No other thread may run yet: FP_E_INTERNAL. SANDBOX_SUPERVISOR:
// fewer capabilities and a short list of refused calls, which the rooms inherit.
enum fp_error sandbox_close(const struct sandbox_request *request, struct sandbox_report *report,
                            struct fp_note *note);
// Whether nothing is missing that a Linux kernel from 5.13 on can give (rooms.require_hardening);
// Landlock for TCP, which needs 6.7, is not asked for: seccomp refuses the sockets themselves.
bool sandbox_report_hardened(const struct sandbox_report *report);
// The report as a JSON object, for READY, logs and status.
void sandbox_report_json(const struct sandbox_report *report, struct buf *out);

#endif
