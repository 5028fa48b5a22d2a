// Writing the log: order, form, chain over restarts and files, checkpoints, health.
// SPDX-License-Identifier: Apache-2.0
#include "audit_world.h"
#include "base/clock.h"
#include "base/limits.h"

#include <poll.h>

static void test_audit_log__records_become_lines(void **state)
{
    struct world *w = *state;
    struct audit_record record = a_record(7);
    struct audit_finding finding;
    size_t len = 0;
    char *text = NULL;
    static const char expected[] =
        "{\"seq\":2,\"time\":\"2026-11-24T13:52:57.123Z\",\"action\":\"credential.use\","
        "\"actor\":\"connection\",\"actor_id\":\"con_1\",\"customer\":\"cus_1\","
        "\"connection\":\"con_1\",\"request_id\":\"req_7\",\"address\":\"192.0.2.1\","
        "\"result\":\"SOURCE_TIMEOUT\",\"detail\":{\"operation\":\"erp.vendors.list\"},\"prev\":\"";
    record.time_ms = 1795528377123;
    record.result = FP_E_SOURCE_TIMEOUT;
    world_open(w);
    assert_int_equal(audit_append_wait(w->audit, &record), FP_OK);
    world_close(w);
    text = file_read(w, FIRST_FILE, &len);
    assert_non_null(strstr(text, expected));
    assert_non_null(strstr(text, "{\"seq\":1,\"time\":\""));
    assert_non_null(strstr(text, "\"action\":\"log.start\",\"actor\":\"system\""));
    assert_non_null(strstr(text, "\"action\":\"log.stop\""));
    assert_non_null(
        strstr(text, "\"action\":\"log.checkpoint\",\"from\":1,\"to\":3,\"generation\":0,"));
    free(text);
    finding = verify(w, FP_OK);
    assert_int_equal(finding.records, 4);
    assert_int_equal(finding.last_seq, 4);
    assert_int_equal(finding.signed_seq, 3);
}

static void test_audit_log__texts_are_escaped(void **state)
{
    struct world *w = *state;
    struct audit_record record = a_record(1);
    size_t len = 0;
    char *text = NULL;
    record.actor_id = BYTES("x\",\"hash\":\"\n\x01\xff");
    world_open(w);
    assert_int_equal(audit_append_wait(w->audit, &record), FP_OK);
    world_close(w);
    text = file_read(w, FIRST_FILE, &len);
    assert_non_null(strstr(text, "\"actor_id\":\"x\\\",\\\"hash\\\":\\\"\\n\\u0001\xef\xbf\xbd\""));
    free(text);
    (void)verify(w, FP_OK);
}

static void test_audit_log__bad_records_are_refused(void **state)
{
    struct world *w = *state;
    char large[FP_LIMIT_AUDIT_DETAIL + 8];
    struct audit_record record = a_record(1);
    static const char *const bad[] = {"[]",   "{",    "x",    "{\n}", "{\"a\":\"\xff\"}",
                                      "{} {", "{}{}", "{\"}", "{]"};
    world_open(w);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        record.detail = bytes_of_text(bad[i]);
        assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    }
    memset(large, '{', sizeof large);
    record.detail = bytes_of(large, 200); // too deep
    assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    memset(large, ' ', sizeof large);
    large[0] = '{';
    large[sizeof large - 1] = '}';
    record.detail = bytes_of(large, sizeof large);
    assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    record = a_record(1);
    record.address = bytes_of(large, 600);
    assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    record = a_record(1);
    record.action = AUDIT_LOG_CHECKPOINT; // nobody else's
    assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    record.action = AUDIT_ACTION_COUNT;
    assert_int_equal(audit_append(w->audit, &record, NULL, NULL), FP_E_INPUT_INVALID);
    append(w, 1);
    world_close(w);
    (void)verify(w, FP_OK);
}

static void test_audit_log__chain_goes_on_after_restart(void **state)
{
    struct world *w = *state;
    struct audit_finding finding;
    for (int i = 0; i < 5; i++) {
        world_open(w);
        append(w, 3);
        world_close(w);
    }
    finding = verify(w, FP_OK);
    assert_int_equal(finding.records, 5 * (1 + 3 + 1 + 1)); // start, three, stop, checkpoint
}

static void test_audit_log__checkpoints_by_count(void **state)
{
    struct world *w = *state;
    struct audit_finding finding;
    w->options.checkpoint_records = 10;
    world_open(w);
    append(w, 34); // with the start record: 35, signed at 10, 20 and 30
    assert_int_equal(audit_health(w->audit).last_seq, 35 + 3);
    assert_int_equal(audit_health(w->audit).checkpoint_seq, 32);
    world_close(w);
    finding = verify(w, FP_OK);
    assert_int_equal(finding.signed_seq, finding.last_seq - 1);
}

