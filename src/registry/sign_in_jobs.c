// What signing in writes: sessions, second factors, records.
// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "crypto/totp.h"
#include "registry/operators.h"
#include "registry/proof.h"
#include "registry/sign_in_int.h"

#include <string.h>

static struct seal_place totp_place(const struct store_operator *row)
{
    return (struct seal_place){BYTES(KEYRING_SYSTEM), BYTES("operator"), bytes_of_text(row->id),
                               BYTES("totp")};
}

// Opens the second factor's secret. *active: a code has confirmed it.
static enum fp_error totp_open(struct registry_job *job, const struct store_operator *row,
                               struct secret *out, bool *active)
{
    struct seal_place place = totp_place(row);
    struct bytes sealed = bytes_slice(row->totp, 1, row->totp.len);
    *active = row->totp.len != 0 && row->totp.ptr[0] == OPERATOR_TOTP_ACTIVE;
    return keyring_open(job->registry->parts.ring, &place, sealed, out);
}

// FP_OK: the code is right, or none is needed; the step it used is written down.
static enum fp_error totp_demand(struct registry_job *job, struct store_operator *row,
                                 struct bytes code)
{
    struct secret secret = {0};
    bool active = false;
    int64_t step = 0;
    enum fp_error error = FP_OK;
    if (!operator_has_totp(row)) {
        return FP_OK;
    }
    if (code.len == 0) {
        return FP_E_CODE_REQUIRED;
    }
    error = totp_open(job, row, &secret, &active);
    if (error == FP_OK) {
        step = totp_find(secret_bytes(&secret), code, job->now_ms, row->totp_step);
        error = step != 0 ? FP_OK : FP_E_SIGN_IN_FAILED;
    }
    if (error == FP_OK) {
        row->totp_step = step;
    }
    secret_done(&secret);
    return error;
}

// -------------------------------------------------------------------------------------- sessions

static enum fp_error who_is_it(struct registry_job *job, const struct sign_in_input *in,
                               struct operator_identity **out)
{
    *out = arena_alloc(job->scratch, 1, sizeof **out);
    return *out == NULL
               ? FP_E_NO_MEMORY
               : operator_identify(job->registry, in->who, job->now_ms, job->scratch, *out);
}

// Room for one more: those that are over go, and the oldest where there are too many.
static enum fp_error sessions_tidy(struct registry_job *job, const struct store_operator *row)
{
    struct store_query query = {
        .person = row->id, .newest_first = true, .limit = FP_LIMIT_STORE_LIST};
    struct store_session *rows = NULL;
    size_t count = 0, kept = 0;
    enum fp_error error =
        store_list_sessions(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (rows[i].expires_ms <= job->now_ms || kept + 1 >= FP_LIMIT_OPERATOR_SESSIONS) {
            store_delete_session(job->batch, rows[i].id);
        } else {
            kept++;
        }
    }
    return error;
}

// The session for a cookie: always a new one, whatever the browser brought (fixation).
static enum fp_error sessions_begin(struct registry_job *job, const struct store_operator *row,
                                    struct bytes address)
{
    struct store_session session = {
        .created_ms = job->now_ms, .fresh_ms = job->now_ms, .used_ms = job->now_ms, .version = 1};
    char text[OPERATOR_TOKEN] = "";
    enum fp_error error = operator_token(text, session.hash);
    session.expires_ms = job->now_ms + job->registry->parts.config->console_session_ms;
    id_make("ses", job->now_ms, session.id);
    memcpy(session.person, row->id, sizeof session.person);
    (void)bytes_to_text(address, session.address, sizeof session.address);
    if (error == FP_OK) {
        error = proof_make_session(job->registry->parts.ring, &session);
    }
    if (error == FP_OK) {
        store_insert_session(job->batch, &session);
        job->session = arena_copy(job->arena, bytes_of_text(text));
        job->cookie = CONSOLE_COOKIE_SET;
        error = job->session.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    mem_wipe(text, sizeof text);
    return error;
}

static void write_session(struct registry_job *job, const struct store_operator *row,
                          int64_t expires_ms)
{
    const struct config *config = job->registry->parts.config;
    struct json_out json = json_out_start(&job->body);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    operator_write(&json, row, job->now_ms);
    json_member_bool(&json, "totp", operator_has_totp(row));
    json_member_time(&json, "expires_at", expires_ms);
    json_member_i64(&json, "idle_seconds", config->console_idle_ms / 1000);
    json_member_text_c(&json, "version", FP_VERSION);
    json_name(&json, "actions");
    json_begin_array(&json);
    for (unsigned i = 0; i < CONSOLE_ACTION_COUNT; i++) {
        if (console_role_may((enum console_role)row->role, (enum console_action)i)) {
            const struct console_action_row *action = console_action_row(i);
            struct buf text;
            buf_init(&text, 128);
            buf_printf(&text, "%s %s", action->method, action->path);
            json_text(&json, buf_bytes(&text));
            buf_done(&text);
        }
    }
    json_end_array(&json);
    json_end_object(&json);
    json_end_object(&json);
}

// --------------------------------------------------------------------------------------- signing
// in

static enum fp_error signed_in(struct registry_job *job, struct store_operator *row,
                               struct bytes address, enum audit_action action)
{
    struct audit_record *record = NULL;
    enum fp_error error = job_batch(job) != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        row->signed_in_ms = job->now_ms;
        error = proof_make_operator(job->registry->parts.ring, row);
    }
    if (error == FP_OK) {
        store_update_operator(job->batch, row);
        error = sessions_tidy(job, row);
    }
    if (error == FP_OK) {
        error = sessions_begin(job, row, address);
    }
    if (error == FP_OK) {
        record = job_record(job, action);
        record->actor = AUDIT_BY_OPERATOR;
        record->actor_id = bytes_of_text(row->id);
        write_session(job, row, job->now_ms + job->registry->parts.config->console_session_ms);
    }
    return error;
}

