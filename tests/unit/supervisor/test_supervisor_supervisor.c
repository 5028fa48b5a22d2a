// The supervisor with three small rooms (this same program with the arguments `room NAME`): a line
// to the gateway goes gateway -> vault -> egress -> gateway and comes back as an answer. Rooms are
// killed, hang, break rules, refuse to start; the supervisor must cope.
// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor.h"

#include "base/clock.h"
#include "fake_rooms.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_UID_BASE 60900
#define LOG_MAX       1000000
#define PATIENCE_MS   15000

// ---------------------------------------------------------------- a server under test

struct server {
    struct config config; // what it runs with
    char folder[64];      // data directory
    pid_t pid;            // the supervisor
    int log;              // its standard error
    char text[LOG_MAX];   // what came out of it so far
    size_t length;        // of text
    unsigned port;        // of plain.0
};

static struct server server;

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int set_up(void **state)
{
    struct config *config = &server.config;
    (void)state;
    memset(&server, 0, sizeof server);
    snprintf(server.folder, sizeof server.folder, "/tmp/fishplate-rooms-XXXXXX");
    if (mkdtemp(server.folder) == NULL) {
        return -1;
    }
    memcpy(config->data_dir, server.folder, sizeof server.folder);
    snprintf(config->store_file, sizeof config->store_file, "%s/store.db", server.folder);
    snprintf(config->audit_dir, sizeof config->audit_dir, "%s/audit", server.folder);
    snprintf(config->master_key_file, sizeof config->master_key_file, "%s/key", server.folder);
    snprintf(config->tls_certificate, sizeof config->tls_certificate, "%s/cert", server.folder);
    snprintf(config->tls_key, sizeof config->tls_key, "%s/cert.key", server.folder);
    snprintf(config->plain_listen[0], sizeof config->plain_listen[0], "127.0.0.1:0");
    snprintf(config->api_listen[0], sizeof config->api_listen[0], "127.0.0.1:0");
    config->drain_timeout_ms = 1500;
    config->connections = 100;
    config->uid_base = TEST_UID_BASE;
    config->log_level = LOG_INFO;
    if (getuid() == 0 && chown(server.folder, TEST_UID_BASE + LINK_ROOM_VAULT, 0) != 0) {
        return -1;
    }
    write_file(config->master_key_file, "good", 0600);
    write_file(config->tls_certificate, "first", 0644);
    write_file(config->tls_key, "key", 0600);
    return 0;
}

static bool read_log(int wait_ms)
{
    struct pollfd one = {server.log, POLLIN, 0};
    size_t length = server.length;
    ssize_t got = 0;
    if (poll(&one, 1, wait_ms) <= 0 || length >= sizeof server.text - 1) {
        return false;
    }
    got = read(server.log, server.text + length, sizeof server.text - length - 1);
    length += got > 0 ? (size_t)got : 0;
    server.text[length] = '\0';
    server.length = length;
    return got > 0;
}

static unsigned count_log(const char *needle)
{
    unsigned count = 0;
    for (const char *at = server.text; (at = strstr(at, needle)) != NULL; at++) {
        count++;
    }
    return count;
}

// Until the text stands there so many times.
static void await_log(const char *needle, unsigned times)
{
    uint64_t end = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000;
    while (count_log(needle) < times) {
        if (clock_monotonic_ns() > end) {
            fail_msg("no %u x %s in:\n%s", times, needle, server.text);
        }
        (void)read_log(100);
    }
}

static void start_server(void)
{
    int pipes[2] = {-1, -1};
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0) {
        dup2(pipes[1], STDERR_FILENO);
        _exit(supervisor_main(&server.config, names, 3));
    }
    close(pipes[1]);
    server.log = pipes[0];
}

static void start_serving(void)
{
    static const char needle[] = "\"name\":\"plain.0\",\"address\":\"127.0.0.1:";
    const char *at = NULL;
    start_server();
    await_log("\"event\":\"serving\"", 1);
    at = strstr(server.text, needle);
    assert_non_null(at);
    server.port = (unsigned)strtoul(at + strlen(needle), NULL, 10);
}

// The exit status, once it has ended and all its output is read.
static int await_end(void)
{
    uint64_t end = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000;
    int status = 0;
    while (waitpid(server.pid, &status, WNOHANG) == 0) {
        (void)read_log(20);
        if (clock_monotonic_ns() > end) {
            kill(server.pid, SIGKILL);
            fail_msg("it does not end:\n%s", server.text);
        }
    }
    server.pid = 0;
    while (read_log(0)) {
    }
    return status;
}

