// Writing log lines.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static char log_room[32] = "fishplate";
static enum log_level log_lowest = LOG_INFO;

void log_setup(const char *room, enum log_level lowest)
{
    (void)bytes_to_text(bytes_of_text(room), log_room, sizeof log_room);
    log_lowest = lowest;
}

bool log_level_from_text(struct bytes text, enum log_level *out)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (bytes_equal_text(text, level_names[i])) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    buf_init(&line->text, LOG_LINE_MAX);
    line->json = json_out_start(&line->text);
    if (level < log_lowest) {
        // a failed buffer takes nothing: the line costs nothing
        line->text.error = FP_E_CANCELLED;
        return;
    }
    json_begin_object(&line->json);
    json_member_time(&line->json, "time", clock_wall_ms());
    json_member_text_c(&line->json, "level", level_names[level]);
    json_member_text_c(&line->json, "room", log_room);
    json_member_text_c(&line->json, "event", event);
}

// Takes back a member that did not fit, so that the line stays JSON.
static void log_keep_whole(struct log_line *line, size_t before)
{
    if (line->text.error == FP_E_LIMIT_EXCEEDED || line->text.len > LOG_LINE_MAX - 2) {
        line->text.error = FP_OK;
        line->text.len = before;
        line->json.need_comma = true;
    }
}

void log_text(struct log_line *line, const char *name, struct bytes value)
{
    size_t before = line->text.len;
    json_member_text(&line->json, name, value);
    log_keep_whole(line, before);
}

void log_text_c(struct log_line *line, const char *name, const char *value)
{
    log_text(line, name, bytes_of_text(value));
}

void log_i64(struct log_line *line, const char *name, int64_t value)
{
    size_t before = line->text.len;
    json_member_i64(&line->json, name, value);
    log_keep_whole(line, before);
}

void log_bool(struct log_line *line, const char *name, bool value)
{
    size_t before = line->text.len;
    json_member_bool(&line->json, name, value);
    log_keep_whole(line, before);
}

void log_end(struct log_line *line)
{
    if (line->text.error == FP_OK) {
        ssize_t written = 0;
        json_end_object(&line->json);
        buf_append_byte(&line->text, '\n');
        // a log that cannot be written must not stop the work; nothing sensible could be done here
        written = write(STDERR_FILENO, line->text.ptr, line->text.len);
        (void)written;
    }
    buf_done(&line->text);
}

void log_event(enum log_level level, const char *event, const char *text)
{
    struct log_line line;
    log_begin(&line, level, event);
    if (text != NULL) {
        log_text_c(&line, "text", text);
    }
    log_end(&line);
}
