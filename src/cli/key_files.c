// Files of master keys: opened, made, and put in place of one another.
// SPDX-License-Identifier: Apache-2.0
#include "cli/key_files.h"
#include "cli/hsm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum fp_error key_refused(struct fp_note *note, const char *name)
{
    fp_note_set(note, "keys.master_key_file", "%s: %s", name, strerror(errno));
    return FP_E_KEY_INVALID;
}

enum fp_error key_files_open(const struct config *config, struct key_files *out,
                             struct fp_note *note)
{
    char folder[CONFIG_PATH];
    const char *slash = strrchr(config->master_key_file, '/');
    const char *used = config_master_path(config);
    *out = (struct key_files){.dir_fd = -1, .old_fd = -1, .new_fd = -1};
    snprintf(folder, sizeof folder, "%.*s",
             slash != NULL ? (int)(slash - config->master_key_file) + 1 : 1,
             slash != NULL ? config->master_key_file : ".");
    if (snprintf(out->name, sizeof out->name, "%s",
                 slash != NULL ? slash + 1 : config->master_key_file) >= KEY_NAME) {
        errno = ENAMETOOLONG;
        return key_refused(note, config->master_key_file);
    }
    snprintf(out->next, sizeof out->next, "%s.new", out->name);
    out->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->dir_fd < 0) {
        return key_refused(note, folder);
    }
    out->old_fd = open(used, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return out->old_fd >= 0 ? FP_OK : key_refused(note, used[0] != '\0' ? used : "credential");
}

// Wrapped by the program itself, with a passphrase or as it is.
static enum fp_error key_files_create(const struct key_files *files,
                                      const struct master_source *source, struct bytes passphrase)
{
    struct secret secret = {0};
    struct key_id id;
    enum fp_error error = secret_copy(passphrase, &secret);
    if (error == FP_OK) {
        error = master_source_create(source, &secret, files->dir_fd, files->next, &id);
    }
    secret_done(&secret);
    return error;
}

enum fp_error key_files_make(const struct config *config, struct key_files *files,
                             const struct master_source *source, struct buf *passphrase,
                             struct fp_note *note)
{
    bool made = faccessat(files->dir_fd, files->next, F_OK, 0) == 0;
    bool token = source->asks == MASTER_ASKS_TOKEN;
    enum fp_error error = FP_OK;
    if (!made && token) {
        error = hsm_make(config, files->dir_fd, files->next, passphrase, note);
    } else if (!made) {
        error = key_files_create(files, source, buf_bytes(passphrase));
    }
    if (error != FP_OK) {
        return error == FP_E_IO_FAILED ? key_refused(note, files->next) : error;
    }
    files->new_fd = openat(files->dir_fd, files->next, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (files->new_fd < 0) {
        return key_refused(note, files->next);
    }
    return made && token ? hsm_unwrap(config, files->new_fd, passphrase, note) : FP_OK;
}

enum fp_error key_files_swap(const struct key_files *files, const char *kept, struct fp_note *note)
{
    if (kept != NULL && linkat(files->dir_fd, files->name, files->dir_fd, kept, 0) != 0 &&
        errno != EEXIST) {
        return key_refused(note, kept);
    }
    if (renameat(files->dir_fd, files->next, files->dir_fd, files->name) != 0 ||
        fsync(files->dir_fd) != 0) {
        return key_refused(note, files->name);
    }
    return FP_OK;
}

void key_files_close(const struct key_files *files)
{
    const int all[] = {files->old_fd, files->new_fd, files->dir_fd};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] >= 0) {
            close(all[i]);
        }
    }
}