// Recorded, told, remembered.
static enum fp_error refused(struct registry_job *job, const struct store_operator *row,
                             const struct sign_in_input *in)
{
    struct audit_record *record = job_record(job, AUDIT_OPERATOR_LOGIN);
    record->result = FP_E_SIGN_IN_FAILED;
    if (row != NULL && row->id[0] != '\0') {
        record->actor = AUDIT_BY_OPERATOR;
        record->actor_id = bytes_of_text(row->id);
    }
    sign_in__failed(job->registry, row != NULL ? bytes_of_text(row->email) : in->email, in->address,
                    job->now_ms);
    job->verdict = FP_E_SIGN_IN_FAILED;
    return FP_OK;
}

enum fp_error sign_in__build(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct store_operator *row = arena_alloc(job->scratch, 1, sizeof *row);
    enum fp_error error = row == NULL
                              ? FP_E_NO_MEMORY
                              : operator_by_email(job->registry, in->email, job->scratch, row);
    if (error == FP_E_OPERATOR_NOT_FOUND) {
        return refused(job, NULL, in);
    }
    if (error == FP_OK && (!in->right || row->disabled_ms != 0 || row->password[0] == '\0')) {
        return refused(job, row, in);
    }
    if (error == FP_OK) {
        error = totp_demand(job, row, in->code);
    }
    if (error == FP_E_SIGN_IN_FAILED) {
        return refused(job, row, in);
    }
    if (error == FP_OK) {
        error = signed_in(job, row, in->address, AUDIT_OPERATOR_LOGIN);
    }
    if (error == FP_OK) {
        sign_in__succeeded(job->registry, bytes_of_text(row->email));
    }
    return error;
}

enum fp_error sign_in__build_invitation(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct store_operator *row = arena_alloc(job->scratch, 1, sizeof *row);
    struct json_out json = json_out_start(&job->body);
    enum fp_error error =
        row == NULL ? FP_E_NO_MEMORY
                    : operator_by_link(job->registry, in->link, job->now_ms, job->scratch, row);
    if (error != FP_OK) {
        sign_in__failed(job->registry, BYTES("link"), in->address, job->now_ms);
        return error;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "email", strcmp(row->email, row->id) != 0 ? row->email : NULL);
    json_member_text_c(&json, "name", row->name[0] != '\0' ? row->name : NULL);
    json_member_text_c(&json, "role", console_role_name(row->role));
    json_member_bool(&json, "again", row->password[0] != '\0');
    json_member_time(&json, "expires_at", row->link_expires_ms);
    json_end_object(&json);
    json_end_object(&json);
    return FP_OK;
}

