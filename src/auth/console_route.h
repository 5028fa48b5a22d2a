// Routes and roles of the dashboard as one table: which action a request asks for, and who may.
// Pure; the console routes by it, the vault decides by it.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_CONSOLE_ROUTE_H
#define FP_AUTH_CONSOLE_ROUTE_H

#include "base/bytes.h"
#include "base/error.h"

// What happens to the cookie with an answer. Travels between rooms.
enum console_cookie { CONSOLE_COOKIE_KEEP, CONSOLE_COOKIE_SET, CONSOLE_COOKIE_DROP };

// Stored in the database: numbers must not change.
enum console_role {
    CONSOLE_OWNER = 1,         // everything, and who else may come in
    CONSOLE_ADMINISTRATOR = 2, // everything but operators
    CONSOLE_SUPPORT = 3,       // looks at customers' connections, saying why
    CONSOLE_AUDITOR = 4        // looks at everything, changes nothing
};

enum console_action {
#define CONSOLE_ACTION(symbol, method, path, roles, flags, what) CONSOLE_##symbol,
#include "auth/console_actions.def"
#undef CONSOLE_ACTION
    CONSOLE_ACTION_COUNT
};

enum console_flag {
    CONSOLE_NEEDS_REASON = 1,   // of support
    CONSOLE_NEEDS_FRESH = 2,    // the password was typed a short while ago
    CONSOLE_NEEDS_PASSWORD = 4, // Argon2id runs before it
    CONSOLE_IS_SECRET = 8       // question or answer holds a secret
};

struct console_action_row {
    const char *method; // "GET"
    const char *path;   // below /api, with {id}
    unsigned roles;     // bits 1 << enum console_role; bit 0: also who is not signed in
    unsigned flags;     // of enum console_flag
    const char *what;   // for the docs
};

// NULL for a number that no action has.
const struct console_action_row *console_action_row(unsigned action);
bool console_role_may(enum console_role role, enum console_action action);
// "owner" and so on; "" for a number that is none.
const char *console_role_name(unsigned role);
// FP_E_INPUT_INVALID for any other word.
enum fp_error console_role_parse(struct bytes text, enum console_role *out);

struct console_route {
    enum console_action action; // found
    struct bytes key;           // what stands for {id}; empty: none
};
// path: behind /api. FP_E_ROUTE_UNKNOWN; FP_E_METHOD_NOT_ALLOWED.
enum fp_error console_route_find(struct bytes method, struct bytes path, struct console_route *out);

#endif