static int tear_down(void **state)
{
    (void)state;
    if (server.pid > 0) {
        kill(server.pid, SIGTERM);
        (void)await_end();
    }
    close(server.log);
    char path[128];
    static const char *const files[] = {"key", "cert", "cert.key", "control.sock"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", server.folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(server.folder);
}

static int connect_gateway(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
    struct timeval patience = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

// What the gateway says to a line; "" where it hangs up.
static const char *say(const char *line)
{
    static char answer[128];
    int fd = connect_gateway();
    ssize_t got = 0;
    (void)send(fd, line, strlen(line), MSG_NOSIGNAL);
    got = recv(fd, answer, sizeof answer - 1, 0);
    answer[got > 0 ? got : 0] = '\0';
    close(fd);
    return answer;
}

// The way through all rooms works again, at the latest after a while.
static void await_answer(const char *line, const char *expected)
{
    uint64_t end = clock_monotonic_ns() + (uint64_t)PATIENCE_MS * 1000000;
    while (strcmp(say(line), expected) != 0) {
        struct timespec pause = {0, 20000000};
        (void)read_log(0);
        if (clock_monotonic_ns() > end) {
            fail_msg("no %s to %s in:\n%s", expected, line, server.text);
        }
        nanosleep(&pause, NULL);
    }
}

// The process of a room as the newest room_ready line has it.
static pid_t room_pid(const char *name)
{
    char needle[80];
    const char *last = NULL;
    (void)read_log(0);
    snprintf(needle, sizeof needle, "\"event\":\"room_ready\",\"name\":\"%s\",\"pid\":", name);
    for (const char *at = server.text; (at = strstr(at, needle)) != NULL; at++) {
        last = at + strlen(needle);
    }
    assert_non_null(last);
    return (pid_t)strtol(last, NULL, 10);
}

static unsigned count_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    DIR *folder = NULL;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    folder = opendir(path);
    if (folder == NULL) {
        return 0; // not root: not dumpable processes do not show them
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

// ---------------------------------------------------------------- the cases

static void test_supervisor_supervisor__serves_then_drains(void **state)
{
    const char *ms = NULL;
    int status = 0;
    (void)state;
    start_serving();
    await_answer("ping\n", "pong");
    assert_string_equal(say("rooms\n"), "known");
    kill(server.pid, SIGTERM);
    status = await_end();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(count_log("\"event\":\"room_ended\""), 3);
    assert_int_equal(count_log("\"event\":\"ended\""), 1);
    ms = strstr(strstr(server.text, "\"event\":\"serving\""), "\"ms\":");
    assert_non_null(ms);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(strtol(ms + 5, NULL, 10) < 1000);
#endif
}

static void test_supervisor_supervisor__killed_rooms_come_back(void **state)
{
    static const char *const who[] = {"gateway", "vault", "egress"};
    unsigned before = 0;
    (void)state;
    start_serving();
    await_answer("ping\n", "pong");
    before = count_descriptors(server.pid);
    for (unsigned i = 0; i < 9; i++) {
        kill(room_pid(who[i % 3]), SIGKILL);
        await_log("\"event\":\"room_ready\"", 4 + i);
        await_answer("ping\n", "pong");
    }
    assert_int_equal(count_log("\"signal\":9"), 9);
    assert_int_equal(count_descriptors(server.pid), before);
}

static void test_supervisor_supervisor__rule_breaker_is_met_by_a_fresh_vault(void **state)
{
    pid_t vault = 0;
    (void)state;
    start_serving();
    await_answer("ping\n", "pong");
    vault = room_pid("vault");
    assert_string_equal(say("break\n"), "broken");
    await_log("\"event\":\"link_rule_broken\"", 1);
    await_log("\"event\":\"room_ready\"", 4);
    await_answer("ping\n", "pong");
    assert_true(room_pid("vault") != vault);
}

static bool status_has(pid_t pid, const char *line)
{
    char path[64], text[8192];
    ssize_t got = 0;
    int fd = -1;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return strstr(text, line) != NULL;
}

// security.md, "Process hygiene": seen from outside, on the running server.
static void test_supervisor_supervisor__rooms_are_closed_in(void **state)
{
    static const char *const who[] = {"gateway", "vault", "egress"};
    char uid[64];
    (void)state;
    start_serving();
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = room_pid(who[i]);
        assert_true(status_has(pid, "Seccomp:\t2"));
        assert_true(status_has(pid, "NoNewPrivs:\t1"));
        assert_true(status_has(pid, "CapEff:\t0000000000000000"));
        assert_true(status_has(pid, "CapPrm:\t0000000000000000"));
        if (getuid() == 0) {
            unsigned own = TEST_UID_BASE + (unsigned)names[i];
            snprintf(uid, sizeof uid, "Uid:\t%u\t%u\t%u\t%u\n", own, own, own, own);
            assert_true(status_has(pid, uid));
            snprintf(uid, sizeof uid, "Gid:\t%u\t%u\t%u\t%u\n", own, own, own, own);
            assert_true(status_has(pid, uid));
            assert_true(status_has(pid, "Groups:\t \n"));
            assert_true(status_has(pid, "CapBnd:\t0000000000000000"));
        }
    }
}

static void test_supervisor_supervisor__new_files_after_hangup(void **state)
{
    (void)state;
    start_serving();
    await_answer("certificate\n", "first");
    write_file(server.config.tls_certificate, "second", 0644);
    kill(server.pid, SIGHUP);
    await_answer("certificate\n", "second again");
    // a room that is started again reads the newest from its beginning
    kill(room_pid("gateway"), SIGKILL);
    await_log("\"event\":\"room_ready\"", 4);
    await_answer("certificate\n", "second");
    // a key that others may read is not taken into use
    assert_int_equal(chmod(server.config.tls_key, 0644), 0);
    write_file(server.config.tls_certificate, "third", 0644);
    kill(server.pid, SIGHUP);
    await_log("\"event\":\"reload_failed\"", 1);
    await_answer("certificate\n", "second");
}

static void test_supervisor_supervisor__open_key_stops_the_start(void **state)
{
    int status = 0;
    (void)state;
    assert_int_equal(chmod(server.config.master_key_file, 0640), 0);
    start_server();
    status = await_end();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(count_log("is open to others (mode 0640)"), 1);
}

static void test_supervisor_supervisor__room_that_refuses_stops_the_start(void **state)
{
    int status = 0;
    (void)state;
    write_file(server.config.master_key_file, "bad", 0600);
    start_server();
    status = await_end();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_int_equal(count_log("\"event\":\"start_failed\""), 1);
    assert_int_equal(count_log("\"event\":\"room_not_started\""), 1);
    assert_int_equal(count_log("\"event\":\"serving\""), 0);
}

static void test_supervisor_supervisor__one_server_per_directory(void **state)
{
    pid_t second = 0;
    int status = 0;
    (void)state;
    start_serving();
    second = fork();
    assert_true(second >= 0);
    if (second == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        _exit(supervisor_main(&server.config, names, 3));
    }
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    await_answer("ping\n", "pong");
}

static void test_supervisor_supervisor__rooms_die_with_it(void **state)
{
    pid_t rooms[3] = {0};
    uint64_t end = 0;
    (void)state;
    start_serving();
    rooms[0] = room_pid("gateway");
    rooms[1] = room_pid("vault");
    rooms[2] = room_pid("egress");
    kill(server.pid, SIGKILL);
    (void)await_end();
    end = clock_monotonic_ns() + 5000000000u;
    for (unsigned i = 0; i < 3; i++) {
        while (kill(rooms[i], 0) == 0 && !status_has(rooms[i], "State:\tZ")) {
            struct timespec pause = {0, 10000000};
            assert_true(clock_monotonic_ns() < end);
            nanosleep(&pause, NULL);
        }
    }
}

static void test_supervisor_supervisor__hanging_request_is_cut_off(void **state)
{
    uint64_t begin = 0;
    int fd = -1, status = 0;
    (void)state;
    start_serving();
    fd = connect_gateway();
    await_answer("ping\n", ""); // the one place is taken
    begin = clock_monotonic_ns();
    kill(server.pid, SIGTERM);
    status = await_end();
    close(fd);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(count_log("\"event\":\"drain_timeout\""), 1);
    assert_true(clock_monotonic_ns() - begin >= 1400000000u);
    assert_true(clock_monotonic_ns() - begin < 4000000000u);
}

static void test_supervisor_supervisor__second_signal_ends_at_once(void **state)
{
    uint64_t begin = 0;
    int fd = -1;
    (void)state;
    server.config.drain_timeout_ms = 60000;
    start_serving();
    fd = connect_gateway();
    await_answer("ping\n", "");
    begin = clock_monotonic_ns();
    kill(server.pid, SIGINT);
    await_log("\"event\":\"draining\"", 1);
    // at once again it is taken for the same
    kill(server.pid, SIGINT);
    while (clock_monotonic_ns() - begin < 400000000u) {
        (void)read_log(50);
    }
    assert_int_equal(count_log("\"event\":\"ending_now\""), 0);
    kill(server.pid, SIGINT);
    (void)await_end();
    assert_int_equal(count_log("\"event\":\"ending_now\""), 1);
    close(fd);
    assert_true(clock_monotonic_ns() - begin < 5000000000u);
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_supervisor_supervisor__##name, set_up, tear_down)
        CASE(serves_then_drains),
        CASE(killed_rooms_come_back),
        CASE(rule_breaker_is_met_by_a_fresh_vault),
        CASE(rooms_are_closed_in),
        CASE(new_files_after_hangup),
        CASE(open_key_stops_the_start),
        CASE(room_that_refuses_stops_the_start),
        CASE(one_server_per_directory),
        CASE(rooms_die_with_it),
        CASE(hanging_request_is_cut_off),
        CASE(second_signal_ends_at_once),
    };
    if (argc == 3 && strcmp(argv[1], "room") == 0) {
        for (size_t i = 0; i < 3; i++) {
            if (strcmp(argv[2], link_room_name(fakes[i].name)) == 0) {
                return room_main(&fakes[i], SUPERVISOR_CHANNEL);
            }
        }
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
