// Landlock: which files stay reachable, and that no TCP port is bound or connected to, as far as
// the kernel goes (ABI 1: files; 2: moves between folders; 3: truncate; 4: TCP; 5: device ioctls;
// 6: abstract sockets and signals). https://docs.kernel.org/userspace-api/landlock.html
// SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The headers of Debian 12 stop at ABI 2; the kernel below may be newer than they are.
#define FS_REFER        (1ull << 13)
#define FS_TRUNCATE     (1ull << 14)
#define FS_IOCTL_DEV    (1ull << 15)
#define FS_ABI_1        ((1ull << 13) - 1)
#define NET_BIND_TCP    (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define RULE_NET_PORT   2
#define SCOPE_ABSTRACT  (1ull << 0)
#define SCOPE_SIGNAL    (1ull << 1)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |   \
     FS_TRUNCATE)
// What a rule on a file (not a folder) may name.
#define FS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

struct landlock_rules {
    uint64_t files;  // handled_access_fs
    uint64_t ports;  // handled_access_net, ABI 4
    uint64_t scoped; // ABI 6
};

static int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

static struct landlock_rules landlock_rules_for(enum sandbox_policy policy, int abi)
{
    struct landlock_rules rules = {FS_ABI_1, 0, 0};
    if (abi >= 2) {
        rules.files |= FS_REFER;
    }
    if (abi >= 3) {
        rules.files |= FS_TRUNCATE;
    }
    if (abi >= 4) {
        // egress connects to whatever address its own policy lets through
        rules.ports = policy == SANDBOX_EGRESS ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
    }
    if (abi >= 5) {
        rules.files |= FS_IOCTL_DEV;
    }
    if (abi >= 6) {
        rules.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
    }
    return rules;
}

// A path that does not exist is nothing to allow.
static enum fp_error landlock_allow(int ruleset, const struct sandbox_path *path, uint64_t handled)
{
    struct landlock_path_beneath_attr rule = {0};
    struct stat about;
    enum fp_error error = FP_OK;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? FP_OK : FP_E_IO_FAILED;
    }
    rule.allowed_access = FS_READ | (path->write ? FS_WRITE : 0);
    rule.parent_fd = fd;
    if (fstat(fd, &about) != 0) {
        error = FP_E_IO_FAILED;
        goto out;
    }
    if (!S_ISDIR(about.st_mode)) {
        rule.allowed_access &= FS_OF_FILE;
    }
    rule.allowed_access &= handled;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        error = FP_E_IO_FAILED;
    }
out:
    close(fd);
    return error;
}

static enum fp_error landlock_allow_port(int ruleset, uint16_t port)
{
    const struct {
        uint64_t allowed; // as struct landlock_net_port_attr, which Debian 12's headers lack
        uint64_t port;    // host order
    } rule = {NET_CONNECT_TCP, port};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0 ? FP_OK
                                                                                 : FP_E_IO_FAILED;
}

// Looks whether it holds. The root folder is never among the paths of a room; where a room has a
// root of its own, it may do anything there that a store needs, but make no links.
static bool landlock_holds(bool own_root)
{
    int fd = -1;
    if (own_root) {
        if (symlink("nothing", "/.probe") == 0) {
            (void)unlink("/.probe");
            return false;
        }
        return errno == EACCES;
    }
    fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return false;
    }
    return errno == EACCES;
}

static bool landlock_network_holds(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = false;
    if (fd < 0) {
        return false;
    }
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    refused = bind(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == EACCES;
    close(fd);
    return refused;
}

static enum fp_error landlock_add_rules(int ruleset, const struct sandbox_request *request,
                                        const struct landlock_rules *rules, struct fp_note *note)
{
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < request->path_count && error == FP_OK; i++) {
        error = landlock_allow(ruleset, &request->paths[i], rules->files);
        if (error != FP_OK) {
            fp_note_set(note, "landlock", "The rule for %s was refused: %m.",
                        request->paths[i].path);
        }
    }
    if (error == FP_OK && request->database_port != 0 && (rules->ports & NET_CONNECT_TCP) != 0) {
        error = landlock_allow_port(ruleset, request->database_port);
        if (error != FP_OK) {
            fp_note_set(note, "landlock", "The rule for the database was refused: %m.");
        }
    }
    return error;
}

enum fp_error sandbox__landlock(const struct sandbox_request *request,
                                struct sandbox_report *report, struct fp_note *note)
{
    int abi = landlock_abi();
    struct landlock_rules rules = landlock_rules_for(request->policy, abi);
    // older kernels refuse a struct that is longer than the one they know
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    enum fp_error error = FP_OK;
    int ruleset = -1;
    if (abi == 0 || request->policy == SANDBOX_SUPERVISOR) {
        return FP_OK;
    }
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0) {
        fp_note_set(note, "landlock", "The rules were refused: %m.");
        return FP_E_PERMISSION_DENIED;
    }
    error = landlock_add_rules(ruleset, request, &rules, note);
    if (error == FP_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        fp_note_set(note, "landlock", "It could not be put in force: %m.");
        error = FP_E_PERMISSION_DENIED;
    }
    close(ruleset);
    if (error != FP_OK) {
        return error;
    }
    report->landlock_abi = landlock_holds(report->own_root) ? (unsigned)abi : 0;
    report->landlock_network = rules.ports != 0 && landlock_network_holds();
    return FP_OK;
}
