// Log lines that are collected: written together, in order, and at once where one is urgent.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int log_pipe[2];

static int log_to_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe2(log_pipe, O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(dup2(log_pipe[1], STDERR_FILENO) >= 0);
    return 0;
}

// How many lines were written since the last look; the last event's name in *event_out.
static int lines_written(char event_out[static 32])
{
    static char text[262144];
    ssize_t got = read(log_pipe[0], text, sizeof text - 1);
    int lines = 0;
    event_out[0] = '\0';
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    for (const char *at = text; (at = strstr(at, "\"event\":\"")) != NULL; lines++) {
        at += 9;
        snprintf(event_out, 32, "%.*s", (int)strcspn(at, "\""), at);
    }
    return lines;
}

static void test_base_log__collected(void **state)
{
    char event[32];
    (void)state;
    log_event(LOG_INFO, "direct", NULL);
    assert_int_equal(lines_written(event), 1);
    log_collect(true);
    log_event(LOG_INFO, "one", NULL);
    log_event(LOG_INFO, "two", NULL);
    assert_int_equal(lines_written(event), 0);
    log_flush();
    assert_int_equal(lines_written(event), 2);
    assert_string_equal(event, "two");
    log_event(LOG_INFO, "three", NULL);
    log_event(LOG_WARNING, "urgent", NULL);
    assert_int_equal(lines_written(event), 2);
    assert_string_equal(event, "urgent");
    log_event(LOG_INFO, "last", NULL);
    log_collect(false);
    assert_int_equal(lines_written(event), 1);
    log_event(LOG_INFO, "direct", NULL);
    assert_int_equal(lines_written(event), 1);
}

static void test_base_log__more_than_is_collected(void **state)
{
    char event[32];
    int before = 0, after = 0;
    (void)state;
    log_collect(true);
    for (int i = 0; i < 1000; i++) { // more than 80,000 bytes
        log_event(LOG_INFO, "many", NULL);
    }
    before = lines_written(event);
    assert_true(before > 0 && before < 1000);
    log_collect(false);
    after = lines_written(event);
    assert_int_equal(before + after, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_log__collected),
        cmocka_unit_test(test_base_log__more_than_is_collected),
    };
    return cmocka_run_group_tests(tests, log_to_pipe, NULL);
}
