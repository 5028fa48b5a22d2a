// Looking up, keeping and opening answers to Idempotency-Keys.
// SPDX-License-Identifier: Apache-2.0
#include "registry/repeat.h"

#include "base/buf.h"
#include "crypto/digest.h"
#include "registry/place.h"
#include "registry/registry_int.h"

#include <string.h>

#define REPEAT_FORMAT 1 // first byte of what is sealed
#define REPEAT_PARTS  5 // code, body, detail, errors, etag
#define REPEAT_PLAIN  (FP_LIMIT_REPLAY_ANSWER + 32768)

// Each piece with its length before it, so that no two requests give the same text.
static enum fp_error repeat_hash(const struct bytes *pieces, size_t count, uint8_t out[STORE_HASH])
{
    uint8_t lengths[8][4];
    struct bytes parts[16];
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < 4; k++) {
            lengths[i][k] = (uint8_t)(pieces[i].len >> (8 * k));
        }
        parts[2 * i] = bytes_of(lengths[i], 4);
        parts[2 * i + 1] = pieces[i];
    }
    return digest_sha256_parts(parts, 2 * count, out);
}

static enum fp_error repeat_name(const struct store_connection *connection,
                                 const struct repeat_request *request, struct repeat *out)
{
    const struct bytes key[] = {bytes_of_text(connection->id), request->key};
    const struct bytes what[] = {bytes_of_text(request->operation),
                                 request->record,
                                 request->subrecord,
                                 request->query,
                                 request->condition,
                                 request->body};
    enum fp_error error = repeat_hash(key, sizeof key / sizeof key[0], out->row.hash);
    return error != FP_OK ? error
                          : repeat_hash(what, sizeof what / sizeof what[0], out->row.request);
}

static bool repeat_is_too_old(const struct store_replay *row, int64_t now_ms)
{
    return row->created_ms + (int64_t)FP_LIMIT_REPLAY_KEPT * 1000 < now_ms;
}

enum fp_error repeat_look(struct registry *registry, const struct store_connection *connection,
                          const struct repeat_request *request, int64_t now_ms,
                          int64_t alive_since_ms, struct repeat *out)
{
    struct repeat made = {.row = {.state = STORE_REPLAY_RUNNING, .version = 1}};
    struct store_replay found = {0};
    struct arena *arena = arena_create(REPEAT_PLAIN + 262144, false);
    enum fp_error error = arena != NULL ? repeat_name(connection, request, &made) : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        memcpy(made.row.connection, connection->id, sizeof made.row.connection);
        memcpy(made.customer, connection->customer, sizeof made.customer);
        error = store_find_replay(registry->parts.store, made.row.hash, arena, &found);
    }
    arena_free(arena);
    if (error == FP_E_STORE_NOT_FOUND || (error == FP_OK && repeat_is_too_old(&found, now_ms))) {
        if (error == FP_OK) {
            memcpy(made.expired, found.id, sizeof made.expired);
        }
        id_make("rpl", now_ms, made.row.id);
        made.row.created_ms = now_ms;
        *out = made;
        return FP_OK;
    }
    if (error != FP_OK) {
        return error;
    }
    if (memcmp(found.request, made.row.request, sizeof found.request) != 0) {
        return FP_E_IDEMPOTENCY_KEY_REUSED;
    }
    if (found.state == STORE_REPLAY_RUNNING && found.created_ms >= alive_since_ms) {
        return FP_E_IDEMPOTENCY_IN_PROGRESS;
    }
    made.row = found;
    made.row.answer = (struct bytes){0};
    *out = made;
    return FP_E_EXISTS;
}

static void repeat_put_part(struct buf *out, struct bytes part)
{
    for (unsigned k = 0; k < 4; k++) {
        buf_append_byte(out, (uint8_t)(part.len >> (8 * k)));
    }
    buf_append_bytes(out, part);
}

static bool repeat_get_part(struct bytes *rest, struct bytes *out)
{
    size_t len = 0;
    if (rest->len < 4) {
        return false;
    }
    for (unsigned k = 0; k < 4; k++) {
        len |= (size_t)rest->ptr[k] << (8 * k);
    }
    if (len > rest->len - 4) {
        return false;
    }
    *out = bytes_slice(*rest, 4, len);
    *rest = bytes_slice(*rest, 4 + len, rest->len);
    return true;
}

// Numbers of errors differ between versions, their codes do not.
static bool repeat_error_of(struct bytes code, enum fp_error *out)
{
    for (unsigned number = 0; number < FP_ERROR_COUNT; number++) {
        if (bytes_equal_text(code, fp_error_code((enum fp_error)number))) {
            *out = (enum fp_error)number;
            return true;
        }
    }
    return false;
}

