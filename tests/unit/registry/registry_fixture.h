// A real installation in a folder of its own: master key file, SQLite store, audit log, registry;
// and the ways tests ask it and look at its answers.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_REGISTRY_FIXTURE_H
#define FP_TEST_REGISTRY_FIXTURE_H

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/setup.h"
#include "registry/applications.h"
#include "registry/check.h"
#include "registry/connections.h"
#include "registry/installation.h"
#include "registry/oauth.h"
#include "registry/tokens.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <yyjson.h>

struct fixture {
    char dir[64];               // everything lies here
    struct config config;       // of the installation
    struct installation in;     // open
    unsigned forgotten;         // connections whose sessions had to go
    char forgotten_id[ID_TEXT]; // the last of them
};

// What an operation answered.
struct reply {
    unsigned calls;           // of the callback
    enum fp_error error;      // result
    yyjson_doc *body;         // or NULL
    char detail[2048];        // JSON or ""
    char errors[2048];        // JSON or ""
    char connection[ID_TEXT]; // concerned
};

static const struct registry_caller fixture_operator = {.actor = AUDIT_BY_COMMAND,
                                                        .actor_id = {(const uint8_t *)"test", 4}};

static inline void fixture_on_forget(void *ctx, const char *connection)
{
    struct fixture *f = ctx;
    f->forgotten++;
    snprintf(f->forgotten_id, sizeof f->forgotten_id, "%s", connection);
}

