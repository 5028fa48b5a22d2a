// fishplate evidence: what an auditor asks for, in one signed archive. Everything comes from the
// running server over the control socket, and each look is in its audit log; the log itself is
// verified here.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/evidence_texts.h"
#include "cli/json_memory.h"
#include "cli/tar.h"

#include "audit/audit_signer.h"
#include "audit/audit_verify.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "config/data_dir.h"
#include "crypto/setup.h"
#include "link/link.h"
#include "link/local_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVIDENCE_MAX ((size_t)256 << 20) // bytes of one file
#define SETTINGS_MAX 262144

struct evidence {
    const struct cli *cli; // for questions
    struct tar tar;        // where it goes
    struct buf manifest;   // JSON
    struct json_out json;  // writes it
    enum cli_exit result;  // first failure, which was told
};

static void evidence_fail(struct evidence *e, enum fp_error error)
{
    if (error == FP_E_IO_FAILED) {
        fprintf(stderr, "fishplate: the archive cannot be written: %m\n");
        e->result = CLI_FAILED;
    } else if (error != FP_OK) {
        e->result = cli_note_tell(e->cli, error, NULL);
    }
}

// One file of the archive, and its row of the manifest.
static void evidence_add(struct evidence *e, const char *name, struct bytes content)
{
    uint8_t digest[DIGEST_SIZE] = {0};
    char hex[2 * DIGEST_SIZE + 1];
    enum fp_error error = FP_OK;
    if (e->result != CLI_OK) {
        return;
    }
    error = digest_sha256(content, digest);
    error = error != FP_OK ? error : tar_add(&e->tar, name, content);
    hex_encode(bytes_of(digest, sizeof digest), hex);
    json_begin_object(&e->json);
    json_member_text_c(&e->json, "name", name);
    json_member_i64(&e->json, "size", (int64_t)content.len);
    json_member_text_c(&e->json, "sha256", hex);
    json_end_object(&e->json);
    evidence_fail(e, error);
}

// An answer's data goes behind what out has.
static void evidence_ask(struct evidence *e, struct buf *frame, enum fp_error made, struct buf *out)
{
    struct cli_answer answer = {0};
    if (e->result != CLI_OK) {
        buf_done(frame);
        return;
    }
    if (made != FP_OK) {
        buf_clear(frame);
    }
    cli_ask(e->cli, frame, &answer);
    e->result = answer.exit;
    buf_append_bytes(out, buf_bytes(&answer.data));
    cli_answer_done(&answer);
    evidence_fail(e, e->result == CLI_OK ? buf_error(out) : FP_OK);
}

// ------------------------------------------------------------------------------------ the lists

static enum fp_error evidence_keys(const struct cli *cli, struct bytes after, struct buf *frame)
{
    struct link_key_status question = {.call = 1, .actor = cli_actor(), .after = after};
    (void)cli;
    return link_put_key_status(frame, &question);
}

static enum fp_error evidence_connections(const struct cli *cli, struct bytes after,
                                          struct buf *frame)
{
    struct link_connection_list question = {.call = 1, .actor = cli_actor(), .after = after};
    (void)cli;
    return link_put_connection_list(frame, &question);
}

// Rows without what an auditor has no need of: names, addresses and metadata of customers.
static void evidence_rows(struct evidence *e, const char *name, struct bytes rows)
{
    static const char *const personal[] = {"name", "email", "account", "user_metadata", "tags"};
    struct cli_json json = {0};
    struct buf out;
    struct json_out j = json_out_start(&out);
    size_t index = 0, count = 0, each = 0, members = 0;
    yyjson_val *row = NULL, *key = NULL, *value = NULL;
    enum fp_error error = cli_json_read(rows, &json);
    buf_init(&out, EVIDENCE_MAX);
    json_begin_array(&j);
    yyjson_arr_foreach(json.root, index, count, row)
    {
        json_begin_object(&j);
        yyjson_obj_foreach(row, each, members, key, value)
        {
            bool kept = true;
            for (size_t i = 0; i < sizeof personal / sizeof personal[0]; i++) {
                kept = kept && !yyjson_equals_str(key, personal[i]);
            }
            if (kept && error == FP_OK) {
                json_name(&j, yyjson_get_str(key));
                j.need_comma = false;
                error = cli_json_write(&json, value, &out);
                j.need_comma = true;
            }
        }
        json_end_object(&j);
    }
    json_end_array(&j);
    error = error != FP_OK ? error : buf_error(&out);
    evidence_fail(e, error);
    evidence_add(e, name, buf_bytes(&out));
    cli_json_done(&json);
    buf_done(&out);
}

