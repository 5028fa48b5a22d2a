// Listen addresses as text, and the data directory: its lock and its use as a root.
// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include "config/data_dir.h"
#include "config/store_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct good_case {
    const char *text;  // as configured
    const char *shown; // as written back; NULL: a Unix socket
    bool loopback;     // reachable from this machine only
};

static const struct good_case good_cases[] = {
    {"127.0.0.1:8443", "127.0.0.1:8443", true},
    {"127.9.9.9:1", "127.9.9.9:1", true},
    {"0.0.0.0:443", "0.0.0.0:443", false},
    {"10.1.2.3:0", "10.1.2.3:0", false},
    {"[::1]:65535", "[::1]:65535", true},
    {"[::]:80", "[::]:80", false},
    {"[fd00::7]:80", "[fd00::7]:80", false},
    {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false},
    {"unix:/run/x.sock", NULL, true},
};

static const char *const bad_cases[] = {
    "",
    "8443",
    ":8443",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:-1",
    "127.0.0.1:65536",
    "127.0.0.1:8443 ",
    " 127.0.0.1:8443",
    "127.0.0.256:1",
    "::1:80",
    "[::1]",
    "[::1:80",
    "::1]:80",
    "localhost:80",
    "[127.0.0.1]:80",
    "unix:",
    "unix:x.sock",
    "127.0.0.1:0x50",
    "127.0.0.1:99999999999999999999",
    "[]:80",
    "[%lo]:80",
    "*:80",
};

static void test_config_address__good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
        const struct good_case *one = &good_cases[i];
        struct config_address address;
        struct fp_note note = {0};
        char shown[128];
        assert_int_equal(config_address_parse(one->text, &address, &note), FP_OK);
        assert_true(address.loopback == one->loopback);
        assert_true((address.path == NULL) == (one->shown != NULL));
        if (one->shown != NULL) {
            config_address_text(&address.socket, shown, sizeof shown);
            assert_string_equal(shown, one->shown);
        }
    }
}

static void test_config_address__bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        struct config_address address = {.length = 77};
        struct fp_note note = {0};
        if (config_address_parse(bad_cases[i], &address, &note) != FP_E_CONFIG_INVALID ||
            note.text[0] == '\0' || address.length != 77) {
            fail_msg("\"%s\" was taken", bad_cases[i]);
        }
    }
}

static void test_config_address__data_dir_as_root(void **state)
{
    struct config config, before;
    (void)state;
    config_defaults(&config, "/srv/fishplate");
    assert_true(config_rebase_data_dir(&config));
    assert_string_equal(config.data_dir, "/");
    assert_string_equal(config.store_file, "/store.db");
    assert_string_equal(config.audit_dir, "/audit");
    // a name that only begins alike lies elsewhere, and then nothing changes
    config_defaults(&config, "/srv/fishplate");
    snprintf(config.audit_dir, sizeof config.audit_dir, "/srv/fishplate2/audit");
    before = config;
    assert_false(config_rebase_data_dir(&config));
    assert_memory_equal(&config, &before, sizeof config);
}

// With a database the folder is the working directory, not the root.
static void test_config_address__data_dir_beside_a_database(void **state)
{
    struct config config;
    (void)state;
    config_defaults(&config, "/srv/fishplate");
    snprintf(config.store_url, sizeof config.store_url, "postgresql://u@db/x");
    snprintf(config.store_password_file, sizeof config.store_password_file, "/etc/secret");
    assert_true(config_rebase_data_dir(&config));
    assert_string_equal(config.data_dir, ".");
    assert_string_equal(config.audit_dir, "./audit");
    assert_string_equal(config.store_password_file, "/etc/secret");
}