static inline int fixture_master(const struct fixture *f)
{
    char path[128];
    int fd = -1;
    snprintf(path, sizeof path, "%s/master.key", f->dir);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

// Opens with the key behind a descriptor, which is closed.
static inline enum fp_error fixture_open_with(struct fixture *f, int fd, struct fp_note *note)
{
    struct master_key *master = NULL;
    enum fp_error error = installation_master(&f->config, fd, NULL, &master, note);
    close(fd);
    return error == FP_OK ? installation_open(&f->config, master, &f->in, note) : error;
}

static inline enum fp_error fixture_create(struct fixture *f, struct fp_note *note)
{
    struct master_key *master = NULL;
    int fd = fixture_master(f);
    enum fp_error error = installation_master(&f->config, fd, NULL, &master, note);
    close(fd);
    return error == FP_OK ? installation_create(&f->config, master, note) : error;
}

static inline void fixture_open(struct fixture *f)
{
    struct fp_note note = {0};
    enum fp_error error = fixture_open_with(f, fixture_master(f), &note);
    if (error != FP_OK) {
        print_error("%s: %s\n", fp_error_code(error), note.text);
    }
    assert_int_equal(error, FP_OK);
    registry_watch(f->in.registry, fixture_on_forget, f);
}

static inline void fixture_close(struct fixture *f)
{
    installation_close(&f->in);
}

static inline struct fixture *fixture_make(void)
{
    struct fixture *f = mem_alloc(1, sizeof *f);
    struct key_id id;
    struct fp_note note = {0};
    int dir_fd = -1;
    assert_non_null(f);
    assert_int_equal(crypto_setup(), FP_OK);
    snprintf(f->dir, sizeof f->dir, "/tmp/fp-registry-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->config.data_dir, sizeof f->config.data_dir, "%s", f->dir);
    snprintf(f->config.store_file, sizeof f->config.store_file, "%s/store.db", f->dir);
    snprintf(f->config.audit_dir, sizeof f->config.audit_dir, "%s/audit", f->dir);
    snprintf(f->config.public_url, sizeof f->config.public_url, "https://fishplate.test");
    snprintf(f->config.key_source, sizeof f->config.key_source, "file");
    f->config.application_token_s = 3600;
    f->config.call_timeout_ms = 60000;
    assert_int_equal(mkdir(f->config.audit_dir, 0700), 0);
    dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir_fd >= 0);
    assert_int_equal(master_file_create(dir_fd, "master.key", &id), FP_OK);
    close(dir_fd);
    assert_int_equal(fixture_create(f, &note), FP_OK);
    fixture_open(f);
    return f;
}

static inline int fixture_remove(const char *path, const struct stat *info, int kind,
                                 struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void fixture_free(struct fixture *f)
{
    fixture_close(f);
    (void)nftw(f->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
}

static inline int fixture_setup(void **state)
{
    *state = fixture_make();
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

// -------------------------------------------------------------------------------- replies

static inline void reply_take(void *ctx, const struct registry_result *result)
{
    struct reply *reply = ctx;
    reply->calls++;
    reply->error = result->error;
    snprintf(reply->connection, sizeof reply->connection, "%s", result->connection);
    assert_true(bytes_to_text(result->detail, reply->detail, sizeof reply->detail));
    assert_true(bytes_to_text(result->errors, reply->errors, sizeof reply->errors));
    if (result->error == FP_OK && result->body.len != 0) {
        reply->body = yyjson_read((const char *)result->body.ptr, result->body.len, 0);
        assert_non_null(reply->body);
    } else if (result->error != FP_OK) {
        assert_int_equal(result->body.len, 0);
    }
}

// Waits for it; it must have called back exactly once.
static inline void reply_wait(struct fixture *f, const struct reply *reply)
{
    registry_settle(f->in.registry);
    assert_int_equal(reply->calls, 1);
}

static inline void reply_ok(struct fixture *f, const struct reply *reply)
{
    reply_wait(f, reply);
    if (reply->error != FP_OK) {
        print_error("%s %s %s\n", fp_error_code(reply->error), reply->detail, reply->errors);
    }
    assert_int_equal(reply->error, FP_OK);
}

static inline void reply_done(struct reply *reply)
{
    yyjson_doc_free(reply->body);
    *reply = (struct reply){0};
}

static const char *reply_text(const struct reply *reply, const char *pointer)
{
    const char *text = yyjson_get_str(yyjson_doc_ptr_get(reply->body, pointer));
    if (text == NULL) {
        print_error("no text at %s\n", pointer);
    }
    assert_non_null(text);
    return text;
}

static inline void reply_copy(const struct reply *reply, const char *pointer, char *out,
                              size_t size)
{
    const char *text = reply_text(reply, pointer);
    assert_true(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
}

static inline bool json_has_text(const char *json, const char *pointer, const char *expected)
{
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    const char *text = yyjson_get_str(yyjson_doc_ptr_get(doc, pointer));
    bool same = text != NULL && strcmp(text, expected) == 0;
    if (!same) {
        print_error("%s is not %s in %s\n", pointer, expected, json);
    }
    yyjson_doc_free(doc);
    return same;
}

// -------------------------------------------------------------------------------- the usual steps

struct app {
    char id[ID_TEXT]; // client_id
    char secret[128]; // client_secret
    char token[128];  // an application token
};

// client_credentials, asked for by somebody who is not known yet.
static inline void client_grant(struct fixture *f, const char *client_id, const char *client_secret,
                                struct reply *reply)
{
    const struct oauth_request request = {.task = OAUTH_CLIENT_CREDENTIALS,
                                          .client_id = bytes_of_text(client_id),
                                          .client_secret = bytes_of_text(client_secret)};
    registry_oauth(f->in.registry, &fixture_operator, &request, reply_take, reply);
}

static inline struct app app_make(struct fixture *f, const char *name, const char *environment)
{
    struct app app = {0};
    struct reply reply = {0};
    struct application_request request = {.name = bytes_of_text(name),
                                          .environment = bytes_of_text(environment),
                                          .networks = BYTES("10.1.0.0/16")};
    registry_application_create(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/client_id", app.id, sizeof app.id);
    reply_copy(&reply, "/data/client_secret", app.secret, sizeof app.secret);
    reply_done(&reply);
    client_grant(f, app.id, app.secret, &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/access_token", app.token, sizeof app.token);
    reply_done(&reply);
    return app;
}

struct conn {
    char id[ID_TEXT]; // con_...
    char token[128];  // its token
};

static inline struct conn conn_make(struct fixture *f, const struct app *app, const char *name,
                                    const char *email, const char *credentials)
{
    struct conn conn = {0};
    struct reply reply = {0};
    struct connection_request request = {.application = bytes_of_text(app->id),
                                         .name = bytes_of_text(name),
                                         .email = bytes_of_text(email),
                                         .platform = BYTES("tryton"),
                                         .account = BYTES("admin"),
                                         .credentials = bytes_of_text(credentials)};
    registry_connection_create(f->in.registry, &fixture_operator, &request, reply_take, &reply);
    reply_ok(f, &reply);
    reply_copy(&reply, "/data/key", conn.id, sizeof conn.id);
    reply_copy(&reply, "/data/access_token", conn.token, sizeof conn.token);
    reply_done(&reply);
    return conn;
}

// The check of a token now; detail gets the evidence.
static inline enum fp_error token_check(struct fixture *f, const char *token, enum token_kind kind,
                                        struct registry_identity *identity, char *detail,
                                        size_t size)
{
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, 4096);
    error = registry_identify(f->in.registry, bytes_of_text(token), kind, clock_wall_ms(), identity,
                              &text);
    snprintf(detail, size, "%s", buf_text(&text));
    buf_done(&text);
    return error;
}

static inline enum fp_error token_error(struct fixture *f, const char *token, enum token_kind kind)
{
    struct registry_identity identity;
    char detail[2048];
    return token_check(f, token, kind, &identity, detail, sizeof detail);
}

// No file may grow any more: what a full disk looks like to us.
static inline void disk_full(bool full)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = full ? 1 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static inline struct store_connection connection_row(struct fixture *f, const char *id)
{
    struct store_connection row = {0};
    assert_int_equal(store_get_connection(f->in.store, id, &row), FP_OK);
    return row;
}

static inline void connection_news(struct fixture *f, const char *id,
                                   enum connection_event_kind kind, uint32_t version)
{
    struct reply reply = {0};
    struct connection_news news = {.connection = bytes_of_text(id),
                                   .kind = kind,
                                   .credential_version = version,
                                   .detail = BYTES("{\"source_status\":401}")};
    struct registry_caller caller = {.actor = AUDIT_BY_SYSTEM};
    registry_connection_news(f->in.registry, &caller, &news, reply_take, &reply);
    registry_settle(f->in.registry);
    assert_int_equal(reply.calls, 1);
    assert_int_equal(reply.error, FP_OK);
    reply_done(&reply);
}

#endif