// member: of a row, that has the owner's id.
static void evidence_tokens_of(struct evidence *e, struct bytes owners, const char *member,
                               struct json_out *j, struct buf *out)
{
    struct cli_json json = {0};
    size_t index = 0, count = 0;
    yyjson_val *row = NULL;
    enum fp_error error = cli_json_read(owners, &json);
    yyjson_arr_foreach(json.root, index, count, row)
    {
        const char *owner = yyjson_get_str(yyjson_obj_get(row, member));
        struct link_token_list question = {
            .call = 1, .actor = cli_actor(), .owner = bytes_of_text(owner)};
        struct buf frame;
        if (e->result != CLI_OK || owner == NULL) {
            break;
        }
        frame = cli_question();
        json_begin_object(j);
        json_member_text_c(j, "owner", owner);
        json_name(j, "tokens");
        evidence_ask(e, &frame, link_put_token_list(&frame, &question), out);
        j->need_comma = true;
        json_end_object(j);
    }
    cli_json_done(&json);
    evidence_fail(e, error);
}

static void evidence_access(struct evidence *e)
{
    struct link_application_list applications = {.call = 1, .actor = cli_actor()};
    struct link_operator_list operators = {.call = 1, .actor = cli_actor()};
    struct buf apps, connections, other, frame = cli_question();
    struct json_out j = json_out_start(&other);
    buf_init(&apps, EVIDENCE_MAX);
    buf_init(&connections, EVIDENCE_MAX);
    buf_init(&other, EVIDENCE_MAX);
    evidence_ask(e, &frame, link_put_application_list(&frame, &applications), &apps);
    evidence_add(e, "access/applications.json", buf_bytes(&apps));
    if (e->result == CLI_OK) {
        e->result = cli_take_pages(e->cli, evidence_connections, &connections);
    }
    if (e->result == CLI_OK) {
        evidence_rows(e, "access/connections.json", buf_bytes(&connections));
    }
    json_begin_array(&j);
    if (e->result == CLI_OK) {
        evidence_tokens_of(e, buf_bytes(&apps), "id", &j, &other);
        evidence_tokens_of(e, buf_bytes(&connections), "key", &j, &other);
    }
    json_end_array(&j);
    evidence_add(e, "access/tokens.json", buf_bytes(&other));
    buf_clear(&other);
    frame = cli_question();
    evidence_ask(e, &frame, link_put_operator_list(&frame, &operators), &other);
    evidence_add(e, "access/operators.json", buf_bytes(&other));
    buf_done(&apps);
    buf_done(&connections);
    buf_done(&other);
}

// ---------------------------------------------------------------------------------- the server

static void evidence_status(struct evidence *e)
{
    struct link_status question = {.call = 1, .actor = cli_actor()};
    struct buf out, frame = cli_question();
    buf_init(&out, EVIDENCE_MAX);
    evidence_ask(e, &frame, link_put_status(&frame, &question), &out);
    evidence_add(e, "status.json", buf_bytes(&out));
    buf_clear(&out);
    if (e->result == CLI_OK) {
        e->result = cli_take_pages(e->cli, evidence_keys, &out);
    }
    evidence_add(e, "keys.json", buf_bytes(&out));
    buf_done(&out);
}

// A file as it is, as far as out takes it.
static bool evidence_read(const char *path, struct buf *out)
{
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd >= 0) {
        uint8_t *at = buf_reserve(out, 4096);
        got = at != NULL ? read(fd, at, 4096) : -1;
        if (got <= 0) {
            break;
        }
        buf_commit(out, (size_t)got);
    }
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 && got == 0;
}

static void evidence_audit(struct evidence *e, const struct config *config)
{
    char path[CONFIG_PATH + 16], hash[65];
    uint8_t key[SIGN_PUBLIC_SIZE];
    struct audit_finding f = {0};
    struct buf text;
    enum fp_error error = FP_E_KEY_INVALID;
    snprintf(path, sizeof path, "%s/%s", config->audit_dir, AUDIT_KEY_FILE);
    buf_init(&text, SETTINGS_MAX);
    if (evidence_read(path, &text)) {
        error = audit_key_parse(buf_bytes(&text), key);
    }
    evidence_fail(e, error);
    evidence_add(e, AUDIT_KEY_FILE, buf_bytes(&text));
    buf_clear(&text);
    if (e->result == CLI_OK) {
        struct json_out j = json_out_start(&text);
        error = audit_verify_dir(config->audit_dir, key, &f);
        // a last line that is being written is none yet
        hex_encode(bytes_of(f.last_hash, sizeof f.last_hash), hash);
        json_begin_object(&j);
        json_member_text_c(&j, "state", audit_fault_text(f.fault));
        json_member_text_c(&j, "message", f.text);
        json_member_i64(&j, "records", (int64_t)f.records);
        json_member_i64(&j, "first", (int64_t)f.first_seq);
        json_member_i64(&j, "last", (int64_t)f.last_seq);
        json_member_i64(&j, "signed", (int64_t)f.signed_seq);
        json_member_text_c(&j, "last_hash", hash);
        json_end_object(&j);
        evidence_fail(e, error == FP_E_AUDIT_BROKEN ? FP_OK : error);
        evidence_add(e, "audit.json", buf_bytes(&text));
    }
    buf_done(&text);
}

