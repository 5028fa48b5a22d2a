// Checking texts that people give.
// SPDX-License-Identifier: Apache-2.0
#include "registry/fields.h"

#include "base/limits.h"

#include <string.h>

static bool fields_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return false;
        }
    }
    return bytes_is_utf8(text);
}

const char *fields_wrong_name(struct bytes name)
{
    if (bytes_trim(name).len == 0) {
        return "It must not be empty.";
    }
    if (name.len > FP_LIMIT_NAME_TEXT) {
        return "It is too long: at most 200 bytes.";
    }
    return fields_printable(name) ? NULL : "It must be UTF-8 without control characters.";
}

const char *fields_wrong_email(struct bytes email)
{
    size_t at = 0, second = 0;
    if (email.len == 0) {
        return "It must not be empty.";
    }
    if (email.len > FP_LIMIT_EMAIL_TEXT) {
        return "It is too long: at most 254 bytes.";
    }
    for (size_t i = 0; i < email.len; i++) {
        if (email.ptr[i] <= ' ') {
            return "It must not hold blanks or control characters.";
        }
    }
    if (!fields_printable(email) || !bytes_find(email, '@', &at) || at == 0 ||
        at + 1 == email.len || bytes_find(bytes_slice(email, at + 1, email.len), '@', &second)) {
        return "It must be an e-mail address.";
    }
    return NULL;
}

const char *fields_wrong_platform(struct bytes platform)
{
    if (platform.len == 0 || platform.len > 64) {
        return "It must be the name of a platform.";
    }
    for (size_t i = 0; i < platform.len; i++) {
        uint8_t c = platform.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return "It must be the name of a platform.";
        }
    }
    return NULL;
}

const char *fields_wrong_url(struct bytes url, size_t max)
{
    static const char *const starts[] = {"https://", "http://127.0.0.1:", "http://127.0.0.1/",
                                         "http://localhost:", "http://localhost/"};
    const char *wrong = "It must begin with https://; http:// only for this machine.";
    size_t at = 0;
    if (url.len > max) {
        return max == FP_LIMIT_RETURN_URL_TEXT ? "It is too long: at most 1024 bytes."
                                               : "It is too long.";
    }
    for (size_t i = 0; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || url.ptr[i] == '\\' || url.ptr[i] == '"') {
            return "It must be ASCII without blanks, quotes and backslashes.";
        }
    }
    if (bytes_find(url, '#', &at) || bytes_find(url, '@', &at)) {
        return "It must have neither a fragment nor a user's name.";
    }
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (bytes_starts_with(url, bytes_of_text(starts[i])) && url.len > strlen(starts[i])) {
            wrong = NULL;
        }
    }
    return wrong;
}

void fields_fold_email(struct bytes email, char *out, size_t size)
{
    size_t len = email.len < size ? email.len : size - 1;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = email.ptr[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    out[len] = '\0';
}
