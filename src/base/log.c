// Writing log lines.
// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

#define LOG_LINE_USUAL 500 // bytes: most lines are shorter

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static char log_room[32] = "fishplate";
static enum log_level log_lowest = LOG_INFO;
static bool log_collecting;
static size_t log_collected;                         // bytes of log_lines
static uint8_t log_lines[(size_t)16 * LOG_LINE_MAX]; // whole lines, not written yet

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
    line->urgent = level >= LOG_WARNING;
    (void)buf_reserve(&line->text, LOG_LINE_USUAL);
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

static void log_write(const uint8_t *text, size_t len)
{
    // a log that cannot be written must not stop the work; nothing sensible could be done here
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written;
}

void log_flush(void)
{
    if (log_collected != 0) {
        log_write(log_lines, log_collected);
        log_collected = 0;
    }
}

void log_collect(bool on)
{
    log_flush();
    log_collecting = on;
}

static void log_put(const struct log_line *line)
{
    if (log_collecting && line->text.len > sizeof log_lines - log_collected) {
        log_flush();
    }
    if (log_collecting && line->text.len <= sizeof log_lines) {
        memcpy(log_lines + log_collected, line->text.ptr, line->text.len);
        log_collected += line->text.len;
    } else {
        log_write(line->text.ptr, line->text.len);
    }
    if (line->urgent) {
        log_flush();
    }
}

void log_end(struct log_line *line)
{
    if (line->text.error == FP_OK) {
        json_end_object(&line->json);
        buf_append_byte(&line->text, '\n');
        log_put(line);
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
