// The REST driver against recorded shapes: addresses, pages, filters, writing, refusals.
// SPDX-License-Identifier: Apache-2.0
#include "driver_trial.h"
#include "rest_sample.h"

#include "base/mem.h"

static struct mapping *mapping;

static void use(const char *text)
{
    struct fp_note note = {0};
    mapping_free(mapping);
    mapping = NULL;
    if (mapping_load(bytes_of_text(text), &mapping, &note) != FP_OK) {
        fail_msg("%s at %u: %s", note.field, note.line, note.text);
    }
    other = mapping;
    other_credentials =
        "{\"url\":\"https://h.test/\",\"user\":\"ann\",\"key\":\"s3cret-key-of-ann\"}";
}

static void get(const char *path)
{
    assert_int_equal(begin_with(path, ""), 1);
}

static void sent(unsigned at, const char *method, const char *url)
{
    assert_string_equal(t.methods[at], method);
    assert_string_equal(t.urls[at], url);
}

// Rows from first on, each with its key.
static const char *rows(const char *before, unsigned first, unsigned count, const char *behind)
{
    static char text[65536];
    size_t len = (size_t)snprintf(text, sizeof text, "{%s[", before);
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s{\"id\":%u,\"Id\":\"%u\"}",
                                i != 0 ? "," : "", first + i, first + i);
    }
    (void)snprintf(text + len, sizeof text - len, "]%s}", behind);
    return text;
}

static void test_driver_rest__list(void **state)
{
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders?page=3&per_page=2");
    sent(0, "GET",
         "https://h.test/api/tickets.json?limit=2&offset=4&sort=id%3Aasc&status_id=%2A"
         "&kind=work");
    feed(0, 200, rows("\"total_count\":7,\"tickets\":", 5, 2, ""));
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "\"total\":7"));
    assert_true(holds(r->body, "{\"key\":\"5\""));
}

static void test_driver_rest__capped(void **state)
{
    (void)state;
    use(REST_TICKETS);
    // More than the source gives at once: the rest is asked for, also where it gives fewer.
    get("/api/eam/work-orders?per_page=150");
    assert_non_null(strstr(t.urls[0], "limit=100&offset=0&"));
    feed(0, 200, rows("\"total_count\":120,\"tickets\":", 1, 60, ""));
    assert_non_null(strstr(t.urls[1], "limit=100&offset=60&"));
    feed(1, 200, rows("\"total_count\":120,\"tickets\":", 61, 60, ""));
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "\"to\":120"));
    assert_true(holds(r->body, "\"key\":\"120\""));
}

static void test_driver_rest__page_again(void **state)
{
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders?per_page=150");
    feed(0, 200, rows("\"total_count\":200,\"tickets\":", 1, 100, ""));
    feed(1, 200, rows("\"total_count\":200,\"tickets\":", 1, 100, ""));
    assert_true(holds(done(FP_E_SOURCE_ANSWER_INVALID)->detail, "same page again"));
}

static void test_driver_rest__filters(void **state)
{
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders?filter[statusKey]=5&filter[title:contains]=a%26b"
        "&filter[updatedAt:gt]=2026-11-24T08:30:00Z&sort[updatedAt]=1");
    // A filter takes the place of what is sent otherwise; times are exact to the second.
    sent(0, "GET",
         "https://h.test/api/tickets.json?limit=25&offset=0&sort=updated_on%3Adesc%2Cid"
         "%3Aasc&kind=work&status_id=5&subject=~a%26b&updated_on=%3E%3D2026-11-24T08%3A3"
         "0%3A01Z");
}

static void test_driver_rest__filter_refused(void **state)
{
    static const struct {
        const char *query;
        enum fp_error error;
        const char *field;
    } cases[] = {
        {"filter[severity]=1", FP_E_FILTER_UNSUPPORTED, "filter[severity]"},
        {"filter[title:startsWith]=1", FP_E_FILTER_UNSUPPORTED, "filter[title:startsWith]"},
        {"filter[title:endsWith]=x", FP_E_FILTER_UNSUPPORTED, "filter[title:endsWith]"},
        // both would be the same parameter
        {"filter[updatedAt:gteq]=2026-01-01&filter[updatedAt:lt]=2026-02-01",
         FP_E_FILTER_UNSUPPORTED, "filter[updatedAt:lt]"},
        {"filter[title]=x&filter[statusKey]=1&filterMatch=any", FP_E_FILTER_UNSUPPORTED,
         "filterMatch"},
        {"sort[siteKey]=1", FP_E_SORT_UNSUPPORTED, "sort[siteKey]"},
    };
    (void)state;
    use(REST_TICKETS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "/api/eam/work-orders?%s", cases[i].query);
        assert_int_equal(begin_with(path, ""), 0);
        assert_true(holds(done(cases[i].error)->errors, cases[i].field));
        (void)trial_end(NULL);
    }
}

