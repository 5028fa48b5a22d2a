// S19, S20, S24, N17. Each room's policy, tried from inside it in a forked child: what it may not
// do ends in SIGSYS or is refused, what it needs works. Where the kernel lacks a layer, its report
// must say so. SPDX-License-Identifier: Apache-2.0
#include "sandbox/sandbox.h"

#include "sandbox_actions.h"

static const enum sandbox_policy rooms[] = {SANDBOX_GATEWAY, SANDBOX_VAULT, SANDBOX_EGRESS};
#define ROOMS (sizeof rooms / sizeof rooms[0])

static void test_sandbox_sandbox__report_is_true(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROOMS; i++) {
        assert_exits(act(rooms[i], do_nothing), DONE);
        assert_true(seen.no_core_dumps);
        assert_true(seen.not_dumpable);
        assert_true(seen.dies_with_supervisor);
        assert_true(seen.no_capabilities);
        assert_true(seen.no_new_privileges);
        assert_true(seen.own_user == (getuid() == 0));
        assert_int_equal(seen.uid, getuid() == 0 ? TEST_UID_BASE + (unsigned)rooms[i] : getuid());
        assert_true(seen.seccomp);
        if (getuid() == 0 && seen.landlock_abi != 0) {
            assert_true(sandbox_report_hardened(&seen));
        }
    }
}

static void test_sandbox_sandbox__hardened_misses_nothing(void **state)
{
    struct sandbox_report full = {true, true, true, true, false, true, true, 3, false, true, 7};
    struct sandbox_report report = full;
    (void)state;
    assert_true(sandbox_report_hardened(&report));
    bool *const flags[] = {
        &report.no_core_dumps, &report.not_dumpable,    &report.dies_with_supervisor,
        &report.own_user,      &report.no_capabilities, &report.no_new_privileges,
        &report.seccomp};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        report = full;
        *flags[i] = false;
        assert_false(sandbox_report_hardened(&report));
    }
    report = full;
    report.landlock_abi = 0;
    assert_false(sandbox_report_hardened(&report));
}

static void test_sandbox_sandbox__json_names_all(void **state)
{
    struct sandbox_report report = {.no_core_dumps = true, .landlock_abi = 4, .uid = 60901};
    struct buf json;
    (void)state;
    buf_init(&json, 1024);
    sandbox_report_json(&report, &json);
    assert_string_equal(buf_text(&json),
                        "{\"no_core_dumps\":true,\"not_dumpable\":false,"
                        "\"dies_with_supervisor\":false,\"own_user\":false,"
                        "\"own_root\":false,\"no_capabilities\":false,\"no_new_privileges\":false,"
                        "\"landlock_abi\":4,\"landlock_network\":false,\"seccomp\":false,"
                        "\"uid\":60901}");
    buf_done(&json);
}

// security.md, threat 1: a gateway that was taken over.
static void test_sandbox_sandbox__gateway_is_shut(void **state)
{
    (void)state;
    if (!SANITIZED) {
        assert_killed(act(SANDBOX_GATEWAY, do_open_secret));
        assert_killed(act(SANDBOX_GATEWAY, do_fork));
        assert_killed(act(SANDBOX_GATEWAY, do_thread));
    }
    assert_killed(act(SANDBOX_GATEWAY, do_socket));
    assert_killed(act(SANDBOX_GATEWAY, do_connect));
    assert_killed(act(SANDBOX_GATEWAY, do_exec));
    assert_exits(act(SANDBOX_GATEWAY, do_memory), DONE);
    assert_exits(act(SANDBOX_GATEWAY, do_look_at_itself), DONE);
}

static void test_sandbox_sandbox__vault_has_its_files_only(void **state)
{
    (void)state;
    assert_exits(act(SANDBOX_VAULT, do_open_secret), DONE);
    assert_exits(act(SANDBOX_VAULT, do_create), DONE);
    assert_exits(act(SANDBOX_VAULT, do_open_passwd), seen.landlock_abi != 0 ? REFUSED : DONE);
    assert_killed(act(SANDBOX_VAULT, do_socket));
    assert_killed(act(SANDBOX_VAULT, do_connect));
    assert_killed(act(SANDBOX_VAULT, do_exec));
    assert_exits(act(SANDBOX_VAULT, do_thread), DONE);
    if (!SANITIZED) {
        assert_killed(act(SANDBOX_VAULT, do_fork));
    }
}

