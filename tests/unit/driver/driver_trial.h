// What the tests of the driver share: one call under test, fed with recorded answers.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_DRIVER_TRIAL_H
#define FP_TEST_DRIVER_TRIAL_H

#include "driver/driver.h"

#include "mapping/set.h"
#include "model/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HELPER __attribute__((unused)) static
#define CREDENTIALS                                                                                \
    "{\"url\":\"http://127.0.0.1:8000/\",\"database\":\"erp\",\"username\":\"admin\","             \
    "\"password\":\"Adm1n-secret\"}"
#define SESSION "[1,\"10b9d6d77e961c5c\",1,\"Plant GmbH\",\"en\",[5,13],\"dG9rZW4=\",[]]"
#define HTML    "<!doctype html>\n<title>500 Internal Server Error</title>"

static struct mapping_set *set;
static const struct mapping *other;   // platform under test; NULL: tryton
static const char *other_credentials; // for it
static struct arena *arena;

// The state of one call under test.
struct trial {
    struct driver_run *run;
    struct model_query query;
    unsigned numbers[16];  // requests given out
    char bodies[16][4096]; // their bodies
    char urls[16][2048];   // where they go
    char methods[16][8];   // by which method
    char header[256];      // Authorization of the newest
    unsigned count;        // of them
};

static struct trial t;

HELPER int setup(void **state)
{
    struct fp_note note = {0};
    (void)state;
    arena = arena_create(64u << 20, false);
    return arena == NULL || mapping_set_load(NULL, &set, &note) != FP_OK;
}

HELPER int teardown(void **state)
{
    (void)state;
    mapping_set_free(set);
    arena_free(arena);
    return 0;
}

HELPER int trial_end(void **state)
{
    (void)state;
    driver_free(t.run);
    memset(&t, 0, sizeof t);
    return 0;
}

// Takes all requests that may be sent now; returns how many.
HELPER unsigned take(void)
{
    struct client_request request;
    unsigned before = t.count;
    if (driver_needs_session(t.run)) {
        driver_log_in(t.run);
    }
    while (t.count < 16 && driver_next(t.run, &t.numbers[t.count], &request)) {
        assert_true(bytes_to_text(request.body, t.bodies[t.count], sizeof t.bodies[0]));
        assert_true(bytes_to_text(request.url, t.urls[t.count], sizeof t.urls[0]));
        assert_true(bytes_to_text(request.method, t.methods[t.count], sizeof t.methods[0]));
        assert_true(other != NULL || strcmp(t.urls[t.count], "http://127.0.0.1:8000/erp/") == 0);
        t.header[0] = '\0';
        for (size_t i = 0; i < request.header_count; i++) {
            if (bytes_equal_text(request.headers[i].name, "Authorization")) {
                assert_true(bytes_to_text(request.headers[i].value, t.header, sizeof t.header));
            }
        }
        t.count++;
    }
    return t.count - before;
}

HELPER unsigned begin_call(const char *method, const char *path, const char *session,
                           const char *body)
{
    struct model_route route = {0};
    struct bytes rest = bytes_of_text(path);
    struct bytes target = {0};
    struct buf rows;
    struct driver_call call = {
        .mapping = other != NULL ? other : mapping_set_find(set, BYTES("tryton")),
        .credentials = other != NULL ? bytes_of_text(other_credentials) : BYTES(CREDENTIALS),
        .session = bytes_of_text(session),
        .body = bytes_of_text(body),
        .public_url = "https://f.test"};
    buf_init(&rows, 8192);
    struct json_out errors = json_out_start(&rows);
    if (path != NULL) {
        (void)bytes_split(&rest, '?', &target);
        assert_int_equal(model_route_find(bytes_of_text(method), target, arena, &route), FP_OK);
        call.operation = model_operation_at(route.operation);
        call.key = route.key;
        assert_int_equal(model_query_parse(rest.ptr != NULL ? rest : BYTES(""), call.operation,
                                           arena, &errors, &t.query),
                         FP_OK);
        call.query = call.operation->list || call.operation->write ? &t.query : NULL;
    }
    buf_done(&rows);
    assert_int_equal(driver_start(&call, &t.run), FP_OK);
    return take();
}

HELPER unsigned begin_with(const char *path, const char *session)
{
    return begin_call("GET", path, session, "");
}

HELPER void feed_full(unsigned at, struct client_answer *answer, const char *body)
{
    buf_init(&answer->body, 64u << 20);
    buf_append_text(&answer->body, body);
    driver_feed(t.run, t.numbers[at], answer);
    buf_done(&answer->body);
    if (!driver_is_done(t.run)) {
        take();
    }
}

HELPER void feed(unsigned at, unsigned status, const char *body)
{
    struct client_answer answer = {.status = status};
    feed_full(at, &answer, body);
}

// {"id": number of the request, "result": ...}
HELPER void result(unsigned at, const char *json)
{
    static char body[65536];
    (void)snprintf(body, sizeof body, "{\"id\":%u,\"result\":%s}", t.numbers[at], json);
    feed(at, 200, body);
}

HELPER void failure(unsigned at, const char *json)
{
    static char body[65536];
    (void)snprintf(body, sizeof body, "{\"id\":%u,\"error\":%s}", t.numbers[at], json);
    feed(at, 200, body);
}

static const struct driver_result *done(enum fp_error expected)
{
    assert_true(driver_is_done(t.run));
    const struct driver_result *r = driver_result(t.run);
    if (r->error != expected) {
        fail_msg("%s, not %s: %.*s", fp_error_code(r->error), fp_error_code(expected),
                 BYTES_ARG(r->detail));
    }
    return r;
}

// Where the piece stands in the text, which has no NUL behind it; fails where it does not.
HELPER const char *at(struct bytes text, const char *piece)
{
    const char *found = memmem(text.ptr, text.len, piece, strlen(piece));
    assert_non_null(found);
    return found;
}

HELPER bool holds(struct bytes text, const char *piece)
{
    return text.ptr != NULL && memmem(text.ptr, text.len, piece, strlen(piece)) != NULL;
}

#define TEST(name) cmocka_unit_test_teardown(name, trial_end)

#endif
