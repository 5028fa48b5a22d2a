// Rows of operators and sessions; inviting, listing, disabling.
// SPDX-License-Identifier: Apache-2.0
#include "registry/operators.h"

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "registry/proof.h"

#include <stdio.h>
#include <string.h>

#define OPERATOR_LINK_PATH "/#/welcome/" // behind the number sign: it never leaves the browser

enum fp_error operator_token(char text[static OPERATOR_TOKEN], uint8_t hash[static STORE_HASH])
{
    uint8_t random[32];
    struct buf out;
    enum fp_error error = FP_OK;
    random_bytes(random, sizeof random);
    buf_init_sensitive(&out, OPERATOR_TOKEN);
    base64url_append(&out, bytes_of(random, sizeof random));
    error = buf_error(&out) != FP_OK ? buf_error(&out) : digest_sha256(buf_bytes(&out), hash);
    if (error == FP_OK && !bytes_to_text(buf_bytes(&out), text, OPERATOR_TOKEN)) {
        error = FP_E_INTERNAL;
    }
    mem_wipe(random, sizeof random);
    buf_done(&out);
    return error;
}

bool operator_email(struct bytes text, char out[static FP_LIMIT_EMAIL_TEXT + 1])
{
    size_t at = 0;
    if (text.len < 3 || !bytes_to_text(text, out, FP_LIMIT_EMAIL_TEXT + 1) ||
        !bytes_find(text, '@', &at) || at == 0 || at + 1 == text.len || !bytes_is_utf8(text)) {
        return false;
    }
    for (char *c = out; *c != '\0'; c++) {
        if (*c <= ' ' || *c == 0x7f) {
            return false;
        }
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    return true;
}

enum fp_error operator_by_email(struct registry *registry, struct bytes email, struct arena *arena,
                                struct store_operator *out)
{
    char text[FP_LIMIT_EMAIL_TEXT + 1];
    enum fp_error error = FP_E_OPERATOR_NOT_FOUND;
    if (!operator_email(email, text)) {
        return error;
    }
    error = store_find_operator(registry->parts.store, text, arena, out);
    error = error == FP_E_STORE_NOT_FOUND ? FP_E_OPERATOR_NOT_FOUND : error;
    return error == FP_OK ? proof_check_operator(registry->parts.ring, out) : error;
}

enum fp_error operator_by_link(struct registry *registry, struct bytes link, int64_t now_ms,
                               struct arena *arena, struct store_operator *out)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_operator *rows = NULL;
    uint8_t hash[STORE_HASH];
    size_t count = 0;
    enum fp_error error = FP_E_OPERATOR_LINK_INVALID;
    if (link.len != OPERATOR_TOKEN - 1 || digest_sha256(link, hash) != FP_OK) {
        return error;
    }
    error = store_list_operators(registry->parts.store, &query, arena, &rows, &count);
    if (error != FP_OK) {
        return error;
    }
    for (size_t i = 0; i < count; i++) {
        if (secret_bytes_equal(bytes_of(hash, sizeof hash),
                               bytes_of(rows[i].link_hash, sizeof rows[i].link_hash)) &&
            rows[i].link_expires_ms > now_ms && rows[i].disabled_ms == 0) {
            *out = rows[i];
            return proof_check_operator(registry->parts.ring, out);
        }
    }
    return FP_E_OPERATOR_LINK_INVALID;
}

static bool session_alive(struct registry *registry, const struct store_session *row,
                          int64_t now_ms)
{
    int64_t noted = registry_last_use(registry, row->id);
    int64_t used = noted > row->used_ms ? noted : row->used_ms;
    used = used > row->created_ms ? used : row->created_ms;
    return now_ms < row->expires_ms && now_ms - used < registry->parts.config->console_idle_ms;
}

enum fp_error operator_identify(struct registry *registry, struct bytes session, int64_t now_ms,
                                struct arena *arena, struct operator_identity *out)
{
    uint8_t hash[STORE_HASH];
    enum fp_error error = FP_E_SESSION_MISSING;
    if (session.len != OPERATOR_TOKEN - 1 || digest_sha256(session, hash) != FP_OK) {
        return error;
    }
    error = store_find_session(registry->parts.store, hash, &out->session);
    if (error == FP_OK) {
        error = proof_check_session(registry->parts.ring, &out->session);
    }
    if (error == FP_OK) {
        error = store_get_operator(registry->parts.store, out->session.person, arena, &out->person);
    }
    if (error == FP_OK) {
        error = proof_check_operator(registry->parts.ring, &out->person);
    }
    if (error == FP_E_STORE_NOT_FOUND ||
        (error == FP_OK &&
         (out->person.disabled_ms != 0 || !session_alive(registry, &out->session, now_ms)))) {
        error = FP_E_SESSION_MISSING;
    }
    return error;
}

