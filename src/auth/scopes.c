// Scopes: checking their form, and whether they cover an operation.
// SPDX-License-Identifier: Apache-2.0
#include "auth/scopes.h"

#include "base/limits.h"

#include <stdio.h>

// "what:access" into its two halves; false when it is not of the form.
static bool scope_split(struct bytes item, struct bytes *what_out, bool *write_out)
{
    size_t colon = 0;
    struct bytes access = {0}, what = {0};
    if (!bytes_find(item, ':', &colon)) {
        return false;
    }
    what = bytes_slice(item, 0, colon);
    access = bytes_slice(item, colon + 1, item.len);
    if (!bytes_equal_text(access, "read") && !bytes_equal_text(access, "write")) {
        return false;
    }
    *what_out = what;
    *write_out = access.ptr[0] == 'w';
    return true;
}

static bool scope_what_valid(struct bytes what)
{
    if (bytes_equal_text(what, "*")) {
        return true;
    }
    for (size_t i = 0; i < what.len; i++) {
        uint8_t c = what.ptr[i];
        bool letter = c >= 'a' && c <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_'))) {
            return false;
        }
    }
    return what.len != 0 && what.len <= SCOPE_NEEDED - sizeof ":write";
}

enum fp_error scopes_check(struct bytes scopes, struct fp_note *note)
{
    struct bytes rest = scopes, item = {0};
    if (scopes.len > FP_LIMIT_SCOPES_TEXT) {
        fp_note_set(note, "scopes", "At most %d bytes.", FP_LIMIT_SCOPES_TEXT);
        return FP_E_FIELD_INVALID;
    }
    if (scopes.len == 0) {
        return FP_OK;
    }
    while (bytes_split(&rest, ' ', &item)) {
        struct bytes what = {0};
        bool write = false;
        if (!scope_split(item, &what, &write) || !scope_what_valid(what)) {
            fp_note_set(note, "scopes",
                        "Each scope is <what>:read or <what>:write, separated by single blanks; "
                        "this one is not: \"%.*s\".",
                        (int)(item.len < 64 ? item.len : 64), (const char *)item.ptr);
            return FP_E_FIELD_INVALID;
        }
    }
    return FP_OK;
}

// The first part of the path, which is what a scope can name.
static struct bytes scope_resource(struct bytes path)
{
    size_t end = 0;
    while (end < path.len && path.ptr[end] != '/' && path.ptr[end] != '.') {
        end++;
    }
    return bytes_slice(path, 0, end);
}

static bool scope_names(struct bytes what, struct bytes resource)
{
    if (what.len != resource.len || what.len == 0) {
        return false;
    }
    for (size_t i = 0; i < what.len; i++) {
        uint8_t c = resource.ptr[i] == '-' ? (uint8_t)'_' : resource.ptr[i];
        if (what.ptr[i] != c) {
            return false;
        }
    }
    return true;
}

bool scopes_allow(struct bytes scopes, const struct scope_need *need)
{
    struct bytes rest = scopes, item = {0}, resource = scope_resource(need->resource);
    if (scopes.len == 0) {
        return false;
    }
    while (bytes_split(&rest, ' ', &item)) {
        struct bytes what = {0};
        bool write = false;
        if (scope_split(item, &what, &write) && write == need->write &&
            (bytes_equal_text(what, "*") ||
             (need->domain.len != 0 && bytes_equal(what, need->domain)) ||
             scope_names(what, resource))) {
            return true;
        }
    }
    return false;
}

static bool scopes_name(struct bytes scopes, struct bytes what, bool write)
{
    struct bytes rest = scopes, item = {0};
    while (scopes.len != 0 && bytes_split(&rest, ' ', &item)) {
        struct bytes granted = {0};
        bool granted_write = false;
        if (scope_split(item, &granted, &granted_write) && granted_write == write &&
            (bytes_equal_text(granted, "*") || bytes_equal(granted, what))) {
            return true;
        }
    }
    return false;
}

bool scopes_within(struct bytes inner, struct bytes outer)
{
    struct bytes rest = inner, item = {0};
    while (inner.len != 0 && bytes_split(&rest, ' ', &item)) {
        struct bytes what = {0};
        bool write = false;
        if (!scope_split(item, &what, &write) || !scopes_name(outer, what, write)) {
            return false;
        }
    }
    return true;
}

void scopes_needed(const struct scope_need *need, char out[static SCOPE_NEEDED])
{
    struct bytes resource = scope_resource(need->resource);
    snprintf(out, SCOPE_NEEDED, "%.*s:%s", (int)(resource.len < 60 ? resource.len : 60),
             resource.len != 0 ? (const char *)resource.ptr : "", need->write ? "write" : "read");
    for (size_t i = 0; out[i] != '\0'; i++) {
        out[i] = out[i] == '-' ? '_' : out[i];
    }
}
