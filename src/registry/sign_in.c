// Signing in, and what belongs to it. A wrong password, an unknown address and a disabled operator
// look the same from outside and cost the same time.
// SPDX-License-Identifier: Apache-2.0
#include "registry/sign_in.h"

#include "base/mem.h"
#include "crypto/totp.h"
#include "registry/console_int.h"
#include "registry/proof.h"
#include "registry/sign_in_int.h"

#include <stdio.h>
#include <string.h>

#define SIGN_IN_PROBES 8

// --------------------------------------------------------------------------------------- throttle

// The place of an account or address; the one with the least failures where all are others'.
static struct sign_in_failures *throttle_find(struct registry *registry, struct bytes name)
{
    uint32_t hash = bytes_hash(name);
    struct sign_in_failures *least = NULL;
    hash = hash != 0 ? hash : 1;
    for (uint32_t i = 0; i < SIGN_IN_PROBES; i++) {
        struct sign_in_failures *one =
            &registry->sign_ins.list[(hash + i) % FP_LIMIT_SIGN_IN_KNOWN];
        if (one->who == hash) {
            return one;
        }
        if (least == NULL || one->who == 0 || one->count < least->count) {
            least = one;
        }
    }
    *least = (struct sign_in_failures){.who = hash};
    return least;
}

static int64_t throttle_wait(struct registry *registry, struct bytes name, int64_t now_ms)
{
    const struct sign_in_failures *one = throttle_find(registry, name);
    return one->next_ms > now_ms ? one->next_ms - now_ms : 0;
}

// next_ms is the time of the last failure where no pause is due yet.
static void throttle_failed(struct registry *registry, struct bytes name, unsigned free_failures,
                            int64_t now_ms)
{
    struct sign_in_failures *one = throttle_find(registry, name);
    int64_t pause = FP_LIMIT_SIGN_IN_PAUSE;
    one->count = now_ms - one->next_ms > FP_LIMIT_SIGN_IN_FORGET ? 1 : one->count + 1;
    one->next_ms = now_ms;
    if (one->count < free_failures) {
        return;
    }
    for (unsigned i = free_failures; i < one->count && pause < FP_LIMIT_SIGN_IN_PAUSE_MOST; i++) {
        pause *= 2;
    }
    pause = pause < FP_LIMIT_SIGN_IN_PAUSE_MOST ? pause : FP_LIMIT_SIGN_IN_PAUSE_MOST;
    one->next_ms = now_ms + pause;
}

void sign_in__failed(struct registry *registry, struct bytes email, struct bytes address,
                     int64_t now_ms)
{
    throttle_failed(registry, email, FP_LIMIT_SIGN_IN_FREE, now_ms);
    throttle_failed(registry, address, FP_LIMIT_SIGN_IN_FREE_ADDRESS, now_ms);
}

void sign_in__succeeded(struct registry *registry, struct bytes email)
{
    *throttle_find(registry, email) = (struct sign_in_failures){0};
}

// ---------------------------------------------------------------------------------------- prepare

static void prepare_row(struct buf *errors, const char *field, const char *message)
{
    struct json_out json = json_out_start(errors);
    json.need_comma = errors->len != 0;
    model_error_row(&json, bytes_of_text(field), fp_error_code(FP_E_FIELD_INVALID), message);
}

// A new password, and for whom.
static enum fp_error prepare_accept(const struct console_ask *ask, const struct parameters *p,
                                    struct buf *errors)
{
    struct store_operator *row = arena_alloc(ask->arena, 1, sizeof *row);
    struct store_operator other = {0};
    char email[FP_LIMIT_EMAIL_TEXT + 1] = "";
    const char *fault = NULL;
    bool named = false;
    enum fp_error error = row == NULL
                              ? FP_E_NO_MEMORY
                              : operator_by_link(ask->registry, p->values[CONSOLE_FIELD_LINK],
                                                 ask->now_ms, ask->arena, row);
    if (error != FP_OK) {
        return error;
    }
    named = strcmp(row->email, row->id) != 0;
    if (!named && !operator_email(p->values[CONSOLE_FIELD_EMAIL], email)) {
        prepare_row(errors, "email", "This is no e-mail address.");
    } else if (!named && operator_by_email(ask->registry, p->values[CONSOLE_FIELD_EMAIL],
                                           ask->arena, &other) != FP_E_OPERATOR_NOT_FOUND) {
        prepare_row(errors, "email", "Somebody else has this address already.");
    }
    if (p->values[CONSOLE_FIELD_NAME].len == 0 ||
        p->values[CONSOLE_FIELD_NAME].len > FP_LIMIT_NAME_TEXT) {
        prepare_row(errors, "name", "Your name, as colleagues know it.");
    }
    fault = password_fault(p->values[CONSOLE_FIELD_PASSWORD],
                           named ? bytes_of_text(row->email) : bytes_of_text(email));
    if (fault != NULL) {
        prepare_row(errors, "password", fault);
    }
    return errors->len != 0 ? FP_E_FIELD_INVALID : FP_OK;
}

