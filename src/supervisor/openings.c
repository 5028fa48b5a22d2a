// What the supervisor opens for the rooms: listening sockets, certificate and key files, the
// configuration as sealed memory. Kept open, so that a room that is started again gets the same.
// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor_int.h"

#include "base/log.h"
#include "config/address.h"
#include "config/data_dir.h"
#include "link/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024
#define FILE_SAME      (-2) // not opened anew

static enum fp_error openings_add(struct openings *openings, struct opened item)
{
    if (openings->count == OPENED_MAX) {
        close(item.fd);
        return FP_E_LIMIT_EXCEEDED;
    }
    openings->items[openings->count++] = item;
    return FP_OK;
}

static enum fp_error listen_failed(struct fp_note *note, const char *name, const char *text)
{
    fp_note_set(note, name, "Cannot listen on %s: %m.", text);
    return FP_E_IO_FAILED;
}

static enum fp_error listen_ip(const char *name, const char *text,
                               const struct config_address *address, int *fd_out,
                               struct fp_note *note)
{
    const int on = 1;
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return listen_failed(note, name, text);
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address->socket.ss_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(fd, (const struct sockaddr *)&address->socket, address->length) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        enum fp_error error = listen_failed(note, name, text);
        close(fd);
        return error;
    }
    *fd_out = fd;
    return FP_OK;
}

static void listen_log(const char *name, const char *text, int fd)
{
    struct sockaddr_storage own = {0};
    socklen_t length = sizeof own;
    char shown[CONFIG_ADDRESS];
    struct log_line line;
    snprintf(shown, sizeof shown, "%s", text);
    if (getsockname(fd, (struct sockaddr *)&own, &length) == 0 && own.ss_family != AF_UNIX) {
        config_address_text(&own, shown, sizeof shown);
    }
    log_begin(&line, LOG_INFO, "listening");
    log_text_c(&line, "name", name);
    log_text_c(&line, "address", shown);
    log_end(&line);
}

// An empty text is a listener that is not wanted.
static enum fp_error openings_listen(struct openings *openings, const char *name, const char *text,
                                     enum link_room owner, struct fp_note *note)
{
    struct opened item = {.kind = ROOM_HANDOVER_LISTENER, .owner = owner};
    struct config_address address;
    enum fp_error error = FP_OK;
    if (text[0] == '\0') {
        return FP_OK;
    }
    error = config_address_parse(text, &address, note);
    if (error != FP_OK) {
        return error;
    }
    if (address.path != NULL) {
        error = local_socket_listen(address.path, 0660, &item.fd);
        if (error != FP_OK) {
            return listen_failed(note, name, text);
        }
        openings->local[openings->local_count++] = address.path;
    } else {
        error = listen_ip(name, text, &address, &item.fd, note);
    }
    if (error != FP_OK) {
        return error;
    }
    listen_log(name, text, item.fd);
    snprintf(item.name, sizeof item.name, "%s", name);
    return openings_add(openings, item);
}

static enum fp_error openings_listen_all(struct openings *openings, const struct config *config,
                                         struct fp_note *note)
{
    enum fp_error error = FP_OK;
    char name[OPENED_NAME];
    for (unsigned i = 0; i < CONFIG_LISTENERS && error == FP_OK; i++) {
        snprintf(name, sizeof name, "api.%u", i);
        error = openings_listen(openings, name, config->api_listen[i], LINK_ROOM_GATEWAY, note);
    }
    for (unsigned i = 0; i < CONFIG_LISTENERS && error == FP_OK; i++) {
        snprintf(name, sizeof name, "plain.%u", i);
        error = openings_listen(openings, name, config->plain_listen[i], LINK_ROOM_GATEWAY, note);
    }
    if (error == FP_OK) {
        error =
            openings_listen(openings, "metrics", config->metrics_listen, LINK_ROOM_GATEWAY, note);
    }
    if (error == FP_OK) {
        error =
            openings_listen(openings, "console", config->console_listen, LINK_ROOM_CONSOLE, note);
    }
    return error;
}

static enum fp_error openings_control(struct openings *openings, const struct config *config,
                                      struct fp_note *note)
{
    struct opened item = {
        .kind = ROOM_HANDOVER_LISTENER, .name = "control", .owner = LINK_ROOM_VAULT};
    char path[CONFIG_CONTROL_PATH];
    enum fp_error error = FP_OK;
    config_control_path(config, path);
    error = local_socket_listen(path, 0600, &item.fd);
    if (error != FP_OK) {
        return listen_failed(note, "control", path);
    }
    memcpy(openings->control, path, sizeof path);
    return openings_add(openings, item);
}

static enum fp_error file_open(const struct opened *item, int *fd_out, struct fp_note *note)
{
    struct stat about;
    const int how = item->append ? O_WRONLY | O_APPEND | O_CREAT : O_RDONLY;
    int fd = open(item->path, how | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0 && item->optional && errno == ENOENT) {
        *fd_out = -1;
        return FP_OK;
    }
    if (fd < 0 || fstat(fd, &about) != 0) {
        fp_note_set(note, item->name, "%s cannot be opened: %m.", item->path);
        if (fd >= 0) {
            close(fd);
        }
        return FP_E_KEY_INVALID;
    }
    if (!S_ISREG(about.st_mode) || (about.st_mode & item->forbidden) != 0) {
        fp_note_set(note, item->name,
                    "%s is open to others (mode %04o): chmod 600 it, then start again.", item->path,
                    (unsigned)(about.st_mode & 07777));
        close(fd);
        return FP_E_KEY_INVALID;
    }
    *fd_out = fd;
    return FP_OK;
}

