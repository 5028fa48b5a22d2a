// REST over plain HTTP: the address says what is meant, the status how it went. Everything else
// about a product stands in its definition. SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "base/limits.h"
#include "crypto/encoding.h"
#include "mapping/value.h"
#include "model/url.h"

static enum fp_error rest_header(struct driver_slot *slot, const char *name, struct bytes value)
{
    for (size_t i = 0; i < slot->request.header_count; i++) {
        if (bytes_equal_nocase(slot->headers[i].name, bytes_of_text(name))) {
            return FP_OK; // the definition's own
        }
    }
    slot->headers[slot->request.header_count++] =
        (struct client_header){bytes_of_text(name), value};
    return FP_OK;
}

// HTTP Basic of the definition's text (RFC 7617).
static enum fp_error rest_basic(struct driver_run *run, struct driver_slot *slot)
{
    const struct template *t = &run->call.mapping->wire.basic;
    struct buf text;
    struct buf coded;
    if (t->count == 0) {
        return FP_OK;
    }
    buf_init_sensitive(&text, 1u << 13);
    buf_init_sensitive(&coded, 1u << 14);
    enum fp_error error = template_render(t, run__account_lookup, run, &text);
    buf_append_text(&coded, "Basic ");
    base64_append(&coded, buf_bytes(&text));
    if (error == FP_OK) {
        struct bytes value = arena_copy(run->arena, buf_bytes(&coded));
        error = value.ptr == NULL || buf_error(&coded) != FP_OK
                    ? FP_E_NO_MEMORY
                    : rest_header(slot, "Authorization", value);
    } else if (error != FP_E_NO_MEMORY) {
        error = FP_E_SOURCE_SETTINGS_INVALID;
    }
    buf_done(&text);
    buf_done(&coded);
    return error;
}

static enum fp_error rest_prepare(struct driver_run *run, struct driver_slot *slot)
{
    struct client_request *r = &slot->request;
    bool login = slot->purpose == SLOT_FOR_LOGIN;
    bool link = slot->cursor.len != 0 && slot->call->http->paging != PAGING_CURSOR;
    *r = (struct client_request){.method = link ? BYTES("GET") : slot->call->http->method,
                                 .timeout_ms = login ? FP_LIMIT_SOURCE_LOGIN_TIMEOUT : 0,
                                 .sensitive = login};
    r->safe_to_repeat = bytes_equal_text(r->method, "GET");
    enum fp_error error = run__address(run, slot, &r->url);
    error = error != FP_OK ? error : run__headers(run, slot);
    error = error != FP_OK ? error : rest_basic(run, slot);
    error = error != FP_OK ? error : rest_header(slot, "Accept", BYTES("application/json"));
    if (error == FP_OK && !link) {
        error = run__http_body(run, slot, &r->body);
    }
    if (error == FP_OK && r->body.len != 0) {
        error = rest_header(slot, "Content-Type", BYTES("application/json"));
    }
    r->headers = slot->headers;
    return error;
}

// An error inside of a good answer: anything but null, false, and what is empty.
static bool rest_says_error(const struct mapping_path *path, yyjson_val *root)
{
    yyjson_val *error = path->count != 0 ? value_at(path, root) : NULL;
    struct bytes text = {0};
    if (error == NULL || yyjson_is_false(error)) {
        return false;
    }
    if (yyjson_is_ctn(error)) {
        return yyjson_get_len(error) != 0;
    }
    return yyjson_is_bool(error) || (value_text(error, &text) && text.len != 0);
}

// The last piece of the path in a header: where a new record lies.
static void rest_located(struct driver_run *run, struct driver_slot *slot,
                         const struct client_answer *answer)
{
    const struct bytes name = slot->resource->calls->created_header;
    struct bytes rest = {0};
    struct bytes piece = {0};
    struct bytes last = {0};
    for (size_t i = 0; i < answer->header_count; i++) {
        if (name.len != 0 && bytes_equal_nocase(answer->headers[i].name, name)) {
            rest = bytes_trim(answer->headers[i].value);
        }
    }
    size_t end = rest.len;
    (void)bytes_find(rest, '?', &end);
    rest = bytes_slice(rest, 0, end);
    while (bytes_split(&rest, '/', &piece)) {
        last = piece.len != 0 ? piece : last;
    }
    if (last.len > FP_LIMIT_KEY_TEXT ||
        url_decode(last, false, run->arena, &slot->located) != FP_OK) {
        slot->located = (struct bytes){0};
    }
    slot->located = arena_copy(run->arena, slot->located);
}

