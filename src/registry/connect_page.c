// Connect pages: description, seal, attempts, return.
// SPDX-License-Identifier: Apache-2.0
#include "registry/connect_page.h"

#include "base/mem.h"
#include "crypto/encoding.h"
#include "crypto/hpke.h"
#include "registry/code.h"
#include "registry/owner.h"
#include "registry/proof.h"

#include <stdio.h>
#include <string.h>

#define PAGE_INFO 64 // bytes of HPKE's info

static void page_info(const struct store_connect_link *link, char out[static PAGE_INFO])
{
    snprintf(out, PAGE_INFO, "fishplate connect v1 %s", link->id);
}

static enum fp_error page_keys(struct registry *registry, const struct store_connect_link *link,
                               struct secret *private_out,
                               uint8_t public_out[static HPKE_PUBLIC_SIZE])
{
    const struct bytes parts[] = {bytes_of_text(link->id)};
    uint8_t seed[32];
    enum fp_error error =
        keyring_authenticate(registry->parts.ring, "connect_link_key", parts, 1, seed);
    if (error == FP_OK) {
        error = hpke_key_pair(bytes_of(seed, sizeof seed), private_out, public_out);
    }
    mem_wipe(seed, sizeof seed);
    return error;
}

static void page_write_platforms(struct json_out *json, const char *list)
{
    struct bytes rest = bytes_of_text(list), piece = {0};
    json_name(json, "platforms");
    json_begin_array(json);
    while (list[0] != '\0' && bytes_split(&rest, ',', &piece)) {
        json_text(json, piece);
    }
    json_end_array(json);
}

static void page_write(struct json_out *json, const struct store_connect_link *link,
                       const struct store_application *application,
                       const struct store_connection *connection)
{
    json_member_text_c(json, "link", link->id);
    json_member_text_c(json, "application", application->name);
    json_member_text_c(json, "environment", application->environment);
    json_member_text_c(json, "name", link->name);
    json_member_text_c(json, "email", link->email);
    page_write_platforms(json, link->platforms);
    json_name(json, "reconnect");
    if (connection->id[0] == '\0') {
        json_null(json);
    } else {
        json_begin_object(json);
        json_member_text_c(json, "name", connection->name);
        json_member_text_c(json, "platform", connection->platform);
        json_end_object(json);
    }
    json_member_time(json, "expires_at", link->expires_ms);
    json_member_i64(json, "attempts_left", (int64_t)FP_LIMIT_CONNECT_ATTEMPTS - link->attempts);
}

enum fp_error registry_connect_link_describe(struct registry *registry,
                                             const struct store_connect_link *link,
                                             struct buf *body)
{
    struct store_application application = {0};
    struct store_connection connection = {0};
    struct secret private_key = {0};
    uint8_t public_key[HPKE_PUBLIC_SIZE];
    char info[PAGE_INFO];
    struct buf text;
    struct json_out json = json_out_start(body);
    enum fp_error error =
        owner_get_application(registry, bytes_of_text(link->application), &application);
    if (error == FP_OK && link->connection[0] != '\0') {
        error = owner_get_connection(registry, bytes_of_text(link->connection), &connection);
    }
    error = error != FP_OK ? error : page_keys(registry, link, &private_key, public_key);
    secret_done(&private_key);
    if (error != FP_OK) {
        return error;
    }
    buf_init(&text, 128);
    base64url_append(&text, bytes_of(public_key, sizeof public_key));
    page_info(link, info);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    page_write(&json, link, &application, &connection);
    json_member_text(&json, "public_key", buf_bytes(&text));
    json_member_text_c(&json, "info", info);
    json_end_object(&json);
    json_end_object(&json);
    buf_done(&text);
    return buf_error(body);
}

enum fp_error registry_connect_link_allows(struct registry *registry,
                                           const struct store_connect_link *link,
                                           struct bytes platform)
{
    struct store_connection connection = {0};
    struct bytes rest = bytes_of_text(link->platforms), piece = {0};
    enum fp_error error = FP_E_PLATFORM_UNKNOWN;
    if (link->connection[0] != '\0') {
        error = owner_get_connection(registry, bytes_of_text(link->connection), &connection);
        if (error == FP_OK && !bytes_equal_text(platform, connection.platform)) {
            error = FP_E_PLATFORM_UNKNOWN;
        }
        return error;
    }
    if (link->platforms[0] == '\0') {
        return FP_OK;
    }
    while (error != FP_OK && bytes_split(&rest, ',', &piece)) {
        error = bytes_equal(piece, platform) ? FP_OK : error;
    }
    return error;
}

