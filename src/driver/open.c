// Opening the answers of sources: JSON within the limits, or nothing.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "base/mem.h"
#include "mapping/value.h"

static void *open_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_resize(NULL, size); // as malloc(): yyjson fills what it asks for
}

static void *open_realloc(void *ctx, void *old, size_t old_size, size_t size)
{
    (void)ctx;
    (void)old_size;
    return mem_resize(old, size);
}

static void open_free(void *ctx, void *block)
{
    (void)ctx;
    mem_free(block);
}

yyjson_doc *run__parse(struct driver_run *run, const struct driver_slot *slot,
                       struct client_answer *answer)
{
    static const yyjson_alc heap = {open_malloc, open_realloc, open_free, NULL};
    bool login = slot->purpose == SLOT_FOR_LOGIN;
    return value_read(buf_bytes(&answer->body), login ? &run->sensitive_alc : &heap);
}

enum fp_error run__unclear(struct driver_run *run, const struct driver_slot *slot,
                           const char *reason)
{
    if (slot->purpose == SLOT_FOR_WRITE) {
        run__write_unknown(run, reason);
    } else {
        run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID, reason, (struct bytes){0});
    }
    return FP_E_SOURCE_ANSWER_INVALID;
}
