// The address policy as one table: every range in every encoding, without and with allowed networks
// (threat model, row 7: SSRF). SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

enum {
    PUBLIC = CLIENT_ADDRESS_PUBLIC,
    ALLOWED = CLIENT_ADDRESS_ALLOWED,
    PRIVATE = CLIENT_ADDRESS_PRIVATE,
    FORBIDDEN = CLIENT_ADDRESS_FORBIDDEN
};

static const char everything[] = "0.0.0.0/0,::/0";

static const struct {
    const char *address; // to be connected to
    int alone;           // verdict without allowed networks
    int opened;          // verdict where every network is allowed
} cases[] = {
    // this network, and the address that reaches loopback on Linux
    {"0.0.0.0", FORBIDDEN, FORBIDDEN},
    {"0.0.0.1", FORBIDDEN, FORBIDDEN},
    {"0.255.255.255", FORBIDDEN, FORBIDDEN},
    {"1.0.0.0", PUBLIC, PUBLIC},
    // RFC 1918 and its edges
    {"9.255.255.255", PUBLIC, PUBLIC},
    {"10.0.0.0", PRIVATE, ALLOWED},
    {"10.255.255.255", PRIVATE, ALLOWED},
    {"11.0.0.0", PUBLIC, PUBLIC},
    {"172.15.255.255", PUBLIC, PUBLIC},
    {"172.16.0.0", PRIVATE, ALLOWED},
    {"172.31.255.255", PRIVATE, ALLOWED},
    {"172.32.0.0", PUBLIC, PUBLIC},
    {"192.167.255.255", PUBLIC, PUBLIC},
    {"192.168.0.0", PRIVATE, ALLOWED},
    {"192.168.255.255", PRIVATE, ALLOWED},
    {"192.169.0.0", PUBLIC, PUBLIC},
    // shared address space, and the metadata service in it
    {"100.63.255.255", PUBLIC, PUBLIC},
    {"100.64.0.0", PRIVATE, ALLOWED},
    {"100.127.255.255", PRIVATE, ALLOWED},
    {"100.128.0.0", PUBLIC, PUBLIC},
    {"100.100.100.200", FORBIDDEN, FORBIDDEN},
    {"100.100.100.201", PRIVATE, ALLOWED},
    // loopback
    {"126.255.255.255", PUBLIC, PUBLIC},
    {"127.0.0.0", PRIVATE, ALLOWED},
    {"127.0.0.1", PRIVATE, ALLOWED},
    {"127.1.2.3", PRIVATE, ALLOWED},
    {"127.255.255.255", PRIVATE, ALLOWED},
    {"128.0.0.0", PUBLIC, PUBLIC},
    // link-local and metadata
    {"169.253.255.255", PUBLIC, PUBLIC},
    {"169.254.0.0", FORBIDDEN, FORBIDDEN},
    {"169.254.169.254", FORBIDDEN, FORBIDDEN},
    {"169.254.170.2", FORBIDDEN, FORBIDDEN},
    {"169.254.255.255", FORBIDDEN, FORBIDDEN},
    {"169.255.0.0", PUBLIC, PUBLIC},
    {"168.63.129.16", FORBIDDEN, FORBIDDEN},
    {"168.63.129.17", PUBLIC, PUBLIC},
    // protocol assignments (metadata of one cloud), documentation, relays, benchmarking
    {"192.0.0.192", FORBIDDEN, FORBIDDEN},
    {"192.0.0.9", FORBIDDEN, FORBIDDEN},
    {"192.0.1.0", PUBLIC, PUBLIC},
    {"192.0.2.1", FORBIDDEN, FORBIDDEN},
    {"192.88.99.1", FORBIDDEN, FORBIDDEN},
    {"198.17.255.255", PUBLIC, PUBLIC},
    {"198.18.0.1", PRIVATE, ALLOWED},
    {"198.19.255.255", PRIVATE, ALLOWED},
    {"198.20.0.0", PUBLIC, PUBLIC},
    {"198.51.100.7", FORBIDDEN, FORBIDDEN},
    {"203.0.113.7", FORBIDDEN, FORBIDDEN},
    // multicast, reserved, broadcast
    {"223.255.255.255", PUBLIC, PUBLIC},
    {"224.0.0.1", FORBIDDEN, FORBIDDEN},
    {"239.255.255.255", FORBIDDEN, FORBIDDEN},
    {"240.0.0.1", FORBIDDEN, FORBIDDEN},
    {"255.255.255.255", FORBIDDEN, FORBIDDEN},
    {"8.8.8.8", PUBLIC, PUBLIC},
    // IPv6
    {"::", FORBIDDEN, FORBIDDEN},
    {"::1", PRIVATE, ALLOWED},
    {"::2", FORBIDDEN, FORBIDDEN},
    // IPv4-compatible
    {"::7f00:1", FORBIDDEN, FORBIDDEN},
    {"::8.8.8.8", FORBIDDEN, FORBIDDEN},
    {"::169.254.169.254", FORBIDDEN, FORBIDDEN},
    // IPv4-mapped and translated
    {"::ffff:8.8.8.8", FORBIDDEN, FORBIDDEN},
    {"::ffff:127.0.0.1", FORBIDDEN, FORBIDDEN},
    {"::ffff:10.0.0.1", FORBIDDEN, FORBIDDEN},
    {"::ffff:a9fe:a9fe", FORBIDDEN, FORBIDDEN},
    {"::ffff:0:127.0.0.1", FORBIDDEN, FORBIDDEN},
    {"::ffff:0:8.8.8.8", FORBIDDEN, FORBIDDEN},
    // NAT64
    {"64:ff9b::8.8.8.8", PUBLIC, PUBLIC},
    {"64:ff9b::127.0.0.1", FORBIDDEN, FORBIDDEN},
    {"64:ff9b::10.0.0.1", FORBIDDEN, FORBIDDEN},
    {"64:ff9b::a9fe:a9fe", FORBIDDEN, FORBIDDEN},
    {"64:ff9b::0.0.0.0", FORBIDDEN, FORBIDDEN},
    {"64:ff9b::100.100.100.200", FORBIDDEN, FORBIDDEN},
    {"64:ff9b:1::8.8.8.8", FORBIDDEN, FORBIDDEN},
    {"64:ff9b:1::a9fe:a9fe", FORBIDDEN, FORBIDDEN},
    {"64:ff9b:0:0:1::8.8.8.8", FORBIDDEN, FORBIDDEN},
    // 6to4
    {"2002:808:808::1", PUBLIC, PUBLIC},
    {"2002:7f00:1::1", FORBIDDEN, FORBIDDEN},
    {"2002:a9fe:a9fe::", FORBIDDEN, FORBIDDEN},
    {"2002:a00:1::", FORBIDDEN, FORBIDDEN},
    {"2002:c0a8:101::", FORBIDDEN, FORBIDDEN},
    {"2002:e000:1::", FORBIDDEN, FORBIDDEN},
    // Teredo, ORCHID, protocol assignments, documentation
    {"2001::1", FORBIDDEN, FORBIDDEN},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", FORBIDDEN, FORBIDDEN},
    {"2001:10::1", FORBIDDEN, FORBIDDEN},
    {"2001:20::1", FORBIDDEN, FORBIDDEN},
    {"2001:1ff:ffff::", FORBIDDEN, FORBIDDEN},
    {"2001:200::1", PUBLIC, PUBLIC},
    {"2001:db8::1", FORBIDDEN, FORBIDDEN},
    {"3fff::1", FORBIDDEN, FORBIDDEN},
    {"3fff:fff::1", FORBIDDEN, FORBIDDEN},
    {"3fff:1000::1", PUBLIC, PUBLIC},
    {"2606:4700:4700::1111", PUBLIC, PUBLIC},
    {"2a00::1", PUBLIC, PUBLIC},
    // outside of global unicast
    {"100::1", FORBIDDEN, FORBIDDEN},
    {"1fff:ffff::1", FORBIDDEN, FORBIDDEN},
    {"4000::1", FORBIDDEN, FORBIDDEN},
    {"5f00::1", FORBIDDEN, FORBIDDEN},
    {"8000::1", FORBIDDEN, FORBIDDEN},
    // unique local, with the metadata services in it
    {"fbff::1", FORBIDDEN, FORBIDDEN},
    {"fc00::1", PRIVATE, ALLOWED},
    {"fd12:3456::1", PRIVATE, ALLOWED},
    {"fdff:ffff::1", PRIVATE, ALLOWED},
    {"fd00:ec2::254", FORBIDDEN, FORBIDDEN},
    {"fd00:ec2::253", PRIVATE, ALLOWED},
    {"fd20:ce::254", FORBIDDEN, FORBIDDEN},
    {"fd00:c1::a9fe:a9fe", FORBIDDEN, FORBIDDEN},
    // link-local, site-local, multicast
    {"fe00::1", FORBIDDEN, FORBIDDEN},
    {"fe80::1", FORBIDDEN, FORBIDDEN},
    {"febf:ffff::1", FORBIDDEN, FORBIDDEN},
    {"fec0::1", FORBIDDEN, FORBIDDEN},
    {"ff02::1", FORBIDDEN, FORBIDDEN},
    {"ff0e::1", FORBIDDEN, FORBIDDEN},
};