static int do_open_unix(void)
{
    return outcome(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
}

static int do_open_udp(void)
{
    return outcome(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
}

// With a store on a server the vault reaches that, and nothing else: row N11.
static void test_sandbox_sandbox__vault_reaches_its_database_only(void **state)
{
    (void)state;
    database_family = AF_INET;
    database_port = 1;
    assert_exits(act(SANDBOX_VAULT, do_go_out), DONE);
    assert_killed(act(SANDBOX_VAULT, do_open_unix));
    assert_killed(act(SANDBOX_VAULT, do_open_udp));
    assert_killed(act(SANDBOX_VAULT, do_raw_socket));
    assert_killed(act(SANDBOX_VAULT, do_exec));
    database_port = 2;
    assert_exits(act(SANDBOX_VAULT, do_go_out), seen.landlock_network ? REFUSED : DONE);
    assert_killed(act(SANDBOX_VAULT, do_bind));
    database_family = 0;
    database_port = 0;
    assert_killed(act(SANDBOX_VAULT, do_socket));
}

static void test_sandbox_sandbox__egress_goes_out_and_nowhere_else(void **state)
{
    (void)state;
    assert_exits(act(SANDBOX_EGRESS, do_go_out), DONE);
    assert_exits(act(SANDBOX_EGRESS, do_thread), DONE);
    assert_exits(act(SANDBOX_EGRESS, do_open_hosts), DONE);
    assert_exits(act(SANDBOX_EGRESS, do_bind), seen.landlock_network ? REFUSED : DONE);
    if (seen.landlock_abi != 0) {
        assert_exits(act(SANDBOX_EGRESS, do_open_secret), REFUSED);
        assert_exits(act(SANDBOX_EGRESS, do_open_passwd), REFUSED);
    }
    assert_killed(act(SANDBOX_EGRESS, do_raw_socket));
    assert_killed(act(SANDBOX_EGRESS, do_create));
    assert_killed(act(SANDBOX_EGRESS, do_exec));
}

static void test_sandbox_sandbox__no_room_reaches_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROOMS; i++) {
        assert_killed(act(rooms[i], do_ptrace));
        assert_exits(act(rooms[i], do_name_itself), DONE);
        assert_killed(act(rooms[i], do_rings));
        assert_killed(act(rooms[i], do_read_parent));
        assert_killed(act(rooms[i], do_signal_parent));
        assert_killed(act(rooms[i], do_become_root));
        assert_exits(act(rooms[i], do_make_code), REFUSED);
    }
}

// Another room's memory through /proc, without Landlock and seccomp: the user alone keeps it shut.
static void test_sandbox_sandbox__memory_is_unreadable_for_another_user(void **state)
{
    char path[64], ready = 0;
    int status = 0, pipes[2] = {-1, -1};
    pid_t victim = 0, thief = 0;
    (void)state;
    if (getuid() != 0) {
        skip();
    }
    assert_int_equal(pipe(pipes), 0);
    victim = fork();
    if (victim == 0) {
        int result = close_in(SANDBOX_GATEWAY, NULL, 0);
        ssize_t sent = write(pipes[1], "r", result == DONE ? 1 : 0);
        (void)sent;
        for (;;) {
            struct timespec second = {1, 0};
            nanosleep(&second, NULL);
        }
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &ready, 1), 1);
    close(pipes[0]);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)victim);
    thief = fork();
    if (thief == 0) {
        struct fp_note note = {0};
        int result = sandbox_begin(shared, &note) == FP_OK &&
                             sandbox_drop(TEST_UID_BASE + 9, shared, &note) == FP_OK
                         ? outcome(open(path, O_RDONLY | O_CLOEXEC) >= 0)
                         : NO_SANDBOX;
        _exit(result);
    }
    assert_int_equal(waitpid(thief, &status, 0), thief);
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    assert_exits(status, REFUSED);
}

static int do_supervise(void)
{
    struct sandbox_request request = {.policy = SANDBOX_SUPERVISOR};
    struct fp_note note = {0};
    if (sandbox_close(&request, shared, &note) != FP_OK || !shared->no_new_privileges ||
        !shared->seccomp || !shared->no_core_dumps || !shared->not_dumpable) {
        return NO_SANDBOX;
    }
    return DONE;
}

static int supervised_act(int (*action)(void))
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int result = do_supervise();
        _exit(result == DONE ? action() : result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    seen = *shared;
    return status;
}

// As root a room can still become another user below a supervisor that gave up most of its own.
static int do_be_a_room(void)
{
    return close_in(SANDBOX_GATEWAY, NULL, 0);
}

static int do_mount(void)
{
    return outcome(syscall(SYS_umount2, "/nowhere", 0) == 0);
}

