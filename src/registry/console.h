// What the dashboard asks for: session, role, reason and confirmation are judged here, by the table
// of auth/console_route.h, before anything is read; then the same operations run that the command
// line has, and lists made for people.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONSOLE_H
#define FP_REGISTRY_CONSOLE_H

#include "auth/console_route.h"
#include "registry/registry.h"

struct console_password; // sign_in.h

struct console_question {
    enum console_action action; // what
    struct bytes session;       // as the cookie holds it; may be empty
    struct bytes key;           // {id} of the path; may be empty
    struct bytes reason;        // may be empty
    struct bytes form;          // query or body
    struct bytes request_id;    // for records
    struct bytes address;       // for records and the throttle
    struct bytes extra;         // JSON that the vault found for it: a search, the rooms
};

// Whether the question may be answered at all. On FP_OK of an action that is for operators, the
// session counts as used. SESSION_MISSING, ROLE_FORBIDDEN, REASON_REQUIRED, CONFIRMATION_REQUIRED;
// refusals are recorded.
enum fp_error registry_console_admit(struct registry *registry, const struct console_question *q);
// For an action with CONSOLE_NEEDS_PASSWORD, after it was admitted: what Argon2id has to do, then
// hand it to registry_console(). See sign_in_prepare().
enum fp_error registry_console_prepare(struct registry *registry, const struct console_question *q,
                                       struct console_password *work, struct buf *errors,
                                       unsigned *retry_out);
// Answers; password NULL for all other actions. The result's cookie and session say what becomes of
// the browser's cookie.
void registry_console(struct registry *registry, const struct console_question *q,
                      const struct console_password *password, registry_done *done, void *ctx);

#endif
