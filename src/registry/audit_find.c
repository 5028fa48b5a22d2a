// Searching the audit log backwards.
// SPDX-License-Identifier: Apache-2.0
#include "registry/audit_find.h"

#include "audit/audit_line.h"
#include "audit/audit_segment.h"
#include "auth/json_in.h"
#include "auth/parameters.h"
#include "base/json_out.h"
#include "base/limits.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FIND_NAMES (64u << 20) // bytes of all files' names
#define FIND_LIMIT 50
#define FIND_MOST  200
#define FIND_STORY 500        // records of one request
#define FIND_BYTES (1u << 29) // read for one question; it goes on from there
#define FIND_ARENA 1048576
#define FIND_BODY  900000 // bytes of records in one answer

static const char *const find_names[] = {"request", "connection", "application", "customer",
                                         "token",   "result",     "actor",       "action",
                                         "q",       "since",      "until",       "before"};
#define FIND_SINCE  9
#define FIND_UNTIL  10
#define FIND_BEFORE 11

// Members of a record, by the order of enum audit_find_field.
static const char *const find_members[AUDIT_FIND_MEMBERS] = {
    "request_id", "connection", "application", "customer", "token", "result", "actor_id"};

static bool find_time(struct bytes text, char out[static CLOCK_TEXT])
{
    int64_t time_ms = 0;
    if (text.len == 0) {
        return true;
    }
    if (!clock_parse(text, &time_ms)) {
        return false;
    }
    clock_text(time_ms, out);
    return true;
}

static enum fp_error find_read(const struct parameters *p, struct audit_find *out)
{
    for (unsigned i = 0; i < AUDIT_FIND_COUNT; i++) {
        if (!bytes_to_text(p->values[i], out->values[i], sizeof out->values[i])) {
            return FP_E_PARAMETER_INVALID;
        }
    }
    if (strcmp(out->values[AUDIT_FIND_RESULT], "failed") == 0) {
        out->failed = true;
        out->values[AUDIT_FIND_RESULT][0] = '\0';
    }
    if (!find_time(p->values[FIND_SINCE], out->since) ||
        !find_time(p->values[FIND_UNTIL], out->until) ||
        (p->values[FIND_BEFORE].len != 0 &&
         !bytes_to_u64(p->values[FIND_BEFORE], UINT64_MAX, &out->before))) {
        return FP_E_PARAMETER_INVALID;
    }
    return FP_OK;
}

enum fp_error audit_find_plan(const struct console_question *q, struct audit_find *out)
{
    struct parameters p = {.names = find_names, .count = sizeof find_names / sizeof find_names[0]};
    struct arena *arena = arena_create(FIND_ARENA, false);
    struct fp_note note = {0};
    enum fp_error error =
        arena == NULL ? FP_E_NO_MEMORY : parameters_form(&p, q->form, arena, &note);
    *out = (struct audit_find){.limit = FIND_LIMIT};
    error = error == FP_E_INPUT_INVALID ? FP_E_PARAMETER_INVALID : error;
    if (error == FP_OK) {
        error = find_read(&p, out);
    }
    if (error == FP_OK && q->action != CONSOLE_AUDIT) {
        const bool story = q->action == CONSOLE_REQUEST;
        char *value = out->values[story ? AUDIT_FIND_REQUEST : AUDIT_FIND_CONNECTION];
        out->limit = story ? FIND_STORY : FIND_LIMIT;
        error =
            bytes_to_text(q->key, value, sizeof out->values[0]) ? FP_OK : FP_E_PARAMETER_INVALID;
    }
    arena_free(arena);
    return error;
}

// -------------------------------------------------------------------------------------- matching

static bool fits_action(const char *wanted, struct bytes action)
{
    size_t len = strlen(wanted);
    return len == 0 || (bytes_starts_with(action, bytes_of_text(wanted)) &&
                        (action.len == len || action.ptr[len] == '.'));
}

static bool fits_quickly(const struct audit_find *f, struct bytes text,
                         const struct audit_line *line)
{
    if ((f->before != 0 && line->seq >= f->before) ||
        (f->since[0] != '\0' && memcmp(line->time.ptr, f->since, CLOCK_TEXT - 1) < 0) ||
        (f->until[0] != '\0' && memcmp(line->time.ptr, f->until, CLOCK_TEXT - 1) >= 0) ||
        !fits_action(f->values[AUDIT_FIND_ACTION], line->action)) {
        return false;
    }
    for (unsigned i = 0; i < AUDIT_FIND_COUNT; i++) {
        const char *value = f->values[i];
        if (i != AUDIT_FIND_ACTION && value[0] != '\0' &&
            memmem(text.ptr, text.len, value, strlen(value)) == NULL) {
            return false;
        }
    }
    return true;
}

// The same text may stand within detail: only now is the line worth reading as JSON.
static bool fits(const struct audit_find *f, struct bytes text, const struct audit_line *line,
                 struct arena *arena)
{
    yyjson_val *root = NULL;
    struct fp_note note = {0};
    bool same = true;
    if (!fits_quickly(f, text, line)) {
        return false;
    }
    arena_reset(arena);
    if (json_in_parse(text, arena, &note, &root) != FP_OK) {
        return false;
    }
    for (unsigned i = 0; i < AUDIT_FIND_MEMBERS && same; i++) {
        same = f->values[i][0] == '\0' ||
               yyjson_equals_str(yyjson_obj_get(root, find_members[i]), f->values[i]);
    }
    return same && !(f->failed && (yyjson_equals_str(yyjson_obj_get(root, "result"), "OK") ||
                                   line->is_checkpoint));
}

