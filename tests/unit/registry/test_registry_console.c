// Operators' sessions over time (idle, absolute, one-time links), and the search through the audit
// log page by page. SPDX-License-Identifier: Apache-2.0
#include "registry_fixture.h"

#include "crypto/digest.h"

#include "registry/audit_find.h"
#include "registry/operators.h"
#include "registry/sign_in.h"

#define HOUR_MS INT64_C(3600000)

static void config_of(struct fixture *f)
{
    snprintf(f->config.console_url, sizeof f->config.console_url, "https://console.test");
    f->config.console_idle_ms = 1800000;
    f->config.console_session_ms = 12 * 3600000;
}

// The token at the end of the link.
static void invite(struct fixture *f, const char *role, char link[static OPERATOR_TOKEN])
{
    struct operator_invitation invitation = {.role = bytes_of_text(role)};
    struct reply reply = {0};
    const char *url = NULL;
    registry_operator_invite(f->in.registry, &fixture_operator, &invitation, reply_take, &reply);
    reply_ok(f, &reply);
    url = reply_text(&reply, "/data/url");
    assert_memory_equal(url, "https://console.test/#/welcome/", 31);
    snprintf(link, OPERATOR_TOKEN, "%s", url + 31);
    reply_done(&reply);
}

// What a browser gets: the session's text.
struct browser {
    struct reply reply;           // the answer
    char session[OPERATOR_TOKEN]; // for its cookie
};

static void browser_take(void *ctx, const struct registry_result *result)
{
    struct browser *browser = ctx;
    reply_take(&browser->reply, result);
    if (result->cookie == CONSOLE_COOKIE_SET) {
        assert_true(bytes_to_text(result->session, browser->session, sizeof browser->session));
    }
}

static enum fp_error accept(struct fixture *f, const char *link, const char *email,
                            struct browser *out)
{
    struct console_password work = {0};
    struct console_question q = {.action = CONSOLE_ACCEPT, .address = BYTES("192.0.2.1")};
    struct buf errors;
    unsigned retry = 0;
    char form[512];
    enum fp_error error = FP_OK;
    snprintf(form, sizeof form, "link=%s&email=%s&name=Ada&password=%s", link, email,
             "sieben+rote+Fahrraeder+im+Hof");
    q.form = bytes_of_text(form);
    buf_init(&errors, 4096);
    *out = (struct browser){0};
    error = registry_console_prepare(f->in.registry, &q, &work, &errors, &retry);
    if (error == FP_OK) {
        assert_int_equal(password_make(secret_bytes(&work.text), work.made), FP_OK);
        registry_console(f->in.registry, &q, &work, browser_take, out);
        reply_wait(f, &out->reply);
        error = out->reply.error;
        reply_done(&out->reply);
    }
    console_password_done(&work);
    buf_done(&errors);
    return error;
}

static enum fp_error identify(struct fixture *f, const struct browser *browser, int64_t at_ms)
{
    struct arena *arena = arena_create(65536, true);
    struct operator_identity *who = arena_alloc(arena, 1, sizeof *who);
    enum fp_error error =
        operator_identify(f->in.registry, bytes_of_text(browser->session), at_ms, arena, who);
    arena_free(arena);
    return error;
}

static void test_registry_console__sessions_end(void **state)
{
    struct fixture *f = *state;
    struct browser browser = {0}, again = {0};
    char link[OPERATOR_TOKEN];
    int64_t now = clock_wall_ms();
    config_of(f);
    invite(f, "owner", link);
    assert_int_equal(accept(f, link, "ada@example.com", &browser), FP_OK);
    now = clock_wall_ms(); // Argon2id takes a while
    assert_int_equal(identify(f, &browser, now + 1000), FP_OK);
    assert_int_equal(identify(f, &browser, now + HOUR_MS), FP_E_SESSION_MISSING);
    // used again and again it lives, but not for ever
    for (int64_t at = now; at < now + 12 * HOUR_MS - 60000; at += HOUR_MS / 3) {
        assert_int_equal(identify(f, &browser, at), FP_OK);
        struct store_session row = {0};
        uint8_t hash[STORE_HASH];
        assert_int_equal(digest_sha256(bytes_of_text(browser.session), hash), FP_OK);
        assert_int_equal(store_find_session(f->in.store, hash, &row), FP_OK);
        registry_note_use(f->in.registry, row.id, at);
    }
    assert_int_equal(identify(f, &browser, now + 12 * HOUR_MS + 1000), FP_E_SESSION_MISSING);
    // the link is used up
    assert_int_equal(accept(f, link, "eve@example.com", &again), FP_E_OPERATOR_LINK_INVALID);
    assert_string_equal(again.session, "");
}