// <https://...?page=2>; rel="next" among others (RFC 8288).
static struct bytes rest_link(const struct client_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        struct bytes rest = answer->headers[i].value;
        struct bytes piece = {0};
        if (!bytes_equal_nocase(answer->headers[i].name, BYTES("Link"))) {
            continue;
        }
        while (bytes_split(&rest, '<', &piece)) {
            size_t end = 0;
            struct bytes parameters = {0};
            bool next = false;
            if (rest.ptr == NULL || !bytes_find(rest, '>', &end)) {
                break;
            }
            struct bytes target = bytes_slice(rest, 0, end);
            size_t until = rest.len;
            rest = bytes_slice(rest, end + 1, rest.len);
            (void)bytes_find(rest, '<', &until);
            struct bytes all = bytes_slice(rest, 0, until);
            while (bytes_split(&all, ';', &parameters)) {
                struct bytes one = bytes_trim(parameters);
                next = next || bytes_starts_with(one, BYTES("rel=\"next\"")) ||
                       bytes_starts_with(one, BYTES("rel=next"));
            }
            if (next) {
                return target;
            }
        }
    }
    return (struct bytes){0};
}

static void rest_header_total(struct driver_slot *slot, const struct client_answer *answer)
{
    const struct bytes name = slot->call->http->total_header;
    for (size_t i = 0; i < answer->header_count && name.len != 0; i++) {
        if (bytes_equal_nocase(answer->headers[i].name, name)) {
            slot->total_known =
                bytes_to_u64(bytes_trim(answer->headers[i].value), 1000000000000u, &slot->total);
        }
    }
}

// Where the next page begins, and how many records there are; false: the run has ended.
static bool rest_page(struct driver_run *run, struct driver_slot *slot,
                      const struct client_answer *answer, yyjson_val *root)
{
    const struct mapping_http *h = slot->call->http;
    struct bytes next = {0};
    struct bytes text = {0};
    rest_header_total(slot, answer);
    if (h->has_total && value_text(value_at(&h->total, root), &text)) {
        slot->total_known = bytes_to_u64(text, 1000000000000u, &slot->total);
    }
    if (h->paging == PAGING_CURSOR || h->paging == PAGING_LINK) {
        (void)value_text(value_at(&h->next, root), &next);
    } else if (h->paging == PAGING_HEADER) {
        next = rest_link(answer);
    }
    if (next.len == 0 || next.len > FP_LIMIT_HTTP_TARGET) {
        return true;
    }
    if (h->paging != PAGING_CURSOR) {
        return run__next_address(run, slot, next, &slot->next);
    }
    slot->next = arena_copy(run->arena, next);
    return slot->next.ptr != NULL;
}

static enum fp_error rest_open(struct driver_run *run, struct driver_slot *slot,
                               struct client_answer *answer, enum mapping_verdict *verdict_out)
{
    bool good = answer->status >= 200 && answer->status < 300;
    bool write = slot->purpose == SLOT_FOR_WRITE;
    slot->doc = run__parse(run, slot, answer);
    yyjson_val *root = yyjson_doc_get_root(slot->doc);
    if (!good || rest_says_error(&run->call.mapping->wire.error, root)) {
        *verdict_out = run__judge(run, slot, answer->status, root);
        return FP_E_SOURCE_FAILED;
    }
    if (write) {
        rest_located(run, slot, answer);
        slot->result = root; // often empty: the record is read back anyway
        return FP_OK;
    }
    if (root == NULL) {
        return run__unclear(run, slot, "The answer is no JSON.");
    }
    slot->result = value_at(&slot->call->http->rows, root);
    if (slot->purpose == SLOT_FOR_READ && !rest_page(run, slot, answer, root)) {
        return FP_E_SOURCE_ANSWER_INVALID; // the run has ended already
    }
    return FP_OK;
}

const struct driver_ops driver_rest = {"rest", true, rest_prepare, rest_open};
