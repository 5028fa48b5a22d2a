// Taking store.url apart as libpq will, as far as the address goes, and looking its host up once,
// before the vault is closed in. SPDX-License-Identifier: Apache-2.0
#include "config/store_url.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct url_parts {
    char host[256];                 // of the location or of a parameter
    char address[64];               // hostaddr
    char port[8];                   // digits
    char certificates[CONFIG_PATH]; // sslrootcert
};

static enum fp_error url_bad(struct fp_note *note, const char *text)
{
    fp_note_set(note, "store.url", "%s", text);
    return FP_E_CONFIG_INVALID;
}

static int url_hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

// Percent-decodes; false when it does not fit, or is not well made.
static bool url_text(struct bytes from, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < from.len; i++) {
        int c = from.ptr[i];
        if (c == '%') {
            const int high = i + 2 < from.len ? url_hex((char)from.ptr[i + 1]) : -1;
            const int low = i + 2 < from.len ? url_hex((char)from.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                return false;
            }
            c = high * 16 + low;
            i += 2;
        }
        if (length + 1 >= size) {
            return false;
        }
        out[length++] = (char)c;
    }
    out[length] = '\0';
    return true;
}

// The end of the first of these bytes, or of all.
static size_t url_until(struct bytes text, const char *marks)
{
    size_t i = 0;
    while (i < text.len && strchr(marks, text.ptr[i]) == NULL) {
        i++;
    }
    return i;
}

static struct bytes url_part(struct bytes text, size_t from, size_t to)
{
    return bytes_of(text.ptr + from, to - from);
}

// user@host:port, user@[::1]:port
static bool url_authority(struct bytes text, struct url_parts *parts)
{
    size_t host = 0, end = 0;
    for (size_t i = 0; i < text.len; i++) {
        host = text.ptr[i] == '@' ? i + 1 : host;
    }
    text = url_part(text, host, text.len);
    if (text.len != 0 && text.ptr[0] == '[') {
        end = url_until(text, "]");
        if (end == text.len || !url_text(url_part(text, 1, end), parts->host, sizeof parts->host)) {
            return false;
        }
        end++;
    } else {
        end = url_until(text, ":");
        if (!url_text(url_part(text, 0, end), parts->host, sizeof parts->host)) {
            return false;
        }
    }
    return end == text.len ||
           (text.ptr[end] == ':' &&
            bytes_to_text(url_part(text, end + 1, text.len), parts->port, sizeof parts->port));
}

static bool url_parameter(struct bytes text, struct url_parts *parts)
{
    const struct {
        const char *name; // of the parameter
        char *to;         // where it goes
        size_t size;      // of that
    } known[] = {{"host", parts->host, sizeof parts->host},
                 {"hostaddr", parts->address, sizeof parts->address},
                 {"port", parts->port, sizeof parts->port},
                 {"sslrootcert", parts->certificates, sizeof parts->certificates}};
    const size_t equal = url_until(text, "=");
    for (size_t i = 0; i < sizeof known / sizeof known[0] && equal < text.len; i++) {
        if (bytes_equal_text(url_part(text, 0, equal), known[i].name)) {
            return url_text(url_part(text, equal + 1, text.len), known[i].to, known[i].size);
        }
    }
    return true;
}

static bool url_parse(const char *url, struct url_parts *parts)
{
    const char *start = strstr(url, "://");
    struct bytes rest = {0};
    size_t end = 0;
    bool good = start != NULL &&
                (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0);
    if (!good) {
        return false;
    }
    rest = bytes_of_text(start + 3);
    end = url_until(rest, "/?");
    good = url_authority(url_part(rest, 0, end), parts);
    rest = url_part(rest, end, rest.len);
    rest = url_part(rest, url_until(rest, "?"), rest.len);
    while (good && rest.len > 1) {
        rest = url_part(rest, 1, rest.len); // behind ? or &
        end = url_until(rest, "&");
        good = url_parameter(url_part(rest, 0, end), parts);
        rest = url_part(rest, end, rest.len);
    }
    return good;
}

static enum fp_error store_parse(const char *url, struct url_parts *parts, struct config_store *out,
                                 struct fp_note *note)
{
    const char *host = NULL;
    char *end = NULL;
    unsigned long port = 5432;
    if (!url_parse(url, parts)) {
        return url_bad(note, "It is no location of PostgreSQL "
                             "(postgresql://user@host:port/database).");
    }
    host = parts->address[0] != '\0' ? parts->address : parts->host;
    if (host[0] == '\0' || strchr(host, ',') != NULL) {
        return url_bad(note, "It must name one host: a name, an address, or the folder of a Unix "
                             "socket as host=/path.");
    }
    if (parts->port[0] != '\0') {
        port = strtoul(parts->port, &end, 10);
        if (*end != '\0' || port == 0 || port > 65535) {
            return url_bad(note, "Its port is no number from 1 to 65535.");
        }
    }
    *out = (struct config_store){.family = host[0] == '/' ? AF_UNIX : AF_INET,
                                 .port = host[0] == '/' ? 0 : (uint16_t)port};
    (void)snprintf(out->host, sizeof out->host, "%s", host);
    (void)snprintf(out->certificates, sizeof out->certificates, "%s", parts->certificates);
    return FP_OK;
}

enum fp_error config_store_parse(const char *url, struct config_store *out, struct fp_note *note)
{
    struct url_parts parts = {0};
    *out = (struct config_store){.family = AF_UNSPEC};
    return url[0] != '\0' ? store_parse(url, &parts, out, note) : FP_OK;
}

enum fp_error config_store_pin(struct config *config, struct config_store *out,
                               struct fp_note *note)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char address[INET6_ADDRSTRLEN] = "";
    const size_t length = strlen(config->store_url);
    enum fp_error error = config_store_parse(config->store_url, out, note);
    int result = 0;
    if (error != FP_OK || out->family == AF_UNSPEC || out->family == AF_UNIX) {
        return error;
    }
    result = getaddrinfo(out->host, NULL, &hints, &found);
    if (result == 0) {
        result = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                             NI_NUMERICHOST);
    }
    if (result != 0) {
        fp_note_set(note, "store.url", "%.200s: %s.", out->host, gai_strerror(result));
        error = FP_E_STORE_UNAVAILABLE;
    } else {
        out->family = found->ai_family;
        if (strstr(config->store_url, "hostaddr=") == NULL &&
            (size_t)snprintf(config->store_url + length, sizeof config->store_url - length,
                             "%chostaddr=%s", strchr(config->store_url, '?') != NULL ? '&' : '?',
                             address) >= sizeof config->store_url - length) {
            config->store_url[length] = '\0';
            error = url_bad(note, "It is too long.");
        }
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    return error;
}
