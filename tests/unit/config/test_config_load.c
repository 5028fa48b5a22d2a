// fishplate.yaml and FISHPLATE_* variables: what is taken, and what is refused, where and why
// (security.md, threat 15: bad configuration).
// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include "config/config_text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char file[96];
static struct config config;
static struct fp_note note;

static enum fp_error load(const char *text, char *const env[])
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    memset(&note, 0, sizeof note);
    return config_load(file, env, &config, &note);
}

static void assert_path(const char *path, const char *expected)
{
    char whole[CONFIG_PATH];
    snprintf(whole, sizeof whole, "%s/%s", folder, expected);
    assert_string_equal(path, whole);
}

static void test_config_load__defaults(void **state)
{
    struct config plain;
    (void)state;
    assert_int_equal(load("", NULL), FP_OK);
    assert_path(config.data_dir, "data");
    assert_path(config.store_file, "data/store.db");
    assert_path(config.audit_dir, "data/audit");
    assert_path(config.master_key_file, "master.key");
    assert_path(config.tls_certificate, "tls/cert.pem");
    assert_string_equal(config.public_url, "https://localhost:8443");
    assert_string_equal(config.api_listen[0], "127.0.0.1:8443");
    assert_string_equal(config.api_listen[1], "");
    assert_string_equal(config.connectors_dir, "");
    assert_int_equal(config.body_limit, 1048576);
    assert_int_equal(config.header_timeout_ms, 10000);
    assert_int_equal(config.source_answer_limit, 33554432);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_false(config.require_hardening);
    config_defaults(&plain, "/srv/x");
    assert_string_equal(plain.data_dir, "/srv/x");
    assert_string_equal(plain.store_file, "/srv/x/store.db");
    assert_string_equal(plain.audit_dir, "/srv/x/audit");
    assert_int_equal(plain.application_token_s, 3600);
    assert_int_equal(plain.drain_timeout_ms, 30000);
}

static void test_config_load__every_kind(void **state)
{
    (void)state;
    assert_int_equal(load("data_dir: /var/lib/fishplate\n"
                          "public_url: https://api.example.com/base\n"
                          "api:\n"
                          "  listen: [\"0.0.0.0:443\", \"[::]:443\"]\n"
                          "  plain_listen: unix:/run/fishplate.sock\n"
                          "  cors_origins:\n"
                          "    - https://app.example.com\n"
                          "    - http://localhost:3000\n"
                          "  body_limit: 64KiB\n"
                          "  timeouts:\n"
                          "    header: 1500ms\n"
                          "    idle: 2m\n"
                          "    write: 250\n"
                          "metrics:\n"
                          "  listen: \"\"\n"
                          "egress:\n"
                          "  networks: [10.0.0.0/8, \"fd12::/48\"]\n"
                          "rooms:\n"
                          "  uid_base: 0\n"
                          "  require_hardening: true\n"
                          "log: {level: debug}\n"
                          "connectors:\n",
                          NULL),
                     FP_OK);
    assert_string_equal(config.data_dir, "/var/lib/fishplate");
    assert_string_equal(config.store_file, "/var/lib/fishplate/store.db");
    assert_string_equal(config.public_url, "https://api.example.com/base");
    assert_string_equal(config.api_listen[1], "[::]:443");
    assert_string_equal(config.plain_listen[0], "unix:/run/fishplate.sock");
    assert_string_equal(config.cors_origins[1], "http://localhost:3000");
    assert_int_equal(config.body_limit, 65536);
    assert_int_equal(config.header_timeout_ms, 1500);
    assert_int_equal(config.idle_timeout_ms, 120000);
    assert_int_equal(config.write_timeout_ms, 250);
    assert_string_equal(config.metrics_listen, "");
    assert_string_equal(config.networks, "10.0.0.0/8,fd12::/48");
    assert_int_equal(config.uid_base, 0);
    assert_true(config.require_hardening);
    assert_int_equal(config.log_level, LOG_DEBUG);
}

struct bad_case {
    const char *text;   // of the file
    const char *field;  // of the note
    unsigned line;      // of the note
    unsigned column;    // of the note
    const char *reason; // part of the note's text
};

