// fishplate customer list, show, erase, verify-certificate.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/json_memory.h"

#include "crypto/setup.h"
#include "link/link.h"
#include "registry/erasure.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct cli_column customer_columns[] = {
    {"ID", "id"},
    {"NAME", "name"},
    {"EMAIL", "email"},
    {"CONNECTIONS", "connections"},
    {"ERASED", "erased_at"},
    {"APPLICATION", "application"},
    {.title = NULL},
};
static const struct cli_column customer_lines[] = {
    {"customer", "id"},
    {"application", "application"},
    {"name", "name"},
    {"email", "email"},
    {"connections", "connections"},
    {"created", "created_at"},
    {"erased", "erased_at"},
    {.title = NULL},
};
static const struct cli_column certificate_lines[] = {
    {"customer", "customer"},
    {"application", "application"},
    {"store", "store"},
    {"erased", "erased_at"},
    {"issued", "issued_at"},
    {"by", "by_id"},
    {"connections", "connections"},
    {"audit record", "audit_record"},
    {"what", "what"},
    {.title = NULL},
};

static enum fp_error customer_page(const struct cli *cli, struct bytes after, struct buf *frame)
{
    struct link_customer_list question = {.call = 1,
                                          .actor = cli_actor(),
                                          .application = bytes_of_text(cli_value(cli, "app")),
                                          .after = after};
    return link_put_customer_list(frame, &question);
}

enum cli_exit cli_customer_list(const struct cli *cli)
{
    return cli_print_pages(cli, customer_page, customer_columns);
}

enum cli_exit cli_customer_show(const struct cli *cli)
{
    struct link_customer_show question = {
        .call = 1, .actor = cli_actor(), .customer = bytes_of_text(cli->arguments[0])};
    struct buf frame = cli_question();
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (link_put_customer_show(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = cli_print_object(cli, buf_bytes(&answer.data), customer_lines);
    }
    cli_answer_done(&answer);
    return result;
}

// -------------------------------------------------------------------------------- certificates

static bool customer_write_all(int fd, struct bytes data)
{
    while (data.len != 0) {
        ssize_t done = write(fd, data.ptr, data.len);
        if (done <= 0) {
            return false;
        }
        data = bytes_slice(data, (size_t)done, data.len);
    }
    return true;
}

// The certificate by itself into a new file.
static enum cli_exit customer_save(const char *path, struct bytes certificate)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
    bool good = fd >= 0 && customer_write_all(fd, certificate) &&
                customer_write_all(fd, BYTES("\n")) && fsync(fd) == 0;
    if (!good) {
        fprintf(stderr,
                "fishplate: %s: %m\nThe customer is erased; fishplate customer show --json gives "
                "the certificate again.\n",
                path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return good ? CLI_OK : CLI_FAILED;
}

// Tells people what was done, from the certificate itself.
static enum cli_exit customer_tell(const struct cli *cli, struct bytes data)
{
    const char *path = cli_value(cli, "certificate");
    struct cli_json json = {0};
    struct buf certificate;
    yyjson_val *value = NULL;
    const char *statement = NULL;
    enum cli_exit result = cli_json_read(data, &json) == FP_OK ? CLI_OK : CLI_FAILED;
    buf_init(&certificate, ERASURE_MAX * 2);
    value = yyjson_obj_get(json.root, "certificate");
    statement = yyjson_get_str(yyjson_obj_get(value, "statement"));
    if (result == CLI_OK &&
        (statement == NULL || cli_json_write(&json, value, &certificate) != FP_OK)) {
        result = CLI_FAILED;
    }
    if (result == CLI_OK && path != NULL) {
        result = customer_save(path, buf_bytes(&certificate));
    }
    if (result == CLI_OK && cli->json) {
        result = cli_print_object(cli, data, certificate_lines);
    } else if (result == CLI_OK) {
        result = cli_print_object(cli, bytes_of_text(statement), certificate_lines);
        if (path != NULL) {
            printf("\nThe certificate is in %s.\n", path);
        } else {
            printf("\nThe certificate:\n%s\n", buf_text(&certificate));
        }
    }
    buf_done(&certificate);
    cli_json_done(&json);
    return result;
}

enum cli_exit cli_customer_erase(const struct cli *cli)
{
    struct link_customer_erase question = {
        .call = 1, .actor = cli_actor(), .customer = bytes_of_text(cli->arguments[0])};
    struct buf frame;
    struct cli_answer answer = {0};
    enum cli_exit result = CLI_OK;
    if (cli_value(cli, "dry-run") != NULL) {
        result = cli_customer_show(cli);
        if (result == CLI_OK && !cli->json) {
            puts("\nIts data keys would be destroyed, its connections ended. Nothing was changed.");
        }
        return result;
    }
    if (!cli_confirm(cli, "Erasing a customer with its data keys and connections", "erase")) {
        return CLI_USAGE;
    }
    frame = cli_question();
    if (link_put_customer_erase(&frame, &question) != FP_OK) {
        buf_clear(&frame);
    }
    cli_ask(cli, &frame, &answer);
    result = answer.exit;
    if (result == CLI_OK) {
        result = customer_tell(cli, buf_bytes(&answer.data));
    }
    cli_answer_done(&answer);
    return result;
}

static bool customer_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0) {
        uint8_t *space = buf_reserve(out, 1024);
        got = space != NULL ? read(fd, space, 1024) : -1;
        if (got > 0) {
            buf_commit(out, (size_t)got);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return got == 0;
}

// Digits, or a file that holds them.
static bool customer_key(const char *given, uint8_t out[static SIGN_PUBLIC_SIZE])
{
    struct buf text;
    bool good = audit_key_parse(bytes_of_text(given), out) == FP_OK;
    buf_init(&text, 4096);
    if (!good && customer_read(given, &text)) {
        good = audit_key_parse(buf_bytes(&text), out) == FP_OK;
    }
    buf_done(&text);
    return good;
}

enum cli_exit cli_customer_verify(const struct cli *cli)
{
    const char *path = cli->arguments[0];
    uint8_t key[SIGN_PUBLIC_SIZE];
    struct buf text, statement;
    struct fp_note note = {0};
    enum cli_exit result = CLI_OK;
    enum fp_error error = crypto_setup();
    if (!customer_key(cli_value(cli, "key"), key)) {
        return cli_usage_error("--key takes the public key of an audit log, or its file.");
    }
    buf_init(&text, ERASURE_MAX + 4096);
    buf_init(&statement, ERASURE_MAX);
    if (!customer_read(path, &text)) {
        fprintf(stderr, "fishplate: %s cannot be read: %m\n", path);
        result = CLI_NOT_FOUND;
    } else if (error == FP_OK) {
        error = erasure_check(buf_bytes(&text), key, &statement);
    }
    if (error == FP_E_INPUT_INVALID) {
        fp_note_set(&note, "", "%s holds no certificate of erasure.", path);
    } else if (error == FP_E_UNSEAL_FAILED) {
        fp_note_set(&note, "", "%s was changed, or another installation signed it.", path);
        error = FP_E_CERTIFICATE_INVALID;
    }
    if (result == CLI_OK) {
        result = error == FP_OK ? cli_print_object(cli, buf_bytes(&statement), certificate_lines)
                                : cli_note_tell(cli, error, &note);
    }
    if (result == CLI_OK && !cli->json) {
        puts("\nThe signature is good.");
    }
    buf_done(&text);
    buf_done(&statement);
    return result;
}
