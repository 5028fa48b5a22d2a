// fishplate audit export: a piece of the audit log as JSON lines. Native, it is a piece of the
// chain that ends with a checkpoint, so that whoever gets it can verify it with the public key; as
// OCSF, what a log collector reads. SPDX-License-Identifier: Apache-2.0
#include "cli/audit_filter.h"
#include "cli/audit_ocsf.h"
#include "cli/json_memory.h"

#include "audit/audit_scan.h"
#include "base/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct export_run {
    struct audit_filter filter; // what is wanted
    bool ocsf;                  // else native
    FILE *to;                   // where it goes
    uint64_t count;             // lines written
    uint64_t no_events;         // records that could not be written as events
    bool failed;                // writing did
    struct buf event;           // OCSF: one line
};

static void export_line(struct export_run *x, struct bytes text)
{
    x->failed = fwrite(text.ptr, 1, text.len, x->to) != text.len || fputc('\n', x->to) == EOF;
    x->count++;
}

static void export_event(struct export_run *x, struct bytes text)
{
    struct cli_json json = {0};
    enum fp_error error = cli_json_read(text, &json);
    buf_clear(&x->event);
    error = error != FP_OK ? error : audit_ocsf_write(json.root, text, &x->event);
    cli_json_done(&json);
    if (error == FP_OK) {
        export_line(x, buf_bytes(&x->event));
    } else {
        x->no_events++;
    }
}

// Without holes, and to the checkpoint that signs the last of them.
static bool export_native(struct export_run *x, struct bytes text, const struct audit_line *line)
{
    const bool over =
        x->filter.until[0] != '\0' && memcmp(line->time.ptr, x->filter.until, CLOCK_TEXT - 1) >= 0;
    if (x->count == 0 && (over || !audit_filter_takes(&x->filter, text, line))) {
        return !over; // before the first one; or there is none
    }
    export_line(x, text);
    return !x->failed && !(over && line->is_checkpoint);
}

static bool export_each(void *ctx, struct bytes text, const struct audit_line *line)
{
    struct export_run *x = ctx;
    if (!x->ocsf) {
        return export_native(x, text, line);
    }
    if (audit_filter_takes(&x->filter, text, line)) {
        export_event(x, text);
    }
    return !x->failed;
}

static enum cli_exit export_options(const struct cli *cli, struct export_run *x)
{
    const char *format = cli_value(cli, "format");
    enum cli_exit result = audit_filter_read(cli, &x->filter);
    if (result != CLI_OK) {
        return result;
    }
    if (format != NULL && strcmp(format, "ocsf") != 0 && strcmp(format, "native") != 0) {
        return cli_usage_error("--format takes native or ocsf, not \"%s\"", format);
    }
    x->ocsf = format != NULL && strcmp(format, "ocsf") == 0;
    if (!x->ocsf && (x->filter.count != 0 || x->filter.action != NULL)) {
        return cli_usage_error(
            "A chain with holes cannot be verified: with native only --since and "
            "--until; take --format ocsf, or fishplate audit search --json.");
    }
    return CLI_OK;
}

// A new file, readable by its owner alone; standard output where none is named.
static enum cli_exit export_open(const struct cli *cli, struct export_run *x)
{
    const char *path = cli_value(cli, "out");
    int fd = -1;
    x->to = stdout;
    if (path == NULL) {
        return CLI_OK;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    x->to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (x->to == NULL) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        if (fd >= 0) {
            close(fd);
        }
        return CLI_FAILED;
    }
    return CLI_OK;
}

static enum cli_exit export_close(struct export_run *x)
{
    bool good = !x->failed && fflush(x->to) == 0;
    if (x->to != stdout) {
        good = good && fsync(fileno(x->to)) == 0;
        good = fclose(x->to) == 0 && good;
    }
    if (!good) {
        fprintf(stderr, "fishplate: the records could not be written: %m\n");
        return CLI_FAILED;
    }
    if (x->no_events != 0) {
        fprintf(stderr, "fishplate: %llu records could not be written as events.\n",
                (unsigned long long)x->no_events);
        return CLI_FAILED;
    }
    fprintf(stderr, "fishplate: %llu records exported.\n", (unsigned long long)x->count);
    return CLI_OK;
}

enum cli_exit cli_audit_export(const struct cli *cli)
{
    char path[CONFIG_PATH];
    struct export_run x = {0};
    struct audit_scan scan = {.dir_fd = -1, .file_fd = -1};
    enum fp_error error = FP_OK;
    enum cli_exit result = export_options(cli, &x);
    buf_init(&x.event, (size_t)FP_LIMIT_AUDIT_RECORD * 8);
    if (result == CLI_OK) {
        result = cli_audit_path(cli, path);
    }
    if (result == CLI_OK && audit_scan_open(path, &scan) != FP_OK) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        result = CLI_NOT_FOUND;
    }
    if (result == CLI_OK) {
        result = export_open(cli, &x);
    }
    if (result == CLI_OK) {
        error = audit_scan_run(&scan, export_each, &x);
        result = export_close(&x);
        result = error == FP_OK ? result : cli_note_tell(cli, error, NULL);
    }
    buf_done(&x.event);
    audit_scan_close(&scan);
    audit_filter_done(&x.filter);
    return result;
}
