// What a link promises: frames arrive whole, in order and only where link.def allows them; every
// broken rule ends the link.
// SPDX-License-Identifier: Apache-2.0
#include "link/link.h"

#include "base/limits.h"
#include "link/link_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    unsigned count;              // frames handed out
    uint64_t last_call;          // of the last CALL or ANSWER
    enum link_number numbers[4]; // of the first frames
};

static void see(void *ctx, const struct link_frame *frame)
{
    struct seen *seen = ctx;
    if (seen->count < 4) {
        seen->numbers[seen->count] = frame->number;
    }
    seen->count++;
    if (frame->number == LINK_CANCEL) {
        struct link_cancel cancel = {0};
        assert_int_equal(link_get_cancel(frame->body, &cancel), FP_OK);
        seen->last_call = cancel.call;
    }
}

// A link of the vault whose other end is a bare socket.
static struct link *vault_end(int *raw_out)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    *raw_out = pair[1];
    struct link *link = link_create(pair[0], LINK_ROOM_VAULT, LINK_ROOM_GATEWAY);
    assert_non_null(link);
    return link;
}

static void hello_from(int raw, const char *room, uint32_t version)
{
    struct buf b;
    struct link_hello hello = {version, bytes_of_text(room)};
    buf_init(&b, 100);
    assert_int_equal(link_put_hello(&b, &hello), FP_OK);
    assert_int_equal(write(raw, b.ptr, b.len), (ssize_t)b.len);
    buf_done(&b);
}

static enum fp_error read_all(struct link *link, struct seen *seen)
{
    enum fp_error error = FP_OK;
    while (error == FP_OK) {
        error = link_read(link, see, seen);
    }
    return error;
}

static void test_link_link__frames_arrive_whole_and_in_order_however_they_are_cut(void **state)
{
    struct buf b;
    struct seen seen = {0};
    int raw = -1;
    struct link *link = vault_end(&raw);
    (void)state;
    hello_from(raw, "gateway", LINK_VERSION);
    buf_init(&b, 100000);
    for (uint64_t i = 1; i <= 300; i++) {
        assert_int_equal(link_put_cancel(&b, &(struct link_cancel){i}), FP_OK);
    }
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(write(raw, b.ptr + i, 1), 1);
        if (i % 7 == 0) {
            assert_int_equal(read_all(link, &seen), FP_E_AGAIN);
        }
    }
    assert_int_equal(read_all(link, &seen), FP_E_AGAIN);
    assert_int_equal(seen.count, 300);
    assert_int_equal(seen.last_call, 300);
    buf_done(&b);
    close(raw);
    assert_int_equal(read_all(link, &seen), FP_E_LINK_CLOSED);
    link_free(link);
}

static void test_link_link__nothing_is_taken_before_the_greeting(void **state)
{
    struct buf b;
    struct seen seen = {0};
    int raw = -1;
    struct link *link = vault_end(&raw);
    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(link_put_cancel(&b, &(struct link_cancel){1}), FP_OK);
    assert_int_equal(write(raw, b.ptr, b.len), (ssize_t)b.len);
    assert_int_equal(read_all(link, &seen), FP_E_MESSAGE_INVALID);
    assert_int_equal(seen.count, 0);
    buf_done(&b);
    close(raw);
    link_free(link);
}