static void test_driver_rest__never(void **state)
{
    (void)state;
    use(REST_TICKETS);
    // No site has such a key: there is nothing to ask.
    assert_int_equal(begin_with("/api/eam/work-orders?filter[siteKey]=abc", ""), 0);
    assert_true(holds(done(FP_OK)->body, "\"total\":0"));
}

static void test_driver_rest__item(void **state)
{
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders/12");
    sent(0, "GET", "https://h.test/api/tickets/12.json");
    feed(0, 200,
         "{\"ticket\":{\"id\":12,\"subject\":\"Leak\",\"updated\":\"2026-11-24T08:30:00Z\"}}");
    assert_true(holds(done(FP_OK)->body, "\"title\":\"Leak\""));
    (void)trial_end(NULL);
    get("/api/eam/work-orders/13");
    feed(0, 404, "");
    done(FP_E_RECORD_NOT_FOUND);
    (void)trial_end(NULL);
    assert_int_equal(begin_with("/api/eam/work-orders/..", ""), 0);
    done(FP_E_RECORD_NOT_FOUND);
}

static void test_driver_rest__whole_list(void **state)
{
    static const char places[] = "{\"places\":[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"},"
                                 "{\"id\":3,\"name\":\"c\"}]}";
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/sites?page=2&per_page=2");
    sent(0, "GET", "https://h.test/api/places.json");
    feed(0, 200, places);
    assert_true(holds(done(FP_OK)->body, "{\"data\":[{\"key\":\"3\""));
    assert_true(holds(driver_result(t.run)->body, "\"total\":3"));
    (void)trial_end(NULL);
    get("/api/eam/sites/2");
    feed(0, 200, places);
    assert_true(holds(done(FP_OK)->body, "\"name\":\"b\""));
    (void)trial_end(NULL);
    get("/api/eam/sites/4");
    feed(0, 200, places);
    done(FP_E_RECORD_NOT_FOUND);
}

static void test_driver_rest__refusals(void **state)
{
    static const struct {
        unsigned status;
        const char *body;
        enum fp_error error;
    } cases[] = {
        {401, "", FP_E_CREDENTIALS_REJECTED},
        {403, "<html>no</html>", FP_E_SOURCE_PERMISSION_MISSING},
        {404, "", FP_E_SOURCE_SETTINGS_INVALID},
        {429, "", FP_E_SOURCE_RATE_LIMITED},
        {503, "down", FP_E_SOURCE_UNREACHABLE},
        {500, "{\"errors\":[\"Boom\"]}", FP_E_SOURCE_FAILED},
        {200, "{\"errors\":[\"Boom\"]}", FP_E_SOURCE_FAILED},
        {200, "<html>", FP_E_SOURCE_ANSWER_INVALID},
        {200, "{\"tickets\":{}}", FP_E_SOURCE_ANSWER_INVALID},
    };
    (void)state;
    use(REST_TICKETS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        get("/api/eam/work-orders");
        feed(0, cases[i].status, cases[i].body);
        const struct driver_result *r = done(cases[i].error);
        assert_true(strstr(cases[i].body, "Boom") == NULL || holds(r->detail, "\"Boom\""));
        (void)trial_end(NULL);
    }
}

static void test_driver_rest__retry_after(void **state)
{
    struct client_header header = {BYTES("Retry-After"), BYTES("17")};
    struct client_answer answer = {.status = 429, .headers = &header, .header_count = 1};
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders");
    feed_full(0, &answer, "");
    assert_int_equal(done(FP_E_SOURCE_RATE_LIMITED)->retry_after_s, 17);
}

static void test_driver_rest__verify(void **state)
{
    (void)state;
    use(REST_TICKETS);
    assert_int_equal(begin_call("GET", NULL, "", ""), 1);
    sent(0, "GET", "https://h.test/api/me.json");
    feed(0, 200, "{\"user\":{\"login\":\"ann\"}}");
    assert_true(bytes_equal_text(done(FP_OK)->account, "ann"));
    (void)trial_end(NULL);
    assert_int_equal(begin_call("GET", NULL, "", ""), 1);
    feed(0, 401, "");
    done(FP_E_CREDENTIALS_REJECTED);
}

