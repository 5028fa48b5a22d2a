// Changes that were asked for with an Idempotency-Key, in the store. The same rules as for all
// rows: see store.h. SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_REPLAY_ROWS_H
#define FP_STORE_REPLAY_ROWS_H

#include "store/store.h"

// States of a change that was asked for with an Idempotency-Key.
enum store_replay_state {
    STORE_REPLAY_RUNNING = 1, // it may be under way, or its outcome was lost
    STORE_REPLAY_DONE = 2,    // answer is what a repetition gets
    STORE_REPLAY_UNKNOWN = 3  // nobody knows whether it was made
};

// A change that was asked for with an Idempotency-Key: of key and request only hashes are kept.
struct store_replay {
    char id[ID_TEXT];            // rpl_...
    uint8_t hash[STORE_HASH];    // SHA-256 of connection and key, unique
    uint8_t request[STORE_HASH]; // SHA-256 of what was asked for
    char connection[ID_TEXT];    // whose
    uint32_t state;              // enum store_replay_state
    struct bytes answer;         // sealed by keys/; empty: none
    int64_t created_ms;          // when
    uint32_t version;            // see store.h
};

enum fp_error store_find_replay(struct store *store, const uint8_t hash[static STORE_HASH],
                                struct arena *arena, struct store_replay *out);
enum fp_error store_list_replays(struct store *store, const struct store_query *query,
                                 struct arena *arena, struct store_replay **out, size_t *count_out);

void store_insert_replay(struct store_batch *batch, const struct store_replay *row);
void store_update_replay(struct store_batch *batch, const struct store_replay *row);
void store_delete_replay(struct store_batch *batch, const char *id);
// All of one connection; none is no failure.
void store_delete_replays(struct store_batch *batch, const char *connection);

#endif