static void test_link_link__a_wrong_greeting_ends_the_link(void **state)
{
    static const struct {
        const char *room;
        uint32_t version;
    } cases[] = {{"egress", LINK_VERSION}, {"", LINK_VERSION}, {"gateway", LINK_VERSION + 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen seen = {0};
        int raw = -1;
        struct link *link = vault_end(&raw);
        hello_from(raw, cases[i].room, cases[i].version);
        assert_int_equal(read_all(link, &seen), FP_E_MESSAGE_INVALID);
        close(raw);
        link_free(link);
    }
}

static void expect_refused(const void *frame, size_t len)
{
    struct seen seen = {0};
    int raw = -1;
    struct link *link = vault_end(&raw);
    hello_from(raw, "gateway", LINK_VERSION);
    assert_int_equal(write(raw, frame, len), (ssize_t)len);
    assert_int_equal(read_all(link, &seen), FP_E_MESSAGE_INVALID);
    assert_int_equal(seen.count, 0);
    close(raw);
    link_free(link);
}

// Every number that link.def does not let the gateway send to the vault, and all numbers unused.
static void test_link_link__every_message_out_of_place_ends_the_link(void **state)
{
    unsigned refused = 0;
    (void)state;
    for (unsigned number = 0; number < 256; number++) {
        const struct link_rule *rule = link_rule(number);
        bool allowed = rule != NULL && number != LINK_HELLO &&
                       (rule->from >> LINK_ROOM_GATEWAY & 1u) != 0 &&
                       (rule->to >> LINK_ROOM_VAULT & 1u) != 0;
        if (allowed) {
            continue;
        }
        size_t len = rule != NULL ? rule->least : LINK_HEADER;
        uint8_t frame[512] = {0};
        frame[0] = (uint8_t)len;
        frame[1] = (uint8_t)(len >> 8);
        frame[4] = (uint8_t)number;
        expect_refused(frame, len);
        refused++;
    }
    assert_true(refused > 200);
}

static void test_link_link__impossible_lengths_end_the_link_at_once(void **state)
{
    (void)state;
    // shorter than a CANCEL, longer than a CANCEL, beyond every frame, a nonzero last field
    expect_refused((const uint8_t[]){8, 0, 0, 0, LINK_CANCEL, 0, 0, 0}, 8);
    expect_refused((const uint8_t[]){17, 0, 0, 0, LINK_CANCEL, 0, 0, 0}, 8);
    expect_refused((const uint8_t[]){255, 255, 255, 255, LINK_CALL, 0, 0, 0}, 8);
    expect_refused((const uint8_t[]){16, 0, 0, 0, LINK_CANCEL, 0, 1, 0}, 8);
}

static void test_link_link__fields_over_their_maximum_are_not_sent(void **state)
{
    struct buf b;
    uint8_t long_name[FP_LIMIT_NAME_TEXT + 1] = {0};
    struct link_application_create in = {.name = bytes_of(long_name, sizeof long_name)};
    (void)state;
    buf_init(&b, 100000);
    assert_int_equal(link_put_application_create(&b, &in), FP_E_LIMIT_EXCEEDED);
    assert_int_equal(b.len, 0);
    in.name.len--;
    assert_int_equal(link_put_application_create(&b, &in), FP_OK);
    buf_done(&b);
}

static void test_link_link__a_body_of_another_shape_is_refused(void **state)
{
    struct buf b;
    struct link_token_revoke in = {7, BYTES("root"), BYTES("tok_1")}, out = {0};
    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(link_put_token_revoke(&b, &in), FP_OK);
    struct bytes body = bytes_slice(buf_bytes(&b), LINK_HEADER, b.len);
    assert_int_equal(link_get_token_revoke(body, &out), FP_OK);
    assert_true(bytes_equal(out.token, in.token) && out.call == 7);
    for (size_t cut = 0; cut < body.len; cut++) {
        struct bytes part = bytes_slice(body, 0, cut);
        assert_int_equal(link_get_token_revoke(part, &out), FP_E_MESSAGE_INVALID);
    }
    buf_append_byte(&b, 0);
    body = bytes_slice(buf_bytes(&b), LINK_HEADER, b.len);
    assert_int_equal(link_get_token_revoke(body, &out), FP_E_MESSAGE_INVALID);
    buf_done(&b);
}

static void test_link_link__a_slow_reader_fills_the_queue_but_not_memory(void **state)
{
    int raw = -1;
    struct link *link = vault_end(&raw);
    static uint8_t body[1000000];
    struct link_answer answer = {.body = bytes_of(body, sizeof body)};
    unsigned queued = 0;
    (void)state;
    while (link_put_answer(link_out(link), &answer) == FP_OK) {
        enum fp_error error = link_flush(link);
        assert_true(error == FP_OK || error == FP_E_AGAIN);
        assert_true(++queued < 1000);
    }
    assert_in_range(queued, 30, FP_LIMIT_LINK_QUEUE / sizeof body + 10);
    assert_true(link_wants_write(link));
    // the link lives on: once the peer reads, all of it leaves
    size_t total = 0;
    for (enum fp_error error = FP_E_AGAIN; error == FP_E_AGAIN;) {
        static uint8_t sink[1 << 20];
        ssize_t got = recv(raw, sink, sizeof sink, MSG_DONTWAIT);
        total += got > 0 ? (size_t)got : 0;
        error = link_flush(link);
    }
    assert_true(total > sizeof body);
    assert_int_equal(link_put_answer(link_out(link), &answer), FP_OK);
    close(raw);
    link_free(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_link__frames_arrive_whole_and_in_order_however_they_are_cut),
        cmocka_unit_test(test_link_link__nothing_is_taken_before_the_greeting),
        cmocka_unit_test(test_link_link__a_wrong_greeting_ends_the_link),
        cmocka_unit_test(test_link_link__every_message_out_of_place_ends_the_link),
        cmocka_unit_test(test_link_link__impossible_lengths_end_the_link_at_once),
        cmocka_unit_test(test_link_link__fields_over_their_maximum_are_not_sent),
        cmocka_unit_test(test_link_link__a_body_of_another_shape_is_refused),
        cmocka_unit_test(test_link_link__a_slow_reader_fills_the_queue_but_not_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
