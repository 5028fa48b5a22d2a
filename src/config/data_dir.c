// The lock is on the directory itself: nothing is left behind, and it ends with the process.
// SPDX-License-Identifier: Apache-2.0
#include "config/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum fp_error config_lock_data_dir(const struct config *config, int *fd_out, struct fp_note *note)
{
    int fd = open(config->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        fp_note_set(note, "data_dir", "There is no directory %s: make it with fishplate init.",
                    config->data_dir);
        return FP_E_STORE_NOT_FOUND;
    }
    if (fd < 0) {
        fp_note_set(note, "data_dir", "%s cannot be opened: %m.", config->data_dir);
        return FP_E_PERMISSION_DENIED;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fp_note_set(note, "data_dir", "Another fishplate works on %s.", config->data_dir);
        return FP_E_EXISTS;
    }
    *fd_out = fd;
    return FP_OK;
}

static bool data_dir_holds(const struct config *config, const char *path)
{
    size_t length = strlen(config->data_dir);
    return strncmp(path, config->data_dir, length) == 0 && path[length] == '/';
}

// What lies in it is named from it: "/store.db", or "./store.db".
static void data_dir_rebase(const struct config *config, const char *from, char *path)
{
    const size_t length = strlen(config->data_dir), before = strlen(from);
    if (data_dir_holds(config, path)) {
        memmove(path + before, path + length, strlen(path + length) + 1);
        for (size_t i = 0; i < before; i++) {
            path[i] = from[i];
        }
    }
}

bool config_rebase_data_dir(struct config *config)
{
    const bool remote = config->store_url[0] != '\0';
    if ((!remote && !data_dir_holds(config, config->store_file)) ||
        !data_dir_holds(config, config->audit_dir)) {
        return false;
    }
    data_dir_rebase(config, remote ? "." : "", config->store_file);
    data_dir_rebase(config, remote ? "." : "", config->store_password_file);
    data_dir_rebase(config, remote ? "." : "", config->audit_dir);
    memcpy(config->data_dir, remote ? "." : "/", 2);
    return true;
}

void config_control_path(const struct config *config, char out[static CONFIG_CONTROL_PATH])
{
    snprintf(out, CONFIG_CONTROL_PATH, "%s/control.sock", config->data_dir);
}
