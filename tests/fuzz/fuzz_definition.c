// Connector definitions: whatever is read, it loads or is refused with a place and a reason, and
// what loads can be used. SPDX-License-Identifier: Apache-2.0
#include "mapping/filter.h"
#include "mapping/set.h"
#include "model/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct mapping *m)
{
    struct buf text;
    buf_init(&text, 1u << 22);
    struct json_out j = json_out_start(&text);
    mapping_describe(&j, m);
    for (unsigned i = 0; i < MODEL_RESOURCE_COUNT; i++) {
        static const struct model_query query = {.page = 1, .per_page = 25};
        struct mapping_clauses clauses;
        if (m->resources[i] == NULL) {
            continue;
        }
        mapping_clauses_init(&clauses);
        if (mapping_filter(m, m->resources[i], &query, &j, &clauses) != FP_OK) {
            __builtin_trap(); // a query without filters is always possible
        }
        (void)mapping_key_clause(m, m->resources[i], BYTES("12-34"), &clauses);
        (void)!(mapping_order(m, m->resources[i], &query, &j, &text) == FP_OK);
        mapping_clauses_done(&clauses);
    }
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mapping *m = NULL;
    struct fp_note note = {0};
    enum fp_error error = mapping_load(bytes_of(data, size), &m, &note);
    if (error == FP_OK) {
        use(m);
    } else if (error == FP_E_DEFINITION_INVALID && note.text[0] == '\0') {
        __builtin_trap();
    }
    mapping_free(m);
    return 0;
}
