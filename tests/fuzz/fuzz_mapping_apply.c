// Answers of a hostile source through a whole run: any bytes end in JSON for the client or in an
// error of the catalogue. The first byte picks the operation. SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"
#include "mapping/set.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SESSION "[1,\"10b9d6d77e961c5c\",1,\"Plant GmbH\",\"en\",[5,13],\"dG9rZW4=\",[]]"

static struct mapping_set *set;

static const unsigned operations[] = {
    MODEL_OP_ERP_PURCHASE_ORDERS_LIST, MODEL_OP_ERP_PURCHASE_ORDERS_ITEM, MODEL_OP_ERP_STOCKS_LIST,
    MODEL_OP_ERP_MATERIALS_LIST,       MODEL_OP_ERP_TAXES_LIST,           MODEL_OP_ERP_SITES_LIST,
};

// "#" stands for the number of the call, so that mutated answers can fit.
static void answer(struct driver_run *run, unsigned number, struct bytes text, unsigned status)
{
    struct client_answer a = {.status = status};
    buf_init(&a.body, 1u << 20);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '#') {
            buf_append_u64(&a.body, number);
        } else {
            buf_append_byte(&a.body, text.ptr[i]);
        }
    }
    driver_feed(run, number, &a);
    buf_done(&a.body);
}

static void check(const struct driver_result *r)
{
    if (r->error != FP_OK) {
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
    static const struct model_query query = {.page = 1, .per_page = 25};
    struct fp_note note = {0};
    struct driver_run *run = NULL;
    struct bytes rest = bytes_of(data, size);
    if (set == NULL && mapping_set_load(NULL, &set, &note) != FP_OK) {
        __builtin_trap();
    }
    if (size < 2) {
        return 0;
    }
    struct driver_call call = {
        .mapping = mapping_set_find(set, BYTES("tryton")),
        .operation = &model_operations[operations[data[0] % 6]],
        .key = BYTES("7"),
        .query = &query,
        .credentials = BYTES("{\"url\":\"http://h\",\"database\":\"d\",\"username\":\"u\","
                             "\"password\":\"secret-password\"}"),
        .session = data[1] % 2 == 0 ? BYTES(SESSION) : BYTES(""),
        .public_url = "https://f.test",
    };
    rest = bytes_slice(rest, 2, size);
    if (driver_start(&call, &run) != FP_OK) {
        return 0;
    }
    for (unsigned i = 0; i < 64 && !driver_is_done(run); i++) {
        struct client_request request;
        unsigned number = 0;
        struct bytes text = {0};
        if (driver_needs_session(run)) {
            driver_log_in(run);
        }
        if (!driver_next(run, &number, &request)) {
            break;
        }
        (void)bytes_split(&rest, '\n', &text);
        answer(run, number, text, text.len != 0 && text.ptr[0] == '!' ? 500 : 200);
    }
    if (driver_is_done(run)) {
        check(driver_result(run));
    }
    driver_free(run);
    return 0;
}
