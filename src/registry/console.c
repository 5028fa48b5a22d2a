// Judging and dispatching the dashboard's questions.
// SPDX-License-Identifier: Apache-2.0
#include "registry/console.h"

#include "base/clock.h"
#include "registry/applications.h"
#include "registry/connect_links.h"
#include "registry/console_int.h"
#include "registry/customers.h"
#include "registry/erase.h"
#include "registry/key_status.h"
#include "registry/rotate.h"
#include "registry/sign_in.h"
#include "registry/tokens.h"
#include "registry/connections.h"

#define CONSOLE_ARENA (4u * 1024 * 1024)

const char *const console_fields[] = {"email", "password", "code", "link", "name", "role"};

void console_refuse(const struct console_ask *ask, enum fp_error error)
{
    ask->done(ask->ctx,
              &(struct registry_result){.error = error, .application = "", .connection = ""});
}

bool console_form(const struct console_ask *ask, const char *const *names, unsigned count,
                  struct parameters *out)
{
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    *out = (struct parameters){.names = names, .count = count};
    error = parameters_form(out, ask->question->form, ask->arena, &note);
    if (error == FP_OK && out->repeated != 0) {
        error = FP_E_REQUEST_BODY_INVALID;
    }
    if (error != FP_OK) {
        console_refuse(ask, error == FP_E_INPUT_INVALID ? FP_E_REQUEST_BODY_INVALID : error);
    }
    return error == FP_OK;
}

// For ask_extra().
struct extra {
    enum console_action action; // what was asked for
    struct bytes key;           // of what
    struct bytes data;          // JSON
};

// --------------------------------------------------------------------------------------- judging

static enum fp_error admit_judge(const struct console_question *q,
                                 const struct operator_identity *who, int64_t now_ms)
{
    const struct console_action_row *row = console_action_row(q->action);
    if (!console_role_may((enum console_role)who->person.role, q->action)) {
        return FP_E_ROLE_FORBIDDEN;
    }
    if ((row->flags & CONSOLE_NEEDS_REASON) != 0 && who->person.role == CONSOLE_SUPPORT &&
        bytes_trim(q->reason).len < 3) {
        return FP_E_REASON_REQUIRED;
    }
    if ((row->flags & CONSOLE_NEEDS_FRESH) != 0 &&
        now_ms - who->session.fresh_ms > FP_LIMIT_OPERATOR_FRESH) {
        return FP_E_CONFIRMATION_REQUIRED;
    }
    return FP_OK;
}

// What somebody was not let do. Asking for the password or a reason is part of the work.
static void admit_record(struct registry *registry, const struct console_question *q,
                         const struct operator_identity *who, int64_t now_ms)
{
    struct audit_record record = {.action = AUDIT_OPERATOR_VIEW,
                                  .actor = AUDIT_BY_OPERATOR,
                                  .actor_id = bytes_of_text(who->person.id),
                                  .token = bytes_of_text(who->session.id),
                                  .request_id = q->request_id,
                                  .address = q->address,
                                  .result = FP_E_ROLE_FORBIDDEN,
                                  .time_ms = now_ms};
    struct buf detail;
    struct json_out json = json_out_start(&detail);
    buf_init(&detail, 512);
    json_begin_object(&json);
    json_member_text_c(&json, "what", console_action_row(q->action)->what);
    json_end_object(&json);
    record.detail = buf_bytes(&detail);
    registry_record_refusal(registry, &record, now_ms);
    buf_done(&detail);
}

enum fp_error registry_console_admit(struct registry *registry, const struct console_question *q)
{
    const struct console_action_row *row = console_action_row(q->action);
    struct arena *arena = NULL;
    struct operator_identity *who = NULL;
    int64_t now_ms = clock_wall_ms();
    enum fp_error error = FP_OK;
    if (row == NULL) {
        return FP_E_ROUTE_UNKNOWN;
    }
    if ((row->roles & 1u) != 0) {
        return FP_OK;
    }
    arena = arena_create(CONSOLE_ARENA, true);
    who = arena != NULL ? arena_alloc(arena, 1, sizeof *who) : NULL;
    error =
        who == NULL ? FP_E_NO_MEMORY : operator_identify(registry, q->session, now_ms, arena, who);
    if (error == FP_OK) {
        error = admit_judge(q, who, now_ms);
        if (error == FP_E_ROLE_FORBIDDEN) {
            admit_record(registry, q, who, now_ms);
        }
        registry_note_use(registry, who->session.id, now_ms);
    }
    arena_free(arena);
    return error;
}

