// The text form of the counters.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.h"

#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_gateway_metrics__counts(void **state)
{
    struct metrics *metrics = metrics_create();
    struct buf out;
    const char *text = NULL;
    char line[256];
    (void)state;
    metrics_count(metrics, 0, FP_OK, 400000);
    metrics_count(metrics, 0, FP_OK, 3000000);
    metrics_count(metrics, 0xffff, FP_E_ROUTE_UNKNOWN, 70000000000);
    buf_init(&out, 65536);
    metrics_write(metrics, &out);
    text = buf_text(&out);
    snprintf(line, sizeof line,
             "fishplate_requests_total{operation=\"%s\",status=\"200\",code=\"OK\"} 2\n",
             model_operation_at(0)->id);
    assert_non_null(strstr(text, line));
    assert_non_null(
        strstr(text, "_total{operation=\"none\",status=\"404\",code=\"ROUTE_UNKNOWN\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{le=\"60\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "_sum 70.003400000\n"));
    assert_non_null(strstr(text, "_count 3\n"));
    buf_done(&out);
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_gateway_metrics__counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
