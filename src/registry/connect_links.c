// Making, finding and using up connect links.
// SPDX-License-Identifier: Apache-2.0
#include "registry/connect_links.h"

#include "base/mem.h"
#include "connection/life.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "registry/fields.h"
#include "registry/owner.h"
#include "registry/proof.h"

#include <string.h>

#define LINK_SECOND_MS INT64_C(1000)

static const char *links_wrong_platforms(struct bytes list)
{
    struct bytes rest = list, piece = {0};
    const char *wrong = NULL;
    if (list.len > FP_LIMIT_LINK_PLATFORMS_TEXT) {
        return "These are too many.";
    }
    while (wrong == NULL && list.len != 0 && bytes_split(&rest, ',', &piece)) {
        wrong = fields_wrong_platform(piece);
    }
    return wrong;
}

static enum fp_error links_row(struct registry_job *job, const char *field, const char *wrong,
                               enum fp_error before)
{
    return wrong != NULL ? job_field(job, field, wrong) : before;
}

static enum fp_error links_check(struct registry_job *job, const struct connect_link_plan *plan)
{
    bool named = plan->kind == STORE_LINK_INVITED;
    enum fp_error error = FP_OK;
    if (named || plan->name.len != 0) {
        error = links_row(job, "name", fields_wrong_name(plan->name), error);
    }
    if (named || plan->email.len != 0) {
        error = links_row(job, "email", fields_wrong_email(plan->email), error);
    }
    error = links_row(job, "platforms", links_wrong_platforms(plan->platforms), error);
    if (plan->return_url.len != 0) {
        error = links_row(job, "return_url",
                          fields_wrong_url(plan->return_url, FP_LIMIT_RETURN_URL_TEXT), error);
    }
    if (plan->expires_in_s > FP_LIMIT_CONNECT_LINK_EXPIRY_MAX) {
        error = job_field(job, "expires_in", "At most 2592000 seconds.");
    }
    return error;
}

// The connection that is to be connected anew: of this application, and not ended.
static enum fp_error links_check_connection(struct registry_job *job,
                                            const struct connect_link_plan *plan)
{
    struct store_connection row = {0};
    enum fp_error error = FP_OK;
    if (plan->connection.len == 0) {
        return FP_OK;
    }
    error = owner_get_connection(job->registry, plan->connection, &row);
    if (error == FP_OK && !bytes_equal_text(plan->application, row.application)) {
        error = FP_E_CONNECTION_NOT_FOUND;
    }
    if (error == FP_OK && row.state >= CONNECTION_DISCONNECTED) {
        error = FP_E_STATE_CONFLICT;
    }
    if (error == FP_OK) {
        memcpy(job->connection, row.id, sizeof job->connection);
    }
    return error;
}

// Each kind has a limit of its own: links that browsers make unasked take no room from invitations.
static enum fp_error links_within_limit(struct registry_job *job, const char *application,
                                        enum store_link_kind kind)
{
    struct store_query query = {.application = application, .kind = (uint32_t)kind};
    uint64_t count = 0;
    enum fp_error error =
        store_count(job->registry->parts.store, STORE_CONNECT_LINK, &query, &count);
    return error == FP_OK && count >= FP_LIMIT_CONNECT_LINKS ? FP_E_TOO_MANY_CONNECT_LINKS : error;
}

static enum fp_error links_fill(struct registry_job *job, const struct connect_link_plan *plan,
                                struct store_connect_link *row)
{
    int64_t life_s = plan->expires_in_s != 0 ? plan->expires_in_s : FP_LIMIT_CONNECT_LINK_EXPIRY;
    bool fits = bytes_to_text(plan->application, row->application, sizeof row->application);
    fits = bytes_to_text(plan->name, row->name, sizeof row->name) && fits;
    fits = bytes_to_text(plan->email, row->email, sizeof row->email) && fits;
    fits = bytes_to_text(plan->platforms, row->platforms, sizeof row->platforms) && fits;
    fits = bytes_to_text(plan->connection, row->connection, sizeof row->connection) && fits;
    fits = bytes_to_text(plan->return_url, row->return_url, sizeof row->return_url) && fits;
    fits = bytes_to_text(plan->redirect_uri, row->redirect_uri, sizeof row->redirect_uri) && fits;
    fits = bytes_to_text(plan->oauth_state, row->oauth_state, sizeof row->oauth_state) && fits;
    fits = bytes_to_text(plan->code_challenge, row->code_challenge, sizeof row->code_challenge) &&
           fits;
    fits = bytes_to_text(plan->scopes, row->scopes, sizeof row->scopes) && fits;
    id_make("lnk", job->now_ms, row->id);
    row->kind = (uint32_t)plan->kind;
    row->redirect_named = plan->redirect_named ? 1 : 0;
    row->created_ms = job->now_ms;
    row->expires_ms = job->now_ms + life_s * LINK_SECOND_MS;
    row->version = 1;
    return fits ? FP_OK : FP_E_FIELD_INVALID;
}

