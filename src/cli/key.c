// fishplate key rotate: a new master key. While no server runs, the work is done by a child that
// has become the vault's user; the files of the keys stay with us.
// SPDX-License-Identifier: Apache-2.0
#include "cli/hsm.h"
#include "cli/key_files.h"
#include "cli/passphrase.h"

#include "base/json_out.h"
#include "base/limits.h"
#include "config/data_dir.h"
#include "crypto/setup.h"
#include "link/local_socket.h"
#include "registry/master_rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Where the keys come from, and what opens them.
struct key_sources {
    const struct master_source *from; // of the key in use
    const struct master_source *to;   // of its successor
    struct buf old_passphrase;        // sensitive; empty where the source asks for none
    struct buf new_passphrase;        // the same
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
    {"master key", "master_key"},         {"data keys", "keys"},
    {"rewrapped", "rewrapped"},           {"old key", "old_key_file"},
    {"set keys.source to", "set_source"}, {.title = NULL},
};

// Opens both, and says their numbers.
static enum fp_error key_masters(const struct key_sources *sources, const struct key_files *files,
                                 struct master_rotation_masters *out, struct key_report *report)
{
    enum fp_error error =
        passphrase_open(sources->from, files->old_fd, buf_bytes(&sources->old_passphrase),
                        &out->from, &report->note);
    if (error == FP_OK) {
        key_id_text(master_id(out->from), report->old_id);
        error = passphrase_open(sources->to, files->new_fd, buf_bytes(&sources->new_passphrase),
                                &out->to, &report->note);
    }
    if (error == FP_OK) {
        key_id_text(master_id(out->to), report->new_id);
    } else if (error == FP_E_PASSPHRASE_WRONG && out->from != NULL) {
        fp_note_set(&report->note, files->next,
                    "It is of a rotation that was interrupted, and has that one's passphrase.");
    }
    return error;
}

_Noreturn static void key_child(const struct config *config, const struct key_sources *sources,
                                const struct key_files *files, int report_fd)
{
    struct key_report report = {0};
    struct master_rotation_masters masters = {0};
    struct config own = *config;
    ssize_t written = 0;
    report.error = cli_become_vault(&own, &report.note);
    if (report.error == FP_OK) {
        report.error = key_masters(sources, files, &masters, &report);
    }
    if (report.error == FP_OK) {
        report.error = master_rotation_run(&own, &masters, &report.result, &report.note);
    } else {
        master_free(masters.from);
        master_free(masters.to);
    }
    written = write(report_fd, &report, sizeof report);
    _exit(written == (ssize_t)sizeof report ? 0 : 1);
}

static enum fp_error key_rewrap(const struct config *config, const struct key_sources *sources,
                                const struct key_files *files, struct key_report *out)
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
        key_child(config, sources, files, fds[1]);
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

static enum cli_exit key_tell(const struct cli *cli, const struct key_sources *sources,
                              const struct key_report *report, const char *kept)
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
    if (kept[0] != '\0') {
        json_member_text_c(&j, "old_key_file", kept);
    }
    if (sources->from != sources->to) {
        json_member_text_c(&j, "set_source", sources->to->name);
    }
    json_end_object(&j);
    result = cli_print_object(cli, buf_bytes(&text), key_lines);
    buf_done(&text);
    return result;
}

static enum fp_error key_sources_find(const struct cli *cli, const struct config *config,
                                      struct key_sources *out, struct fp_note *note)
{
    const char *to = cli_value(cli, "to-source");
    struct passphrase_ask old = {cli->passphrase_file, NULL, false};
    struct passphrase_ask new = {cli_value(cli, "new-passphrase-file"), NULL, false};
    enum fp_error error = FP_OK;
    out->from = master_source_find(config->key_source);
    out->to = master_source_find(to != NULL ? to : config->key_source);
    old.prompt = passphrase_prompt(out->from);
    new.prompt = out->to == out->from ? "The new one" : passphrase_prompt(out->to);
    new.twice = out->to != NULL && out->to->asks == MASTER_ASKS_PASSPHRASE;
    if (out->from == NULL || out->to == NULL) {
        fp_note_set(note, "--to-source",
                    "\"%.40s\" is none: file, credential, passphrase or pkcs11.",
                    to != NULL ? to : "");
        return FP_E_CONFIG_INVALID;
    }
    if (out->from->asks) {
        error = passphrase_read(&old, &out->old_passphrase, note);
    }
    if (error == FP_OK && out->to->asks) {
        error = passphrase_read(&new, &out->new_passphrase, note);
    }
    return error;
}

