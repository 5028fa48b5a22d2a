// Checks of a URL, by hand: what a URL library would repair is refused here.
// SPDX-License-Identifier: Apache-2.0
#include "client/url.h"

#include "base/limits.h"

#define URL_MAX (FP_LIMIT_URL_TEXT + FP_LIMIT_HTTP_TARGET)

static enum fp_error refuse(struct fp_note *note, const char *text)
{
    fp_note_set(note, "url", "The address of the source system %s.", text);
    return FP_E_SOURCE_SETTINGS_INVALID;
}

static const char *bad_byte(struct bytes url)
{
    for (size_t i = 0; i < url.len; i++) {
        uint8_t c = url.ptr[i];
        if (c <= 0x20 || c >= 0x7f) {
            return "holds a blank, a control character or a character beyond ASCII";
        }
        if (c == '\\') {
            return "holds a backslash";
        }
        if (c == '#') {
            return "holds a fragment (#)";
        }
    }
    return NULL;
}

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

// Letters, digits, '-', '_' and '.', labels of 1 to 63, at most 253 in all, one '.' at the end at
// most. Numeric forms (0x7f.1) pass: they are judged by the address they resolve to.
static bool host_is_name(struct bytes host)
{
    struct bytes rest = host;
    struct bytes label = {0};
    if (host.len == 0 || host.len > 253) {
        return false;
    }
    if (host.ptr[host.len - 1] == '.') {
        rest.len--;
    }
    if (rest.len == 0) {
        return false;
    }
    while (bytes_split(&rest, '.', &label)) {
        if (label.len == 0 || label.len > 63 || label.ptr[0] == '-') {
            return false;
        }
        for (size_t i = 0; i < label.len; i++) {
            if (!is_host_byte(label.ptr[i])) {
                return false;
            }
        }
    }
    return true;
}

// Hexadecimal groups, colons, and dots of an embedded IPv4 address; no zone.
static bool host_is_v6(struct bytes host)
{
    bool colon = false;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!hex && c != ':' && c != '.') {
            return false;
        }
        colon = colon || c == ':';
    }
    return colon && host.len <= 45;
}

static const char *take_port(struct bytes text, uint16_t *port)
{
    uint64_t value = 0;
    if (text.len == 0) {
        return NULL;
    }
    if (text.ptr[0] != ':' || text.len < 2 || text.len > 6 ||
        !bytes_to_u64(bytes_slice(text, 1, text.len), 65535, &value) || value == 0) {
        return "has a port that is not 1 to 65535";
    }
    *port = (uint16_t)value;
    return NULL;
}

static const char *take_authority(struct bytes authority, struct client_url *url)
{
    size_t at = 0;
    if (bytes_find(authority, '@', &at)) {
        return "holds a user name or password";
    }
    if (authority.len != 0 && authority.ptr[0] == '[') {
        if (!bytes_find(authority, ']', &at) || !host_is_v6(bytes_slice(authority, 1, at - 1))) {
            return "has a malformed IPv6 address";
        }
        url->host = bytes_slice(authority, 1, at - 1);
        url->v6 = true;
        return take_port(bytes_slice(authority, at + 1, authority.len), &url->port);
    }
    at = authority.len;
    (void)bytes_find(authority, ':', &at);
    url->host = bytes_slice(authority, 0, at);
    if (!host_is_name(url->host)) {
        return "has no host, or a malformed one";
    }
    return take_port(bytes_slice(authority, at, authority.len), &url->port);
}

static bool take_scheme(struct bytes text, struct client_url *url, struct bytes *rest_out)
{
    static const struct {
        struct bytes prefix; // of a URL
        uint16_t port;       // its own
        bool tls;            // over TLS
    } schemes[] = {{{(const uint8_t *)"https://", 8}, 443, true},
                   {{(const uint8_t *)"http://", 7}, 80, false}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct bytes start = bytes_slice(text, 0, schemes[i].prefix.len);
        if (bytes_equal_nocase(start, schemes[i].prefix)) {
            url->tls = schemes[i].tls;
            url->port = schemes[i].port;
            *rest_out = bytes_slice(text, schemes[i].prefix.len, text.len);
            return true;
        }
    }
    return false;
}

enum fp_error client_url_check(struct bytes text, struct client_url *out, struct fp_note *note)
{
    struct client_url url = {0};
    struct bytes rest = {0};
    size_t end = 0;
    if (text.len == 0) {
        return refuse(note, "is empty");
    }
    if (text.len > URL_MAX) {
        return refuse(note, "is too long");
    }
    const char *wrong = bad_byte(text);
    if (wrong != NULL) {
        return refuse(note, wrong);
    }
    if (!take_scheme(text, &url, &rest)) {
        return refuse(note, "does not begin with https:// or http://");
    }
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') {
        end++;
    }
    wrong = take_authority(bytes_slice(rest, 0, end), &url);
    if (wrong != NULL) {
        return refuse(note, wrong);
    }
    url.path = bytes_slice(rest, end, rest.len);
    *out = url;
    return FP_OK;
}

bool client_url_same_origin(const struct client_url *a, const struct client_url *b)
{
    return a->tls == b->tls && a->port == b->port && bytes_equal_nocase(a->host, b->host);
}