// ---------------------------------------------------------------------------------------- reading

// The newest matches of one file: a ring over their texts.
struct find_file {
    struct buf text;                // all matches, one behind the other
    size_t starts[FIND_STORY + 1];  // of them in text, as a ring
    size_t lengths[FIND_STORY + 1]; // the same
    uint64_t seqs[FIND_STORY + 1];  // the same
    size_t count;                   // matches in all
    uint64_t bytes;                 // read
};

static enum fp_error find_in_file(int fd, const struct audit_find *f, size_t wanted,
                                  struct arena *arena, struct find_file *out)
{
    struct audit_reader reader = {0};
    struct audit_line line;
    struct bytes text = {0};
    bool whole = false;
    enum fp_error error = audit_reader_init(&reader, fd, (struct bytes){0});
    while (error == FP_OK) {
        error = audit_reader_next(&reader, &text, &whole);
        if (error != FP_OK || text.ptr == NULL || (!whole && reader.end)) {
            break;
        }
        if (whole && audit_line_parse(text, &line) == FP_OK && fits(f, text, &line, arena)) {
            size_t at = out->count % wanted;
            if (at == 0 && out->text.len > FIND_BODY) {
                // a whole turn of the ring: what lies before is not wanted any more
                buf_clear(&out->text);
            }
            out->starts[at] = out->text.len;
            out->lengths[at] = text.len;
            out->seqs[at] = line.seq;
            buf_append_bytes(&out->text, text);
            error = buf_error(&out->text);
            out->count++;
        }
    }
    out->bytes = reader.read;
    audit_reader_done(&reader);
    return error;
}

struct find_state {
    const struct audit_find *find; // what
    struct buf *out;               // where
    struct arena *arena;           // of one line
    size_t found;                  // so far
    uint64_t last;                 // number of the oldest one found
    uint64_t searched;             // bytes
    bool full;                     // enough, or too much for one answer
};

static void find_write(struct find_state *s, const struct find_file *file, size_t wanted)
{
    size_t have = file->count < wanted ? file->count : wanted;
    for (size_t i = 0; i < have && !s->full; i++) {
        size_t at = (file->count - 1 - i) % wanted;
        if (s->out->len + file->lengths[at] > FIND_BODY) {
            s->full = true;
            break;
        }
        buf_append_text(s->out, s->found != 0 ? "," : "");
        buf_append_bytes(s->out, bytes_of(file->text.ptr + file->starts[at], file->lengths[at]));
        s->last = file->seqs[at];
        s->found++;
    }
    s->full = s->full || s->found >= s->find->limit;
}

static enum fp_error find_one(struct find_state *s, int dir_fd, const char *name)
{
    size_t wanted = s->find->limit - s->found;
    struct find_file *file = arena_alloc(s->arena, 1, sizeof *file);
    struct arena *lines = arena_create(FIND_ARENA, false);
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    enum fp_error error = fd < 0 ? FP_E_IO_FAILED : FP_OK;
    if (file == NULL || lines == NULL) {
        error = FP_E_NO_MEMORY;
    } else {
        // ring and leftovers: at most two turns of the longest records
        buf_init(&file->text, (size_t)2 * (FIND_BODY + (wanted + 1) * FP_LIMIT_AUDIT_RECORD));
        if (error == FP_OK) {
            error = find_in_file(fd, s->find, wanted, lines, file);
        }
        if (error == FP_OK) {
            s->searched += file->bytes;
            find_write(s, file, wanted);
        }
        buf_done(&file->text);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    arena_free(lines);
    arena_reset(s->arena);
    return error;
}

static enum fp_error find_all(struct find_state *s, int dir_fd, uint64_t *next_out)
{
    struct buf names;
    size_t count = 0;
    enum fp_error error = FP_OK;
    buf_init(&names, FIND_NAMES);
    error = audit_segment_names(dir_fd, &names, &count);
    while (count > 0 && error == FP_OK && !s->full && s->searched < FIND_BYTES) {
        const char *name = (const char *)names.ptr + (count - 1) * AUDIT_SEGMENT_NAME;
        uint64_t first = audit_segment_first(name);
        if (s->find->before == 0 || first < s->find->before) {
            error = find_one(s, dir_fd, name);
        }
        count--;
        *next_out = first;
    }
    if (s->full) {
        *next_out = s->last;
    } else if (count == 0) {
        *next_out = 0;
    }
    buf_done(&names);
    return error;
}

enum fp_error audit_find_run(const char *dir, const struct audit_find *find, struct buf *out)
{
    struct find_state s = {.find = find, .out = out, .arena = arena_create(FIND_ARENA, false)};
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
    uint64_t next = 0;
    enum fp_error error = dir_fd < 0 ? FP_E_IO_FAILED : FP_OK;
    error = s.arena == NULL ? FP_E_NO_MEMORY : error;
    buf_append_text(out, "{\"records\":[");
    if (error == FP_OK) {
        error = find_all(&s, dir_fd, &next);
    }
    buf_append_text(out, "],\"next\":");
    if (next > 1) {
        buf_append_u64(out, next);
    } else {
        buf_append_text(out, "null");
    }
    buf_append_text(out, ",\"searched\":");
    buf_append_u64(out, s.searched);
    buf_append_byte(out, '}');
    if (dir_fd >= 0) {
        (void)close(dir_fd);
    }
    arena_free(s.arena);
    return error == FP_OK ? buf_error(out) : error;
}
