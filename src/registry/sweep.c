// Ended tokens, links and answers to Idempotency-Keys are swept away some time after their end;
// until then they tell their reason. Tokens that nobody uses are ended, where the configuration
// says so. SPDX-License-Identifier: Apache-2.0
#include "auth/token_text.h"
#include "registry/deliver.h"
#include "registry/registry_int.h"
#include "registry/revoke.h"
#include "store/replay_rows.h"

#include <string.h>

#define SWEEP_CODES   100 // looked at in a round
#define SWEEP_LINKS   100 // of each kind, looked at in a round
#define SWEEP_REPLAYS 16  // read at once, with their answers
#define SWEEP_ROUNDS  16  // of that
#define SWEEP_MEMORY  ((size_t)24 * 1024 * 1024)

static bool sweep_is_due(const struct store_token *row, int64_t now_ms)
{
    int64_t ended = row->revoked_ms != 0 ? row->revoked_ms : row->expires_ms;
    int64_t kept =
        row->kind == TOKEN_KIND_APPLICATION ? FP_LIMIT_APPLICATION_TOKEN_KEPT : FP_LIMIT_TOKEN_KEPT;
    if (row->expires_ms != 0 && row->expires_ms < ended) {
        ended = row->expires_ms;
    }
    return ended != 0 && ended + kept * 1000 < now_ms;
}

static void sweep_done(void *ctx, enum fp_error result)
{
    struct registry *registry = ctx;
    // a row that went away in between undoes the batch: the next round finds the others again
    (void)result;
    registry->sweeping = false;
    registry->under_way--;
}

// A living token of a connection that nobody used for longer than the policy allows.
static bool sweep_is_unused(const struct registry *registry, const struct store_token *row,
                            int64_t now_ms)
{
    int64_t days = registry->parts.config->token_unused_days;
    int64_t used = registry_last_use(registry, row->id);
    used = used > row->used_ms ? used : row->used_ms;
    used = used > row->created_ms ? used : row->created_ms;
    return days != 0 && row->kind == TOKEN_KIND_CONNECTION && row->revoked_ms == 0 &&
           (row->expires_ms == 0 || row->expires_ms > now_ms) &&
           used + days * INT64_C(86400000) < now_ms;
}

static void sweep_unused(struct registry *registry, const struct store_token *rows, size_t count,
                         int64_t now_ms)
{
    unsigned ended = 0;
    for (size_t i = 0; i < count && ended < FP_LIMIT_UNUSED_PER_SWEEP; i++) {
        if (sweep_is_unused(registry, &rows[i], now_ms)) {
            revoke_unused(registry, rows[i].id);
            ended++;
        }
    }
}

// Codes come oldest first, so the first of them are always those that are due.
static unsigned sweep_codes(struct registry *registry, struct arena *arena,
                            struct store_batch *batch, int64_t now_ms)
{
    struct store_query query = {.limit = SWEEP_CODES};
    struct store_code *rows = NULL;
    size_t count = 0;
    unsigned due = 0;
    if (store_list_codes(registry->parts.store, &query, arena, &rows, &count) != FP_OK) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].expires_ms + (int64_t)FP_LIMIT_CODE_KEPT * 1000 < now_ms) {
            store_delete_code(batch, rows[i].id);
            due++;
        }
    }
    return due;
}

// An ended link keeps its row for a while, so that the page can say why it does not work; one that
// anybody's browser made by asking to be authorized, only for short.
static bool sweep_is_due_link(const struct store_connect_link *row, int64_t now_ms)
{
    int64_t kept =
        row->kind == STORE_LINK_OAUTH ? FP_LIMIT_AUTHORIZE_KEPT : FP_LIMIT_CONNECT_LINK_KEPT;
    int64_t ended = row->expires_ms;
    if (row->ended_ms != 0 && row->ended_ms < ended) {
        ended = row->ended_ms;
    }
    return ended + kept * 1000 < now_ms;
}

