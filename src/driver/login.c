// Logging in, step by step, and keeping what the steps gave.
// SPDX-License-Identifier: Apache-2.0
#include "driver/run_int.h"

#include "crypto/encoding.h"
#include "mapping/value.h"

#include <string.h>

static void login_step(struct driver_run *run)
{
    struct driver_slot *slot = NULL;
    run__slots_clear(run);
    run->phase = RUN_LOGIN;
    slot = run__slot_add(run, SLOT_FOR_LOGIN);
    if (slot != NULL) {
        slot->call = &run->call.mapping->wire.steps[run->step].call;
    }
}

static bool login_keep_json(struct driver_run *run, yyjson_val *value, struct run_value *out)
{
    size_t len = 0;
    if (yyjson_is_str(value)) {
        struct bytes copy =
            arena_copy(run->arena, bytes_of(yyjson_get_str(value), yyjson_get_len(value)));
        *out = (struct run_value){copy, false, copy.ptr != NULL};
        return copy.ptr != NULL;
    }
    char *text = yyjson_val_write_opts(value, 0, &run->sensitive_alc, &len, NULL);
    if (text == NULL || len > FP_LIMIT_SESSION_VALUE) {
        return false;
    }
    *out = (struct run_value){bytes_of(text, len), true, true};
    return true;
}

// base64 of each derived text whose values are all there.
static enum fp_error login_derive(struct driver_run *run)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    enum fp_error error = FP_OK;
    for (unsigned i = 0; i < w->kept_count && error == FP_OK; i++) {
        struct buf text;
        struct buf coded;
        bool there = w->derived[i].count != 0;
        for (unsigned p = 0; p < w->derived[i].count; p++) {
            const struct template_part *part = &w->derived[i].parts[p];
            there = there && (part->slot != SLOT_SESSION || run->kept[part->index].set);
        }
        if (!there) {
            continue;
        }
        buf_init_sensitive(&text, 1u << 16);
        buf_init_sensitive(&coded, 1u << 17);
        error = template_render(&w->derived[i], run__account_lookup, run, &text);
        base64_append(&coded, buf_bytes(&text));
        struct bytes copy = arena_copy(run->arena, buf_bytes(&coded));
        run->kept[i] = (struct run_value){copy, false, true};
        if (error == FP_OK && (copy.ptr == NULL || buf_error(&coded) != FP_OK)) {
            error = FP_E_NO_MEMORY;
        }
        buf_done(&text);
        buf_done(&coded);
    }
    return error;
}

static void login_verified(struct driver_run *run)
{
    const struct template *account = &run->call.mapping->wire.account;
    struct buf text;
    buf_init(&text, 1024);
    enum fp_error error = template_render(account, run__account_lookup, run, &text);
    if (error == FP_OK) {
        run->result.account = arena_copy(run->arena, bytes_slice(buf_bytes(&text), 0, 256));
        while (!bytes_is_utf8(run->result.account)) {
            run->result.account.len--;
        }
    }
    buf_done(&text);
    run__fail(run, FP_OK);
}

static void login_done(struct driver_run *run)
{
    run->fresh = true;
    run__session_save(run);
    if (run->call.operation == NULL) {
        login_verified(run);
    } else {
        run__begin(run);
    }
}

void run__login_begin(struct driver_run *run)
{
    memset(run->kept, 0, sizeof run->kept);
    run->step = 0;
    if (run->call.mapping->wire.step_count == 0) {
        login_done(run);
    } else {
        login_step(run);
    }
}

void run__session_wait(struct driver_run *run)
{
    run__slots_clear(run);
    run->result.session = (struct bytes){0};
    run->phase = RUN_SESSION;
}

void run__login_answered(struct driver_run *run, struct driver_slot *slot)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    const struct mapping_login_step *step = &w->steps[run->step];
    enum fp_error error = FP_OK;
    for (unsigned i = 0; i < step->keep_count && slot->result != NULL; i++) {
        yyjson_val *value = value_at(&step->keep_paths[i], slot->result);
        if (value == NULL && step->secret) {
            run__fail_with(run, FP_E_SOURCE_ANSWER_INVALID,
                           "The answer to the log-in lacks what it should hold.",
                           (struct bytes){0});
            return;
        }
        if (value != NULL && !login_keep_json(run, value, &run->kept[step->keep_slots[i]])) {
            run__fail(run, FP_E_SOURCE_ANSWER_INVALID);
            return;
        }
    }
    error = login_derive(run);
    if (error != FP_OK) {
        run__fail(run, error == FP_E_INPUT_INVALID ? FP_E_SOURCE_SETTINGS_INVALID : error);
        return;
    }
    if (++run->step < w->step_count) {
        login_step(run);
    } else {
        login_done(run);
    }
}

bool run__session_load(struct driver_run *run, struct bytes session)
{
    const struct mapping_wire *w = &run->call.mapping->wire;
    char *copy = NULL;
    if (session.len > FP_LIMIT_SESSION_TEXT || !json_depth_within(session, 8)) {
        return false;
    }
    copy = arena_text(run->arena, session);
    yyjson_doc *doc = copy != NULL ? yyjson_read_opts(copy, session.len, VALUE_READ_FLAGS,
                                                      &run->sensitive_alc, NULL)
                                   : NULL;
    yyjson_val *list = yyjson_doc_get_root(doc);
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) != w->kept_count + 1 ||
        !run__missing_load(run, yyjson_arr_get_last(list))) {
        return false;
    }
    for (unsigned i = 0; i < w->kept_count; i++) {
        yyjson_val *value = yyjson_arr_get(list, i);
        if (!yyjson_is_null(value) && !login_keep_json(run, value, &run->kept[i])) {
            memset(run->kept, 0, sizeof run->kept);
            return false;
        }
    }
    return true;
}

void run__session_save(struct driver_run *run)
{
    struct buf text;
    buf_init_sensitive(&text, FP_LIMIT_SESSION_TEXT);
    struct json_out j = json_out_start(&text);
    json_begin_array(&j);
    for (unsigned i = 0; i < run->call.mapping->wire.kept_count; i++) {
        if (!run->kept[i].set) {
            json_null(&j);
        } else if (run->kept[i].json) {
            json_raw(&j, run->kept[i].bytes);
        } else {
            json_text(&j, run->kept[i].bytes);
        }
    }
    run__missing_save(run, &j);
    json_end_array(&j);
    if (buf_error(&text) == FP_OK) {
        run->result.session = arena_copy(run->arena, buf_bytes(&text));
    }
    buf_done(&text);
}
