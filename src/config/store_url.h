// Where store.url leads: the room that opens it is closed in around that one address.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CONFIG_STORE_URL_H
#define FP_CONFIG_STORE_URL_H

#include "config/config.h"

#include <sys/socket.h>

struct config_store {
    int family;                     // AF_UNIX, AF_INET, AF_INET6; AF_UNSPEC: there is no database
    uint16_t port;                  // TCP; 0 with AF_UNIX
    char host[256];                 // name, address, or folder of a Unix socket
    char certificates[CONFIG_PATH]; // PEM of authorities; empty: the system's
};

// Takes the location apart. FP_E_CONFIG_INVALID. What else stands in it the store checks.
enum fp_error config_store_parse(const char *url, struct config_store *out, struct fp_note *note);
// Looks the host's name up, once, and writes its address behind the location (hostaddr=...), so
// that nobody needs to ask again. FP_E_STORE_UNAVAILABLE when the name is not known now.
enum fp_error config_store_pin(struct config *config, struct config_store *out,
                               struct fp_note *note);

#endif