// Their lives differ, so a cursor walks over all of a kind, a slice in each round.
static unsigned sweep_links(struct registry *registry, struct arena *arena,
                            struct store_batch *batch, uint32_t kind, int64_t now_ms)
{
    char *after = registry->sweep_links_after[kind - STORE_LINK_INVITED];
    struct store_query query = {.limit = SWEEP_LINKS, .kind = kind};
    struct store_connect_link *rows = NULL;
    size_t count = 0;
    unsigned due = 0;
    query.after = after[0] != '\0' ? after : NULL;
    if (store_list_connect_links(registry->parts.store, &query, arena, &rows, &count) != FP_OK) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (sweep_is_due_link(&rows[i], now_ms)) {
            store_delete_connect_link(batch, rows[i].id);
            due++;
        }
    }
    after[0] = '\0';
    if (count == SWEEP_LINKS) {
        memcpy(after, rows[count - 1].id, ID_TEXT);
    }
    return due;
}

// As codes: oldest first.
static unsigned sweep_replays(struct registry *registry, struct store_batch *batch, int64_t now_ms)
{
    struct store_query query = {.limit = SWEEP_REPLAYS};
    struct arena *arena = arena_create(SWEEP_MEMORY, false);
    struct store_replay *rows = NULL;
    char after[ID_TEXT] = "";
    size_t count = arena != NULL ? SWEEP_REPLAYS : 0;
    unsigned due = 0;
    for (unsigned round = 0; round < SWEEP_ROUNDS && count == SWEEP_REPLAYS; round++) {
        unsigned before = due;
        arena_reset(arena);
        query.after = after[0] != '\0' ? after : NULL;
        if (store_list_replays(registry->parts.store, &query, arena, &rows, &count) != FP_OK) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (rows[i].created_ms + (int64_t)FP_LIMIT_REPLAY_KEPT * 1000 < now_ms) {
                store_delete_replay(batch, rows[i].id);
                memcpy(after, rows[i].id, sizeof after);
                due++;
            }
        }
        count = due - before; // the first that is not due ends it: those behind are younger
    }
    arena_free(arena);
    return due;
}

static void sweep_rows(struct registry *registry, struct arena *arena,
                       const struct store_token *rows, size_t count, int64_t now_ms)
{
    struct store_batch *batch = store_batch_create(registry->parts.store);
    unsigned due = 0;
    if (batch == NULL) {
        return;
    }
    due = sweep_codes(registry, arena, batch, now_ms);
    due += sweep_links(registry, arena, batch, STORE_LINK_INVITED, now_ms);
    due += sweep_links(registry, arena, batch, STORE_LINK_OAUTH, now_ms);
    due += deliver_sweep(registry, arena, batch, now_ms);
    due += sweep_replays(registry, batch, now_ms);
    for (size_t i = 0; i < count; i++) {
        if (sweep_is_due(&rows[i], now_ms)) {
            store_delete_token(batch, rows[i].id);
            due++;
        }
    }
    if (due == 0) {
        store_batch_free(batch);
        return;
    }
    registry->sweeping = true;
    registry->under_way++;
    if (store_submit(registry->parts.store, batch, sweep_done, registry) != FP_OK) {
        sweep_done(registry, FP_E_STORE_UNAVAILABLE);
    }
}

void registry_sweep(struct registry *registry, int64_t now_ms)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_token *rows = NULL;
    size_t count = 0;
    struct arena *arena = NULL;
    if (registry->sweeping) {
        return;
    }
    arena = arena_create((size_t)4 * 1024 * 1024, false);
    query.after = registry->sweep_after[0] != '\0' ? registry->sweep_after : NULL;
    if (arena != NULL &&
        store_list_tokens(registry->parts.store, &query, arena, &rows, &count) == FP_OK) {
        sweep_rows(registry, arena, rows, count, now_ms);
        sweep_unused(registry, rows, count, now_ms);
        registry->sweep_after[0] = '\0';
        if (count == FP_LIMIT_STORE_LIST) {
            memcpy(registry->sweep_after, rows[count - 1].id, sizeof registry->sweep_after);
        }
    }
    arena_free(arena);
}