static void test_audit_log__checkpoints_by_time(void **state)
{
    struct world *w = *state;
    w->options.checkpoint_ms = 20;
    world_open(w);
    append(w, 1);
    while (audit_health(w->audit).checkpoint_seq < 2) { // nobody appends: the thread itself is due
        (void)poll(NULL, 0, 1);
    }
    append(w, 1);
    world_close(w);
    (void)verify(w, FP_OK);
}

static void test_audit_log__rolls_to_new_files(void **state)
{
    struct world *w = *state;
    struct audit_finding finding;
    DIR *dir = NULL;
    struct dirent *entry = NULL;
    unsigned files = 0;
    w->options.segment_bytes = 5000;
    for (int i = 0; i < 3; i++) {
        world_open(w);
        append(w, 50);
        world_close(w);
    }
    dir = opendir(w->dir);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        files += strncmp(entry->d_name, "audit-", 6) == 0 ? 1 : 0;
    }
    (void)closedir(dir);
    assert_true(files > 5);
    finding = verify(w, FP_OK);
    assert_true(finding.records > 156);
    assert_int_equal(finding.first_seq, 1);
}

struct seen {
    unsigned next;     // number expected
    unsigned good;     // FP_OK
    bool out_of_order; // some came in another order
};

struct one {
    struct seen *seen; // shared
    unsigned number;   // mine
};

static void on_done(void *ctx, enum fp_error result)
{
    struct one *one = ctx;
    one->seen->out_of_order |= one->number != one->seen->next++;
    one->seen->good += result == FP_OK ? 1 : 0;
}

static void test_audit_log__many_at_once_share_a_sync(void **state)
{
    enum { COUNT = 5000 };
    struct world *w = *state;
    static struct one ones[COUNT];
    struct seen seen = {0};
    struct audit_health health;
    world_open(w);
    for (unsigned n = 0; n < COUNT; n++) {
        const struct audit_record record = a_record(n);
        ones[n] = (struct one){&seen, n};
        assert_int_equal(audit_append(w->audit, &record, on_done, &ones[n]), FP_OK);
    }
    while (seen.next < COUNT) {
        struct pollfd fd = {audit_event_fd(w->audit), POLLIN, 0};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        audit_dispatch(w->audit);
    }
    health = audit_health(w->audit);
    assert_int_equal(seen.good, COUNT);
    assert_false(seen.out_of_order);
    assert_int_equal(health.records, COUNT + 1);
    assert_true(health.syncs < COUNT);
    assert_int_equal(health.state, FP_OK);
    assert_true(health.checkpoint_seq > COUNT - 2 * FP_LIMIT_AUDIT_CHECKPOINT_RECORDS);
    world_close(w);
    assert_true(verify(w, FP_OK).records > COUNT);
}

static void test_audit_log__queue_is_bounded(void **state)
{
    struct world *w = *state;
    enum fp_error error = FP_OK;
    unsigned count = 0;
    world_open(w);
    while (error == FP_OK && count <= FP_LIMIT_AUDIT_QUEUE) {
        const struct audit_record record = a_record(count);
        error = audit_append(w->audit, &record, NULL, NULL); // nobody dispatches
        count++;
    }
    assert_int_equal(error, FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(count, FP_LIMIT_AUDIT_QUEUE + 1);
    audit_wait(w->audit);
    append(w, 1);
    world_close(w);
    (void)verify(w, FP_OK);
}

static void test_audit_log__one_writer_at_a_time(void **state)
{
    struct world *w = *state;
    struct audit *second = NULL;
    struct fp_note note = {0};
    world_open(w);
    assert_int_equal(audit_open(&w->options, &second, &note), FP_E_IO_FAILED);
    assert_non_null(strstr(note.text, "another process"));
    append(w, 1);
}

static void test_audit_log__names(void **state)
{
    (void)state;
    assert_string_equal(audit_action_text(AUDIT_TOKEN_ISSUE), "token.issue");
    assert_null(audit_action_text(AUDIT_ACTION_COUNT));
    assert_string_equal(audit_actor_text(AUDIT_BY_UNKNOWN), "unknown");
    assert_string_equal(audit_fault_text(AUDIT_CUT), "cut");
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_audit_log__##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(records_become_lines),
        CASE(texts_are_escaped),
        CASE(bad_records_are_refused),
        CASE(chain_goes_on_after_restart),
        CASE(checkpoints_by_count),
        CASE(checkpoints_by_time),
        CASE(rolls_to_new_files),
        CASE(many_at_once_share_a_sync),
        CASE(queue_is_bounded),
        CASE(one_writer_at_a_time),
        CASE(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
