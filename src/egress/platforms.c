// GET /api/system/platforms: what can be connected, from the definitions.
// SPDX-License-Identifier: Apache-2.0
#include "egress/egress_int.h"

#include "model/envelope.h"

#define PLATFORMS_MAX (4u * 1024 * 1024)

static void describe_page(struct json_out *json, const struct egress *e,
                          const struct model_query *query, struct model_page *page)
{
    uint64_t first = model_query_offset(query);
    const struct mapping *mapping = NULL;
    while ((mapping = mapping_set_at(e->mappings, page->total)) != NULL) {
        if (page->total >= first && page->count < query->per_page) {
            mapping_describe(json, mapping);
            page->count++;
        }
        page->total++;
    }
}

void egress_platforms(struct egress_call *call)
{
    struct egress *e = call->egress;
    struct model_page page = {.query = call->work.query,
                              .path_template = call->work.operation->path,
                              .public_url = e->public_url};
    struct buf body;
    if (call->work.operation->domain != MODEL_DOMAIN_SYSTEM) {
        egress_call_fail(call, FP_E_INTERNAL, "This operation needs a connection.");
        return;
    }
    buf_init(&body, PLATFORMS_MAX);
    struct json_out json = json_out_start(&body);
    model_envelope_begin_list(&json);
    describe_page(&json, e, call->work.query, &page);
    model_envelope_end_list(&json, &page);
    struct egress_verdict verdict = {.error = buf_error(&body), .body = buf_bytes(&body)};
    egress_call_decide(call, &verdict);
    buf_done(&body);
}

void egress_on_platforms(struct egress *e, struct bytes body)
{
    struct link_platforms_ask in = {0};
    struct link_platforms_told out = {0};
    struct buf *vault = room_out(e->room, LINK_ROOM_VAULT);
    const struct mapping *mapping = NULL;
    struct buf list;
    buf_init(&list, 1048576);
    struct json_out json = json_out_start(&list);
    if (link_get_platforms_ask(body, &in) != FP_OK) {
        room_fail(e->room, "link_rule_broken", FP_E_MESSAGE_INVALID);
    }
    json_begin_array(&json);
    for (size_t i = 0; (mapping = mapping_set_at(e->mappings, i)) != NULL; i++) {
        mapping_describe(&json, mapping);
    }
    json_end_array(&json);
    out.call = in.call;
    out.platforms = buf_error(&list) == FP_OK ? buf_bytes(&list) : BYTES("[]");
    if (vault != NULL) {
        enum fp_error lost = link_put_platforms_told(vault, &out);
        (void)lost; // the vault's deadline answers
    }
    buf_done(&list);
}
