// The table of the dashboard's actions, and finding one.
// SPDX-License-Identifier: Apache-2.0
#include "auth/console_route.h"

#include <stddef.h>

#define ANYBODY  1u
#define O        (1u << CONSOLE_OWNER)
#define A        (1u << CONSOLE_ADMINISTRATOR)
#define S        (1u << CONSOLE_SUPPORT)
#define U        (1u << CONSOLE_AUDITOR)
#define REASON   CONSOLE_NEEDS_REASON
#define FRESH    CONSOLE_NEEDS_FRESH
#define PASSWORD CONSOLE_NEEDS_PASSWORD
#define SECRET   CONSOLE_IS_SECRET

static const struct console_action_row action_rows[] = {
#define CONSOLE_ACTION(symbol, method, path, roles, flags, what)                                   \
    [CONSOLE_##symbol] = {method, path, roles, flags, what},
#include "auth/console_actions.def"
#undef CONSOLE_ACTION
};

static const char *const role_names[] = {"", "owner", "administrator", "support", "auditor"};
#define ROLES (sizeof role_names / sizeof role_names[0])

const struct console_action_row *console_action_row(unsigned action)
{
    return action < CONSOLE_ACTION_COUNT ? &action_rows[action] : NULL;
}

bool console_role_may(enum console_role role, enum console_action action)
{
    const struct console_action_row *row = console_action_row(action);
    return row != NULL && role >= CONSOLE_OWNER && role <= CONSOLE_AUDITOR &&
           (row->roles & (1u << role)) != 0;
}

const char *console_role_name(unsigned role)
{
    return role < ROLES ? role_names[role] : "";
}

enum fp_error console_role_parse(struct bytes text, enum console_role *out)
{
    for (size_t i = 1; i < ROLES; i++) {
        if (bytes_equal_text(text, role_names[i])) {
            *out = (enum console_role)i;
            return FP_OK;
        }
    }
    return FP_E_INPUT_INVALID;
}

// Whether a path fits a pattern, segment by segment.
static bool route_fits(const char *pattern, struct bytes path, struct bytes *key)
{
    struct bytes wanted = bytes_of_text(pattern), a = {0}, b = {0};
    *key = (struct bytes){0};
    while (wanted.len != 0 && path.len != 0) {
        if (!bytes_split(&wanted, '/', &a) || !bytes_split(&path, '/', &b)) {
            return false;
        }
        if (bytes_equal_text(a, "{id}")) {
            if (b.len == 0) {
                return false;
            }
            *key = b;
        } else if (!bytes_equal(a, b)) {
            return false;
        }
    }
    return wanted.len == 0 && path.len == 0;
}

enum fp_error console_route_find(struct bytes method, struct bytes path, struct console_route *out)
{
    enum fp_error error = FP_E_ROUTE_UNKNOWN;
    if (bytes_ends_with(path, BYTES("/"))) {
        return error;
    }
    for (unsigned i = 0; i < CONSOLE_ACTION_COUNT; i++) {
        struct bytes key = {0};
        if (!route_fits(action_rows[i].path, path, &key)) {
            continue;
        }
        if (bytes_equal_text(method, action_rows[i].method)) {
            *out = (struct console_route){(enum console_action)i, key};
            return FP_OK;
        }
        error = FP_E_METHOD_NOT_ALLOWED;
    }
    return error;
}
