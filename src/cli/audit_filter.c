// Options that choose records of the audit log.
// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_filter.h"

#include "base/json_out.h"
#include "cli/json_memory.h"

#include <string.h>

#define FILTER_NEEDLE 4096
#define FILTER_AGO    100000u // of a unit, at most

// Option and the member that it means.
static const struct {
    const char *option; // without dashes
    const char *member; // of a record
} filter_texts[AUDIT_FILTER_TEXTS] = {
    {"request", "request_id"}, {"connection", "connection"}, {"application", "application"},
    {"customer", "customer"},  {"token", "token"},           {"result", "result"},
};

// "2h", "7d": so long before now.
static bool filter_ago(struct bytes text, int64_t *out)
{
    static const struct {
        char unit;  // last letter
        int64_t ms; // its length
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {'w', 604800000}};
    uint64_t count = 0;
    if (text.len < 2 || !bytes_to_u64(bytes_slice(text, 0, text.len - 1), FILTER_AGO, &count)) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text.ptr[text.len - 1] == (uint8_t)units[i].unit) {
            *out = clock_wall_ms() - (int64_t)count * units[i].ms;
            return true;
        }
    }
    return false;
}

static enum cli_exit filter_time(const struct cli *cli, const char *option, char out[CLOCK_TEXT])
{
    const char *value = cli_value(cli, option);
    int64_t time_ms = 0;
    if (value == NULL) {
        return CLI_OK;
    }
    if (!filter_ago(bytes_of_text(value), &time_ms) &&
        !clock_parse(bytes_of_text(value), &time_ms)) {
        return cli_usage_error("--%s takes a time like 2026-11-24T13:00:00Z, or how long ago: 2h, "
                               "7d; not \"%s\"",
                               option, value);
    }
    clock_text(time_ms, out);
    return CLI_OK;
}

// One that is recorded, or the word before the dot for all of its kind.
static bool filter_action_known(const char *value)
{
    size_t len = strlen(value);
    for (int i = 0; i < AUDIT_ACTION_COUNT; i++) {
        const char *text = audit_action_text((enum audit_action)i);
        if (strncmp(text, value, len) == 0 && (text[len] == '\0' || text[len] == '.')) {
            return len != 0;
        }
    }
    return false;
}

static enum cli_exit filter_action(const struct cli *cli, struct audit_filter *out)
{
    const char *words[AUDIT_ACTION_COUNT + 1] = {NULL};
    const char *near = NULL;
    out->action = cli_value(cli, "action");
    if (out->action == NULL || filter_action_known(out->action)) {
        return CLI_OK;
    }
    for (int i = 0; i < AUDIT_ACTION_COUNT; i++) {
        words[i] = audit_action_text((enum audit_action)i);
    }
    near = cli_nearest(out->action, words);
    return near != NULL
               ? cli_usage_error("\"%s\" is never recorded; did you mean %s?", out->action, near)
               : cli_usage_error("\"%s\" is never recorded: take an action like credential.use, or "
                                 "all of its kind by credential",
                                 out->action);
}

static bool filter_result_known(const char *value)
{
    for (unsigned long i = 0; fp_error_known(i); i++) {
        if (strcmp(fp_error_code((enum fp_error)i), value) == 0) {
            return true;
        }
    }
    return false;
}

enum cli_exit audit_filter_read(const struct cli *cli, struct audit_filter *out)
{
    enum cli_exit result = CLI_OK;
    *out = (struct audit_filter){0};
    for (size_t i = 0; i < AUDIT_FILTER_TEXTS; i++) {
        const char *value = cli_value(cli, filter_texts[i].option);
        struct audit_filter_text *text = &out->texts[out->count];
        struct json_out j = json_out_start(&text->needle);
        if (value == NULL) {
            continue;
        }
        if (strcmp(filter_texts[i].option, "result") == 0 && !filter_result_known(value)) {
            return cli_usage_error("\"%s\" is no result: take OK, or a code of docs/errors.md",
                                   value);
        }
        buf_init(&text->needle, FILTER_NEEDLE);
        text->member = filter_texts[i].member;
        text->value = value;
        json_member_text_c(&j, text->member, value);
        out->count++;
        if (buf_error(&text->needle) != FP_OK) {
            return cli_usage_error("--%s is too long.", filter_texts[i].option);
        }
    }
    result = filter_action(cli, out);
    if (result == CLI_OK) {
        result = filter_time(cli, "since", out->since);
    }
    return result == CLI_OK ? filter_time(cli, "until", out->until) : result;
}

void audit_filter_done(struct audit_filter *filter)
{
    for (size_t i = 0; i < filter->count; i++) {
        buf_done(&filter->texts[i].needle);
    }
}

// The time of a record has one form, so texts compare as times do.
static bool filter_time_fits(const struct audit_filter *filter, struct bytes time)
{
    return (filter->since[0] == '\0' || memcmp(time.ptr, filter->since, CLOCK_TEXT - 1) >= 0) &&
           (filter->until[0] == '\0' || memcmp(time.ptr, filter->until, CLOCK_TEXT - 1) < 0);
}

static bool filter_action_fits(const char *wanted, struct bytes action)
{
    size_t len = wanted != NULL ? strlen(wanted) : 0;
    return wanted == NULL || (bytes_starts_with(action, bytes_of_text(wanted)) &&
                              (action.len == len || action.ptr[len] == '.'));
}

bool audit_filter_takes(const struct audit_filter *filter, struct bytes text,
                        const struct audit_line *line)
{
    struct cli_json json = {0};
    bool takes =
        filter_time_fits(filter, line->time) && filter_action_fits(filter->action, line->action);
    for (size_t i = 0; i < filter->count && takes; i++) {
        struct bytes needle = buf_bytes(&filter->texts[i].needle);
        takes = memmem(text.ptr, text.len, needle.ptr, needle.len) != NULL;
    }
    // the same text may stand within detail: only now is the line worth reading as JSON
    if (takes && filter->count != 0) {
        takes = cli_json_read(text, &json) == FP_OK;
        for (size_t i = 0; i < filter->count && takes; i++) {
            takes = yyjson_equals_str(yyjson_obj_get(json.root, filter->texts[i].member),
                                      filter->texts[i].value);
        }
        cli_json_done(&json);
    }
    return takes;
}