static const struct bad_case bad_cases[] = {
    {"datadir: x\n", "datadir", 1, 1, "no such key"},
    {"api:\n  listne: x\n", "api.listne", 2, 3, "no such key"},
    {"api:\n  timeouts:\n    header: 5s\n    heder: 5s\n", "api.timeouts.heder", 4, 5, "no such"},
    {"api: 5\n", "api", 1, 6, "Keys are expected"},
    {"api:\n  body_limit: 1GiB\n", "api.body_limit", 2, 15, "is no size"},
    {"api:\n  body_limit: 10\n", "api.body_limit", 2, 15, "out of range"},
    {"api:\n  body_limit: -1\n", "api.body_limit", 2, 15, "is no size"},
    {"api:\n  body_limit: [1]\n", "api.body_limit", 2, 15, "expected"},
    {"api:\n  body_limit:\n    x: 1\n", "api.body_limit", 3, 5, "expected"},
    {"api:\n  timeouts:\n    header: 5 s\n", "api.timeouts.header", 3, 13, "is no time"},
    {"api:\n  timeouts:\n    header: 99999999999999999999s\n", "api.timeouts.header", 3, 13,
     "is no time"},
    {"api:\n  timeouts:\n    header: 400000000000m\n", "api.timeouts.header", 3, 13, "range"},
    {"tokens:\n  days: \"30\"\n", "tokens.days", 2, 9, "whole number"},
    {"tokens:\n  days: 30.5\n", "tokens.days", 2, 9, "is no whole number"},
    {"tokens:\n  days: ~\n", "tokens.days", 2, 9, "is no whole number"},
    {"rooms:\n  require_hardening: yes\n", "rooms.require_hardening", 2, 22, "true or false"},
    {"rooms:\n  require_hardening: \"true\"\n", "rooms.require_hardening", 2, 22, "expected"},
    {"log:\n  level: loud\n", "log.level", 2, 10, "is no debug"},
    {"api:\n  listen: localhost:8443\n", "api.listen", 2, 11, "no listen address"},
    {"api:\n  listen: 127.0.0.1\n", "api.listen", 2, 11, "no listen address"},
    {"api:\n  listen: 127.0.0.1:70000\n", "api.listen", 2, 11, "no listen address"},
    {"api:\n  listen: unix:relative\n", "api.listen", 2, 11, "no listen address"},
    {"api:\n  listen: [\"127.0.0.1:1\", \"127.0.0.1:1\"]\n", "api.listen", 2, 11, "stands twice"},
    {"api:\n  listen: \"127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5\"\n",
     "api.listen", 2, 11, "More than 4"},
    {"api:\n  listen: []\n", "api.listen", 2, 11, "needs an address"},
    {"api:\n  plain_listen: 0.0.0.0:80\n", "api.plain_listen", 2, 17, "without TLS"},
    {"api:\n  plain_listen: \"[::]:80\"\n", "api.plain_listen", 2, 17, "without TLS"},
    {"api:\n  plain_listen: 127.0.0.1:8443\n", "api.listen", 0, 0, "two listeners"},
    {"metrics:\n  listen: 10.1.2.3:9000\n", "metrics.listen", 2, 11, "without TLS"},
    {"public_url: http://api.example.com\n", "public_url", 1, 13, "use https"},
    {"public_url: http://localhost.evil.example\n", "public_url", 1, 13, "use https"},
    {"public_url: https://api.example.com/\n", "public_url", 1, 13, "no address like"},
    {"public_url: https://api.example.com?x=1\n", "public_url", 1, 13, "no address like"},
    {"public_url: https://user@api.example.com\n", "public_url", 1, 13, "no address like"},
    {"public_url: ftp://api.example.com\n", "public_url", 1, 13, "no address like"},
    {"api:\n  cors_origins: https://app.example.com/\n", "api.cors_origins", 2, 17, "no origin"},
    {"api:\n  cors_origins: [\"*\", \"https://a.example\"]\n", "api.cors_origins", 2, 17, "alone"},
    {"api:\n  connections:\n    total: 10\n", "api.connections.per_address", 0, 0, "larger"},
    {"egress:\n  networks: [10.0.0.0/8, nonsense]\n", "egress.networks", 2, 13, ""},
    {"egress:\n  timeouts:\n    connect: 50s\n", "egress.timeouts.connect", 3, 14, "longer"},
    {"keys:\n  source: tpm\n", "keys.source", 2, 11, "credential, passphrase or pkcs11"},
    {"keys:\n  credential: a/b\n", "keys.credential", 2, 15, "slash"},
    {"keys:\n  master_key_file: \"\"\n", "keys.master_key_file", 2, 20, "empty"},
    {"api:\n  body_limit: 64KiB\n  body_limit: 64KiB\n", "", 3, 3, ""},
    {"- a\n- b\n", "", 1, 1, "no list of keys"},
    {"api: {\n", "", 2, 1, ""},
};