// ------------------------------------------------------------------------------ what there is
// already

static void ask_connection(const struct console_ask *ask)
{
    registry_connection_show(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

static void ask_connection_end(const struct console_ask *ask)
{
    struct connection_end end = {.connection = ask->question->key,
                                 .reason = CONNECTION_REASON_DISCONNECTED_BY_OPERATOR};
    registry_connection_disconnect(ask->registry, &ask->caller, &end, ask->done, ask->ctx);
}

static void ask_connection_link(const struct console_ask *ask)
{
    struct store_connection row = {0};
    char id[ID_TEXT];
    enum fp_error error = FP_E_CONNECTION_NOT_FOUND;
    if (id_valid(ask->question->key, "con") && bytes_to_text(ask->question->key, id, sizeof id)) {
        error = store_get_connection(ask->registry->parts.store, id, &row);
        error = error == FP_E_STORE_NOT_FOUND ? FP_E_CONNECTION_NOT_FOUND : error;
    }
    if (error != FP_OK) {
        console_refuse(ask, error);
    } else {
        struct connect_link_plan plan = {.kind = STORE_LINK_INVITED,
                                         .application = bytes_of_text(row.application),
                                         .name = bytes_of_text(row.name),
                                         .email = bytes_of_text(row.email),
                                         .connection = ask->question->key};
        registry_connect_link_create(ask->registry, &ask->caller, &plan, ask->done, ask->ctx);
    }
}

static void ask_token_issue(const struct console_ask *ask)
{
    static const char *const names[] = {"scopes"};
    struct parameters p;
    if (console_form(ask, names, 1, &p)) {
        struct token_request request = {.owner = ask->question->key, .scopes = p.values[0]};
        registry_token_issue(ask->registry, &ask->caller, &request, ask->done, ask->ctx);
    }
}

static void ask_token_rotate(const struct console_ask *ask)
{
    static const char *const names[] = {"overlap"};
    struct token_rotation rotation = {.token = ask->question->key, .overlap_s = 86400};
    struct parameters p;
    uint64_t overlap = 0;
    if (!console_form(ask, names, 1, &p)) {
        return;
    }
    if (p.values[0].len != 0 && !bytes_to_u64(p.values[0], UINT32_MAX, &overlap)) {
        console_refuse(ask, FP_E_FIELD_INVALID);
        return;
    }
    rotation.overlap_s = p.values[0].len != 0 ? (uint32_t)overlap : rotation.overlap_s;
    registry_token_rotate(ask->registry, &ask->caller, &rotation, ask->done, ask->ctx);
}

// One token: by its own id only, so that a slip does not end all of a connection's.
static void ask_token_revoke(const struct console_ask *ask)
{
    if (!id_valid(ask->question->key, "tok")) {
        console_refuse(ask, FP_E_TOKEN_NOT_FOUND);
        return;
    }
    registry_token_revoke(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

static void ask_customer(const struct console_ask *ask)
{
    registry_customer_show(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

static void ask_customer_erase(const struct console_ask *ask)
{
    registry_customer_erase(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

static void ask_applications(const struct console_ask *ask)
{
    registry_application_list(ask->registry, &ask->caller, ask->done, ask->ctx);
}

static void ask_application_create(const struct console_ask *ask)
{
    static const char *const names[] = {"name", "environment", "networks", "redirect_uris"};
    struct parameters p;
    if (console_form(ask, names, 4, &p)) {
        struct application_request request = {.name = p.values[0],
                                              .environment = p.values[1],
                                              .networks = p.values[2],
                                              .redirect_uris = p.values[3]};
        registry_application_create(ask->registry, &ask->caller, &request, ask->done, ask->ctx);
    }
}

static void ask_application_update(const struct console_ask *ask)
{
    static const char *const names[] = {"redirect_uris"};
    struct parameters p;
    if (console_form(ask, names, 1, &p)) {
        struct application_update update = {.application = ask->question->key,
                                            .changes = APPLICATION_CHANGE_REDIRECT_URIS,
                                            .request = {.redirect_uris = p.values[0]}};
        registry_application_update(ask->registry, &ask->caller, &update, ask->done, ask->ctx);
    }
}

static void ask_application_tokens(const struct console_ask *ask)
{
    registry_token_list(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

static void ask_keys(const struct console_ask *ask)
{
    static const char *const names[] = {"after"};
    struct parameters p;
    if (console_form(ask, names, 1, &p)) {
        registry_key_status(ask->registry, &ask->caller, p.values[0], ask->done, ask->ctx);
    }
}

static void ask_operators(const struct console_ask *ask)
{
    registry_operator_list(ask->registry, &ask->caller, ask->done, ask->ctx);
}

static void ask_operator_invite(const struct console_ask *ask)
{
    struct parameters p;
    if (console_form(ask, console_fields, CONSOLE_FIELD_COUNT, &p)) {
        struct operator_invitation invitation = {p.values[CONSOLE_FIELD_EMAIL],
                                                 p.values[CONSOLE_FIELD_ROLE]};
        registry_operator_invite(ask->registry, &ask->caller, &invitation, ask->done, ask->ctx);
    }
}

static void ask_operator_disable(const struct console_ask *ask)
{
    registry_operator_disable(ask->registry, &ask->caller, ask->question->key, ask->done, ask->ctx);
}

// What the vault found: told as it is, once the look is on record.
static enum fp_error ask_build_extra(struct registry_job *job)
{
    const struct extra *in = job->input;
    struct audit_record *record = job_record(job, AUDIT_OPERATOR_VIEW);
    struct json_out json = json_out_start(&job->body);
    struct buf detail;
    struct json_out told = json_out_start(&detail);
    buf_init(&detail, 512);
    json_begin_object(&told);
    json_member_text_c(&told, "what", console_action_row(in->action)->what);
    if (in->key.len != 0) {
        json_member_text(&told, "of", in->key);
    }
    json_end_object(&told);
    record->detail = arena_copy(job->scratch, buf_bytes(&detail));
    if (id_valid(in->key, "con")) {
        record->connection = in->key;
    }
    json_begin_object(&json);
    json_name(&json, "data");
    json_raw(&json, in->data);
    json_end_object(&json);
    buf_done(&detail);
    return record->detail.ptr != NULL ? FP_OK : FP_E_NO_MEMORY;
}

static void ask_extra(const struct console_ask *ask)
{
    struct registry_job *job = job_create(ask->registry, &ask->caller, ask->done, ask->ctx);
    struct extra *in = job != NULL ? job_input(job, sizeof *in) : NULL;
    if (in != NULL) {
        *in = (struct extra){ask->question->action, ask->question->key, ask->question->extra};
        job_keep(job, &in->key);
        job_keep(job, &in->data);
    }
    job_run(job, ask_build_extra);
}

// ---------------------------------------------------------------------------------- dispatching

static void (*const ask_rows[CONSOLE_ACTION_COUNT])(const struct console_ask *ask) = {
    [CONSOLE_SIGN_IN] = sign_in_with_password,
    [CONSOLE_INVITATION] = sign_in_invitation,
    [CONSOLE_ACCEPT] = sign_in_accept,
    [CONSOLE_SESSION] = sign_in_session,
    [CONSOLE_SIGN_OUT] = sign_in_out,
    [CONSOLE_CONFIRM] = sign_in_confirm,
    [CONSOLE_SESSIONS] = sign_in_sessions,
    [CONSOLE_SESSION_END] = sign_in_session_end,
    [CONSOLE_TOTP_BEGIN] = sign_in_totp_begin,
    [CONSOLE_TOTP_CONFIRM] = sign_in_totp_confirm,
    [CONSOLE_TOTP_REMOVE] = sign_in_totp_remove,
    [CONSOLE_OVERVIEW] = console_overview,
    [CONSOLE_CONNECTIONS] = console_connections,
    [CONSOLE_CONNECTION] = ask_connection,
    [CONSOLE_CONNECTION_LINK] = ask_connection_link,
    [CONSOLE_CONNECTION_END] = ask_connection_end,
    [CONSOLE_TOKEN_ISSUE] = ask_token_issue,
    [CONSOLE_TOKEN_ROTATE] = ask_token_rotate,
    [CONSOLE_TOKEN_REVOKE] = ask_token_revoke,
    [CONSOLE_CUSTOMERS] = console_customers,
    [CONSOLE_CUSTOMER] = ask_customer,
    [CONSOLE_CUSTOMER_ERASE] = ask_customer_erase,
    [CONSOLE_APPLICATIONS] = ask_applications,
    [CONSOLE_APPLICATION_CREATE] = ask_application_create,
    [CONSOLE_APPLICATION_UPDATE] = ask_application_update,
    [CONSOLE_APPLICATION_TOKENS] = ask_application_tokens,
    [CONSOLE_KEYS] = ask_keys,
    [CONSOLE_CONNECTION_HISTORY] = ask_extra,
    [CONSOLE_AUDIT] = ask_extra,
    [CONSOLE_REQUEST] = ask_extra,
    [CONSOLE_SYSTEM] = ask_extra,
    [CONSOLE_PLATFORMS] = ask_extra,
    [CONSOLE_OPERATORS] = ask_operators,
    [CONSOLE_OPERATOR_INVITE] = ask_operator_invite,
    [CONSOLE_OPERATOR_DISABLE] = ask_operator_disable,
};

// Everything but the arena's own failure ends in done().
static enum fp_error ask_fill(struct registry *registry, const struct console_question *q,
                              struct console_ask *ask)
{
    enum fp_error error = FP_OK;
    ask->registry = registry;
    ask->question = q;
    ask->now_ms = clock_wall_ms();
    ask->caller = (struct registry_caller){
        .actor = AUDIT_BY_UNKNOWN, .request_id = q->request_id, .address = q->address};
    ask->arena = arena_create(CONSOLE_ARENA, true);
    ask->who = ask->arena != NULL ? arena_alloc(ask->arena, 1, sizeof *ask->who) : NULL;
    if (ask->who == NULL) {
        return FP_E_NO_MEMORY;
    }
    error = operator_identify(registry, q->session, ask->now_ms, ask->arena, ask->who);
    if (error == FP_OK) {
        ask->caller.actor = AUDIT_BY_OPERATOR;
        ask->caller.actor_id = bytes_of_text(ask->who->person.id);
        ask->caller.token = bytes_of_text(ask->who->session.id);
        ask->caller.reason = bytes_trim(q->reason);
        return FP_OK;
    }
    ask->who = NULL;
    return error == FP_E_SESSION_MISSING && (console_action_row(q->action)->roles & 1u) != 0
               ? FP_OK
               : error;
}

enum fp_error registry_console_prepare(struct registry *registry, const struct console_question *q,
                                       struct console_password *work, struct buf *errors,
                                       unsigned *retry_out)
{
    struct console_ask ask = {0};
    enum fp_error error = ask_fill(registry, q, &ask);
    if (error == FP_OK) {
        error = sign_in_prepare(&ask, work, errors, retry_out);
    }
    arena_free(ask.arena);
    return error;
}

void registry_console(struct registry *registry, const struct console_question *q,
                      const struct console_password *password, registry_done *done, void *ctx)
{
    struct console_ask ask = {.password = password, .done = done, .ctx = ctx};
    enum fp_error error = q->action < CONSOLE_ACTION_COUNT && ask_rows[q->action] != NULL
                              ? ask_fill(registry, q, &ask)
                              : FP_E_ROUTE_UNKNOWN;
    ask.done = done;
    ask.ctx = ctx;
    if (error != FP_OK) {
        console_refuse(&ask, error);
    } else {
        ask_rows[q->action](&ask);
    }
    arena_free(ask.arena);
}
