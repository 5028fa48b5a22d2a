// fishplate audit search: records of the audit log by what they say, also while a server writes.
// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_filter.h"

#include "audit/audit_scan.h"
#include "base/limits.h"

#include <stdio.h>

#define SEARCH_ROWS  200 // in one table; then the next one, so that memory does not grow
#define SEARCH_LIMIT 1000000000u

static const struct cli_column search_columns[] = {
    {"RECORD", "seq"},         {"TIME", "time"},       {"ACTION", "action"},
    {"RESULT", "result"},      {"BY", "actor_id"},     {"CONNECTION", "connection"},
    {"REQUEST", "request_id"}, {"ADDRESS", "address"}, {.title = NULL},
};

struct search {
    const struct cli *cli;      // for output
    struct audit_filter filter; // what is looked for
    uint64_t found;             // that fit
    uint64_t first;             // the first of them to be shown
    uint64_t last;              // no record behind it; 0: any
    struct buf rows;            // of the table that grows: a JSON array
    unsigned in_rows;           // how many
    enum cli_exit result;       // of printing
};

static void search_print(struct search *s)
{
    if (s->in_rows == 0) {
        return;
    }
    buf_append_byte(&s->rows, ']');
    s->result = buf_error(&s->rows) == FP_OK
                    ? cli_print_table(s->cli, buf_bytes(&s->rows), search_columns)
                    : cli_note_tell(s->cli, buf_error(&s->rows), NULL);
    buf_clear(&s->rows);
    s->in_rows = 0;
}

static bool search_count(void *ctx, struct bytes text, const struct audit_line *line)
{
    struct search *s = ctx;
    s->found += audit_filter_takes(&s->filter, text, line) ? 1 : 0;
    s->last = line->seq;
    return true;
}

static bool search_show(void *ctx, struct bytes text, const struct audit_line *line)
{
    struct search *s = ctx;
    if (s->last != 0 && line->seq > s->last) {
        return false;
    }
    if (!audit_filter_takes(&s->filter, text, line) || s->found++ < s->first) {
        return true;
    }
    if (s->cli->json) {
        return fwrite(text.ptr, 1, text.len, stdout) == text.len && putchar('\n') != EOF;
    }
    buf_append_byte(&s->rows, s->in_rows == 0 ? '[' : ',');
    buf_append_bytes(&s->rows, text);
    s->in_rows++;
    if (s->in_rows == SEARCH_ROWS) {
        search_print(s);
    }
    return s->result == CLI_OK;
}

// The newest ones alone: counted first, then shown from there.
static enum fp_error search_run(struct search *s, struct audit_scan *scan, uint64_t limit)
{
    enum fp_error error = FP_OK;
    if (limit != 0) {
        error = audit_scan_run(scan, search_count, s);
        s->first = s->found > limit ? s->found - limit : 0;
        s->found = 0;
    }
    if (error == FP_OK && (limit == 0 || s->last != 0)) {
        error = audit_scan_run(scan, search_show, s);
    }
    if (error == FP_OK && s->result == CLI_OK) {
        search_print(s);
    }
    return error;
}

static enum cli_exit search_end(const struct search *s, const struct audit_scan *scan,
                                enum fp_error error)
{
    if (error != FP_OK) {
        return cli_note_tell(s->cli, error, NULL);
    }
    if (scan->no_lines != 0) {
        fprintf(stderr,
                "fishplate: %llu lines are no records and were left out: see fishplate audit "
                "verify.\n",
                (unsigned long long)scan->no_lines);
    }
    if (s->found == 0 && !s->cli->json) {
        fputs("No record fits.\n", stderr);
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "fishplate: the records could not be written: %m\n");
        return CLI_FAILED;
    }
    return s->result;
}

enum cli_exit cli_audit_search(const struct cli *cli)
{
    char path[CONFIG_PATH];
    const char *limit_text = cli_value(cli, "limit");
    struct search s = {.cli = cli};
    struct audit_scan scan = {.dir_fd = -1, .file_fd = -1};
    uint64_t limit = 0;
    enum cli_exit result = audit_filter_read(cli, &s.filter);
    if (result == CLI_OK && limit_text != NULL &&
        (!bytes_to_u64(bytes_of_text(limit_text), SEARCH_LIMIT, &limit) || limit == 0)) {
        result = cli_usage_error("--limit takes a number of records, not \"%s\"", limit_text);
    }
    if (result == CLI_OK) {
        result = cli_audit_path(cli, path);
    }
    if (result != CLI_OK) {
        goto out;
    }
    if (audit_scan_open(path, &scan) != FP_OK) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        result = CLI_NOT_FOUND;
        goto out;
    }
    buf_init(&s.rows, (size_t)SEARCH_ROWS * (FP_LIMIT_AUDIT_RECORD + 1) + 2);
    result = search_end(&s, &scan, search_run(&s, &scan, limit));
out:
    buf_done(&s.rows);
    audit_scan_close(&scan);
    audit_filter_done(&s.filter);
    return result;
}
