// The address goes through /proc/self/fd/N of the folder where the path is too long.
// SPDX-License-Identifier: Apache-2.0
#include "link/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCAL_BACKLOG 128
#define LOCAL_FOLDER  4096 // PATH_MAX

// folder_out: a descriptor to keep open until the address was used, or -1.
static bool local_address(const char *path, struct sockaddr_un *out, int *folder_out)
{
    const char *slash = strrchr(path, '/');
    char folder[LOCAL_FOLDER];
    int fd = -1, length = 0;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder_out = -1;
    if (strlen(path) < sizeof out->sun_path) {
        memcpy(out->sun_path, path, strlen(path) + 1);
        return true;
    }
    if (slash == NULL || (size_t)(slash - path) >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    length = snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/%s", fd, slash + 1);
    if (length < 0 || (size_t)length >= sizeof out->sun_path) {
        close(fd);
        errno = ENAMETOOLONG;
        return false;
    }
    *folder_out = fd;
    return true;
}

static void local_close(int fd)
{
    int kept = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = kept;
}

enum fp_error local_socket_connect(const char *path, int *fd_out)
{
    struct sockaddr_un address;
    enum fp_error error = FP_OK;
    int folder = -1, fd = -1;
    if (!local_address(path, &address, &folder)) {
        return errno == ENOENT ? FP_E_NOT_RUNNING : FP_E_IO_FAILED;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error = FP_E_IO_FAILED;
    } else if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        error = errno == ENOENT || errno == ECONNREFUSED ? FP_E_NOT_RUNNING
                : errno == EACCES || errno == EPERM      ? FP_E_PERMISSION_DENIED
                                                         : FP_E_IO_FAILED;
    }
    local_close(folder);
    if (error != FP_OK) {
        local_close(fd);
        return error;
    }
    *fd_out = fd;
    return FP_OK;
}

enum fp_error local_socket_listen(const char *path, mode_t mode, int *fd_out)
{
    struct sockaddr_un address;
    enum fp_error error = FP_OK;
    mode_t mask = 0;
    int folder = -1, fd = -1;
    if (local_socket_connect(path, &fd) == FP_OK) {
        close(fd);
        return FP_E_EXISTS;
    }
    if (!local_address(path, &address, &folder)) {
        return FP_E_IO_FAILED;
    }
    (void)unlink(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    // born with its mode: there is no moment in which others may connect
    mask = umask((mode_t)(~mode & 0777));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, LOCAL_BACKLOG) != 0) {
        error = FP_E_IO_FAILED;
    }
    (void)umask(mask);
    local_close(folder);
    if (error != FP_OK) {
        local_close(fd);
        return error;
    }
    *fd_out = fd;
    return FP_OK;
}