static void test_config_load__refuses_with_position(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        const struct bad_case *one = &bad_cases[i];
        struct config before = config;
        enum fp_error error = load(one->text, NULL);
        bool field = one->field[0] == '\0' || strcmp(note.field, one->field) == 0;
        if (error != FP_E_CONFIG_INVALID || !field || note.line != one->line ||
            note.column != one->column || strstr(note.text, one->reason) == NULL ||
            note.text[0] == '\0') {
            fail_msg("case %zu %s gave %s %s:%u:%u %s", i, one->text, fp_error_code(error),
                     note.field, note.line, note.column, note.text);
        }
        assert_memory_equal(&before, &config, sizeof config);
    }
}

static void test_config_load__environment_overrides(void **state)
{
    char *env[] = {"HOME=/root",
                   "FISHPLATE_API__LISTEN=127.0.0.1:1000,127.0.0.2:1000",
                   "FISHPLATE_API__BODY_LIMIT=2048",
                   "FISHPLATE_KEYS__MASTER_KEY_FILE=other.key",
                   "FISHPLATE_DATA_DIR=/srv/data",
                   NULL};
    (void)state;
    assert_int_equal(load("api:\n  body_limit: 4096\n", env), FP_OK);
    assert_int_equal(config.body_limit, 2048);
    assert_string_equal(config.api_listen[1], "127.0.0.2:1000");
    assert_path(config.master_key_file, "other.key");
    assert_string_equal(config.store_file, "/srv/data/store.db");
    assert_string_equal(config.public_url, "https://localhost:1000");
}

static void test_config_load__refuses_bad_environment(void **state)
{
    static char *const bad[] = {"FISHPLATE_API__BODY_LIMITS=1", "FISHPLATE_=1",
                                "FISHPLATE_API_BODY_LIMIT=4096", "FISHPLATE_api__body_limit=4096",
                                "FISHPLATE_API__BODY_LIMIT=many"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *env[] = {bad[i], NULL};
        assert_int_equal(load("", env), FP_E_CONFIG_INVALID);
        assert_true(note.text[0] != '\0');
    }
}

static void test_config_load__file_that_is_none(void **state)
{
    (void)state;
    assert_int_equal(config_load("/nonexistent/fishplate.yaml", NULL, &config, &note),
                     FP_E_CONFIG_INVALID);
    assert_int_equal(config_load(folder, NULL, &config, &note), FP_E_CONFIG_INVALID);
}

static void make(const char *name, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fchmod(fd, mode) == 0);
    close(fd);
}

