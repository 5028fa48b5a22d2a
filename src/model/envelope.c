// The envelope of answers: the shape that existing clients page through.
// SPDX-License-Identifier: Apache-2.0
#include "model/envelope.h"

#include "base/limits.h"
#include "model/url.h"

#include <string.h>

void model_envelope_begin(struct json_out *j)
{
    json_begin_object(j);
    json_name(j, "data");
}

void model_envelope_end(struct json_out *j)
{
    json_end_object(j);
}

void model_envelope_begin_list(struct json_out *j)
{
    model_envelope_begin(j);
    json_begin_array(j);
}

// public_url and the path with its key: what meta.path holds.
static void envelope_path(struct buf *out, const struct model_page *page)
{
    const char *rest = page->path_template;
    const char *brace = strchr(rest, '{');
    buf_append_text(out, page->public_url);
    if (brace == NULL) {
        buf_append_text(out, rest);
        return;
    }
    buf_append(out, rest, (size_t)(brace - rest));
    url_encode(out, page->key);
    brace = strchr(brace, '}');
    buf_append_text(out, brace != NULL ? brace + 1 : "");
}

static bool envelope_is_page(struct bytes pair)
{
    return bytes_equal_text(pair, "page") || bytes_starts_with(pair, BYTES("page="));
}

static void envelope_link(struct json_out *j, const char *name, const struct model_page *page,
                          uint64_t number)
{
    struct buf url;
    struct bytes rest = page->query->raw;
    struct bytes pair = {0};
    json_name(j, name);
    if (number == 0) {
        json_null(j);
        return;
    }
    buf_init(&url, FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET * 4);
    envelope_path(&url, page);
    buf_append_byte(&url, '?');
    while (rest.len != 0 && bytes_split(&rest, '&', &pair)) {
        if (pair.len != 0 && !envelope_is_page(pair)) {
            buf_append_bytes(&url, pair);
            buf_append_byte(&url, '&');
        }
    }
    buf_append_text(&url, "page=");
    buf_append_u64(&url, number);
    json_text(j, buf_bytes(&url));
    buf_done(&url);
}

static void envelope_number(struct json_out *j, const char *name, uint64_t value)
{
    json_name(j, name);
    if (value == 0) {
        json_null(j);
    } else {
        json_u64(j, value);
    }
}

static void envelope_meta(struct json_out *j, const struct model_page *page, uint64_t last)
{
    struct buf path;
    uint64_t from = page->count != 0 ? model_query_offset(page->query) + 1 : 0;
    buf_init(&path, FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET);
    envelope_path(&path, page);
    json_name(j, "meta");
    json_begin_object(j);
    envelope_number(j, "current_page", page->query->page);
    envelope_number(j, "from", from);
    envelope_number(j, "last_page", last);
    json_member_text(j, "path", buf_bytes(&path));
    envelope_number(j, "per_page", page->query->per_page);
    envelope_number(j, "to", from != 0 ? from + page->count - 1 : 0);
    json_name(j, "total");
    json_u64(j, page->total);
    json_end_object(j);
    buf_done(&path);
}

void model_envelope_end_list(struct json_out *j, const struct model_page *page)
{
    uint64_t size = page->query->per_page;
    uint64_t number = page->query->page;
    uint64_t last = page->total == 0 ? 1 : (page->total + size - 1) / size;
    json_end_array(j);
    json_name(j, "links");
    json_begin_object(j);
    envelope_link(j, "first", page, 1);
    envelope_link(j, "last", page, last);
    // Behind the end, the way back leads to the last page that exists.
    envelope_link(j, "prev", page, number <= 1 ? 0 : number - 1 < last ? number - 1 : last);
    envelope_link(j, "next", page, number < last ? number + 1 : 0);
    json_end_object(j);
    envelope_meta(j, page, last);
    json_end_object(j);
}
