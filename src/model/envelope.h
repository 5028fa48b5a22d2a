// What stands around records: {"data": ...}, for lists with links and meta.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_ENVELOPE_H
#define FP_MODEL_ENVELOPE_H

#include "base/json_out.h"
#include "model/query.h"

struct model_page {
    const struct model_query *query; // as parsed
    const char *path_template;       // "/api/erp/vendors" or with {key}
    struct bytes key;                // for {key}; empty where there is none
    const char *public_url;          // "https://host:8443", without slash at the end
    uint64_t total;                  // records over all pages
    uint64_t count;                  // records on this page
};

// A record: begin, one JSON value, end. A list: begin, values, end_list.
void model_envelope_begin(struct json_out *j);
void model_envelope_end(struct json_out *j);
void model_envelope_begin_list(struct json_out *j);
void model_envelope_end_list(struct json_out *j, const struct model_page *page);

#endif
