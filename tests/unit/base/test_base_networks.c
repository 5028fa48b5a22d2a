// Lists of networks: what is read, and the reason for what is not.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

static void test_base_networks__good(void **state)
{
    (void)state;
    static const struct {
        const char *text; // as written
        size_t count;     // entries
    } cases[] = {
        {"", 0},
        {"  \t ", 0},
        {"10.0.0.0/8", 1},
        {"10.0.0.7", 1},
        {"0.0.0.0/0", 1},
        {"10.0.0.0/8,127.0.0.0/8", 2},
        {" 10.0.0.0/8 ,\tfd12::/48 , ::1 ", 3},
        {"::/0", 1},
        {"fd00::1/128", 1},
        {"128.0.0.0/1", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct networks list;
        struct fp_note note = {0};
        assert_int_equal(networks_parse(bytes_of_text(cases[i].text), &list, &note), FP_OK);
        assert_int_equal(list.count, cases[i].count);
    }
}

static void test_base_networks__bad(void **state)
{
    (void)state;
    static const struct {
        const char *text;   // as written
        const char *reason; // the note
    } cases[] = {
        {",", "network 1 is not an IPv4 or IPv6 address"},
        {"10.0.0.0/8,", "network 2 is not an IPv4 or IPv6 address"},
        {"10.0.0.0/8,,::1", "network 2 is not an IPv4 or IPv6 address"},
        {"10.0.0.0/33", "network 1 has a prefix that is not 0 to 32"},
        {"10.0.0.0/", "network 1 has a prefix that is not 0 to 32"},
        {"10.0.0.0/-1", "network 1 has a prefix that is not 0 to 32"},
        {"10.0.0.0/8/8", "network 1 has a prefix that is not 0 to 32"},
        {"10.0.0.0/0008", "network 1 has a prefix that is not 0 to 32"},
        {"::/129", "network 1 has a prefix that is not 0 to 128"},
        {"10.0.0.1/8", "network 1 has bits set behind its prefix"},
        {"fd00::1/64", "network 1 has bits set behind its prefix"},
        {"10/8", "network 1 is not an IPv4 or IPv6 address"},
        {"010.0.0.1", "network 1 is not an IPv4 or IPv6 address"},
        {"0x7f.0.0.1", "network 1 is not an IPv4 or IPv6 address"},
        {"localhost", "network 1 is not an IPv4 or IPv6 address"},
        {"fe80::1%eth0", "network 1 is not an IPv4 or IPv6 address"},
        {"10.0.0.0/8;::1", "network 1 has a prefix that is not 0 to 32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct networks list = {.count = 77};
        struct fp_note note = {0};
        assert_int_equal(networks_parse(bytes_of_text(cases[i].text), &list, &note),
                         FP_E_INPUT_INVALID);
        assert_string_equal(note.text, cases[i].reason);
        assert_string_equal(note.field, "networks");
        assert_int_equal(list.count, 77); // untouched
    }
}

static void test_base_networks__too_many(void **state)
{
    (void)state;
    struct buf text;
    struct networks list;
    struct fp_note note = {0};
    buf_init(&text, 4096);
    for (int i = 0; i < FP_LIMIT_SOURCE_NETWORKS; i++) {
        buf_printf(&text, "%s10.%d.0.0/16", i == 0 ? "" : ",", i);
    }
    assert_int_equal(networks_parse(buf_bytes(&text), &list, &note), FP_OK);
    assert_int_equal(list.count, FP_LIMIT_SOURCE_NETWORKS);
    buf_append_text(&text, ",::1");
    assert_int_equal(networks_parse(buf_bytes(&text), &list, &note), FP_E_INPUT_INVALID);
    assert_string_equal(note.text, "more than 32 networks");
    buf_done(&text);
}

static bool contains(const char *networks, const char *address)
{
    struct networks list;
    uint8_t raw[16];
    bool v6 = strchr(address, ':') != NULL;
    assert_int_equal(networks_parse(bytes_of_text(networks), &list, NULL), FP_OK);
    assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, address, raw), 1);
    return networks_contain(&list, raw, v6);
}

static void test_base_networks__contain(void **state)
{
    (void)state;
    uint8_t any[16] = {0};
    assert_false(networks_contain(NULL, any, false));
    assert_false(contains("", "10.0.0.1"));
    assert_true(contains("10.0.0.0/8", "10.255.255.255"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("10.0.0.8/29", "10.0.0.15"));
    assert_false(contains("10.0.0.8/29", "10.0.0.16"));
    assert_false(contains("10.0.0.8/29", "10.0.0.7"));
    assert_true(contains("0.0.0.0/0", "1.2.3.4"));
    assert_false(contains("0.0.0.0/0", "::1"));
    assert_false(contains("::/0", "1.2.3.4"));
    assert_true(contains("::1,fd12:3456::/33", "fd12:3456:7fff::1"));
    assert_false(contains("::1,fd12:3456::/33", "fd12:3456:8000::1"));
    assert_true(contains("192.168.1.7", "192.168.1.7"));
    assert_false(contains("192.168.1.7", "192.168.1.6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_networks__good),
        cmocka_unit_test(test_base_networks__bad),
        cmocka_unit_test(test_base_networks__too_many),
        cmocka_unit_test(test_base_networks__contain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