bool operator_has_totp(const struct store_operator *row)
{
    return row->totp.len != 0 && row->totp.ptr[0] == OPERATOR_TOTP_ACTIVE;
}

void operator_write(struct json_out *json, const struct store_operator *row, int64_t now_ms)
{
    const bool invited = row->link_expires_ms > now_ms;
    const char *state = row->disabled_ms != 0      ? "disabled"
                        : row->password[0] != '\0' ? "active"
                        : invited                  ? "invited"
                                                   : "expired";
    json_member_text_c(json, "id", row->id);
    json_member_text_c(json, "email", strcmp(row->email, row->id) != 0 ? row->email : NULL);
    json_member_text_c(json, "name", row->name[0] != '\0' ? row->name : NULL);
    json_member_text_c(json, "role", console_role_name(row->role));
    json_member_text_c(json, "state", state);
    json_member_bool(json, "second_factor", operator_has_totp(row));
    json_member_bool(json, "link_open", invited);
    json_member_time(json, "created_at", row->created_ms);
    json_member_time(json, "signed_in_at", row->signed_in_ms);
    json_member_time(json, "disabled_at", row->disabled_ms);
}

// ---------------------------------------------------------------------------------------- invite

// The row that the link is for: a known person's, or a new one.
static enum fp_error invite_row(struct registry_job *job, const struct operator_invitation *in,
                                struct store_operator *row, bool *fresh)
{
    struct store_query none = {0};
    char email[FP_LIMIT_EMAIL_TEXT + 1] = "";
    enum console_role role = CONSOLE_OWNER;
    uint64_t count = 0;
    enum fp_error error = FP_OK;
    *fresh = true;
    if (console_role_parse(in->role, &role) != FP_OK) {
        return job_field(job, "role", "It is owner, administrator, support or auditor.");
    }
    if (in->email.len != 0 && !operator_email(in->email, email)) {
        return job_field(job, "email", "This is no e-mail address.");
    }
    if (in->email.len != 0) {
        error = operator_by_email(job->registry, in->email, job->scratch, row);
        *fresh = error == FP_E_OPERATOR_NOT_FOUND;
        error = *fresh ? FP_OK : error;
    }
    if (error == FP_OK && *fresh) {
        error = store_count(job->registry->parts.store, STORE_OPERATOR, &none, &count);
        error = error == FP_OK && count >= FP_LIMIT_OPERATORS ? FP_E_TOO_MANY_OPERATORS : error;
    }
    if (error == FP_OK && *fresh) {
        *row = (struct store_operator){.created_ms = job->now_ms, .version = 1};
        id_make("opr", job->now_ms, row->id);
        (void)bytes_to_text(bytes_of_text(email[0] != '\0' ? email : row->id), row->email,
                            sizeof row->email);
    }
    row->role = role;
    row->disabled_ms = 0;
    row->link_expires_ms = job->now_ms + FP_LIMIT_OPERATOR_LINK;
    return error;
}

static void invite_answer(struct registry_job *job, const struct store_operator *row,
                          const char *link)
{
    struct json_out json = json_out_start(&job->body);
    struct buf url;
    buf_init_sensitive(&url, CONFIG_PATH + 64);
    buf_append_text(&url, job->registry->parts.config->console_url);
    buf_append_text(&url, OPERATOR_LINK_PATH);
    buf_append_text(&url, link);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    operator_write(&json, row, job->now_ms);
    json_member_text(&json, "url", buf_bytes(&url));
    json_member_time(&json, "expires_at", row->link_expires_ms);
    json_end_object(&json);
    json_end_object(&json);
    buf_done(&url);
}

static enum fp_error operators_invite(struct registry_job *job)
{
    const struct operator_invitation *in = job->input;
    struct store_operator *row = arena_alloc(job->scratch, 1, sizeof *row);
    char link[OPERATOR_TOKEN] = "";
    bool fresh = true;
    enum fp_error error = row != NULL ? invite_row(job, in, row, &fresh) : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = operator_token(link, row->link_hash);
    }
    if (error == FP_OK) {
        error = proof_make_operator(job->registry->parts.ring, row);
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        struct audit_record *record = job_record(job, AUDIT_OPERATOR_INVITE);
        struct buf detail;
        struct json_out json = json_out_start(&detail);
        buf_init(&detail, 512);
        json_begin_object(&json);
        json_member_text_c(&json, "operator", row->id);
        json_member_text_c(&json, "role", console_role_name(row->role));
        json_end_object(&json);
        record->detail = arena_copy(job->scratch, buf_bytes(&detail));
        buf_done(&detail);
        if (fresh) {
            store_insert_operator(job->batch, row);
        } else {
            store_update_operator(job->batch, row);
        }
        invite_answer(job, row, link);
    }
    mem_wipe(link, sizeof link);
    return error;
}