static const struct {
    const char *url;  // location
    int family;       // AF_UNSPEC: refused
    unsigned port;    // of it
    const char *host; // of it
} store_cases[] = {
    {"postgresql://u@db.example.com/x", AF_INET, 5432, "db.example.com"},
    {"postgres://u@10.0.0.5:6000/x?sslmode=verify-full", AF_INET, 6000, "10.0.0.5"},
    {"postgresql://u@[::1]:7000/x", AF_INET, 7000, "::1"},
    {"postgresql:///x?host=/run/postgresql&port=5433", AF_UNIX, 0, "/run/postgresql"},
    {"postgresql://%2Frun%2Fpostgresql/x", AF_UNIX, 0, "/run/postgresql"},
    {"postgresql://u@name/x?hostaddr=192.0.2.1", AF_INET, 5432, "192.0.2.1"},
    {"postgresql://u:p@x@h:1/x", AF_INET, 1, "h"},
    {"mysql://u@h/x", AF_UNSPEC, 0, ""},
    {"postgresql://", AF_UNSPEC, 0, ""},
    {"postgresql://u@/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@a,b/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@[::1/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@h:0/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@h:65536/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@h:5a/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@h%zz/x", AF_UNSPEC, 0, ""},
    {"postgresql://u@h%00/x", AF_UNSPEC, 0, ""},
    {"nonsense", AF_UNSPEC, 0, ""},
};

static void test_config_address__of_the_store(void **state)
{
    struct config_store out;
    (void)state;
    for (size_t i = 0; i < sizeof store_cases / sizeof store_cases[0]; i++) {
        struct fp_note note = {0};
        enum fp_error error = config_store_parse(store_cases[i].url, &out, &note);
        if (store_cases[i].family == AF_UNSPEC) {
            assert_int_equal(error, FP_E_CONFIG_INVALID);
            assert_string_equal(note.field, "store.url");
        } else {
            assert_int_equal(error, FP_OK);
            assert_int_equal(out.family, store_cases[i].family);
            assert_int_equal(out.port, store_cases[i].port);
            assert_string_equal(out.host, store_cases[i].host);
        }
    }
    assert_int_equal(config_store_parse("", &out, NULL), FP_OK);
    assert_int_equal(out.family, AF_UNSPEC);
}

static void test_config_address__of_the_store_is_pinned(void **state)
{
    struct config config;
    struct config_store out;
    (void)state;
    config_defaults(&config, "/srv/fishplate");
    snprintf(config.store_url, sizeof config.store_url, "postgresql://u@127.0.0.1/x");
    assert_int_equal(config_store_pin(&config, &out, NULL), FP_OK);
    assert_string_equal(config.store_url, "postgresql://u@127.0.0.1/x?hostaddr=127.0.0.1");
    snprintf(config.store_url, sizeof config.store_url, "postgresql://u@[::1]/x?sslmode=prefer");
    assert_int_equal(config_store_pin(&config, &out, NULL), FP_OK);
    assert_int_equal(out.family, AF_INET6);
    assert_string_equal(config.store_url, "postgresql://u@[::1]/x?sslmode=prefer&hostaddr=::1");
    snprintf(config.store_url, sizeof config.store_url, "postgresql://u@name.invalid/x");
    assert_int_equal(config_store_pin(&config, &out, NULL), FP_E_STORE_UNAVAILABLE);
}

static void test_config_address__data_dir_has_one_owner(void **state)
{
    struct config config;
    struct fp_note note = {0};
    char folder[] = "/tmp/fishplate-lock-XXXXXX";
    int first = -1, second = -1;
    (void)state;
    assert_non_null(mkdtemp(folder));
    config_defaults(&config, folder);
    assert_int_equal(config_lock_data_dir(&config, &first, &note), FP_OK);
    assert_int_equal(config_lock_data_dir(&config, &second, &note), FP_E_EXISTS);
    assert_int_equal(second, -1);
    close(first);
    assert_int_equal(config_lock_data_dir(&config, &second, &note), FP_OK);
    close(second);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(config_lock_data_dir(&config, &first, &note), FP_E_STORE_NOT_FOUND);
    assert_non_null(strstr(note.text, "fishplate init"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_address__good),
        cmocka_unit_test(test_config_address__bad),
        cmocka_unit_test(test_config_address__data_dir_as_root),
        cmocka_unit_test(test_config_address__data_dir_beside_a_database),
        cmocka_unit_test(test_config_address__of_the_store),
        cmocka_unit_test(test_config_address__of_the_store_is_pinned),
        cmocka_unit_test(test_config_address__data_dir_has_one_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