enum fp_error registry_connect_link_open(struct registry *registry,
                                         const struct store_connect_link *link,
                                         const struct connect_sealed *sealed, struct secret *out)
{
    struct secret private_key = {0};
    uint8_t public_key[HPKE_PUBLIC_SIZE];
    char info[PAGE_INFO];
    struct hpke_sealed message = {sealed->enc, {0}, sealed->platform, sealed->text};
    enum fp_error error = page_keys(registry, link, &private_key, public_key);
    page_info(link, info);
    message.info = bytes_of_text(info);
    error = error != FP_OK ? error : hpke_open(&private_key, public_key, &message, out);
    secret_done(&private_key);
    return error == FP_E_UNSEAL_FAILED ? FP_E_CONNECT_SEAL_INVALID : error;
}

static enum fp_error page_attempt(struct registry_job *job)
{
    const struct bytes *id = job->input;
    struct store_connect_link *row = arena_alloc(job->scratch, 1, sizeof *row);
    enum fp_error error =
        row != NULL ? connect_link_get(job->registry, *id, job->now_ms, row) : FP_E_NO_MEMORY;
    if (error == FP_OK && row->attempts >= FP_LIMIT_CONNECT_ATTEMPTS) {
        error = FP_E_CONNECT_LINK_EXHAUSTED;
    }
    if (error == FP_OK && job_batch(job) == NULL) {
        error = FP_E_NO_MEMORY;
    }
    if (error != FP_OK) {
        return error;
    }
    memcpy(job->application, row->application, sizeof job->application);
    row->attempts++;
    error = proof_make_connect_link(job->registry->parts.ring, row);
    error = error != FP_OK ? error : connect_link_record(job, AUDIT_CONNECT_LINK_OPEN, row);
    if (error == FP_OK) {
        store_update_connect_link(job_batch(job), row);
    }
    return error;
}

void registry_connect_link_attempt(struct registry *registry, const struct registry_caller *caller,
                                   const char *link, registry_done *done, void *ctx)
{
    struct registry_job *job = job_create(registry, caller, done, ctx);
    struct bytes *input = job != NULL ? job_input(job, sizeof *input) : NULL;
    if (input != NULL) {
        *input = bytes_of_text(link);
        job_keep(job, input);
    }
    job_run(job, page_attempt);
}

// The application's address with what became of it.
static void page_return_url(const struct store_connect_link *link,
                            const struct store_connection *connection, struct buf *out)
{
    size_t at = 0;
    bool has_query = bytes_find(bytes_of_text(link->return_url), '?', &at);
    buf_append_text(out, link->return_url);
    buf_printf(out, "%cconnection=%s&status=connected", has_query ? '&' : '?', connection->id);
}

enum fp_error connect_link_answer(struct registry_job *job, const struct store_connect_link *link,
                                  const struct store_connection *connection)
{
    struct json_out json = json_out_start(&job->body);
    struct buf url;
    enum fp_error error = FP_OK;
    buf_init_sensitive(&url, CODE_LOCATION);
    if (link->kind == STORE_LINK_OAUTH) {
        error = code_issue(job, link, connection->id, &url);
    } else if (link->return_url[0] != '\0') {
        page_return_url(link, connection, &url);
    }
    error = error != FP_OK ? error : buf_error(&url);
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    json_member_text_c(&json, "connection", connection->id);
    json_member_text_c(&json, "platform", connection->platform);
    json_member_text_c(&json, "name", connection->name);
    json_member_text_c(&json, "account",
                       connection->account[0] != '\0' ? connection->account : NULL);
    if (url.len != 0) {
        json_member_text(&json, "return_url", buf_bytes(&url));
    }
    json_end_object(&json);
    json_end_object(&json);
    buf_done(&url);
    return error;
}