static void test_sandbox_sandbox__supervisor_starts_rooms_and_little_else(void **state)
{
    (void)state;
    assert_exits(supervised_act(do_fork), DONE);
    assert_exits(supervised_act(do_exec), DONE);
    assert_exits(supervised_act(do_be_a_room), DONE);
    assert_true(seen.own_user == (getuid() == 0));
    assert_killed(supervised_act(do_mount));
    assert_exits(supervised_act(do_rings), DONE);
    assert_killed(supervised_act(do_read_parent));
}

static int do_see_own_root_only(void)
{
    return access("/store.db", F_OK) == 0 && access("/etc", F_OK) != 0 ? DONE : OTHER;
}

// The vault's way as root: its data directory is all there is.
static void test_sandbox_sandbox__own_root(void **state)
{
    struct sandbox_path path = {"/", true};
    struct sandbox_request request = {.policy = SANDBOX_VAULT, .paths = &path, .path_count = 1};
    struct fp_note note = {0};
    int status = 0;
    pid_t pid = 0;
    (void)state;
    if (getuid() != 0) {
        skip();
    }
    pid = fork();
    if (pid == 0) {
        bool good = sandbox_begin(shared, &note) == FP_OK &&
                    sandbox_root(folder, shared, &note) == FP_OK &&
                    sandbox_drop(TEST_UID_BASE + SANDBOX_VAULT, shared, &note) == FP_OK &&
                    sandbox_close(&request, shared, &note) == FP_OK && shared->own_root;
        _exit(good ? do_see_own_root_only() : NO_SANDBOX);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    seen = *shared;
    assert_exits(status, DONE);
    assert_true(seen.seccomp);
}

// A container without CAP_SYS_CHROOT: the vault does without, and the report says so.
static void test_sandbox_sandbox__own_root_that_is_refused(void **state)
{
    int status = 0;
    pid_t pid = 0;
    (void)state;
    if (getuid() != 0) {
        skip();
    }
    pid = fork();
    if (pid == 0) {
        struct fp_note note = {0};
        struct sandbox_report report = {0};
        bool good = sandbox_drop(0, &report, &note) == FP_OK && // root without capabilities
                    sandbox_root(folder, &report, &note) == FP_OK;
        _exit(good && !report.own_root && access("/etc", F_OK) == 0 ? DONE : OTHER);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_exits(status, DONE);
}

static void *thread_that_waits(void *argument)
{
    struct timespec second = {1, 0};
    nanosleep(&second, NULL);
    return argument;
}

static void test_sandbox_sandbox__refuses_other_threads(void **state)
{
    struct sandbox_request request = {.policy = SANDBOX_GATEWAY};
    int status = 0;
    pid_t pid = fork();
    (void)state;
    if (pid == 0) {
        struct fp_note note = {0};
        pthread_t thread;
        _exit(pthread_create(&thread, NULL, thread_that_waits, NULL) == 0 &&
                      sandbox_close(&request, shared, &note) == FP_E_INTERNAL
                  ? DONE
                  : OTHER);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_exits(status, DONE);
}

static int set_up(void **state)
{
    int fd = -1;
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(folder, sizeof folder, "/tmp/fishplate-sandbox-XXXXXX");
    if (shared == MAP_FAILED || mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(secret, sizeof secret, "%s/store.db", folder);
    fd = open(secret, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || close(fd) != 0 || chmod(folder, 0755) != 0) {
        return -1;
    }
    if (getuid() == 0 && (chown(folder, TEST_UID_BASE + SANDBOX_VAULT, 0) != 0 ||
                          chown(secret, TEST_UID_BASE + SANDBOX_VAULT, 0) != 0)) {
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(secret) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox_sandbox__report_is_true),
        cmocka_unit_test(test_sandbox_sandbox__hardened_misses_nothing),
        cmocka_unit_test(test_sandbox_sandbox__json_names_all),
        cmocka_unit_test(test_sandbox_sandbox__gateway_is_shut),
        cmocka_unit_test(test_sandbox_sandbox__vault_has_its_files_only),
        cmocka_unit_test(test_sandbox_sandbox__vault_reaches_its_database_only),
        cmocka_unit_test(test_sandbox_sandbox__egress_goes_out_and_nowhere_else),
        cmocka_unit_test(test_sandbox_sandbox__no_room_reaches_another),
        cmocka_unit_test(test_sandbox_sandbox__memory_is_unreadable_for_another_user),
        cmocka_unit_test(test_sandbox_sandbox__supervisor_starts_rooms_and_little_else),
        cmocka_unit_test(test_sandbox_sandbox__own_root),
        cmocka_unit_test(test_sandbox_sandbox__own_root_that_is_refused),
        cmocka_unit_test(test_sandbox_sandbox__refuses_other_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
