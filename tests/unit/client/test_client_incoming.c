// Answers as they may come, each in one piece and byte by byte.
// SPDX-License-Identifier: Apache-2.0
#include "client/incoming.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OK  "HTTP/1.1 200 OK\r\n"
#define LEN "Content-Length: 4\r\n"

struct row {
    const char *text;        // that comes
    bool head;               // answers a HEAD request
    bool closed;             // and then the end
    unsigned status;         // expected; 0: it is wrong
    bool keep;               // expected
    const char *body;        // expected
    enum client_fault fault; // expected
};

static void check(const struct row *row, size_t piece)
{
    struct client_incoming in;
    struct buf body;
    struct bytes text = bytes_of_text(row->text);
    struct arena *arena = arena_create(1u << 20, true);
    enum client_incoming_state state = INCOMING_MORE;
    assert_non_null(arena);
    buf_init(&body, 8);
    client_incoming_init(&in, arena, &body, row->head);
    for (size_t at = 0; at < text.len && state != INCOMING_WRONG; at += piece) {
        state = client_incoming_feed(&in, bytes_slice(text, at, piece));
    }
    if (row->closed) {
        assert_int_equal(state, INCOMING_MORE);
        state = client_incoming_finish(&in);
    }
    if (state != (row->status != 0 ? INCOMING_DONE : INCOMING_WRONG) || in.fault != row->fault ||
        (row->status != 0 && (in.status != row->status || in.keep != row->keep ||
                              !bytes_equal_text(buf_bytes(&body), row->body)))) {
        fail_msg("%s: state %d, fault %d, status %u, keep %d", row->text, (int)state, (int)in.fault,
                 in.status, in.keep);
    }
    client_incoming_done(&in);
    buf_done(&body);
    arena_free(arena);
}

static void test_client_incoming__framing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OK LEN "\r\nbody", false, false, 200, true, "body", CLIENT_FAULT_NONE},
        {OK "\r\nbody", false, true, 200, false, "body", CLIENT_FAULT_NONE},
        {"HTTP/1.0 200 OK\r\n" LEN "\r\nbody", false, false, 200, false, "body", CLIENT_FAULT_NONE},
        {OK LEN "Connection: close\r\n\r\nbody", false, false, 200, false, "body",
         CLIENT_FAULT_NONE},
        {OK LEN "\r\n", true, false, 200, true, "", CLIENT_FAULT_NONE},
        {"HTTP/1.1 204 No\r\n\r\n", false, false, 204, true, "", CLIENT_FAULT_NONE},
        {"HTTP/1.1 304 No\r\n" LEN "\r\n", false, false, 304, true, "", CLIENT_FAULT_NONE},
        {"HTTP/1.1 100 Go\r\nA: b\r\n\r\n" OK LEN "\r\nbody", false, false, 200, true, "body",
         CLIENT_FAULT_NONE},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\nT: u\r\n\r\n", false,
         false, 200, true, "body", CLIENT_FAULT_NONE},
        {OK LEN "\r\nbody, and more", false, false, 200, false, "body", CLIENT_FAULT_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], 1000);
        check(&rows[i], 1);
    }
}

static void test_client_incoming__wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OK LEN "\r\nbod", false, true, 0, false, "", CLIENT_FAULT_NONE},
        {OK "Transfer-Encoding: chunked\r\n\r\n4\r\nbo", false, true, 0, false, "",
         CLIENT_FAULT_NONE},
        {"HTTP/1.1 101 Up\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_HTTP},
        {"HTTP/1.1 600 No\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_HTTP},
        {"HTTP/2.0 200 OK\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_HTTP},
        {"ICY 200 OK\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_HTTP},
        {OK LEN "Transfer-Encoding: chunked\r\n\r\n", false, false, 0, false, "",
         CLIENT_FAULT_HTTP},
        {OK "Transfer-Encoding: gzip\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_HTTP},
        {OK "Content-Length: 4\r\nContent-Length: 5\r\n\r\n", false, false, 0, false, "",
         CLIENT_FAULT_HTTP},
        {OK "Content-Length: 9\r\n\r\n", false, false, 0, false, "", CLIENT_FAULT_BODY},
        {OK "Content-Length: 18446744073709551617\r\n\r\n", false, false, 0, false, "",
         CLIENT_FAULT_HTTP},
        {OK "\r\n123456789", false, false, 0, false, "", CLIENT_FAULT_BODY},
        {OK "Content-Encoding: br\r\n" LEN "\r\n", false, false, 0, false, "", CLIENT_FAULT_CODING},
        {OK "Content-Encoding: gzip\r\n" LEN "\r\nbody", false, false, 0, false, "",
         CLIENT_FAULT_CODING},
        // the first three bytes of a gzip file, and no more
        {OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", false, false, 0,
         false, "", CLIENT_FAULT_CODING},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i], 1000);
        check(&rows[i], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_incoming__framing),
        cmocka_unit_test(test_client_incoming__wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