void registry_operator_invite(struct registry *registry, const struct registry_caller *caller,
                              const struct operator_invitation *invitation, registry_done *done,
                              void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct operator_invitation *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *invitation;
        job_keep(job, &input->email);
        job_keep(job, &input->role);
    }
    job_run(job, operators_invite);
}

// ------------------------------------------------------------------------------------------ list

static enum fp_error operators_list(struct registry_job *job)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_operator *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    enum fp_error error =
        store_list_operators(job->registry->parts.store, &query, job->scratch, &rows, &count);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_array(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        json_begin_object(&json);
        operator_write(&json, &rows[i], job->now_ms);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_member_text_c(&json, "next", NULL);
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_OPERATOR_VIEW)->detail = BYTES("{\"what\":\"operators\"}");
    }
    return error;
}

void registry_operator_list(struct registry *registry, const struct registry_caller *caller,
                            registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    if (job != NULL) {
        (void)job_input(job, 1);
    }
    job_run(job, operators_list);
}

// --------------------------------------------------------------------------------------- disable

static enum fp_error disable_find(struct registry_job *job, struct bytes who,
                                  struct store_operator *row)
{
    char id[ID_TEXT];
    enum fp_error error = FP_OK;
    if (!id_valid(who, "opr") || !bytes_to_text(who, id, sizeof id)) {
        return operator_by_email(job->registry, who, job->scratch, row);
    }
    error = store_get_operator(job->registry->parts.store, id, job->scratch, row);
    error = error == FP_E_STORE_NOT_FOUND ? FP_E_OPERATOR_NOT_FOUND : error;
    return error == FP_OK ? proof_check_operator(job->registry->parts.ring, row) : error;
}

// Whether somebody else could still invite people.
static enum fp_error disable_leaves_owner(struct registry_job *job,
                                          const struct store_operator *leaving)
{
    struct store_query query = {.limit = FP_LIMIT_STORE_LIST};
    struct store_operator *rows = NULL;
    size_t count = 0;
    enum fp_error error =
        store_list_operators(job->registry->parts.store, &query, job->scratch, &rows, &count);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        if (rows[i].role == CONSOLE_OWNER && rows[i].disabled_ms == 0 &&
            rows[i].password[0] != '\0' && strcmp(rows[i].id, leaving->id) != 0) {
            return FP_OK;
        }
    }
    return error == FP_OK ? FP_E_OPERATOR_LAST_OWNER : error;
}

static enum fp_error operators_disable(struct registry_job *job)
{
    const struct bytes *who = job->input;
    struct store_operator *row = arena_alloc(job->scratch, 1, sizeof *row);
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = row != NULL ? disable_find(job, *who, row) : FP_E_NO_MEMORY;
    // at the command line the owner of the machine can always invite somebody
    if (error == FP_OK && row->role == CONSOLE_OWNER && job->caller.actor == AUDIT_BY_OPERATOR) {
        error = disable_leaves_owner(job, row);
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        row->disabled_ms = row->disabled_ms != 0 ? row->disabled_ms : job->now_ms;
        row->link_expires_ms = 0;
        memset(row->link_hash, 0, sizeof row->link_hash);
        error = proof_make_operator(job->registry->parts.ring, row);
    }
    if (error == FP_OK) {
        char detail[64];
        snprintf(detail, sizeof detail, "{\"operator\":\"%s\"}", row->id);
        job_record(job, AUDIT_OPERATOR_DISABLE)->detail =
            arena_copy(job->scratch, bytes_of_text(detail));
        store_update_operator(job->batch, row);
        store_delete_sessions(job->batch, row->id);
        json_begin_object(&json);
        json_name(&json, "data");
        json_begin_object(&json);
        operator_write(&json, row, job->now_ms);
        json_end_object(&json);
        json_end_object(&json);
    }
    return error;
}

void registry_operator_disable(struct registry *registry, const struct registry_caller *caller,
                               struct bytes who, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = who;
        job_keep(job, input);
    }
    job_run(job, operators_disable);
}
