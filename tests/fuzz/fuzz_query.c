// Query strings and paths: everything is understood or refused by name; what is understood can be
// put into links and into the source's words. SPDX-License-Identifier: Apache-2.0
#include "mapping/filter.h"
#include "mapping/set.h"
#include "model/envelope.h"
#include "model/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mapping_set *set;

static void use(const struct model_operation *operation, const struct model_query *query,
                struct bytes key)
{
    const struct mapping *m = mapping_set_at(set, 0);
    const struct mapping_resource *r = mapping_resource_of(m, operation);
    struct mapping_clauses clauses;
    struct buf text;
    struct model_page page = {.query = query,
                              .path_template = operation->path,
                              .key = key,
                              .public_url = "https://f.test",
                              .total = 1000,
                              .count = 1};
    buf_init(&text, 1u << 22);
    struct json_out j = json_out_start(&text);
    json_begin_object(&j);
    json_name(&j, "data");
    json_begin_array(&j);
    model_envelope_end_list(&j, &page);
    if (!json_depth_within(buf_bytes(&text), 4)) {
        __builtin_trap();
    }
    if (r != NULL) {
        mapping_clauses_init(&clauses);
        enum fp_error error = mapping_filter(m, r, query, &j, &clauses);
        if (error == FP_OK && !bytes_is_utf8(buf_bytes(&clauses.own))) {
            __builtin_trap();
        }
        mapping_clauses_done(&clauses);
    }
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size);
    struct bytes path = {0};
    struct arena *arena = arena_create(1u << 22, false);
    struct model_route route = {0};
    static struct model_query query;
    struct buf rows;
    struct fp_note note = {0};
    if (set == NULL && mapping_set_load(NULL, &set, &note) != FP_OK) {
        __builtin_trap();
    }
    buf_init(&rows, 1u << 20);
    struct json_out errors = json_out_start(&rows);
    (void)bytes_split(&rest, '?', &path);
    if (size != 0 && arena != NULL &&
        model_route_find(BYTES("GET"), path, arena, &route) == FP_OK) {
        const struct model_operation *operation = model_operation_at(route.operation);
        enum fp_error error = model_query_parse(rest.ptr != NULL ? rest : BYTES(""), operation,
                                                arena, &errors, &query);
        if (error == FP_OK) {
            use(operation, &query, route.key);
        } else if (error == FP_E_PARAMETER_INVALID && rows.len == 0) {
            __builtin_trap();
        }
    }
    buf_done(&rows);
    arena_free(arena);
    return 0;
}