// A key that came as a credential has no file here that could be kept.
static enum fp_error key_swap(const struct key_sources *sources, const struct key_files *files,
                              struct key_report *report, char kept[static KEY_NAME + KEY_ID_TEXT])
{
    bool has_file = sources->from != master_source_find("credential");
    kept[0] = '\0';
    if (has_file) {
        snprintf(kept, KEY_NAME + KEY_ID_TEXT, "%.255s.%.32s", files->name, report->old_id);
    }
    return key_files_swap(files, has_file ? kept : NULL, &report->note);
}

// Before anything is made: with a wrong passphrase nothing is left behind.
static enum fp_error key_check_old(const struct key_sources *sources, const struct key_files *files,
                                   struct fp_note *note)
{
    struct master_key *key = NULL;
    enum fp_error error = passphrase_open(sources->from, files->old_fd,
                                          buf_bytes(&sources->old_passphrase), &key, note);
    if (error == FP_OK) {
        master_free(key);
    }
    return error;
}

static enum fp_error key_rotate(const struct config *config, struct key_sources *sources,
                                struct key_report *report, char kept[static KEY_NAME + KEY_ID_TEXT])
{
    struct key_files files = {.dir_fd = -1, .old_fd = -1, .new_fd = -1};
    enum fp_error error = key_files_open(config, &files, &report->note);
    if (error == FP_OK && sources->from->asks == MASTER_ASKS_TOKEN) {
        error = hsm_unwrap(config, files.old_fd, &sources->old_passphrase, &report->note);
    }
    if (error == FP_OK) {
        error = key_check_old(sources, &files, &report->note);
    }
    if (error == FP_OK) {
        error =
            key_files_make(config, &files, sources->to, &sources->new_passphrase, &report->note);
    }
    if (error == FP_OK) {
        error = key_rewrap(config, sources, &files, report);
    }
    if (error == FP_OK) {
        error = key_swap(sources, &files, report, kept);
    }
    key_files_close(&files);
    return error;
}

// Whether a server runs that can be given the new key: one that has its key from a file.
static bool key_can_stay_online(const struct cli *cli, const struct config *config)
{
    const char *to = cli_value(cli, "to-source");
    char path[CONFIG_CONTROL_PATH];
    int fd = -1;
    if (strcmp(config->key_source, "file") != 0 || (to != NULL && strcmp(to, "file") != 0)) {
        return false;
    }
    config_control_path(config, path);
    if (local_socket_connect(path, &fd) != FP_OK) {
        return false;
    }
    close(fd);
    return true;
}

enum cli_exit cli_key_rotate(const struct cli *cli)
{
    struct config config;
    struct key_sources sources = {0};
    struct key_report report = {0};
    char kept[KEY_NAME + KEY_ID_TEXT];
    int lock = -1;
    enum cli_exit result = CLI_OK;
    enum fp_error error = FP_OK;
    if (cli_value(cli, "customer") != NULL) {
        return key_rotate_customer(cli);
    }
    result = cli_load_config(cli, &config);
    if (result != CLI_OK) {
        return result;
    }
    if (key_can_stay_online(cli, &config)) {
        return key_rotate_online(cli, &config);
    }
    buf_init_sensitive(&sources.old_passphrase, FP_LIMIT_PASSPHRASE_MAX);
    buf_init_sensitive(&sources.new_passphrase, FP_LIMIT_PASSPHRASE_MAX);
    error = crypto_setup();
    if (error == FP_OK) {
        error = config_lock_data_dir(&config, &lock, &report.note);
    }
    if (error == FP_OK) {
        error = key_sources_find(cli, &config, &sources, &report.note);
    }
    if (error == FP_OK) {
        error = key_rotate(&config, &sources, &report, kept);
    }
    result = error == FP_OK ? key_tell(cli, &sources, &report, kept)
                            : cli_note_tell(cli, error, &report.note);
    buf_done(&sources.old_passphrase);
    buf_done(&sources.new_passphrase);
    if (lock >= 0) {
        close(lock);
    }
    return result;
}
