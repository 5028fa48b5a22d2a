// Whom the client reaches: time-outs, TLS, and the address policy over real sockets (threat model,
// row 7: SSRF), on loopback addresses. SPDX-License-Identifier: Apache-2.0
#include "client_fixture.h"

static void timed(const char *server, const char *scheme, const char *path, enum fp_error error,
                  const char *words)
{
    char url[200];
    struct result result;
    uint64_t begun = uv_hrtime();
    struct client_request request = request_to(url, sizeof url, scheme, server, path);
    request.timeout_ms = 1500;
    call(&request, "con_time", &result);
    if (result.error != error || strstr(result.note, words) == NULL) {
        fail_msg("%s: %s (%s)", path, fp_error_code(result.error), result.note);
    }
    assert_true(uv_hrtime() - begun >= 1490000000u);
    assert_true(uv_hrtime() - begun < 15000000000u); // far below the standard time-outs
    still_works();
}

static void test_client_reach__time(void **state)
{
    (void)state;
    timed("plain", "http", "/hang", FP_E_SOURCE_TIMEOUT, "did not answer in time");
    timed("plain", "http", "/drip", FP_E_SOURCE_TIMEOUT, "did not finish its answer in time");
    timed("hang", "https", "/", FP_E_SOURCE_TIMEOUT, "TLS handshake in time");
    timed("hang", "http", "/", FP_E_SOURCE_TIMEOUT, "did not answer in time");
}

static void test_client_reach__unreachable(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_request request = request_to(url, sizeof url, "http", "refused", "/");
    call(&request, "con_down", &result);
    assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
    assert_non_null(strstr(result.note, "does not accept connections: Connection refused"));
    assert_false(result.sent);
    request.url = BYTES("https://no-such-host.invalid/");
    call(&request, "con_down", &result);
    assert_int_equal(result.error, FP_E_SOURCE_UNREACHABLE);
    assert_non_null(strstr(result.note, "does not resolve"));
}

static void test_client_reach__tls(void **state)
{
    (void)state;
    static const struct {
        const char *server; // name
        const char *words;  // of the note; NULL: works
    } rows[] = {{"tls", NULL},
                {"tls12", NULL},
                {"wrong_name", "for another name"},
                {"expired", "not trusted: certificate has expired"},
                {"untrusted", "not trusted: unable to get local issuer certificate"},
                {"tls11", "only TLS older than 1.2"},
                {"plain", "does not speak TLS"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[200];
        struct result result;
        struct client_request request =
            request_to(url, sizeof url, "https", rows[i].server, "/echo");
        call(&request, "con_tls", &result);
        if (rows[i].words == NULL) {
            assert_int_equal(result.error, FP_OK);
        } else if (result.error != FP_E_SOURCE_TLS_FAILED ||
                   strstr(result.note, rows[i].words) == NULL) {
            fail_msg("%s: %s (%s)", rows[i].server, fp_error_code(result.error), result.note);
        }
        assert_int_equal(result.sent, rows[i].words == NULL);
    }
}

static void test_client_reach__threat_7_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *host;     // of the URL
        const char *networks; // allowed
        enum fp_error error;  // expected
    } rows[] = {
        {"127.0.0.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.0.0.1", "127.0.0.2", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.0.0.1", "127.0.0.1", FP_OK},
        {"localhost", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"localhost", "127.0.0.1", FP_OK},
        {"2130706433", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"0x7f.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"0177.0.0.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.1", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"127.1", "127.0.0.1", FP_OK},
        {"0", LOOPBACK, FP_E_SOURCE_ADDRESS_REFUSED},
        {"0.0.0.0", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::1]", "", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::ffff:127.0.0.1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[::127.0.0.1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[64:ff9b::7f00:1]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[2002:7f00:1::]", "0.0.0.0/0,::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"169.254.169.254", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"2852039166", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED}, // the same as a number
        {"0xa9fea9fe", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[fd00:ec2::254]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"[fe80::1]", "::/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"10.0.0.1", "127.0.0.0/8", FP_E_SOURCE_ADDRESS_REFUSED},
        {"10.0.0.1", "10.0.0.0/8", FP_E_SOURCE_ADDRESS_REFUSED}, // plain http beyond loopback
        {"8.8.8.8", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},   // the same
        {"224.0.0.1", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
        {"255.255.255.255", "0.0.0.0/0", FP_E_SOURCE_ADDRESS_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[200];
        struct result result;
        struct client_call *handle = NULL;
        struct client_stats before, after;
        snprintf(url, sizeof url, "http://%s:%u/echo", rows[i].host, port_of("plain"));
        struct client_request request = {.method = BYTES("GET"), .url = bytes_of_text(url)};
        client_get_stats(t.client, &before);
        assert_int_equal(begin(&request, "", rows[i].networks, &result, &handle), FP_OK);
        run_until(&result.done, 1);
        client_get_stats(t.client, &after);
        if (result.error != rows[i].error) {
            fail_msg("%s with %s: %s (%s)", rows[i].host, rows[i].networks,
                     fp_error_code(result.error), result.note);
        }
        assert_int_equal(after.connections - before.connections, result.error == FP_OK ? 1 : 0);
    }
}

// A network that is taken away holds for the kept-alive socket too.
static void test_client_reach__threat_7_kept_alive(void **state)
{
    (void)state;
    char url[200];
    struct result result;
    struct client_call *handle = NULL;
    struct client_request request = request_to(url, sizeof url, "http", "plain", "/echo");
    call(&request, "con_taken", &result);
    assert_int_equal(result.error, FP_OK);
    assert_int_equal(begin(&request, "con_taken", "10.0.0.0/8", &result, &handle), FP_OK);
    run_until(&result.done, 1);
    assert_int_equal(result.error, FP_E_SOURCE_ADDRESS_REFUSED);
    assert_int_equal(result.attempts, 0);
}

static void test_client_reach__bad_ca_file(void **state)
{
    (void)state;
    struct client *client = NULL;
    struct client_settings settings = {.ca_file = "/nonexistent.pem"};
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    assert_non_null(strstr(note.text, "/nonexistent.pem"));
    settings.ca_file = "/etc/passwd";
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    settings = (struct client_settings){.system_file = "/etc/passwd"};
    assert_int_equal(client_create(&t.loop, &settings, &client, &note), FP_E_CONFIG_INVALID);
    assert_null(client);
    client_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_reach__time),
        cmocka_unit_test(test_client_reach__unreachable),
        cmocka_unit_test(test_client_reach__tls),
        cmocka_unit_test(test_client_reach__threat_7_addresses),
        cmocka_unit_test(test_client_reach__threat_7_kept_alive),
        cmocka_unit_test(test_client_reach__bad_ca_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
