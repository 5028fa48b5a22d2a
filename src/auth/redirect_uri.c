// Checking and extending redirect URIs.
// SPDX-License-Identifier: Apache-2.0
#include "auth/redirect_uri.h"

#include "base/limits.h"
#include "model/url.h"

#include <string.h>

static bool redirect_is_printable(struct bytes uri)
{
    static const char refused[] = "\"<>\\^`{|}";
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] >= 0x7f || strchr(refused, uri.ptr[i]) != NULL) {
            return false;
        }
    }
    return true;
}

// Host and port, of what stands behind "://".
static struct bytes redirect_authority(struct bytes rest)
{
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') {
        end++;
    }
    return bytes_slice(rest, 0, end);
}

static bool redirect_is_loopback(struct bytes authority)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t length = strlen(hosts[i]);
        if (bytes_starts_with(authority, bytes_of_text(hosts[i])) &&
            (authority.len == length || authority.ptr[length] == ':')) {
            return true;
        }
    }
    return false;
}

// "com.example.app": what an operating system gives to one program.
static bool redirect_is_private_scheme(struct bytes uri)
{
    size_t colon = 0, dots = 0;
    if (!bytes_find(uri, ':', &colon) || colon + 1 == uri.len) {
        return false;
    }
    for (size_t i = 0; i < colon; i++) {
        uint8_t c = uri.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';
        if (!letter && (i == 0 || !other)) {
            return false;
        }
        dots += c == '.' ? 1 : 0;
    }
    return dots != 0;
}

const char *redirect_uri_wrong(struct bytes uri)
{
    static const struct bytes https = {(const uint8_t *)"https://", 8};
    static const struct bytes http = {(const uint8_t *)"http://", 7};
    bool tls = bytes_starts_with(uri, https);
    struct bytes authority = redirect_authority(bytes_slice(uri, tls ? 8 : 7, uri.len));
    size_t at = 0;
    if (uri.len == 0 || uri.len > FP_LIMIT_REDIRECT_URI) {
        return "A redirect URI has 1 to 1024 bytes.";
    }
    if (!redirect_is_printable(uri)) {
        return "A redirect URI is ASCII, without blanks, quotes and the like.";
    }
    if (bytes_find(uri, '#', &at)) {
        return "A redirect URI has no fragment.";
    }
    if (!tls && !bytes_starts_with(uri, http)) {
        return redirect_is_private_scheme(uri)
                   ? NULL
                   : "A redirect URI is absolute and begins with https://.";
    }
    if (authority.len == 0 || authority.ptr[0] == ':') {
        return "A redirect URI names a host.";
    }
    if (bytes_find(authority, '@', &at)) {
        return "A redirect URI has no user's name.";
    }
    return tls || redirect_is_loopback(authority)
               ? NULL
               : "A redirect URI with http:// leads to this machine alone.";
}

const char *redirect_uris_wrong(struct bytes list)
{
    struct bytes rest = list, uri = {0};
    const char *wrong = NULL;
    if (list.len > FP_LIMIT_REDIRECTS_TEXT) {
        return "All redirect URIs together have at most 4096 bytes.";
    }
    while (wrong == NULL && list.len != 0 && bytes_split(&rest, ' ', &uri)) {
        wrong = redirect_uri_wrong(uri);
    }
    return wrong;
}

bool redirect_uris_have(struct bytes list, struct bytes uri)
{
    struct bytes rest = list, one = {0};
    while (uri.len != 0 && list.len != 0 && bytes_split(&rest, ' ', &one)) {
        if (bytes_equal(one, uri)) {
            return true;
        }
    }
    return false;
}

bool redirect_uris_only(struct bytes list, struct bytes *out)
{
    size_t at = 0;
    if (list.len == 0 || bytes_find(list, ' ', &at)) {
        return false;
    }
    *out = list;
    return true;
}

void redirect_add(struct buf *out, const char *name, struct bytes value)
{
    size_t at = 0;
    if (value.len == 0) {
        return;
    }
    if (!bytes_find(buf_bytes(out), '?', &at)) {
        buf_append_byte(out, '?');
    } else if (at + 1 != out->len && out->ptr[out->len - 1] != '&') {
        buf_append_byte(out, '&');
    }
    buf_append_text(out, name);
    buf_append_byte(out, '=');
    url_encode(out, value);
}
