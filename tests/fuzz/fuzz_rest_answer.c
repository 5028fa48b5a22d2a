// Answers of a REST source: pages, links, cursors, totals and times, whatever they say. The first
// byte picks the call; the rest are answers, one a line: a status' first digit, a header's value
// up to a tab, the body. SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"

#include "../unit/driver/rest_sample.h"

#include <yyjson.h>

#define CALLS 40 // of one run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct model_operation *operation_of(unsigned pick)
{
    static const char *const ids[] = {"eam.work-orders.list", "eam.work-orders.item",
                                      "eam.sites.list", "eam.work-orders.update"};
    for (unsigned i = 0; i < MODEL_OPERATION_COUNT; i++) {
        if (bytes_equal_text(bytes_of_text(model_operations[i].id), ids[pick % 4])) {
            return &model_operations[i];
        }
    }
    return NULL;
}

static struct mapping *load(bool links)
{
    struct mapping *mapping = NULL;
    struct fp_note note = {0};
    const char *definition = links ? REST_LINKS : REST_TICKETS;
    if (mapping_load(bytes_of_text(definition), &mapping, &note) != FP_OK) {
        __builtin_trap();
    }
    return mapping;
}

static void check_origin(const struct client_request *request)
{
    if (!bytes_starts_with(request->url, BYTES("https://h.test/"))) {
        __builtin_trap();
    }
}

static void answer(struct driver_run *run, unsigned number, struct bytes line)
{
    static const unsigned statuses[] = {200, 201, 204, 400, 401, 403, 404, 429, 500, 503};
    struct bytes rest = bytes_slice(line, 1, line.len);
    struct bytes value = {0};
    (void)bytes_split(&rest, '\t', &value);
    struct client_header header = {BYTES("Link"), value};
    struct client_answer a = {.status = line.len != 0 ? statuses[line.ptr[0] % 10] : 200,
                              .headers = &header,
                              .header_count = 1};
    buf_init(&a.body, 1u << 20);
    buf_append_bytes(&a.body, rest);
    driver_feed(run, number, &a);
    buf_done(&a.body);
}

static void check(const struct driver_result *r)
{
    if (r->error != FP_OK || r->body.len == 0) {
        return;
    }
    yyjson_doc *doc =
        yyjson_read((const char *)r->body.ptr, r->body.len, YYJSON_READ_NUMBER_AS_RAW);
    if (yyjson_obj_get(yyjson_doc_get_root(doc), "data") == NULL) {
        __builtin_trap();
    }
    yyjson_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mapping *mappings[2];
    static const struct model_query query = {.page = 2, .per_page = 3};
    struct driver_run *run = NULL;
    struct bytes rest = bytes_of(data, size);
    if (size < 2) {
        return 0;
    }
    unsigned which = data[0] / 4 % 2;
    if (mappings[which] == NULL) {
        mappings[which] = load(which == 1);
    }
    struct driver_call call = {
        .mapping = mappings[which],
        .operation = operation_of(data[0]),
        .key = BYTES("7"),
        .body = BYTES("{\"title\":\"x\"}"),
        .query = &query,
        .credentials = BYTES("{\"url\":\"https://h.test\",\"user\":\"u\",\"key\":\"s3cret-key\"}"),
        .public_url = "https://f.test",
    };
    rest = bytes_slice(rest, 1, size);
    if (driver_start(&call, &run) != FP_OK) {
        return 0;
    }
    for (unsigned i = 0; i < CALLS && !driver_is_done(run); i++) {
        struct client_request request;
        unsigned number = 0;
        struct bytes line = {0};
        if (driver_needs_session(run)) {
            driver_log_in(run);
        }
        if (!driver_next(run, &number, &request)) {
            break;
        }
        check_origin(&request);
        (void)bytes_split(&rest, '\n', &line);
        answer(run, number, line);
    }
    if (driver_is_done(run)) {
        check(driver_result(run));
    }
    driver_free(run);
    return 0;
}