// What stands between "://" and "@" may be a password, and so may what is called one.
static void evidence_line(struct bytes line, struct buf *out)
{
    const uint8_t *scheme = memmem(line.ptr, line.len, "://", 3);
    const uint8_t *at = scheme != NULL ? memrchr(line.ptr, '@', line.len) : NULL;
    const uint8_t *word = memmem(line.ptr, line.len, "password", 8);
    if (word != NULL) {
        buf_append_text(out, "# a line about a password was left out\n");
        return;
    }
    if (at != NULL && at > scheme) {
        buf_append_bytes(out, bytes_slice(line, 0, (size_t)(scheme - line.ptr) + 3));
        buf_append_text(out, "***");
        line = bytes_slice(line, (size_t)(at - line.ptr), line.len);
    }
    buf_append_bytes(out, line);
    buf_append_byte(out, '\n');
}

static void evidence_settings(struct evidence *e)
{
    char path[CONFIG_PATH];
    struct buf text, out;
    struct bytes rest, line;
    buf_init(&text, SETTINGS_MAX);
    buf_init(&out, SETTINGS_MAX * 2);
    if (!cli_settings_path(e->cli, path) || !evidence_read(path, &text)) {
        evidence_fail(e, FP_E_IO_FAILED);
    }
    rest = buf_bytes(&text);
    while (bytes_split(&rest, '\n', &line)) {
        evidence_line(line, &out);
    }
    evidence_fail(e, buf_error(&out));
    evidence_add(e, "settings.yaml", buf_bytes(&out));
    buf_done(&text);
    buf_done(&out);
}

// --------------------------------------------------------------------------------- the manifest

static void evidence_sign(struct evidence *e)
{
    uint8_t digest[DIGEST_SIZE] = {0};
    char hex[2 * DIGEST_SIZE + 1];
    struct link_evidence_sign question = {.call = 1, .actor = cli_actor()};
    struct buf out, frame = cli_question();
    json_end_array(&e->json);
    json_end_object(&e->json);
    buf_init(&out, EVIDENCE_MAX);
    evidence_fail(e, buf_error(&e->manifest));
    evidence_fail(e, digest_sha256(buf_bytes(&e->manifest), digest));
    hex_encode(bytes_of(digest, sizeof digest), hex);
    question.digest = bytes_of_text(hex);
    if (e->result == CLI_OK) {
        evidence_fail(e, tar_add(&e->tar, "MANIFEST.json", buf_bytes(&e->manifest)));
    }
    evidence_ask(e, &frame, link_put_evidence_sign(&frame, &question), &out);
    if (e->result == CLI_OK) {
        evidence_fail(e, tar_add(&e->tar, "MANIFEST.sig.json", buf_bytes(&out)));
    }
    if (e->result == CLI_OK) {
        evidence_fail(e, tar_end(&e->tar));
    }
    buf_done(&out);
}

static void evidence_collect(struct evidence *e, const struct config *config)
{
    char time[CLOCK_TEXT];
    clock_text(clock_wall_ms(), time);
    json_begin_object(&e->json);
    json_member_text_c(&e->json, "type", "fishplate-evidence-1");
    json_member_text_c(&e->json, "version", FP_VERSION);
    json_member_text_c(&e->json, "made_at", time);
    json_member_text(&e->json, "made_by", cli_actor());
    json_name(&e->json, "files");
    json_begin_array(&e->json);
    evidence_add(e, "README.md", bytes_of_text(evidence_readme));
    evidence_add(e, "mapping.md", bytes_of_text(evidence_mapping));
    evidence_status(e);
    evidence_access(e);
    evidence_settings(e);
    evidence_audit(e, config);
    evidence_sign(e);
}

// The protections of the rooms are part of it, and they are there while the server runs.
static bool evidence_running(const struct config *config)
{
    char path[CONFIG_CONTROL_PATH];
    int fd = -1;
    config_control_path(config, path);
    if (local_socket_connect(path, &fd) != FP_OK) {
        return false;
    }
    close(fd);
    return true;
}

enum cli_exit cli_evidence(const struct cli *cli)
{
    struct config config;
    const char *path = cli_value(cli, "out");
    struct evidence e = {.cli = cli, .tar = {.fd = -1, .time_s = clock_wall_ms() / 1000}};
    e.result = cli_load_config(cli, &config);
    if (e.result == CLI_OK) {
        evidence_fail(&e, evidence_running(&config) ? crypto_setup() : FP_E_NOT_RUNNING);
    }
    if (e.result != CLI_OK) {
        return e.result;
    }
    e.tar.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
    if (e.tar.fd < 0) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        return CLI_FAILED;
    }
    buf_init(&e.manifest, 1u << 20);
    e.json = json_out_start(&e.manifest);
    evidence_collect(&e, &config);
    if (close(e.tar.fd) != 0) {
        evidence_fail(&e, FP_E_IO_FAILED);
    }
    if (e.result == CLI_OK) {
        fprintf(stderr, "fishplate: the evidence is in %s.\n", path);
    } else {
        (void)unlink(path); // half of it is none
    }
    buf_done(&e.manifest);
    return e.result;
}
