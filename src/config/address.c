// Reading and writing listen addresses.
// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static enum fp_error address_bad(struct fp_note *note, const char *text)
{
    fp_note_set(note, "",
                "\"%.100s\" is no listen address: write 127.0.0.1:8443, [::1]:8443 or "
                "unix:/absolute/path.",
                text);
    return FP_E_CONFIG_INVALID;
}

static bool address_v4(const char *host, uint16_t port, struct config_address *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->socket;
    if (inet_pton(AF_INET, host, &in->sin_addr) != 1) {
        return false;
    }
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out->length = sizeof *in;
    out->loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
    return true;
}

static bool address_v6(const char *host, uint16_t port, struct config_address *out)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&out->socket;
    if (inet_pton(AF_INET6, host, &in->sin6_addr) != 1) {
        return false;
    }
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    out->length = sizeof *in;
    out->loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
    return true;
}

static bool address_ip(const char *text, struct config_address *out)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    uint64_t port = 0;
    size_t length = 0;
    bool six = text[0] == '[';
    if (colon == NULL || !bytes_to_u64(bytes_of_text(colon + 1), 65535, &port)) {
        return false;
    }
    length = (size_t)(colon - text);
    if (six && (length < 2 || colon[-1] != ']')) {
        return false;
    }
    if (!bytes_to_text(bytes_of(text + (six ? 1 : 0), length - (six ? 2 : 0)), host, sizeof host)) {
        return false;
    }
    return six ? address_v6(host, (uint16_t)port, out) : address_v4(host, (uint16_t)port, out);
}

enum fp_error config_address_parse(const char *text, struct config_address *out,
                                   struct fp_note *note)
{
    struct config_address address = {.path = NULL};
    if (strncmp(text, "unix:", 5) == 0) {
        if (text[5] != '/') {
            return address_bad(note, text);
        }
        address.path = text + 5;
        address.loopback = true;
    } else if (!address_ip(text, &address)) {
        return address_bad(note, text);
    }
    *out = address;
    return FP_OK;
}

void config_address_text(const struct sockaddr_storage *socket, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (socket->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)socket;
        (void)inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, (unsigned)ntohs(in->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)socket;
        (void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%u", host, (unsigned)ntohs(in->sin_port));
    }
}