enum fp_error sign_in__build_accept(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct store_operator *row = arena_alloc(job->scratch, 1, sizeof *row);
    enum fp_error error =
        row == NULL ? FP_E_NO_MEMORY
                    : operator_by_link(job->registry, in->link, job->now_ms, job->scratch, row);
    if (error != FP_OK) {
        return error;
    }
    if (strcmp(row->email, row->id) == 0 && !operator_email(in->email, row->email)) {
        return job_field(job, "email", "This is no e-mail address.");
    }
    if (!bytes_to_text(in->name, row->name, sizeof row->name) || in->made[0] == '\0') {
        return job_field(job, "name", "Your name, as colleagues know it.");
    }
    memcpy(row->password, in->made, sizeof row->password);
    memset(row->link_hash, 0, sizeof row->link_hash);
    row->link_expires_ms = 0;
    row->totp = (struct bytes){0};
    row->totp_step = 0;
    if (job_batch(job) == NULL) {
        return FP_E_NO_MEMORY;
    }
    store_delete_sessions(job->batch, row->id);
    return signed_in(job, row, in->address, AUDIT_OPERATOR_CREATE);
}

enum fp_error sign_in__build_session(struct registry_job *job)
{
    struct operator_identity *who = NULL;
    enum fp_error error = who_is_it(job, job->input, &who);
    if (error == FP_OK) {
        write_session(job, &who->person, who->session.expires_ms);
    }
    return error;
}

enum fp_error sign_in__build_confirm(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct operator_identity *who = NULL;
    enum fp_error error = who_is_it(job, in, &who);
    if (error == FP_OK && !in->right) {
        return refused(job, &who->person, in);
    }
    error = error == FP_OK ? totp_demand(job, &who->person, in->code) : error;
    if (error == FP_E_SIGN_IN_FAILED) {
        return refused(job, &who->person, in);
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        who->session.fresh_ms = job->now_ms;
        error = proof_make_session(job->registry->parts.ring, &who->session);
    }
    if (error == FP_OK) {
        error = proof_make_operator(job->registry->parts.ring, &who->person);
    }
    if (error == FP_OK) {
        store_update_session(job->batch, &who->session);
        store_update_operator(job->batch, &who->person);
        sign_in__succeeded(job->registry, bytes_of_text(who->person.email));
        job_record(job, AUDIT_OPERATOR_LOGIN)->detail = BYTES("{\"what\":\"confirmed\"}");
        write_session(job, &who->person, who->session.expires_ms);
    }
    return error;
}

enum fp_error sign_in__build_out(struct registry_job *job)
{
    struct operator_identity *who = NULL;
    enum fp_error error = who_is_it(job, job->input, &who);
    error = error == FP_OK && job_batch(job) == NULL ? FP_E_NO_MEMORY : error;
    if (error == FP_OK) {
        store_delete_session(job->batch, who->session.id);
        job->cookie = CONSOLE_COOKIE_DROP;
        (void)job_record(job, AUDIT_OPERATOR_LOGOUT);
        buf_append_text(&job->body, "{\"data\":{}}");
    }
    return error;
}

static void write_one_session(struct registry_job *job, struct json_out *json,
                              const struct store_session *row, const char *current)
{
    int64_t noted = registry_last_use(job->registry, row->id);
    json_begin_object(json);
    json_member_text_c(json, "id", row->id);
    json_member_text_c(json, "address", row->address);
    json_member_bool(json, "current", strcmp(row->id, current) == 0);
    json_member_time(json, "created_at", row->created_ms);
    json_member_time(json, "last_used_at", noted > row->used_ms ? noted : row->used_ms);
    json_member_time(json, "expires_at", row->expires_ms);
    json_end_object(json);
}

