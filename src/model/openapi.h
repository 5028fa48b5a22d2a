// The API described for programs (OpenAPI 3.1 and 3.0) and for people (a page of HTML), as the
// build made them from schema/ with tools/gen_openapi.py. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_OPENAPI_H
#define FP_MODEL_OPENAPI_H

#include "base/bytes.h"

enum openapi_kind { OPENAPI_3_1, OPENAPI_3_0, OPENAPI_PAGE, OPENAPI_COUNT };

struct openapi_document {
    const char *path;         // where it is served
    const char *content_type; // its media type
    const char *etag;         // names the content; weak, since it is sent plain and compressed
    const char *policy;       // its Content-Security-Policy
    struct bytes plain;       // the document
    struct bytes packed;      // the same as gzip
};

extern const struct openapi_document openapi_documents[OPENAPI_COUNT];

// The one with this path; a slash at its end is allowed. NULL: there is none.
const struct openapi_document *openapi_find(struct bytes path);
// Whether If-None-Match (RFC 9110 13.1.2: a list of tags, or *) names the document.
bool openapi_etag_matches(const struct openapi_document *document, struct bytes if_none_match);

#endif
