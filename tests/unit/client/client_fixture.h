// What the tests of the client share: the servers that misbehave, one client, one call at a time.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_CLIENT_FIXTURE_H
#define FP_TEST_CLIENT_FIXTURE_H

#include "base/mem.h"
#include "client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOPBACK "127.0.0.0/8,::1"

static struct {
    uv_loop_t loop;        // one for all tests
    struct client *client; // one for all tests
    pid_t pid;             // of the servers
    int input;             // closed to end them
    char folder[64];       // certificates
    struct {
        char name[32]; // of the server
        unsigned port; // of the server
    } servers[16];     // as told
    size_t count;      // of servers
} t;

struct result {
    unsigned done;       // times done() was called
    enum fp_error error; // of the answer
    unsigned status;     // of the answer
    unsigned attempts;   // of the answer
    bool sent, reused;   // of the answer
    char note[320];      // of the answer
    char body[10000];    // its begin
    size_t body_len;     // of the answer
    size_t headers;      // of the answer
    char header[200];    // the one that was asked for
    char address[64];    // of the answer
};

static struct fp_note note;
static const char *wanted_header;

static inline void on_done(void *ctx, struct client_answer *answer)
{
    struct result *result = ctx;
    struct bytes value = {0};
    result->done++;
    result->error = answer->error;
    result->status = answer->status;
    result->attempts = answer->attempts;
    result->sent = answer->sent;
    result->reused = answer->reused;
    result->headers = answer->header_count;
    result->body_len = answer->body.len;
    snprintf(result->note, sizeof result->note, "%s", answer->note.text);
    snprintf(result->address, sizeof result->address, "%s", answer->address);
    snprintf(result->body, sizeof result->body, "%.*s", (int)(answer->body.len % 9999),
             (const char *)answer->body.ptr);
    if (wanted_header != NULL && client_answer_header(answer, wanted_header, &value)) {
        snprintf(result->header, sizeof result->header, "%.*s", BYTES_ARG(value));
    }
    // an answer that came within a timer's callback: the same turn must not wait for more
    uv_stop(&t.loop);
}

static inline unsigned port_of(const char *name)
{
    for (size_t i = 0; i < t.count; i++) {
        if (strcmp(t.servers[i].name, name) == 0) {
            return t.servers[i].port;
        }
    }
    fail_msg("no server %s", name);
    return 0;
}

static inline void run_until(const unsigned *done, unsigned count)
{
    uint64_t end = uv_hrtime() + 60000000000u;
    while (*done < count) {
        assert_true(uv_hrtime() < end);
        uv_run(&t.loop, UV_RUN_ONCE);
    }
}

static inline struct client_request request_to(char *url, size_t size, const char *scheme,
                                               const char *server, const char *path)
{
    snprintf(url, size, "%s://127.0.0.1:%u%s", scheme, port_of(server), path);
    return (struct client_request){.method = BYTES("GET"), .url = bytes_of_text(url)};
}

static inline enum fp_error begin(const struct client_request *request, const char *connection,
                                  const char *networks, struct result *result,
                                  struct client_call **out)
{
    struct networks list;
    assert_int_equal(networks_parse(bytes_of_text(networks), &list, NULL), FP_OK);
    struct client_policy policy = {bytes_of_text(connection), &list};
    struct client_begin start = {request, &policy, on_done, result};
    memset(result, 0, sizeof *result);
    memset(&note, 0, sizeof note);
    return client_send(t.client, &start, out, &note);
}

static inline void call(const struct client_request *request, const char *connection,
                        struct result *result)
{
    struct client_call *handle = NULL;
    assert_int_equal(begin(request, connection, LOOPBACK, result, &handle), FP_OK);
    assert_int_equal(result->done, 0);
    run_until(&result->done, 1);
    assert_int_equal(result->done, 1);
}

static inline void get(const char *server, const char *path, struct result *result)
{
    char url[200];
    struct client_request request = request_to(url, sizeof url, "http", server, path);
    request.max_answer = 1 << 20;
    request.timeout_ms = 20000;
    call(&request, "con_shared", result);
}

static inline void still_works(void)
{
    struct result result;
    get("plain", "/echo", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(result.status, 200);
}

static inline void expect(const char *server, const char *path, enum fp_error error,
                          const char *words)
{
    struct result result;
    get(server, path, &result);
    if (result.error != error || strstr(result.note, words) == NULL) {
        fail_msg("%s: %s (%s)", path, fp_error_code(result.error), result.note);
    }
    still_works();
}

static inline void start_servers(void)
{
    int in[2], out[2];
    char script[400];
    snprintf(script, sizeof script, "%s/tests/unit/client/servers.py",
             getenv("FISHPLATE_SOURCE_ROOT"));
    snprintf(t.folder, sizeof t.folder, "/tmp/fishplate-client-XXXXXX");
    assert_non_null(mkdtemp(t.folder));
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    t.pid = fork();
    if (t.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("python3", "python3", script, t.folder, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    t.input = in[1];
    FILE *told = fdopen(out[0], "r");
    while (t.count < 16 &&
           fscanf(told, "%31s %u", t.servers[t.count].name, &t.servers[t.count].port) == 2) {
        if (strcmp(t.servers[t.count].name, "READY") == 0) {
            break;
        }
        t.count++;
    }
    fclose(told);
    assert_true(t.count > 8);
}

static inline int setup(void **state)
{
    (void)state;
    char ca[100];
    signal(SIGPIPE, SIG_IGN);
    // What the environment says about proxies must not matter.
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1);
    start_servers();
    snprintf(ca, sizeof ca, "%s/ca.pem", t.folder);
    struct client_settings settings = {
        .ca_file = ca, .pools = 16, .connections = 4, .idle_ms = 3000};
    uv_loop_init(&t.loop);
    enum fp_error error = client_create(&t.loop, &settings, &t.client, &note);
    return error == FP_OK ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    char command[100];
    int status = 0;
    close(t.input);
    waitpid(t.pid, &status, 0);
    // calls in flight end without done()
    static struct result result;
    struct client_call *handle = NULL;
    struct client_request request = {.method = BYTES("GET"), .url = BYTES("http://127.0.0.1:9/")};
    enum fp_error error = begin(&request, "con_last", LOOPBACK, &result, &handle);
    client_free(t.client);
    snprintf(command, sizeof command, "%s", t.folder);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-r", t.folder, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return error == FP_OK && result.done == 0 && uv_loop_close(&t.loop) == 0 ? 0 : -1;
}

#endif