static void test_driver_rest__create(void **state)
{
    (void)state;
    use(REST_TICKETS);
    assert_int_equal(
        begin_call("POST", "/api/eam/work-orders", "", "{\"title\":\"Leak\",\"statusKey\":\"2\"}"),
        1);
    sent(0, "POST", "https://h.test/api/tickets.json");
    assert_string_equal(t.bodies[0], "{\"ticket\":{\"subject\":\"Leak\",\"status_id\":2}}");
    feed(0, 201, "{\"ticket\":{\"id\":44}}");
    sent(1, "GET", "https://h.test/api/tickets/44.json");
    feed(1, 200, "{\"ticket\":{\"id\":44,\"subject\":\"Leak\"}}");
    assert_true(holds(done(FP_OK)->body, "\"key\":\"44\""));
}

static void test_driver_rest__update(void **state)
{
    (void)state;
    use(REST_TICKETS);
    assert_int_equal(begin_call("PUT", "/api/eam/work-orders/7", "", "{\"statusKey\":null}"), 1);
    feed(0, 200, "{\"ticket\":{\"id\":7}}");
    sent(1, "PUT", "https://h.test/api/tickets/7.json");
    assert_string_equal(t.bodies[1], "{\"ticket\":{\"status_id\":null}}");
    feed(1, 204, "");
    feed(2, 200, "{\"ticket\":{\"id\":7}}");
    done(FP_OK);
}

static void test_driver_rest__write_refused(void **state)
{
    static const struct {
        unsigned status;
        enum fp_error error;
    } cases[] = {{422, FP_E_SOURCE_REJECTED},
                 {409, FP_E_CONFLICT},
                 {403, FP_E_SOURCE_PERMISSION_MISSING},
                 {404, FP_E_RECORD_NOT_FOUND},
                 {500, FP_E_OUTCOME_UNKNOWN}};
    (void)state;
    use(REST_TICKETS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)begin_call("POST", "/api/eam/work-orders", "", "{\"title\":\"x\"}");
        feed(0, cases[i].status, "{\"errors\":[\"Subject is odd\"]}");
        const struct driver_result *r = done(cases[i].error);
        assert_true(cases[i].status == 500 || holds(r->detail, "Subject is odd"));
        (void)trial_end(NULL);
    }
}

static void test_driver_rest__expression(void **state)
{
    (void)state;
    use(REST_LINKS);
    get("/api/eam/work-orders?filter[title]=it%27s&filter[status:startsWith]=A"
        "&filter[updatedAt]=2026-11-24T08:30:00Z");
    // q=Kind eq 1 and Name eq 'it''s' and State eq 'A' and Changed ge ... and Changed lt ...
    sent(0, "GET",
         "https://h.test/"
         "Orders?q=Kind%20eq%201%20and%20Name%20eq%20%27it%27%27s%27%20and%20%28State%20eq%20%27AB%"
         "27%20or%20State%20eq%20%27AC%27%29%20and%20Changed%20ge%202026-11-24T08%3A30%3A00.000Z%"
         "20and%20Changed%20lt%202026-11-24T08%3A30%3A01.000Z&order=Id%20asc&count=100");
    assert_string_equal(t.header, "Basic YW5uOnMzY3JldC1rZXktb2YtYW5u");
    (void)trial_end(NULL);
    get("/api/eam/work-orders?filter[title]=a&filter[title:contains]=b&filterMatch=any");
    assert_non_null(strstr(t.urls[0], "q=Kind%20eq%201%20and%20%28%28Name%20eq%20%27a%27%29%20or%20"
                                      "%28has%28Name%2C%27b%27%29%29%29&"));
    (void)trial_end(NULL);
    get("/api/eam/work-orders/A%27B%2FC");
    sent(0, "GET", "https://h.test/Orders(%27A%27%27B%2FC%27)");
}

static void test_driver_rest__links(void **state)
{
    (void)state;
    use(REST_LINKS);
    // Without a total, all pages are read: the second of two records, of five in all.
    get("/api/eam/work-orders?page=2&per_page=2");
    feed(0, 200, rows("\"more\":\"/Orders?from=3\",\"items\":", 1, 3, ""));
    sent(1, "GET", "https://h.test/Orders?from=3");
    feed(1, 200, rows("\"more\":null,\"items\":", 4, 2, ""));
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "{\"data\":[{\"key\":\"3\""));
    assert_true(holds(r->body, "\"key\":\"4\""));
    assert_false(holds(r->body, "\"key\":\"5\""));
    assert_true(holds(r->body, "\"total\":5"));
}

static void test_driver_rest__link_elsewhere(void **state)
{
    static const char *const links[] = {
        "http://h.test/Orders",      "https://169.254.169.254/latest", "//evil.test/x",
        "https://h.test:444/Orders", "https://u:p@h.test/Orders",
    };
    (void)state;
    use(REST_LINKS);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char before[128];
        (void)snprintf(before, sizeof before, "\"more\":\"%s\",\"items\":", links[i]);
        get("/api/eam/work-orders");
        feed(0, 200, rows(before, 1, 2, ""));
        done(FP_E_SOURCE_REDIRECT_REFUSED);
        assert_int_equal(t.count, 1);
        (void)trial_end(NULL);
    }
}