static bool repeat_decode(struct bytes plain, struct repeat_answer *out)
{
    struct bytes parts[REPEAT_PARTS] = {{0}};
    struct bytes rest = bytes_slice(plain, 1, plain.len);
    if (plain.len == 0 || plain.ptr[0] != REPEAT_FORMAT) {
        return false;
    }
    for (unsigned i = 0; i < REPEAT_PARTS; i++) {
        if (!repeat_get_part(&rest, &parts[i])) {
            return false;
        }
    }
    *out = (struct repeat_answer){
        .body = parts[1], .detail = parts[2], .errors = parts[3], .etag = parts[4]};
    return rest.len == 0 && repeat_error_of(parts[0], &out->error);
}

enum fp_error repeat_open(struct registry *registry, const struct repeat *repeat,
                          struct arena *arena, struct repeat_answer *out)
{
    struct seal_place place = place_of_replay(repeat->customer, repeat->row.id);
    struct store_replay row = {0};
    struct secret opened = {0};
    struct bytes copy = {0};
    enum fp_error error = store_find_replay(registry->parts.store, repeat->row.hash, arena, &row);
    *out = (struct repeat_answer){
        .error = FP_E_OUTCOME_UNKNOWN,
        .detail = BYTES("{\"reason\":\"The server lost sight of this change: it may have been made "
                        "or not. It is not sent again for this Idempotency-Key.\"}")};
    if (error != FP_OK || row.state != STORE_REPLAY_DONE) {
        return error == FP_E_STORE_NOT_FOUND ? FP_OK : error;
    }
    error = keyring_open(registry->parts.ring, &place, row.answer, &opened);
    if (error == FP_OK) {
        copy = arena_copy(arena, secret_bytes(&opened));
        error = copy.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    secret_done(&opened);
    if (error == FP_OK && !repeat_decode(copy, out)) {
        error = FP_E_UNSEAL_FAILED;
    }
    return error;
}

static enum fp_error repeat_submit(struct registry *registry, struct store_batch *batch,
                                   store_done *done, void *ctx)
{
    return store_submit(registry->parts.store, batch, done, ctx);
}

enum fp_error repeat_begin(struct registry *registry, const struct repeat *repeat, store_done *done,
                           void *ctx)
{
    struct store_batch *batch = store_batch_create(registry->parts.store);
    if (batch == NULL) {
        return FP_E_NO_MEMORY;
    }
    if (repeat->expired[0] != '\0') {
        store_delete_replay(batch, repeat->expired);
    }
    store_insert_replay(batch, &repeat->row);
    return repeat_submit(registry, batch, done, ctx);
}

enum fp_error repeat_keep(struct registry *registry, const struct repeat *repeat,
                          const struct repeat_answer *answer, store_done *done, void *ctx)
{
    struct seal_place place = place_of_replay(repeat->customer, repeat->row.id);
    struct store_replay row = repeat->row;
    struct store_batch *batch = NULL;
    struct buf plain;
    struct buf sealed;
    enum fp_error error = FP_OK;
    buf_init_sensitive(&plain, REPEAT_PLAIN);
    buf_init(&sealed, REPEAT_PLAIN + SEAL_OVERHEAD);
    buf_append_byte(&plain, REPEAT_FORMAT);
    repeat_put_part(&plain, bytes_of_text(fp_error_code(answer->error)));
    repeat_put_part(&plain, answer->body);
    repeat_put_part(&plain, answer->detail);
    repeat_put_part(&plain, answer->errors);
    repeat_put_part(&plain, answer->etag);
    error = buf_error(&plain);
    error = error != FP_OK ? error
                           : keyring_seal(registry->parts.ring, &place, buf_bytes(&plain), &sealed);
    if (error == FP_OK) {
        batch = store_batch_create(registry->parts.store);
        error = batch != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        row.state = STORE_REPLAY_DONE;
        row.answer = buf_bytes(&sealed);
        store_update_replay(batch, &row);
        error = repeat_submit(registry, batch, done, ctx);
    }
    buf_done(&plain);
    buf_done(&sealed);
    return error;
}

void repeat_lose(struct registry *registry, const struct repeat *repeat)
{
    struct store_replay row = repeat->row;
    struct store_batch *batch = store_batch_create(registry->parts.store);
    row.state = STORE_REPLAY_UNKNOWN;
    if (batch != NULL) {
        store_update_replay(batch, &row);
        enum fp_error lost = repeat_submit(registry, batch, NULL, NULL);
        (void)lost; // it stays marked as running, which comes to the same once it is over its time
    }
}

void repeat_drop(struct registry *registry, const struct repeat *repeat)
{
    struct store_batch *batch = store_batch_create(registry->parts.store);
    if (batch != NULL) {
        store_delete_replay(batch, repeat->row.id);
        enum fp_error lost = repeat_submit(registry, batch, NULL, NULL);
        (void)lost; // a repetition is then told that the outcome is unknown: more careful than need
                    // be
    }
}
