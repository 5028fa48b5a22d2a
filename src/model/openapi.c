// Finding the descriptions of the API, and comparing their tags.
// SPDX-License-Identifier: Apache-2.0
#include "model/openapi.h"

const struct openapi_document *openapi_find(struct bytes path)
{
    if (path.len > 1 && bytes_ends_with(path, BYTES("/"))) {
        path.len--;
    }
    for (size_t i = 0; i < OPENAPI_COUNT; i++) {
        if (bytes_equal_text(path, openapi_documents[i].path)) {
            return &openapi_documents[i];
        }
    }
    return NULL;
}

// Weak comparison: W/ does not count.
static struct bytes openapi_opaque(struct bytes tag)
{
    return bytes_starts_with(tag, BYTES("W/")) ? bytes_slice(tag, 2, tag.len) : tag;
}

bool openapi_etag_matches(const struct openapi_document *document, struct bytes if_none_match)
{
    struct bytes rest = bytes_trim(if_none_match);
    struct bytes tag = {0};
    if (bytes_equal_text(rest, "*")) {
        return true;
    }
    while (rest.len != 0 && bytes_split(&rest, ',', &tag)) {
        if (bytes_equal(openapi_opaque(bytes_trim(tag)),
                        openapi_opaque(bytes_of_text(document->etag)))) {
            return true;
        }
    }
    return false;
}
