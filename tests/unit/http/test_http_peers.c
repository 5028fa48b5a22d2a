// Counting connections by address.
// SPDX-License-Identifier: Apache-2.0
#include "http/peers.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct http_peer peer_of(const char *text)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    struct http_peer peer = {0};
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
    }
    http_peer_set(&peer, &address);
    return peer;
}

static void test_http_peers__ipv6_counts_by_64(void **state)
{
    struct http_peers *peers = http_peers_create();
    struct http_peer a = peer_of("2001:db8:1:2::1"), b = peer_of("2001:db8:1:2:ffff::2");
    struct http_peer c = peer_of("2001:db8:1:3::1");
    (void)state;
    assert_int_equal(http_peers_add(peers, &a, 1), FP_OK);
    assert_int_equal(http_peers_add(peers, &b, 1), FP_E_TOO_MANY_CONNECTIONS);
    assert_int_equal(http_peers_add(peers, &c, 1), FP_OK);
    http_peers_remove(peers, &a);
    assert_int_equal(http_peers_add(peers, &b, 1), FP_OK);
    assert_int_equal(http_peers_count(peers, &a), 1);
    http_peers_free(peers);
}

static void test_http_peers__mapped_ipv4_is_ipv4(void **state)
{
    struct http_peers *peers = http_peers_create();
    struct http_peer a = peer_of("192.0.2.7"), b = peer_of("::ffff:192.0.2.7");
    struct http_peer c = peer_of("192.0.2.8");
    (void)state;
    assert_string_equal(b.text, "192.0.2.7");
    assert_int_equal(http_peers_add(peers, &a, 1), FP_OK);
    assert_int_equal(http_peers_add(peers, &b, 1), FP_E_TOO_MANY_CONNECTIONS);
    assert_int_equal(http_peers_add(peers, &c, 1), FP_OK);
    http_peers_free(peers);
}

static void test_http_peers__unix_is_not_limited(void **state)
{
    struct http_peers *peers = http_peers_create();
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct http_peer peer = {0};
    (void)state;
    http_peer_set(&peer, &address);
    assert_string_equal(peer.text, "unix");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(http_peers_add(peers, &peer, 1), FP_OK);
    }
    http_peers_remove(peers, &peer);
    http_peers_free(peers);
}

static void test_http_peers__many(void **state)
{
    struct http_peers *peers = http_peers_create();
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            char text[32];
            struct http_peer peer = {0};
            snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16 & 255, i >> 8 & 255, i & 255);
            peer = peer_of(text);
            if (round == 0) {
                assert_int_equal(http_peers_add(peers, &peer, 1), FP_OK);
            } else {
                assert_int_equal(http_peers_count(peers, &peer), 1);
                http_peers_remove(peers, &peer);
                assert_int_equal(http_peers_count(peers, &peer), 0);
            }
        }
    }
    http_peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_peers__ipv6_counts_by_64),
        cmocka_unit_test(test_http_peers__mapped_ipv4_is_ipv4),
        cmocka_unit_test(test_http_peers__unix_is_not_limited),
        cmocka_unit_test(test_http_peers__many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
