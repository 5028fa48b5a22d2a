// The readiness protocol of service managers: one datagram to the socket that NOTIFY_SOCKET names.
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
// SPDX-License-Identifier: Apache-2.0
#include "supervisor/supervisor_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = 0;
    int fd = -1;
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; // abstract
    }
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        // a manager that does not listen is no reason to fail
        ssize_t sent =
            sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
        (void)sent;
        close(fd);
    }
}
