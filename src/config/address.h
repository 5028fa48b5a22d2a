// Addresses to listen on, as the configuration writes them: "127.0.0.1:8443", "[::1]:8443",
// "unix:/run/fishplate/api.sock". Numbers only: no name is looked up.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_ADDRESS_H
#define FP_CONFIG_ADDRESS_H

#include "base/error.h"
#include "base/note.h"

#include <stdbool.h>
#include <sys/socket.h>

struct config_address {
    struct sockaddr_storage socket; // of an IP address
    socklen_t length;               // of socket
    bool loopback;                  // reachable from this machine only (a Unix socket too)
    const char *path;               // of a Unix socket, in the text; NULL: IP
};

// Port 0 leaves the choice to the kernel. FP_E_CONFIG_INVALID with the reason in note.
enum fp_error config_address_parse(const char *text, struct config_address *out,
                                   struct fp_note *note);
// The text form of an IP socket's own address, at most size bytes: what port 0 became.
void config_address_text(const struct sockaddr_storage *socket, char *out, size_t size);

#endif
