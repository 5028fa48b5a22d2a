// Routes: every operation is found by its own path, aliases lead to the same, and what is none is
// told apart from a wrong method. M1.
// SPDX-License-Identifier: Apache-2.0
#include "model/route.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_create(16u << 20, false);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum fp_error find(const char *method, const char *path, struct model_route *out)
{
    return model_route_find(bytes_of_text(method), bytes_of_text(path), arena, out);
}

static const char *found(const char *method, const char *path)
{
    struct model_route route = {0};
    assert_int_equal(find(method, path, &route), FP_OK);
    return model_operation_at(route.operation)->id;
}

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static void test_model_route__every_operation_has_its_path(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODEL_OPERATION_COUNT; i++) {
        const struct model_operation *o = &model_operations[i];
        struct model_route route = {0};
        assert_int_equal(find(methods[o->method], o->path, &route), FP_OK);
        assert_int_equal(route.operation, i);
        assert_int_equal(strchr(o->path, '{') != NULL, route.key.ptr != NULL);
    }
}

static void test_model_route__keys_are_decoded(void **state)
{
    (void)state;
    struct model_route route = {0};
    assert_int_equal(find("GET", "/api/erp/vendors/a%2Fb%20%C3%BC", &route), FP_OK);
    assert_true(bytes_equal_text(route.key, "a/b \xc3\xbc"));
    assert_int_equal(find("GET", "/api/erp/vendor%73/7", &route), FP_OK);
    assert_true(bytes_equal_text(route.key, "7"));
    assert_int_equal(find("GET", "/api/erp/vendors/a+b", &route), FP_OK);
    assert_true(bytes_equal_text(route.key, "a+b"));
}

static void test_model_route__literals_win_over_keys(void **state)
{
    (void)state;
    assert_string_equal(found("GET", "/api/eam/work-orders/custom-fields"),
                        "eam.work-orders.custom-fields.list");
    assert_string_equal(found("GET", "/api/eam/work-orders/materials"),
                        "eam.work-orders.materials.list");
    assert_string_equal(found("GET", "/api/eam/work-orders/17"), "eam.work-orders.item");
    assert_string_equal(found("GET", "/api/eam/work-orders/17/materials"),
                        "eam.work-orders.materials.sublist");
    assert_string_equal(found("GET", "/api/wms/purchase-orders.line-items"),
                        "wms.purchase-orders.line-items.list");
}

static void test_model_route__aliases_lead_to_the_same(void **state)
{
    (void)state;
    assert_string_equal(found("GET", "/api/assets"), "eam.assets.list");
    assert_string_equal(found("GET", "/api/sites"), "eam.sites.list");
    assert_string_equal(found("GET", "/api/documents/9"), "eam.documents.item");
    assert_string_equal(found("POST", "/link/oauth/token"), "system.token");
    assert_string_equal(found("HEAD", "/api/erp/vendors"), "erp.vendors.list");
}

static void test_model_route__unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/",
        "api",
        "/api",
        "/api/erp",
        "/api/erp/",
        "/api/erp/vendors/",
        "/api//erp/vendors",
        "/api/erp/nothing",
        "/api/erp/vendors/1/2",
        "/API/erp/vendors",
        "/api/erp/assets",
        "/api/erp/../erp/vendors",
        "/api/raw/tables",
        "/api/passthrough",
        "/api/erp/statuses/stock-transfers",
        "//api/erp/vendors",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct model_route route = {0};
        assert_int_equal(find("GET", paths[i], &route), FP_E_ROUTE_UNKNOWN);
    }
}

static void test_model_route__bad_escapes(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api/erp/vendors/%",   "/api/erp/vendors/%4",  "/api/erp/vendors/%zz",
        "/api/erp/vendors/%00", "/api/erp/vendors/%0a", "/api/erp/vendors/%ff",
        "/api/erp/vendors/%c3",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct model_route route = {0};
        assert_int_equal(find("GET", paths[i], &route), FP_E_REQUEST_MALFORMED);
    }
}

static void test_model_route__long_keys_are_none(void **state)
{
    (void)state;
    char path[400] = "/api/erp/vendors/";
    struct model_route route = {0};
    size_t start = strlen(path);
    memset(path + start, 'k', FP_LIMIT_KEY_TEXT);
    assert_int_equal(find("GET", path, &route), FP_OK);
    path[start + FP_LIMIT_KEY_TEXT] = 'k';
    assert_int_equal(find("GET", path, &route), FP_E_ROUTE_UNKNOWN);
}

static void test_model_route__wrong_methods_name_the_right_ones(void **state)
{
    (void)state;
    struct model_route route = {0};
    struct buf text;
    buf_init(&text, 100);
    assert_int_equal(find("DELETE", "/api/erp/vendors", &route), FP_E_METHOD_NOT_ALLOWED);
    model_methods_text(route.allowed, &text);
    assert_string_equal(buf_text(&text), "GET, HEAD, POST, OPTIONS");
    buf_clear(&text);
    assert_int_equal(find("POST", "/api/erp/vendors/7", &route), FP_E_METHOD_NOT_ALLOWED);
    model_methods_text(route.allowed, &text);
    assert_string_equal(buf_text(&text), "GET, HEAD, PUT, OPTIONS");
    buf_clear(&text);
    assert_int_equal(find("PUT", "/api/system/connections", &route), FP_E_METHOD_NOT_ALLOWED);
    model_methods_text(route.allowed, &text);
    assert_string_equal(buf_text(&text), "GET, HEAD, POST, OPTIONS");
    assert_int_equal(find("get", "/api/erp/vendors", &route), FP_E_METHOD_NOT_ALLOWED);
    assert_int_equal(model_route_methods(BYTES("/api/nope"), arena), 0);
    assert_int_not_equal(model_route_methods(BYTES("/api/system/connections/7"), arena), 0);
    buf_done(&text);
}

static void test_model_route__tables_agree(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MODEL_OPERATION_COUNT; i++) {
        const struct model_operation *o = &model_operations[i];
        assert_int_equal(o->kind == MODEL_KIND_SYSTEM, o->entity == NULL);
        assert_int_equal(o->kind == MODEL_KIND_SYSTEM, o->domain == MODEL_DOMAIN_SYSTEM);
        if (o->resource != NULL) {
            assert_ptr_equal(model_resource_find(bytes_of_text(o->resource->path)), o->resource);
            assert_ptr_equal(model_entity_find(bytes_of_text(o->entity->name)), o->entity);
            assert_non_null(model_field_find(
                o->entity, o->kind == MODEL_KIND_LIST && strcmp(o->entity->name, "CustomField") == 0
                               ? BYTES("name")
                               : BYTES("key")));
        }
    }
    assert_null(model_operation_at(MODEL_OPERATION_COUNT));
    assert_null(model_entity_find(BYTES("Nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_route__every_operation_has_its_path),
        cmocka_unit_test(test_model_route__keys_are_decoded),
        cmocka_unit_test(test_model_route__literals_win_over_keys),
        cmocka_unit_test(test_model_route__aliases_lead_to_the_same),
        cmocka_unit_test(test_model_route__unknown_paths),
        cmocka_unit_test(test_model_route__bad_escapes),
        cmocka_unit_test(test_model_route__long_keys_are_none),
        cmocka_unit_test(test_model_route__wrong_methods_name_the_right_ones),
        cmocka_unit_test(test_model_route__tables_agree),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