static enum fp_error links_insert(struct registry_job *job, struct store_connect_link *row,
                                  char text_out[static TOKEN_TEXT_SIZE])
{
    struct token_text form = {TOKEN_KIND_CONNECT_LINK, TOKEN_ENVIRONMENT_NONE};
    uint8_t random[TOKEN_RANDOM];
    enum fp_error error = FP_OK;
    random_bytes(random, sizeof random);
    token_text_make(form, random, text_out);
    mem_wipe(random, sizeof random);
    error = digest_sha256(bytes_of_text(text_out), row->hash);
    error = error != FP_OK ? error : proof_make_connect_link(job->registry->parts.ring, row);
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        mem_wipe(text_out, TOKEN_TEXT_SIZE);
        return error;
    }
    store_insert_connect_link(job_batch(job), row);
    return FP_OK;
}

// Which link it was, for the log.
enum fp_error connect_link_record(struct registry_job *job, enum audit_action action,
                                  const struct store_connect_link *row)
{
    struct buf text;
    struct json_out json = json_out_start(&text);
    struct bytes kept = {0};
    buf_init(&text, 256);
    json_begin_object(&json);
    json_member_text_c(&json, "connect_link", row->id);
    json_end_object(&json);
    kept = arena_copy(job->scratch, buf_bytes(&text));
    buf_done(&text);
    if (kept.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    job_record(job, action)->detail = kept;
    return FP_OK;
}

enum fp_error connect_link_make(struct registry_job *job, const struct connect_link_plan *plan,
                                struct store_connect_link *row_out,
                                char text_out[static TOKEN_TEXT_SIZE])
{
    struct store_application application = {0};
    struct store_connect_link *row = arena_alloc(job->scratch, 1, sizeof *row);
    enum fp_error error = row != NULL ? FP_OK : FP_E_NO_MEMORY;
    if (error == FP_OK) {
        error = owner_get_application(job->registry, plan->application, &application);
    }
    error = error != FP_OK ? error : links_check(job, plan);
    error = error != FP_OK ? error : links_check_connection(job, plan);
    error = error != FP_OK ? error : links_within_limit(job, application.id, plan->kind);
    error = error != FP_OK ? error : links_fill(job, plan, row);
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, application.id, sizeof job->application);
    error = connect_link_record(job, AUDIT_CONNECT_LINK_CREATE, row);
    error = error != FP_OK ? error : links_insert(job, row, text_out);
    if (error == FP_OK) {
        *row_out = *row;
    }
    return error;
}

// Whose row it is, and whether it works; the row is written also where it does not any more.
static enum fp_error links_judge(struct registry *registry, const struct store_connect_link *row,
                                 int64_t now_ms, struct store_connect_link *out)
{
    enum fp_error error = proof_check_connect_link(registry->parts.ring, row);
    if (error != FP_OK) {
        return error;
    }
    *out = *row;
    if (row->ended_ms != 0) {
        return FP_E_CONNECT_LINK_USED;
    }
    return row->expires_ms <= now_ms ? FP_E_CONNECT_LINK_EXPIRED : FP_OK;
}

enum fp_error connect_link_get(struct registry *registry, struct bytes id, int64_t now_ms,
                               struct store_connect_link *out)
{
    struct store_connect_link row = {0};
    char text[ID_TEXT];
    enum fp_error error = FP_E_STORE_NOT_FOUND;
    if (id_valid(id, "lnk") && bytes_to_text(id, text, sizeof text)) {
        error = store_get_connect_link(registry->parts.store, text, &row);
    }
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_CONNECT_LINK_UNKNOWN;
    }
    return error != FP_OK ? error : links_judge(registry, &row, now_ms, out);
}

