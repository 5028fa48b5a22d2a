// Shared by sign_in.c (what was asked, the throttle) and sign_in_jobs.c (what is written).
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_SIGN_IN_INT_H
#define FP_REGISTRY_SIGN_IN_INT_H

#include "keys/password.h"
#include "model/query.h"
#include "registry/registry_int.h"

struct sign_in_input {
    struct bytes email, code, link, name; // of the form; may be empty
    struct bytes address;                 // of the browser
    struct bytes who;                     // its session, as the cookie holds it; may be empty
    struct bytes key;                     // {id} of the path; may be empty
    bool right;                           // the password is
    char made[PASSWORD_TEXT + 1];         // a new one, to be stored
};

void sign_in__failed(struct registry *registry, struct bytes email, struct bytes address,
                     int64_t now_ms);
void sign_in__succeeded(struct registry *registry, struct bytes email);

enum fp_error sign_in__build(struct registry_job *job);
enum fp_error sign_in__build_accept(struct registry_job *job);
enum fp_error sign_in__build_invitation(struct registry_job *job);
enum fp_error sign_in__build_session(struct registry_job *job);
enum fp_error sign_in__build_confirm(struct registry_job *job);
enum fp_error sign_in__build_out(struct registry_job *job);
enum fp_error sign_in__build_sessions(struct registry_job *job);
enum fp_error sign_in__build_session_end(struct registry_job *job);
enum fp_error sign_in__build_totp_begin(struct registry_job *job);
enum fp_error sign_in__build_totp_confirm(struct registry_job *job);
enum fp_error sign_in__build_totp_remove(struct registry_job *job);

#endif