static void remove_all(void)
{
    static const char *const names[] = {"fishplate.yaml", "master.key", "tls/cert.pem",
                                        "tls/key.pem"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    snprintf(path, sizeof path, "%s/tls", folder);
    (void)rmdir(path);
    snprintf(path, sizeof path, "%s/data", folder);
    (void)rmdir(path);
}

static void test_config_load__files_must_be_there_and_private(void **state)
{
    char path[128];
    (void)state;
    assert_int_equal(load("", NULL), FP_OK);
    assert_int_equal(config_check_files(&config, &note), FP_E_CONFIG_INVALID);
    assert_string_equal(note.field, "data_dir");
    snprintf(path, sizeof path, "%s/data", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/tls", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(config_check_files(&config, &note), FP_E_CONFIG_INVALID);
    assert_string_equal(note.field, "api.tls.certificate");
    make("tls/cert.pem", 0644);
    make("tls/key.pem", 0640);
    assert_int_equal(config_check_files(&config, &note), FP_E_KEY_INVALID);
    assert_string_equal(note.field, "api.tls.key");
    assert_non_null(strstr(note.text, "chmod 600"));
    make("tls/key.pem", 0600);
    make("master.key", 0604);
    assert_int_equal(config_check_files(&config, &note), FP_E_KEY_INVALID);
    assert_string_equal(note.field, "keys.master_key_file");
    make("master.key", 0400);
    assert_int_equal(config_check_files(&config, &note), FP_OK);
}

// What `init` writes is what the loader takes, setting by setting.
static void test_config_load__written_file_loads(void **state)
{
    const struct config_setting settings[] = {
        {"data_dir", "/srv/data"}, {"api.timeouts.idle", "3s"}, {NULL, NULL}};
    struct config defaults;
    struct buf text;
    (void)state;
    assert_int_equal(load("", NULL), FP_OK);
    defaults = config;
    buf_init(&text, 65536);
    config_write_yaml(NULL, &text);
    assert_int_equal(load(buf_text(&text), NULL), FP_OK);
    assert_memory_equal(&config, &defaults, sizeof config);
    buf_clear(&text);
    config_write_yaml(settings, &text);
    assert_int_equal(load(buf_text(&text), NULL), FP_OK);
    assert_string_equal(config.data_dir, "/srv/data");
    assert_int_equal(config.idle_timeout_ms, 3000);
    // with every comment sign before a key taken away it still loads, to the same values
    for (char *at = strstr((char *)text.ptr, "\n\n"); (at = strstr(at, "# ")) != NULL; at++) {
        char *end = strchr(at, '\n'), *colon = strstr(at, ": ");
        if (at[2] >= 'a' && at[2] <= 'z' && colon != NULL && colon < end &&
            strcspn(at + 2, " :") == (size_t)(colon - at) - 2) {
            memmove(at, at + 2, strlen(at + 2) + 1);
        }
    }
    if (load((const char *)text.ptr, NULL) != FP_OK) {
        fail_msg("%s:%u %s", note.field, note.line, note.text);
    }
    assert_string_equal(config.data_dir, "/srv/data");
    assert_int_equal(config.body_limit, 1048576);
    buf_done(&text);
}

// The committed copies are what the table says; FISHPLATE_WRITE_DOCS=1 writes them.
static void assert_document(const char *name, void (*write_text)(struct buf *))
{
    const char *root = getenv("FISHPLATE_SOURCE_ROOT");
    char path[512], line[1024];
    struct buf expected, found;
    FILE *stream = NULL;
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/%s", root, name);
    buf_init(&expected, 65536);
    buf_init(&found, 65536);
    write_text(&expected);
    assert_int_equal(buf_error(&expected), FP_OK);
    if (getenv("FISHPLATE_WRITE_DOCS") != NULL) {
        stream = fopen(path, "we");
        assert_non_null(stream);
        assert_int_equal(fwrite(expected.ptr, 1, expected.len, stream), expected.len);
        fclose(stream);
    }
    stream = fopen(path, "re");
    assert_non_null(stream);
    while (fgets(line, sizeof line, stream) != NULL) {
        buf_append_text(&found, line);
    }
    fclose(stream);
    assert_string_equal(buf_text(&found), buf_text(&expected));
    buf_done(&expected);
    buf_done(&found);
}

static void write_default_yaml(struct buf *out)
{
    config_write_yaml(NULL, out);
}

static void test_config_load__documents_are_current(void **state)
{
    (void)state;
    assert_document("fishplate.yaml", write_default_yaml);
    assert_document("docs/configuration.md", config_write_markdown);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/fishplate-config-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(file, sizeof file, "%s/fishplate.yaml", folder);
    memset(&config, 0, sizeof config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_all();
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_config_load__##name, set_up, tear_down)
        CASE(defaults),
        CASE(every_kind),
        CASE(refuses_with_position),
        CASE(environment_overrides),
        CASE(refuses_bad_environment),
        CASE(file_that_is_none),
        CASE(files_must_be_there_and_private),
        CASE(written_file_loads),
        CASE(documents_are_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