static void test_registry_console__links_expire(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_create(1048576, true);
    struct store_operator row = {0};
    char link[OPERATOR_TOKEN];
    int64_t now = clock_wall_ms();
    config_of(f);
    invite(f, "auditor", link);
    assert_int_equal(operator_by_link(f->in.registry, bytes_of_text(link), now, arena, &row),
                     FP_OK);
    assert_int_equal(row.role, CONSOLE_AUDITOR);
    assert_int_equal(
        operator_by_link(f->in.registry, bytes_of_text(link), now + 25 * HOUR_MS, arena, &row),
        FP_E_OPERATOR_LINK_INVALID);
    link[3] = link[3] == 'A' ? 'B' : 'A';
    assert_int_equal(operator_by_link(f->in.registry, bytes_of_text(link), now, arena, &row),
                     FP_E_OPERATOR_LINK_INVALID);
    assert_int_equal(operator_by_link(f->in.registry, BYTES(""), now, arena, &row),
                     FP_E_OPERATOR_LINK_INVALID);
    arena_free(arena);
}

static void test_registry_console__an_operator_has_so_many_sessions(void **state)
{
    struct fixture *f = *state;
    struct store_query none = {0};
    struct browser first = {0}, browser = {0};
    char link[OPERATOR_TOKEN];
    uint64_t count = 0;
    config_of(f);
    invite(f, "owner", link);
    assert_int_equal(accept(f, link, "ada@example.com", &first), FP_OK);
    for (unsigned i = 0; i < FP_LIMIT_OPERATOR_SESSIONS + 2; i++) {
        struct console_question q = {.action = CONSOLE_SIGN_IN,
                                     .form = BYTES("email=Ada%40Example.com&password=x"),
                                     .address = BYTES("192.0.2.1")};
        struct console_password work = {.right = true};
        browser = (struct browser){0};
        registry_console(f->in.registry, &q, &work, browser_take, &browser);
        reply_ok(f, &browser.reply);
        reply_done(&browser.reply);
        assert_int_equal(store_count(f->in.store, STORE_SESSION, &none, &count), FP_OK);
        assert_true(count <= FP_LIMIT_OPERATOR_SESSIONS);
    }
    assert_int_equal(identify(f, &browser, clock_wall_ms()), FP_OK);
    assert_int_equal(identify(f, &first, clock_wall_ms()), FP_E_SESSION_MISSING);
}

// {"records":[...],"next":...} of one question.
static yyjson_doc *find(struct fixture *f, const char *form, unsigned limit)
{
    struct console_question q = {.action = CONSOLE_AUDIT, .form = bytes_of_text(form)};
    struct audit_find what;
    struct buf out;
    yyjson_doc *doc = NULL;
    buf_init(&out, 1048576);
    assert_int_equal(audit_find_plan(&q, &what), FP_OK);
    what.limit = limit != 0 ? limit : what.limit;
    assert_int_equal(audit_find_run(f->config.audit_dir, &what, &out), FP_OK);
    doc = yyjson_read((const char *)out.ptr, out.len, 0);
    assert_non_null(doc);
    buf_done(&out);
    return doc;
}

static void test_registry_console__the_log_page_by_page(void **state)
{
    struct fixture *f = *state;
    uint64_t next = 0, last = UINT64_MAX, seen = 0, all = 0;
    yyjson_doc *doc = NULL;
    config_of(f);
    for (unsigned i = 0; i < 23; i++) {
        char link[OPERATOR_TOKEN];
        invite(f, "auditor", link);
    }
    doc = find(f, "action=operator", 200);
    all = yyjson_arr_size(yyjson_doc_ptr_get(doc, "/records"));
    assert_int_equal(all, 23);
    yyjson_doc_free(doc);
    do {
        char form[64];
        size_t index = 0, count = 0;
        yyjson_val *row = NULL;
        snprintf(form, sizeof form, "action=operator.invite&before=%llu", (unsigned long long)next);
        doc = find(f, next != 0 ? form : "action=operator", 5);
        yyjson_arr_foreach(yyjson_doc_ptr_get(doc, "/records"), index, count, row)
        {
            uint64_t seq = yyjson_get_uint(yyjson_obj_get(row, "seq"));
            assert_true(seq < last);
            last = seq;
            seen++;
        }
        next = yyjson_get_uint(yyjson_doc_ptr_get(doc, "/next"));
        yyjson_doc_free(doc);
    } while (next != 0);
    assert_int_equal(seen, all);
    doc = find(f, "q=nothing+has+this", 0);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/records")), 0);
    yyjson_doc_free(doc);
    doc = find(f, "result=failed", 0);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/records")), 0);
    yyjson_doc_free(doc);
    doc = find(f, "actor=test&since=2000-01-01T00:00:00Z", 3);
    assert_int_equal(yyjson_arr_size(yyjson_doc_ptr_get(doc, "/records")), 3);
    yyjson_doc_free(doc);
}

static void test_registry_console__wrong_questions_of_the_log(void **state)
{
    static const char long_id[] =
        "request="
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    static const char *const forms[] = {"since=yesterday", "until=1", "before=x", long_id, "q=%ff"};
    struct audit_find what;
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct console_question q = {.action = CONSOLE_AUDIT, .form = bytes_of_text(forms[i])};
        assert_int_equal(audit_find_plan(&q, &what), FP_E_PARAMETER_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_console__sessions_end, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_console__links_expire, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_console__an_operator_has_so_many_sessions,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_registry_console__the_log_page_by_page, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_registry_console__wrong_questions_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