enum fp_error connect_link_find(struct registry *registry, struct bytes token, int64_t now_ms,
                                struct store_connect_link *out)
{
    struct token_text form = {0};
    struct store_connect_link row = {0};
    uint8_t hash[STORE_HASH];
    enum fp_error error = token_text_parse(token, &form);
    if (error != FP_OK || form.kind != TOKEN_KIND_CONNECT_LINK) {
        return FP_E_CONNECT_LINK_UNKNOWN;
    }
    error = digest_sha256(token, hash);
    if (error == FP_OK) {
        error = store_find_connect_link(registry->parts.store, hash, &row);
    }
    if (error == FP_E_STORE_NOT_FOUND) {
        return FP_E_CONNECT_LINK_UNKNOWN;
    }
    error = error != FP_OK ? error : links_judge(registry, &row, now_ms, out);
    if (error == FP_OK && row.attempts >= FP_LIMIT_CONNECT_ATTEMPTS) {
        error = FP_E_CONNECT_LINK_EXHAUSTED;
    }
    return error;
}

enum fp_error connect_link_burn(struct registry_job *job, struct store_connect_link *row,
                                const char *connection)
{
    enum fp_error error = FP_OK;
    if (row->ended_ms != 0) {
        return FP_E_CONNECT_LINK_USED;
    }
    if (job_batch(job) == NULL) {
        return FP_E_NO_MEMORY;
    }
    row->ended_ms = job->now_ms;
    if (!bytes_to_text(bytes_of_text(connection), row->connected, sizeof row->connected)) {
        return FP_E_LIMIT_EXCEEDED;
    }
    error = proof_make_connect_link(job->registry->parts.ring, row);
    error = error != FP_OK ? error : connect_link_record(job, AUDIT_CONNECT_LINK_END, row);
    if (error == FP_OK) {
        store_update_connect_link(job_batch(job), row);
    }
    return error;
}

static void links_write_platforms(struct json_out *json, const char *list)
{
    struct bytes rest = bytes_of_text(list), piece = {0};
    json_name(json, "platforms");
    json_begin_array(json);
    while (list[0] != '\0' && bytes_split(&rest, ',', &piece)) {
        json_text(json, piece);
    }
    json_end_array(json);
}

static void links_write_answer(struct registry_job *job, const struct store_connect_link *row,
                               const char *text)
{
    struct json_out json = json_out_start(&job->body);
    struct bytes base = bytes_of_text(job->registry->parts.config->public_url);
    struct buf url;
    buf_init_sensitive(&url, FP_LIMIT_URL_TEXT + TOKEN_TEXT_SIZE + 16);
    while (bytes_ends_with(base, BYTES("/"))) {
        base.len--;
    }
    buf_append_bytes(&url, base);
    buf_printf(&url, "/connect/%s", text);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "id", row->id);
    json_member_text(&json, "url", buf_bytes(&url));
    json_member_text_c(&json, "name", row->name);
    json_member_text_c(&json, "email", row->email);
    links_write_platforms(&json, row->platforms);
    json_member_text_c(&json, "connection", row->connection[0] != '\0' ? row->connection : NULL);
    json_member_text_c(&json, "return_url", row->return_url[0] != '\0' ? row->return_url : NULL);
    json_member_time(&json, "created_at", row->created_ms);
    json_member_time(&json, "expires_at", row->expires_ms);
    json_end_object(&json);
    json_end_object(&json);
    buf_done(&url);
}

static enum fp_error links_create(struct registry_job *job)
{
    const struct connect_link_plan *plan = job->input;
    struct store_connect_link row = {0};
    char text[TOKEN_TEXT_SIZE] = "";
    enum fp_error error = connect_link_make(job, plan, &row, text);
    if (error == FP_OK) {
        links_write_answer(job, &row, text);
    }
    mem_wipe(text, sizeof text);
    return error;
}

void registry_connect_link_create(struct registry *registry, const struct registry_caller *caller,
                                  const struct connect_link_plan *plan, registry_done *done,
                                  void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct connect_link_plan *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = *plan;
        job_keep(job, &input->application);
        job_keep(job, &input->name);
        job_keep(job, &input->email);
        job_keep(job, &input->platforms);
        job_keep(job, &input->connection);
        job_keep(job, &input->return_url);
        job_keep(job, &input->redirect_uri);
        job_keep(job, &input->oauth_state);
        job_keep(job, &input->code_challenge);
        job_keep(job, &input->scopes);
    }
    job_run(job, links_create);
}
