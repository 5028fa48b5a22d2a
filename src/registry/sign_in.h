// Signing in at the dashboard: throttle, password, second factor, session; accepting an invitation;
// typing the password once more; switching the second factor on and off.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_SIGN_IN_H
#define FP_REGISTRY_SIGN_IN_H

#include "crypto/secret.h"
#include "keys/password.h"
#include "registry/console.h"

struct console_ask;

// What Argon2id has to do before one of these actions, by a thread that knows nothing else.
struct console_password {
    struct secret text;             // typed; owned
    char stored[PASSWORD_TEXT + 1]; // to be compared with; "": nobody's
    bool make;                      // make a new one of it instead
    bool right;                     // came out: it is the stored one's
    char made[PASSWORD_TEXT + 1];   // came out: to be stored
};

// Fills work for an action with CONSOLE_NEEDS_PASSWORD. FP_E_RATE_LIMITED with seconds in
// *retry_out; FP_E_FIELD_INVALID with rows in errors (without brackets); OPERATOR_LINK_INVALID,
// SESSION_MISSING.
enum fp_error sign_in_prepare(const struct console_ask *ask, struct console_password *work,
                              struct buf *errors, unsigned *retry_out);
void console_password_done(struct console_password *work); // wipes

// The actions. done is called once.
void sign_in_with_password(const struct console_ask *ask);
void sign_in_accept(const struct console_ask *ask);
void sign_in_invitation(const struct console_ask *ask);
void sign_in_session(const struct console_ask *ask);
void sign_in_confirm(const struct console_ask *ask);
void sign_in_out(const struct console_ask *ask);
void sign_in_sessions(const struct console_ask *ask);
void sign_in_session_end(const struct console_ask *ask);
void sign_in_totp_begin(const struct console_ask *ask);
void sign_in_totp_confirm(const struct console_ask *ask);
void sign_in_totp_remove(const struct console_ask *ask);

#endif