static void file_close(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static enum fp_error openings_file(struct openings *openings, struct opened item,
                                   struct fp_note *note)
{
    enum fp_error error = FP_OK;
    if (item.path[0] == '\0') {
        return FP_OK;
    }
    item.kind = ROOM_HANDOVER_FILE;
    error = file_open(&item, &item.fd, note);
    return error == FP_OK ? openings_add(openings, item) : error;
}

// Handed to the vault connected: it may make no socket of its own. Not opened anew.
static enum fp_error openings_syslog(struct openings *openings, const char *path,
                                     struct fp_note *note)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct opened item = {
        .kind = ROOM_HANDOVER_LISTENER, .name = "audit.syslog", .owner = LINK_ROOM_VAULT};
    if (!bytes_to_text(bytes_of_text(path), address.sun_path, sizeof address.sun_path)) {
        fp_note_set(note, "audit.anchor_syslog", "A socket's path has at most 107 bytes.");
        return FP_E_CONFIG_INVALID;
    }
    item.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (item.fd < 0 || connect(item.fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        fp_note_set(note, "audit.anchor_syslog", "%s cannot be reached: %m.", address.sun_path);
        file_close(item.fd);
        return FP_E_IO_FAILED;
    }
    return openings_add(openings, item);
}

enum fp_error openings_make(struct openings *openings, const struct config *config,
                            struct fp_note *note)
{
    const bool own_key = strcmp(config->key_source, "file") == 0;
    // without a TLS listener no certificate is needed
    const bool api = config->api_listen[0][0] != '\0';
    const bool console = config->console_listen[0] != '\0';
    const struct opened files[] = {
        {.name = "tls.certificate",
         .owner = LINK_ROOM_GATEWAY,
         .path = api ? config->tls_certificate : ""},
        {.name = "tls.key",
         .owner = LINK_ROOM_GATEWAY,
         .path = api ? config->tls_key : "",
         .forbidden = 077},
        {.name = "tls.certificate",
         .owner = LINK_ROOM_CONSOLE,
         .path = console ? config->tls_certificate : ""},
        {.name = "tls.key",
         .owner = LINK_ROOM_CONSOLE,
         .path = console ? config->tls_key : "",
         .forbidden = 077},
        {.name = "master.key",
         .owner = LINK_ROOM_VAULT,
         .path = config_master_path(config),
         .forbidden = config_master_forbidden(config)},
        {.name = "master.key.new",
         .owner = LINK_ROOM_VAULT,
         .path = own_key ? openings->next_key : "",
         .forbidden = 077,
         .optional = true},
    };
    const struct opened anchor = {.name = "audit.anchor",
                                  .owner = LINK_ROOM_VAULT,
                                  .path = config->audit_anchor_file,
                                  .append = true};
    enum fp_error error = FP_OK;
    snprintf(openings->next_key, sizeof openings->next_key, "%s.new", config->master_key_file);
    for (size_t i = 0; i < sizeof files / sizeof files[0] && error == FP_OK; i++) {
        error = openings_file(openings, files[i], note);
    }
    error = error != FP_OK ? error : openings_file(openings, anchor, note);
    if (error == FP_OK) {
        error = openings_listen_all(openings, config, note);
    }
    if (error == FP_OK && config->audit_anchor_syslog[0] != '\0') {
        error = openings_syslog(openings, config->audit_anchor_syslog, note);
    }
    return error == FP_OK ? openings_control(openings, config, note) : error;
}

enum fp_error openings_renew(struct openings *openings, enum link_room owner, struct fp_note *note)
{
    int fresh[OPENED_MAX];
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < openings->count; i++) {
        struct opened *item = &openings->items[i];
        fresh[i] = FILE_SAME;
        if (error == FP_OK && item->owner == owner && item->kind == ROOM_HANDOVER_FILE) {
            error = file_open(item, &fresh[i], note);
        }
    }
    for (size_t i = 0; i < openings->count; i++) {
        if (fresh[i] != FILE_SAME && error == FP_OK) {
            file_close(openings->items[i].fd);
            openings->items[i].fd = fresh[i];
        } else if (fresh[i] >= 0) {
            close(fresh[i]);
        }
    }
    return error;
}

void openings_close_listeners(struct openings *openings)
{
    size_t kept = 0;
    for (size_t i = 0; i < openings->count; i++) {
        if (openings->items[i].kind == ROOM_HANDOVER_LISTENER) {
            close(openings->items[i].fd);
        } else {
            openings->items[kept++] = openings->items[i];
        }
    }
    openings->count = kept;
    for (size_t i = 0; i < openings->local_count; i++) {
        (void)unlink(openings->local[i]);
    }
    openings->local_count = 0;
    if (openings->control[0] != '\0') {
        (void)unlink(openings->control);
        openings->control[0] = '\0';
    }
}

void openings_close(struct openings *openings)
{
    openings_close_listeners(openings);
    for (size_t i = 0; i < openings->count; i++) {
        file_close(openings->items[i].fd);
    }
    openings->count = 0;
}

enum fp_error openings_config(const struct config *config, int *fd_out)
{
    int fd = memfd_create("fishplate-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return FP_E_IO_FAILED;
    }
    if (write(fd, config, sizeof *config) != (ssize_t)sizeof *config ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        close(fd);
        return FP_E_IO_FAILED;
    }
    *fd_out = fd;
    return FP_OK;
}