static void make_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (strchr(text, ':') != NULL) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
        memcpy(out, &in6, sizeof in6);
    } else {
        struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        assert_int_equal(inet_pton(AF_INET, text, &in4.sin_addr), 1);
        memcpy(out, &in4, sizeof in4);
    }
}

static int judge(const char *text, const char *networks)
{
    struct sockaddr_storage address;
    struct networks list;
    make_address(text, 443, &address);
    assert_int_equal(networks_parse(bytes_of_text(networks), &list, NULL), FP_OK);
    return (int)client_address_check((const struct sockaddr *)&address, &list);
}

static void test_client_address__threat_7_table(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int alone = judge(cases[i].address, "");
        int opened = judge(cases[i].address, everything);
        if (alone != cases[i].alone || opened != cases[i].opened) {
            print_error("%s: %d, %d instead of %d, %d\n", cases[i].address, alone, opened,
                        cases[i].alone, cases[i].opened);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_client_address__allowed_only_inside_its_network(void **state)
{
    (void)state;
    assert_int_equal(judge("127.0.0.1", "127.0.0.1"), ALLOWED);
    assert_int_equal(judge("127.0.0.2", "127.0.0.1"), PRIVATE);
    assert_int_equal(judge("10.1.2.3", "10.1.0.0/16,fd12::/16"), ALLOWED);
    assert_int_equal(judge("10.2.2.3", "10.1.0.0/16,fd12::/16"), PRIVATE);
    assert_int_equal(judge("fd12::1", "10.1.0.0/16,fd12::/16"), ALLOWED);
    assert_int_equal(judge("fd13::1", "10.1.0.0/16,fd12::/16"), PRIVATE);
    assert_int_equal(judge("::1", "127.0.0.0/8"), PRIVATE);
    // a mapped form does not inherit the permission of its plain form, nor the other way round
    assert_int_equal(judge("::ffff:127.0.0.1", "127.0.0.0/8,::ffff:127.0.0.1"), FORBIDDEN);
    assert_int_equal(judge("127.0.0.1", "::ffff:0:0/96"), PRIVATE);
}

static void test_client_address__other_families(void **state)
{
    (void)state;
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    char text[64] = "x";
    assert_int_equal(client_address_check((const struct sockaddr *)&path, NULL), FORBIDDEN);
    assert_false(client_address_is_loopback((const struct sockaddr *)&path));
    client_address_text((const struct sockaddr *)&path, text, sizeof text);
    assert_string_equal(text, "");
}

static void test_client_address__text_and_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *address; // in
        const char *text;    // out, with port 443
        bool loopback;       // out
    } rows[] = {{"127.0.0.1", "127.0.0.1:443", true},
                {"127.9.9.9", "127.9.9.9:443", true},
                {"128.0.0.1", "128.0.0.1:443", false},
                {"::1", "[::1]:443", true},
                {"::ffff:127.0.0.1", "[::ffff:127.0.0.1]:443", false},
                {"fd12:3456:789a:bcde:f012:3456:789a:bcde",
                 "[fd12:3456:789a:bcde:f012:3456:789a:bcde]:443", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_storage address;
        char text[56];
        make_address(rows[i].address, 443, &address);
        client_address_text((const struct sockaddr *)&address, text, sizeof text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(client_address_is_loopback((const struct sockaddr *)&address),
                         rows[i].loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_address__threat_7_table),
        cmocka_unit_test(test_client_address__allowed_only_inside_its_network),
        cmocka_unit_test(test_client_address__other_families),
        cmocka_unit_test(test_client_address__text_and_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