enum fp_error sign_in__build_sessions(struct registry_job *job)
{
    struct operator_identity *who = NULL;
    struct store_query query = {.newest_first = true, .limit = FP_LIMIT_STORE_LIST};
    struct store_session *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error = who_is_it(job, job->input, &who);
    if (error == FP_OK) {
        query.person = who->person.id;
        error =
            store_list_sessions(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (rows[i].expires_ms > job->now_ms) {
            write_one_session(job, &json, &rows[i], who->session.id);
        }
    }
    json_end_array(&json);
    json_end_object(&json);
    return error;
}

enum fp_error sign_in__build_session_end(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct operator_identity *who = NULL;
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_session *rows = NULL;
    size_t count = 0;
    enum fp_error error = who_is_it(job, in, &who);
    if (error == FP_OK) {
        query.person = who->person.id;
        error =
            store_list_sessions(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    error = error == FP_OK && job_batch(job) == NULL ? FP_E_NO_MEMORY : error;
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (bytes_equal_text(in->key, rows[i].id)) {
            store_delete_session(job->batch, rows[i].id);
            job->cookie = strcmp(rows[i].id, who->session.id) == 0 ? CONSOLE_COOKIE_DROP
                                                                   : CONSOLE_COOKIE_KEEP;
            (void)job_record(job, AUDIT_OPERATOR_LOGOUT);
            buf_append_text(&job->body, "{\"data\":{}}");
            return FP_OK;
        }
    }
    return error == FP_OK ? FP_E_STORE_NOT_FOUND : error;
}

// --------------------------------------------------------------------------------- second factor

// Writes what row->totp is, with a record.
static enum fp_error totp_write(struct registry_job *job, struct operator_identity *who,
                                struct bytes what)
{
    enum fp_error error = job_batch(job) == NULL
                              ? FP_E_NO_MEMORY
                              : proof_make_operator(job->registry->parts.ring, &who->person);
    if (error == FP_OK) {
        store_update_operator(job->batch, &who->person);
        job_record(job, AUDIT_OPERATOR_CHANGE)->detail = what;
    }
    return error;
}

static enum fp_error totp_seal(struct registry_job *job, struct store_operator *row,
                               struct bytes secret, uint8_t mark)
{
    struct seal_place place = totp_place(row);
    struct buf sealed;
    enum fp_error error = FP_OK;
    buf_init(&sealed, 256);
    buf_append_byte(&sealed, mark);
    error = keyring_seal(job->registry->parts.ring, &place, secret, &sealed);
    if (error == FP_OK) {
        row->totp = arena_copy(job->scratch, buf_bytes(&sealed));
        error = row->totp.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
    }
    buf_done(&sealed);
    return error;
}

enum fp_error sign_in__build_totp_begin(struct registry_job *job)
{
    struct operator_identity *who = NULL;
    struct secret secret = {0};
    struct json_out json = json_out_start(&job->body);
    struct buf text;
    enum fp_error error = who_is_it(job, job->input, &who);
    buf_init_sensitive(&text, 512);
    if (error == FP_OK && operator_has_totp(&who->person)) {
        error = FP_E_EXISTS;
    }
    if (error == FP_OK) {
        error = secret_random(TOTP_SECRET, &secret);
    }
    if (error == FP_OK) {
        error = totp_seal(job, &who->person, secret_bytes(&secret), OPERATOR_TOTP_PENDING);
    }
    if (error == FP_OK) {
        error = totp_write(job, who, BYTES("{\"what\":\"second factor begun\"}"));
    }
    if (error == FP_OK) {
        base32_append(&text, secret_bytes(&secret));
        json_begin_object(&json);
        json_name(&json, "data");
        json_begin_object(&json);
        json_member_text(&json, "secret", buf_bytes(&text));
        json_end_object(&json);
        json_end_object(&json);
    }
    buf_done(&text);
    secret_done(&secret);
    return error;
}

enum fp_error sign_in__build_totp_confirm(struct registry_job *job)
{
    const struct sign_in_input *in = job->input;
    struct operator_identity *who = NULL;
    struct secret secret = {0};
    bool active = false;
    int64_t step = 0;
    enum fp_error error = who_is_it(job, in, &who);
    if (error == FP_OK && (who->person.totp.len == 0 || operator_has_totp(&who->person))) {
        error = FP_E_STORE_CONFLICT;
    }
    if (error == FP_OK) {
        error = totp_open(job, &who->person, &secret, &active);
    }
    if (error == FP_OK) {
        step = totp_find(secret_bytes(&secret), in->code, job->now_ms, who->person.totp_step);
        error = step != 0 ? FP_OK : job_field(job, "code", "This is not the code of now.");
    }
    if (error == FP_OK) {
        who->person.totp_step = step;
        error = totp_seal(job, &who->person, secret_bytes(&secret), OPERATOR_TOTP_ACTIVE);
    }
    if (error == FP_OK) {
        error = totp_write(job, who, BYTES("{\"what\":\"second factor on\"}"));
        write_session(job, &who->person, who->session.expires_ms);
    }
    secret_done(&secret);
    return error;
}

enum fp_error sign_in__build_totp_remove(struct registry_job *job)
{
    struct operator_identity *who = NULL;
    enum fp_error error = who_is_it(job, job->input, &who);
    if (error == FP_OK) {
        who->person.totp = (struct bytes){0};
        error = totp_write(job, who, BYTES("{\"what\":\"second factor off\"}"));
        write_session(job, &who->person, who->session.expires_ms);
    }
    return error;
}
