// Which files each room may still reach once it is closed in.
// SPDX-License-Identifier: Apache-2.0
#include "room/room_int.h"

#include "config/data_dir.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What the resolver of the C library reads. A resolv.conf that is a link to a folder
// below /run is replaced as a file while we run, so that folder is added in code.
static const char *const egress_paths[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/pki",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
};

static void paths_add(struct sandbox_path *paths, size_t *count, const char *path, bool write)
{
    if (path[0] != '\0' && *count < ROOM_PATHS_MAX) {
        paths[(*count)++] = (struct sandbox_path){path, write};
    }
}

// The folder a file lies in; a name without a folder gives ".".
static const char *paths_folder(const char *file, char out[static CONFIG_PATH])
{
    const char *slash = strrchr(file, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - file);
    if (slash == NULL) {
        return ".";
    }
    if (length == 0 || !bytes_to_text(bytes_of(file, length), out, CONFIG_PATH)) {
        return "";
    }
    return out;
}

static void paths_of_vault(const struct config *config, const struct config_store *store,
                           struct room_path_space *space, struct sandbox_path *paths, size_t *count)
{
    paths_add(paths, count, config->data_dir, true);
    if (config->store_url[0] != '\0') {
        paths_add(paths, count, config->store_password_file, false);
        paths_add(paths, count, store->certificates, false);
        paths_add(paths, count, "/etc/ssl", false);
        paths_add(paths, count, "/usr/share/ca-certificates", false);
        paths_add(paths, count, store->family == AF_UNIX ? store->host : "", false);
    } else {
        paths_add(paths, count, paths_folder(config->store_file, space->folder[0]), true);
    }
    paths_add(paths, count, config->audit_dir, true);
}

static void paths_of_egress(const struct config *config, struct room_path_space *space,
                            struct sandbox_path *paths, size_t *count)
{
    char real[PATH_MAX];
    for (size_t i = 0; i < sizeof egress_paths / sizeof egress_paths[0]; i++) {
        paths_add(paths, count, egress_paths[i], false);
    }
    if (realpath("/etc/resolv.conf", real) != NULL && strncmp(real, "/run/", 5) == 0) {
        paths_add(paths, count, paths_folder(real, space->folder[0]), false);
    }
    paths_add(paths, count, config->connectors_dir, false);
    paths_add(paths, count, config->ca_file, false);
}

size_t room__paths(const struct room *room, struct room_path_space *space,
                   struct sandbox_path out[static ROOM_PATHS_MAX])
{
    size_t count = 0;
    if (room->ops->policy == SANDBOX_VAULT) {
        paths_of_vault(&room->config, &room->store, space, out, &count);
    } else if (room->ops->policy == SANDBOX_EGRESS) {
        paths_of_egress(&room->config, space, out, &count);
    }
    return count;
}

enum fp_error room__enter_root(struct room *room, struct fp_note *note)
{
    struct config inside;
    bool remote = false;
    enum fp_error error = FP_OK;
    if (room->ops->policy != SANDBOX_VAULT) {
        return FP_OK;
    }
    error = config_store_pin(&room->config, &room->store, note);
    inside = room->config;
    remote = room->store.family != AF_UNSPEC;
    if (error != FP_OK || geteuid() != 0 || inside.uid_base == 0 ||
        !config_rebase_data_dir(&inside)) {
        return error;
    }
    // a database's socket and its authorities' certificates lie elsewhere
    error = remote ? sandbox_folder(room->config.data_dir, note)
                   : sandbox_root(room->config.data_dir, &room->report, note);
    if (error == FP_OK && (remote || room->report.own_root)) {
        room->config = inside;
    }
    return error;
}