static void test_driver_rest__link_header(void **state)
{
    struct client_header header = {BYTES("link"),
                                   BYTES("<https://h.test/Orders?p=9>; rel=\"last\", "
                                         "<https://h.test/Orders?p=2>; title=\"x\"; rel=\"next\"")};
    struct client_answer answer = {.status = 200, .headers = &header, .header_count = 1};
    (void)state;
    use(REST_HEADER);
    get("/api/eam/work-orders");
    feed_full(0, &answer, rows("\"items\":", 1, 2, ""));
    sent(1, "GET", "https://h.test/Orders?p=2");
    feed(1, 200, rows("\"items\":", 3, 1, ""));
    assert_true(holds(done(FP_OK)->body, "\"total\":3"));
}

static void test_driver_rest__cursor(void **state)
{
    (void)state;
    use(REST_CURSOR);
    get("/api/eam/work-orders");
    feed(0, 200, rows("\"more\":\"c 1\",\"items\":", 1, 2, ""));
    assert_non_null(strstr(t.urls[1], "cursor=c%201"));
    feed(1, 200, rows("\"more\":\"c 1\",\"items\":", 3, 2, ""));
    done(FP_E_SOURCE_ANSWER_INVALID); // the cursor does not move
}

static void test_driver_rest__endless(void **state)
{
    char before[64];
    (void)state;
    use(REST_CURSOR);
    get("/api/eam/work-orders");
    for (unsigned i = 0; i < FP_LIMIT_SOURCE_PAGES; i++) {
        unsigned at = t.count - 1;
        assert_false(driver_is_done(t.run));
        (void)snprintf(before, sizeof before, "\"more\":\"%u\",\"items\":", i + 1);
        t.count = 0;
        t.numbers[0] = t.numbers[at];
        feed(0, 200, rows(before, i, 1, ""));
    }
    done(FP_E_LIMIT_EXCEEDED);
}

static void test_driver_rest__numbered(void **state)
{
    (void)state;
    use(REST_NUMBER);
    get("/api/eam/work-orders?page=2&per_page=3");
    assert_non_null(strstr(t.urls[0], "page=2"));
    feed(0, 200, rows("\"n\":7,\"items\":", 3, 2, ""));
    assert_non_null(strstr(t.urls[1], "page=3"));
    feed(1, 200, rows("\"n\":7,\"items\":", 5, 2, ""));
    const struct driver_result *r = done(FP_OK);
    assert_true(holds(r->body, "{\"data\":[{\"key\":\"4\""));
    assert_true(holds(r->body, "\"key\":\"6\""));
    (void)trial_end(NULL);
    get("/api/eam/work-orders?page=2&per_page=3");
    feed(0, 200, rows("\"n\":7,\"items\":", 3, 1, ""));
    assert_true(holds(done(FP_E_SOURCE_ANSWER_INVALID)->detail, "smaller pages"));
}

static void test_driver_rest__secrets(void **state)
{
    (void)state;
    use(REST_TICKETS);
    get("/api/eam/work-orders");
    feed(0, 500, "{\"errors\":[\"key s3cret-key-of-ann is wrong\"]}");
    const struct driver_result *r = done(FP_E_SOURCE_FAILED);
    assert_false(holds(r->detail, "s3cret"));
    assert_true(holds(r->detail, "key ***"));
}

static int rest_teardown(void **state)
{
    mapping_free(mapping);
    return teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_driver_rest__list),           TEST(test_driver_rest__capped),
        TEST(test_driver_rest__page_again),     TEST(test_driver_rest__filters),
        TEST(test_driver_rest__filter_refused), TEST(test_driver_rest__never),
        TEST(test_driver_rest__item),           TEST(test_driver_rest__whole_list),
        TEST(test_driver_rest__refusals),       TEST(test_driver_rest__retry_after),
        TEST(test_driver_rest__verify),         TEST(test_driver_rest__create),
        TEST(test_driver_rest__update),         TEST(test_driver_rest__write_refused),
        TEST(test_driver_rest__expression),     TEST(test_driver_rest__links),
        TEST(test_driver_rest__link_elsewhere), TEST(test_driver_rest__link_header),
        TEST(test_driver_rest__cursor),         TEST(test_driver_rest__endless),
        TEST(test_driver_rest__numbered),       TEST(test_driver_rest__secrets),
    };
    return cmocka_run_group_tests(tests, setup, rest_teardown);
}
