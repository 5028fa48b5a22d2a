// Bodies of a hostile client against every definition that writes: any bytes end in a record for
// the source that is JSON, or in rows of errors that are. The first byte picks the operation.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "mapping/set.h"
#include "mapping/value.h"
#include "mapping/write.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BEFORE                                                                                     \
    "{\"id\":3,\"state\":\"draft\",\"lines.\":[{\"id\":7,\"type\":\"line\"},{\"id\":8,"            \
    "\"type\":\"line\"},{\"id\":9,\"type\":\"comment\"},5]}"

static struct mapping_set *set;

static const enum model_resource_id resources[] = {
    MODEL_RESOURCE_PURCHASE_ORDERS, MODEL_RESOURCE_VENDORS, MODEL_RESOURCE_MATERIALS,
    MODEL_RESOURCE_SALES_ORDERS, MODEL_RESOURCE_STOCK_TRANSFERS};

static void check_json(struct bytes text)
{
    yyjson_doc *doc = yyjson_read((const char *)text.ptr, text.len, YYJSON_READ_NUMBER_AS_RAW);
    if (doc == NULL) {
        __builtin_trap();
    }
    yyjson_doc_free(doc);
}

static void try_one(const struct mapping_write_job *job)
{
    struct buf rows;
    struct buf out;
    buf_init(&rows, 8192);
    buf_init(&out, 4u << 20);
    struct json_out errors = json_out_start(&rows);
    json_begin_array(&errors);
    enum fp_error error = mapping_write(job, BYTES(""), &errors, &out);
    json_end_array(&errors);
    check_json(buf_bytes(&rows)); // also: they always fit
    if (error == FP_OK) {
        check_json(buf_bytes(&out));
    } else if (error == FP_E_FIELD_INVALID && rows.len <= 2) {
        __builtin_trap(); // refused without a word
    }
    buf_done(&rows);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_note note = {0};
    if (set == NULL && mapping_set_load(NULL, &set, &note) != FP_OK) {
        __builtin_trap();
    }
    if (size < 2 || size > 65536 ||
        !json_depth_within(bytes_of(data + 1, size - 1), FP_LIMIT_JSON_DEPTH)) {
        return 0;
    }
    yyjson_doc *body = yyjson_read((const char *)data + 1, size - 1, VALUE_READ_FLAGS);
    yyjson_doc *before = yyjson_read(BEFORE, strlen(BEFORE), VALUE_READ_FLAGS);
    const struct mapping *m = mapping_set_find(set, BYTES("tryton"));
    struct mapping_write_job job = {
        .mapping = m,
        .resource = m->resources[resources[data[0] % (sizeof resources / sizeof resources[0])]],
        .body = yyjson_doc_get_root(body),
        .create = (data[0] & 0x40) != 0,
    };
    if (job.body != NULL) {
        try_one(&job);
        job.before = job.create ? NULL : yyjson_doc_get_root(before);
        try_one(&job);
    }
    yyjson_doc_free(body);
    yyjson_doc_free(before);
    return 0;
}
