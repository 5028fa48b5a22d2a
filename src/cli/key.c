// fishplate key rotate: a new master key, while no server runs. The work is done by a child that
// has become the vault's user; the files of the keys stay with us.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/json_out.h"
#include "config/data_dir.h"
#include "crypto/setup.h"
#include "registry/master_rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_NAME 256 // longest name of a key file

struct key_files {
    int dir_fd;              // folder of the key
    char name[KEY_NAME];     // of the key in it
    char next[KEY_NAME + 8]; // of the new one, until it takes over
    int old_fd;              // open key files; -1: not open
    int new_fd;              // the same
};

// What the child tells.
struct key_report {
    enum fp_error error;                  // how it ended
    struct fp_note note;                  // about the error
    struct master_rotation_result result; // what was done
    char old_id[KEY_ID_TEXT];             // of the key that is replaced
    char new_id[KEY_ID_TEXT];             // of its successor
};

static const struct cli_column key_lines[] = {
    {"master key", "master_key"}, {"data keys", "keys"}, {"rewrapped", "rewrapped"},
    {"old key", "old_key_file"},  {.title = NULL},
};

static enum fp_error key_refused(struct fp_note *note, const char *name)
{
    fp_note_set(note, "keys.master_key_file", "%s: %s", name, strerror(errno));
    return FP_E_KEY_INVALID;
}

static enum fp_error key_files_open(const struct config *config, struct key_files *files,
                                    struct fp_note *note)
{
    char folder[CONFIG_PATH];
    const char *slash = strrchr(config->master_key_file, '/');
    struct key_id id;
    enum fp_error error = FP_OK;
    snprintf(folder, sizeof folder, "%.*s",
             slash != NULL ? (int)(slash - config->master_key_file) + 1 : 1,
             slash != NULL ? config->master_key_file : ".");
    if (snprintf(files->name, sizeof files->name, "%s",
                 slash != NULL ? slash + 1 : config->master_key_file) >= KEY_NAME) {
        errno = ENAMETOOLONG;
        return key_refused(note, config->master_key_file);
    }
    snprintf(files->next, sizeof files->next, "%s.new", files->name);
    files->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->dir_fd < 0) {
        return key_refused(note, folder);
    }
    files->old_fd = openat(files->dir_fd, files->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (files->old_fd < 0) {
        return key_refused(note, files->name);
    }
    // one that is there already is of an earlier try
    error = master_file_create(files->dir_fd, files->next, &id);
    if (error != FP_OK && error != FP_E_EXISTS) {
        return key_refused(note, files->next);
    }
    files->new_fd = openat(files->dir_fd, files->next, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return files->new_fd >= 0 ? FP_OK : key_refused(note, files->next);
}

static void key_files_close(const struct key_files *files)
{
    const int all[] = {files->old_fd, files->new_fd, files->dir_fd};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] >= 0) {
            close(all[i]);
        }
    }
}

static enum fp_error key_id_of(int fd, char out[static KEY_ID_TEXT], struct fp_note *note)
{
    struct master_key *key = NULL;
    enum fp_error error = master_file_read(fd, &key, note);
    if (error == FP_OK) {
        key_id_text(master_id(key), out);
    }
    master_free(key);
    return error;
}

_Noreturn static void key_child(const struct config *config, const struct key_files *files,
                                int report_fd)
{
    struct key_report report = {0};
    struct config own = *config;
    ssize_t written = 0;
    report.error = cli_become_vault(&own, &report.note);
    if (report.error == FP_OK) {
        report.error = key_id_of(files->old_fd, report.old_id, &report.note);
    }
    if (report.error == FP_OK) {
        report.error = key_id_of(files->new_fd, report.new_id, &report.note);
    }
    if (report.error == FP_OK) {
        report.error =
            master_rotation_run(&own, files->old_fd, files->new_fd, &report.result, &report.note);
    }
    written = write(report_fd, &report, sizeof report);
    _exit(written == (ssize_t)sizeof report ? 0 : 1);
}

static enum fp_error key_rewrap(const struct config *config, const struct key_files *files,
                                struct key_report *out)
{
    int fds[2], status = 0;
    ssize_t got = 0;
    pid_t pid = -1;
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return FP_E_IO_FAILED;
    }
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        key_child(config, files, fds[1]);
    }
    close(fds[1]);
    got = pid > 0 ? read(fds[0], out, sizeof *out) : -1;
    close(fds[0]);
    if (pid > 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    if (got != (ssize_t)sizeof *out) {
        fp_note_set(&out->note, "", "The rotation stopped half-way: run it again.");
        return FP_E_INTERNAL;
    }
    return out->error;
}

// The key of the configuration's name is there at every moment: first the old or the new one.
static enum fp_error key_files_swap(const struct key_files *files, const char *kept,
                                    struct fp_note *note)
{
    if (linkat(files->dir_fd, files->name, files->dir_fd, kept, 0) != 0 && errno != EEXIST) {
        return key_refused(note, kept);
    }
    if (renameat(files->dir_fd, files->next, files->dir_fd, files->name) != 0 ||
        fsync(files->dir_fd) != 0) {
        return key_refused(note, files->name);
    }
    return FP_OK;
}

static enum cli_exit key_tell(const struct cli *cli, const struct key_report *report,
                              const char *kept)
{
    struct buf text;
    struct json_out j;
    enum cli_exit result = CLI_OK;
    buf_init(&text, 4096);
    j = json_out_start(&text);
    json_begin_object(&j);
    json_member_text_c(&j, "master_key", report->new_id);
    json_member_i64(&j, "keys", (int64_t)report->result.total);
    json_member_i64(&j, "rewrapped", (int64_t)report->result.rewrapped);
    json_member_text_c(&j, "old_key_file", kept);
    json_end_object(&j);
    result = cli_print_object(cli, buf_bytes(&text), key_lines);
    buf_done(&text);
    return result;
}

static enum fp_error key_rotate(const struct config *config, struct key_report *report,
                                char kept[static KEY_NAME + KEY_ID_TEXT])
{
    struct key_files files = {.dir_fd = -1, .old_fd = -1, .new_fd = -1};
    enum fp_error error = crypto_setup();
    if (error == FP_OK) {
        error = key_files_open(config, &files, &report->note);
    }
    if (error == FP_OK) {
        error = key_rewrap(config, &files, report);
    }
    if (error == FP_OK) {
        snprintf(kept, KEY_NAME + KEY_ID_TEXT, "%.255s.%.32s", files.name, report->old_id);
        error = key_files_swap(&files, kept, &report->note);
    }
    key_files_close(&files);
    return error;
}

enum cli_exit cli_key_rotate(const struct cli *cli)
{
    struct config config;
    struct key_report report = {0};
    char kept[KEY_NAME + KEY_ID_TEXT];
    int lock = -1;
    enum cli_exit result = cli_load_config(cli, &config);
    enum fp_error error = FP_OK;
    if (result != CLI_OK) {
        return result;
    }
    error = config_lock_data_dir(&config, &lock, &report.note);
    if (error == FP_OK) {
        error = key_rotate(&config, &report, kept);
    }
    result =
        error == FP_OK ? key_tell(cli, &report, kept) : cli_note_tell(cli, error, &report.note);
    if (lock >= 0) {
        close(lock);
    }
    return result;
}
