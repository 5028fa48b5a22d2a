// Lists over plain HTTP, page by page until the client's page is full and the number of records is
// known. What a source says about its pages is not trusted: pages that come again, pages that are
// shorter than they say and lists without an end stop the call.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "base/limits.h"
#include "mapping/value.h"

#define WALK_SIZE 100 // records per page, where nothing else says how many

static const struct mapping_http *walk_http(const struct driver_run *run)
{
    return run->resource->calls->list.http;
}

static void walk_next(struct driver_run *run)
{
    struct run_walk *w = run->walk;
    const struct mapping_http *h = walk_http(run);
    struct driver_slot *slot = NULL;
    if (w->pages == FP_LIMIT_SOURCE_PAGES) {
        run__fail_with(run, FP_E_LIMIT_EXCEEDED,
                       "The source system gives this list in too many pages: narrow it with "
                       "filters.",
                       (struct bytes){0});
        return;
    }
    slot = run__slot_add(run, SLOT_FOR_READ);
    if (slot == NULL) {
        return;
    }
    slot->resource = run->resource;
    slot->call = &run->resource->calls->list;
    slot->offset = w->at;
    slot->limit = w->size;
    slot->page = w->page + h->first;
    slot->cursor = w->cursor;
}

// Where the walk begins. Only where the source counts its records, and can be asked for a place in
// the middle, what lies before the client's page need not be read.
void run__walk_begin(struct driver_run *run)
{
    const struct mapping_http *h = walk_http(run);
    const struct model_query *query = run->call.query;
    struct run_walk *w = arena_alloc(run->arena, 1, sizeof *w);
    if (w == NULL) {
        run__fail(run, FP_E_NO_MEMORY);
        return;
    }
    run->walk = w;
    w->from = model_query_offset(query);
    w->to = w->from + query->per_page;
    w->counts = h->has_total || h->total_header.len != 0;
    w->size = h->page_max != 0 && (!w->counts || h->page_max < query->per_page) ? h->page_max
              : w->counts                                                       ? query->per_page
                                                                                : WALK_SIZE;
    if (run->clauses.never) {
        run__answer_list(run); // no record can meet the filters: nothing to ask for
        return;
    }
    if (w->counts && h->paging == PAGING_OFFSET) {
        w->at = w->from;
    } else if (w->counts && h->paging == PAGING_NUMBER) {
        w->page = w->from / w->size;
        w->at = w->page * w->size;
    }
    walk_next(run);
}

// FNV-1a over the keys of a page, 64 bits; 0 where there are none.
static uint64_t walk_hash(const struct driver_run *run, yyjson_val *rows)
{
    const struct mapping_rule *key = run->resource->key;
    uint64_t hash = 14695981039346656037u;
    bool any = false;
    yyjson_val *row = NULL;
    size_t index = 0;
    size_t max = 0;
    if (key == NULL) {
        return 0;
    }
    yyjson_arr_foreach(rows, index, max, row)
    {
        struct bytes text = {0};
        if (value_text(value_at(&key->paths[0], row), &text)) {
            any = true;
            for (size_t i = 0; i <= text.len; i++) {
                hash = (hash ^ (i < text.len ? text.ptr[i] : 0u)) * 1099511628211u;
            }
        }
    }
    return any ? hash : 0;
}

static bool walk_is_repeated(struct driver_run *run, const struct driver_slot *slot)
{
    struct run_walk *w = run->walk;
    uint64_t hash = walk_hash(run, slot->result);
    bool repeated = slot->next.len != 0 && bytes_equal(slot->next, slot->cursor);
    for (unsigned i = 0; i < w->pages && hash != 0; i++) {
        repeated = repeated || w->hashes[i] == hash;
    }
    w->hashes[w->pages++] = hash;
    return repeated;
}

// What of the page is the client's; the rest of it is let go.
static void walk_cut(struct driver_run *run, struct driver_slot *slot, uint64_t count)
{
    struct run_walk *w = run->walk;
    uint64_t from = w->from > w->at ? w->from - w->at : 0;
    uint64_t to = w->to > w->at ? w->to - w->at : 0;
    to = to < count ? to : count;
    slot->skip = from;
    slot->limit = from < to ? to - from : 0;
    if (slot->limit == 0) {
        yyjson_doc_free(slot->doc);
        slot->doc = NULL;
        slot->result = NULL;
    }
}

static bool walk_is_numbered(const struct driver_run *run)
{
    enum mapping_paging paging = walk_http(run)->paging;
    return paging == PAGING_OFFSET || paging == PAGING_NUMBER;
}

// Whether the list ends here. A source that names its next page says so; of others, a page without
// records is the end, and a page that is not full where the source keeps to the size asked for.
static bool walk_is_over(const struct driver_run *run, const struct driver_slot *slot,
                         uint64_t count)
{
    const struct run_walk *w = run->walk;
    const struct mapping_http *h = walk_http(run);
    if (h->paging == PAGING_NONE) {
        return true;
    }
    if (!walk_is_numbered(run)) {
        return slot->next.len == 0;
    }
    return count == 0 || (!slot->total_known && h->page_max != 0 && count < w->size);
}

static void walk_refuse(struct driver_run *run, const char *reason)
{
    run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, reason, (struct bytes){0});
}

// Pages are counted: one that is short, and not the last, moves all that come after it.
static bool walk_is_short(const struct driver_run *run, const struct driver_slot *slot,
                          uint64_t count)
{
    const struct run_walk *w = run->walk;
    if (walk_http(run)->paging != PAGING_NUMBER || count == 0) {
        return false;
    }
    return (w->pages > 1 && w->last < w->size) ||
           (slot->total_known && count < w->size && w->at + count < slot->total);
}

void run__walk_answered(struct driver_run *run, struct driver_slot *slot)
{
    struct run_walk *w = run->walk;
    uint64_t count = yyjson_arr_size(slot->result);
    if (!yyjson_is_arr(slot->result)) {
        walk_refuse(run, "The list of records is no list.");
        return;
    }
    if (walk_is_repeated(run, slot)) {
        walk_refuse(run, "The source gives the same page again.");
        return;
    }
    if (walk_is_short(run, slot, count)) {
        walk_refuse(run, "The source gives smaller pages than it was asked for.");
        return;
    }
    bool over = walk_is_over(run, slot, count);
    walk_cut(run, slot, count);
    w->at += count;
    w->page++;
    w->last = count;
    w->cursor = slot->next;
    if (over || (slot->total_known && (w->at >= w->to || w->at >= slot->total))) {
        run->total = slot->total_known ? slot->total : w->at;
        run__answer_list(run);
    } else {
        walk_next(run);
    }
}