static enum fp_error prepare_throttle(const struct console_ask *ask, struct bytes email,
                                      unsigned *retry_out)
{
    int64_t wait = throttle_wait(ask->registry, email, ask->now_ms);
    int64_t other = throttle_wait(ask->registry, ask->question->address, ask->now_ms);
    wait = wait > other ? wait : other;
    if (wait > 0) {
        *retry_out = (unsigned)(wait / 1000) + 1;
        return FP_E_RATE_LIMITED;
    }
    return FP_OK;
}

// Whose password it would be; nobody's is compared all the same.
static enum fp_error prepare_stored(const struct console_ask *ask, struct bytes email,
                                    struct console_password *work)
{
    struct store_operator row = {0};
    enum fp_error error = FP_OK;
    if (ask->question->action == CONSOLE_CONFIRM) {
        memcpy(work->stored, ask->who->person.password, sizeof work->stored);
        return FP_OK;
    }
    error = operator_by_email(ask->registry, email, ask->arena, &row);
    if (error == FP_OK && row.disabled_ms == 0) {
        memcpy(work->stored, row.password, sizeof work->stored);
    }
    return error == FP_E_OPERATOR_NOT_FOUND ? FP_OK : error;
}

enum fp_error sign_in_prepare(const struct console_ask *ask, struct console_password *work,
                              struct buf *errors, unsigned *retry_out)
{
    struct parameters p = {.names = console_fields, .count = CONSOLE_FIELD_COUNT};
    struct fp_note note = {0};
    struct bytes email = {0};
    enum fp_error error = parameters_form(&p, ask->question->form, ask->arena, &note);
    if (error != FP_OK) {
        return error == FP_E_INPUT_INVALID ? FP_E_REQUEST_BODY_INVALID : error;
    }
    if (p.values[CONSOLE_FIELD_PASSWORD].len > FP_LIMIT_OPERATOR_PASSWORD_MAX) {
        p.values[CONSOLE_FIELD_PASSWORD].len = FP_LIMIT_OPERATOR_PASSWORD_MAX;
    }
    if (ask->question->action == CONSOLE_ACCEPT) {
        work->make = true;
        error = prepare_accept(ask, &p, errors);
    } else {
        email = ask->question->action == CONSOLE_CONFIRM ? bytes_of_text(ask->who->person.email)
                                                         : p.values[CONSOLE_FIELD_EMAIL];
        error = prepare_throttle(ask, email, retry_out);
        error = error == FP_OK ? prepare_stored(ask, email, work) : error;
    }
    if (error == FP_OK) {
        struct bytes typed = p.values[CONSOLE_FIELD_PASSWORD];
        error = secret_copy(typed.len != 0 ? typed : BYTES("\n"), &work->text);
    }
    return error;
}

void console_password_done(struct console_password *work)
{
    secret_done(&work->text);
    mem_wipe(work, sizeof *work);
}

// ------------------------------------------------------------------------------------ the actions

static void action_keep(struct registry_job *job, struct sign_in_input *in)
{
    struct bytes *fields[] = {&in->email,   &in->code, &in->link, &in->name,
                              &in->address, &in->who,  &in->key};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        job_keep(job, fields[i]);
    }
}

static void action_run(const struct console_ask *ask, job_build *build)
{
    struct parameters p;
    struct registry_job *job = NULL;
    struct sign_in_input *in = NULL;
    if (!console_form(ask, console_fields, CONSOLE_FIELD_COUNT, &p)) {
        return;
    }
    job = job_create(ask->registry, &ask->caller, ask->done, ask->ctx);
    in = job != NULL ? job_input(job, sizeof *in) : NULL;
    if (in != NULL) {
        in->email = p.values[CONSOLE_FIELD_EMAIL];
        in->code = p.values[CONSOLE_FIELD_CODE];
        in->link = p.values[CONSOLE_FIELD_LINK];
        in->name = p.values[CONSOLE_FIELD_NAME];
        in->address = ask->question->address;
        in->who = ask->question->session;
        in->key = ask->question->key;
        in->right = ask->password != NULL && ask->password->right;
        if (ask->password != NULL) {
            memcpy(in->made, ask->password->made, sizeof in->made);
        }
        action_keep(job, in);
    }
    job_run(job, build);
}

void sign_in_with_password(const struct console_ask *ask)
{
    action_run(ask, sign_in__build);
}

void sign_in_accept(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_accept);
}

void sign_in_invitation(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_invitation);
}

void sign_in_session(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_session);
}

void sign_in_confirm(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_confirm);
}

void sign_in_out(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_out);
}

void sign_in_sessions(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_sessions);
}

void sign_in_session_end(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_session_end);
}

void sign_in_totp_begin(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_totp_begin);
}

void sign_in_totp_confirm(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_totp_confirm);
}

void sign_in_totp_remove(const struct console_ask *ask)
{
    action_run(ask, sign_in__build_totp_remove);
}
