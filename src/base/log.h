// Log lines: one JSON object a line on standard error. Only rooms, cli and main write them. A line
// is built in a fixed buffer and written with one call; one that is too long is cut at a member.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_BASE_LOG_H
#define FP_BASE_LOG_H

#include "base/json_out.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

#define LOG_LINE_MAX 4096

struct log_line {
    struct buf text;      // the line so far
    struct json_out json; // its writer
    bool urgent;          // warning or error: not held back
};

// Once at start: the name that every line carries ("gateway"), and the lowest level written.
void log_setup(const char *room, enum log_level lowest);
bool log_level_from_text(struct bytes text, enum log_level *out); // debug, info, warning, error
// Begins a line: {"time":..,"level":..,"room":..,"event":..
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_text(struct log_line *line, const char *name, struct bytes value);
void log_text_c(struct log_line *line, const char *name, const char *value);
void log_i64(struct log_line *line, const char *name, int64_t value);
void log_bool(struct log_line *line, const char *name, bool value);
// Ends and writes it (or drops it, below the level).
void log_end(struct log_line *line);
// From now on (true) lines are collected and written together by log_flush(), which the caller then
// calls once per turn of its loop; a warning or an error is written at once, with all before it.
void log_collect(bool on);
void log_flush(void);
// A whole line with one text.
void log_event(enum log_level level, const char *event, const char *text);

#endif
