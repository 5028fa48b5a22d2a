// fishplate audit verify: the audit log checked offline, from its files and the public key alone.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "cli/audit_anchors.h"

#include "audit/audit_signer.h"
#include "audit/audit_verify.h"
#include "base/json_out.h"
#include "crypto/encoding.h"
#include "crypto/setup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct cli_column audit_lines[] = {
    {"audit log", "state"},
    {"what", "message"},
    {"file", "file"},
    {"line", "line"},
    {"record", "record"},
    {"good records", "records"},
    {"first record", "first"},
    {"last record", "last"},
    {"signed to record", "signed"},
    {"last hash", "last_hash"},
    {"checked with key", "key"},
    {"anchors", "anchors"},
    {.title = NULL},
};

// Reads the key's line from a file; false when there is none.
static bool audit_read_key(const char *path, uint8_t out[static SIGN_PUBLIC_SIZE],
                           enum fp_error *error_out)
{
    char text[256];
    ssize_t len = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    len = read(fd, text, sizeof text);
    close(fd);
    *error_out = len >= 0 ? audit_key_parse(bytes_of(text, (size_t)len), out) : FP_E_IO_FAILED;
    return true;
}

// As given: digits or a file; else the one beside the log.
static enum fp_error audit_find_key(const struct cli *cli, const char *path, bool folder,
                                    uint8_t out[static SIGN_PUBLIC_SIZE], struct fp_note *note)
{
    const char *given = cli_value(cli, "key");
    char beside[CONFIG_PATH + 16];
    enum fp_error error = FP_E_KEY_INVALID;
    const char *slash = strrchr(path, '/');
    int folder_len = folder ? (int)strlen(path) : slash != NULL ? (int)(slash - path) : 0;
    if (given != NULL && audit_key_parse(bytes_of_text(given), out) == FP_OK) {
        return FP_OK;
    }
    snprintf(beside, sizeof beside, "%.*s%s%s", folder_len, path,
             folder_len != 0 ? "/"
             : slash != NULL ? "/"
                             : "",
             AUDIT_KEY_FILE);
    if (!audit_read_key(given != NULL ? given : beside, out, &error)) {
        fp_note_set(note, "--key", "There is no key at %s: name it with --key.",
                    given != NULL ? given : beside);
        return FP_E_KEY_INVALID;
    }
    if (error != FP_OK) {
        fp_note_set(note, "--key", "%s holds no public key of an audit log.",
                    given != NULL ? given : beside);
    }
    return error == FP_OK ? FP_OK : FP_E_KEY_INVALID;
}

static void audit_write(const struct audit_finding *f, const uint8_t *key, uint64_t anchors,
                        struct buf *out)
{
    struct json_out j = json_out_start(out);
    char hash[65], key_text[65];
    hex_encode(bytes_of(f->last_hash, sizeof f->last_hash), hash);
    hex_encode(bytes_of(key, SIGN_PUBLIC_SIZE), key_text);
    json_begin_object(&j);
    json_member_text_c(&j, "state", audit_fault_text(f->fault));
    if (f->fault != AUDIT_INTACT) {
        json_member_text_c(&j, "message", f->text);
        json_member_text_c(&j, "file", f->file);
        json_member_i64(&j, "line", (int64_t)f->line);
        json_member_i64(&j, "record", (int64_t)f->seq);
    }
    json_member_i64(&j, "records", (int64_t)f->records);
    json_member_i64(&j, "first", (int64_t)f->first_seq);
    json_member_i64(&j, "last", (int64_t)f->last_seq);
    json_member_i64(&j, "signed", (int64_t)f->signed_seq);
    json_member_text_c(&j, "last_hash", hash);
    json_member_text_c(&j, "key", key_text);
    if (anchors != 0) {
        json_member_i64(&j, "anchors", (int64_t)anchors);
    }
    json_end_object(&j);
}

static enum cli_exit audit_tell(const struct cli *cli, const struct audit_finding *finding,
                                const uint8_t *key, uint64_t anchors)
{
    struct buf text;
    enum cli_exit result = CLI_OK;
    buf_init(&text, 4096);
    audit_write(finding, key, anchors, &text);
    result = cli_print_object(cli, buf_bytes(&text), audit_lines);
    buf_done(&text);
    return result == CLI_OK && finding->fault != AUDIT_INTACT ? CLI_FAILED : result;
}

enum cli_exit cli_audit_path(const struct cli *cli, char out[static CONFIG_PATH])
{
    struct config config;
    enum cli_exit result = CLI_OK;
    if (cli->argument_count != 0) {
        snprintf(out, CONFIG_PATH, "%s", cli->arguments[0]);
        return CLI_OK;
    }
    result = cli_load_config(cli, &config);
    if (result == CLI_OK) {
        snprintf(out, CONFIG_PATH, "%s", config.audit_dir);
    }
    return result;
}

enum cli_exit cli_audit_verify(const struct cli *cli)
{
    char path[CONFIG_PATH];
    const char *reaches = cli_value(cli, "reaches"), *anchors = cli_value(cli, "anchors");
    uint8_t key[SIGN_PUBLIC_SIZE];
    uint64_t least = 0, held = 0;
    struct audit_finding finding = {0};
    struct fp_note note = {0};
    struct stat st;
    enum fp_error error = FP_OK;
    enum cli_exit result = cli_audit_path(cli, path);
    if (result != CLI_OK) {
        return result;
    }
    if (reaches != NULL && !bytes_to_u64(bytes_of_text(reaches), INT64_MAX, &least)) {
        return cli_usage_error("--reaches takes the number of a record, not \"%s\"", reaches);
    }
    if (stat(path, &st) != 0) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        return CLI_NOT_FOUND;
    }
    error = crypto_setup();
    if (error == FP_OK) {
        error = audit_find_key(cli, path, S_ISDIR(st.st_mode), key, &note);
    }
    if (error == FP_OK) {
        error = S_ISDIR(st.st_mode) ? audit_verify_dir(path, key, &finding)
                                    : audit_verify_file(path, key, &finding);
    }
    if (error == FP_OK && least != 0) {
        error = audit_verify_reaches(&finding, least);
    }
    if (error == FP_OK && anchors != NULL) {
        error = audit_anchors_check(anchors, path, key, &finding, &held, &note);
    }
    return error == FP_OK || error == FP_E_AUDIT_BROKEN ? audit_tell(cli, &finding, key, held)
                                                        : cli_note_tell(cli, error, &note);
}
