// A client with a connection, codes as the connect page has them issued, and requests of clients.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TEST_OAUTH_FIXTURE_H
#define FP_TEST_OAUTH_FIXTURE_H

#include "registry_fixture.h"

#include "registry/code.h"
#include "registry/registry_int.h"

#define VERIFIER  "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define REDIRECT  "https://app.example.com/back"

struct oauth_world {
    struct fixture *f; // installation
    struct app app;    // the client
    struct app other;  // another client
    struct conn conn;  // a connection of app
};

static inline struct oauth_world world_make(struct fixture *f)
{
    struct oauth_world w = {.f = f};
    w.app = app_make(f, "Client", "test");
    w.other = app_make(f, "Other", "test");
    w.conn = conn_make(f, &w.app, "Plant", "plant@example.com", "{\"password\":\"x\"}");
    return w;
}

// ---- codes, as the connect page has them issued

struct issue {
    struct store_connect_link link; // what the browser came with
    const char *connection;         // that stands
    char location[CODE_LOCATION];   // where it goes
};

static inline enum fp_error issue_build(struct registry_job *job)
{
    struct issue *issue = *(struct issue **)job->input;
    struct buf location;
    enum fp_error error = FP_OK;
    buf_init_sensitive(&location, CODE_LOCATION);
    error = code_issue(job, &issue->link, issue->connection, &location);
    snprintf(issue->location, sizeof issue->location, "%s", buf_text(&location));
    buf_done(&location);
    return error;
}

static inline struct store_connect_link link_of(const struct oauth_world *w)
{
    struct store_connect_link link = {.kind = STORE_LINK_OAUTH, .redirect_named = 1};
    snprintf(link.application, sizeof link.application, "%s", w->app.id);
    snprintf(link.redirect_uri, sizeof link.redirect_uri, "%s", REDIRECT);
    snprintf(link.oauth_state, sizeof link.oauth_state, "a b&c");
    snprintf(link.code_challenge, sizeof link.code_challenge, "%s", CHALLENGE);
    snprintf(link.scopes, sizeof link.scopes, "erp:read eam:read");
    return link;
}

static inline void code_make(struct oauth_world *w, const struct store_connect_link *link,
                             char code[static TOKEN_TEXT_SIZE])
{
    struct issue issue = {.link = *link, .connection = w->conn.id};
    struct reply reply = {0};
    struct registry_job *job = job_create(w->f->in.registry, &fixture_operator, reply_take, &reply);
    struct issue **input = job_input(job, sizeof *input);
    const char *from = NULL;
    *input = &issue;
    job_run(job, issue_build);
    reply_ok(w->f, &reply);
    reply_done(&reply);
    from = strstr(issue.location, "?code=");
    assert_non_null(from);
    assert_int_equal(strncmp(issue.location, REDIRECT "?code=", strlen(REDIRECT "?code=")), 0);
    assert_non_null(strstr(issue.location, "&state=a%20b%26c&iss=https%3A%2F%2Ffishplate.test"));
    snprintf(code, TOKEN_TEXT_SIZE, "%.*s", (int)strcspn(from + 6, "&"), from + 6);
}

static inline void ask(struct oauth_world *w, const struct oauth_request *request,
                       struct reply *reply)
{
    registry_oauth(w->f->in.registry, &fixture_operator, request, reply_take, reply);
}

static inline struct oauth_request request_of(const struct app *app, enum oauth_task task,
                                              const char *token)
{
    return (struct oauth_request){.task = task,
                                  .client_id = bytes_of_text(app->id),
                                  .client_secret = bytes_of_text(app->secret),
                                  .token = bytes_of_text(token)};
}

static inline struct oauth_request redeem_of(const struct oauth_world *w, const char *code)
{
    struct oauth_request request = request_of(&w->app, OAUTH_AUTHORIZATION_CODE, code);
    request.redirect_uri = BYTES(REDIRECT);
    request.verifier = BYTES(VERIFIER);
    return request;
}

struct pair {
    char access[TOKEN_TEXT_SIZE];  // fp_test_...
    char refresh[TOKEN_TEXT_SIZE]; // fprt_test_...
};

static inline struct pair pair_of(struct oauth_world *w, const struct oauth_request *request)
{
    struct pair pair = {0};
    struct reply reply = {0};
    ask(w, request, &reply);
    reply_ok(w->f, &reply);
    reply_copy(&reply, "/access_token", pair.access, sizeof pair.access);
    reply_copy(&reply, "/refresh_token", pair.refresh, sizeof pair.refresh);
    assert_string_equal(reply_text(&reply, "/token_type"), "bearer");
    reply_done(&reply);
    return pair;
}

static inline struct pair pair_make(struct oauth_world *w)
{
    char code[TOKEN_TEXT_SIZE];
    struct store_connect_link link = link_of(w);
    struct oauth_request request;
    code_make(w, &link, code);
    request = redeem_of(w, code);
    return pair_of(w, &request);
}

static inline enum fp_error ask_error(struct oauth_world *w, const struct oauth_request *request)
{
    struct reply reply = {0};
    enum fp_error error = FP_OK;
    ask(w, request, &reply);
    reply_wait(w->f, &reply);
    error = reply.error;
    if (error == FP_E_GRANT_INVALID) {
        assert_true(strstr(reply.detail, "reason") != NULL);
    }
    reply_done(&reply);
    return error;
}

static inline bool is_active(struct oauth_world *w, const struct app *app, const char *token)
{
    struct oauth_request request = request_of(app, OAUTH_INTROSPECT, token);
    struct reply reply = {0};
    bool active = false;
    ask(w, &request, &reply);
    reply_ok(w->f, &reply);
    active = yyjson_get_bool(yyjson_doc_ptr_get(reply.body, "/active"));
    if (!active) {
        // RFC 7662 2.2: nothing else
        assert_int_equal(yyjson_obj_size(yyjson_doc_get_root(reply.body)), 1);
    }
    reply_done(&reply);
    return active;
}

#endif
