// Versions of what is answered: a strong ETag for one record, a weak one for a list (RFC
// 9110 8.8.3). Both are taken from the answer's bytes, so no source has to know versions.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "model/etag.h"

#define CONDITION_BYTES 16 // of the digest; 22 digits

struct bytes run__etag(struct driver_run *run, struct bytes body)
{
    uint8_t digest[DIGEST_SIZE];
    struct buf text;
    struct bytes made = BYTES("");
    if (digest_sha256(body, digest) != FP_OK) {
        return made;
    }
    buf_init(&text, RUN_ETAG);
    buf_append_text(&text, run__is_item(run) ? "\"" : "W/\"");
    base64url_append(&text, bytes_of(digest, CONDITION_BYTES));
    buf_append_byte(&text, '"');
    if (buf_error(&text) == FP_OK && bytes_to_text(buf_bytes(&text), run->etag, sizeof run->etag)) {
        made = bytes_of_text(run->etag);
    }
    buf_done(&text);
    return made;
}

bool run__condition_holds(struct driver_run *run, yyjson_val *row)
{
    struct buf record;
    bool made = false;
    bool holds = false;
    if (run->call.condition.len == 0) {
        return true;
    }
    buf_init(&record, FP_LIMIT_RUN_BODY);
    made = run__answer_record(run, run->slots[0], row, &record);
    if (made) {
        holds = model_etag_listed(run->call.condition, run__etag(run, buf_bytes(&record)), true);
    }
    if (made && !holds) {
        run__fail(run, FP_E_PRECONDITION_FAILED);
    }
    buf_done(&record);
    return holds;
}
