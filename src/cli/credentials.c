// Reading credentials from a private file, standard input or the terminal.
// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials.h"

#include "base/json_out.h"
#include "base/limits.h"
#include "cli/json_memory.h"
#include "mapping/set.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cli_exit credentials_from(int fd, struct buf *out)
{
    struct cli_json json = {0};
    ssize_t got = 0;
    bool good = false;
    do {
        uint8_t *space = buf_reserve(out, 1024);
        got = space == NULL ? -1 : read(fd, space, 1024);
        if (got > 0) {
            buf_commit(out, (size_t)got);
        }
    } while (got > 0);
    if (got < 0) {
        return cli_usage_error("The credentials cannot be read, or are longer than %u bytes.",
                               (unsigned)FP_LIMIT_CREDENTIALS_JSON);
    }
    good = cli_json_read(buf_bytes(out), &json) == FP_OK && yyjson_is_obj(json.root);
    cli_json_done(&json);
    return good ? CLI_OK
                : cli_usage_error("The credentials are no JSON object, like "
                                  "{\"url\":\"...\",\"password\":\"...\"}.");
}

static enum cli_exit credentials_from_file(const char *path, struct buf *out)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum cli_exit result = CLI_OK;
    if (fd < 0 || fstat(fd, &about) != 0) {
        result = cli_usage_error("%s cannot be opened: %m.", path);
    } else if (S_ISREG(about.st_mode) && (about.st_mode & 077) != 0) {
        result = cli_usage_error("%s can be read by others (mode %04o): chmod 600 it first.", path,
                                 (unsigned)(about.st_mode & 07777));
    } else {
        result = credentials_from(fd, out);
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static enum cli_exit credentials_ask_field(const struct mapping_credential *field,
                                           struct json_out *j)
{
    char prompt[512];
    struct buf line;
    enum fp_error error = FP_OK;
    buf_init_sensitive(&line, FP_LIMIT_CREDENTIALS_JSON);
    snprintf(prompt, sizeof prompt, "%.200s%s%.200s%s%s", field->label,
             field->example != NULL ? " (for example " : "",
             field->example != NULL ? field->example : "", field->example != NULL ? ")" : "",
             field->optional ? " [may stay empty]" : "");
    error = cli_read_hidden(prompt, field->kind == CREDENTIAL_SECRET, &line);
    if (error == FP_OK && (line.len != 0 || !field->optional)) {
        json_member_text(j, field->name, buf_bytes(&line));
    }
    buf_done(&line);
    return error == FP_OK ? CLI_OK : cli_usage_error("Nothing could be read from the terminal.");
}

static enum cli_exit credentials_ask(const struct cli *cli, struct buf *out)
{
    struct config config;
    struct mapping_set *set = NULL;
    const struct mapping *mapping = NULL;
    struct fp_note note = {0};
    struct json_out j = json_out_start(out);
    enum cli_exit result = cli_load_config(cli, &config);
    if (result != CLI_OK) {
        return result;
    }
    if (mapping_set_load(config.connectors_dir, &set, &note) != FP_OK) {
        return cli_note_tell(cli, FP_E_DEFINITION_INVALID, &note);
    }
    mapping = mapping_set_find(set, bytes_of_text(cli_value(cli, "platform")));
    if (mapping == NULL) {
        result = cli_note_tell(cli, FP_E_PLATFORM_UNKNOWN, &note);
    }
    json_begin_object(&j);
    for (unsigned i = 0; result == CLI_OK && i < mapping->credential_count; i++) {
        result = credentials_ask_field(&mapping->credentials[i], &j);
    }
    json_end_object(&j);
    mapping_set_free(set);
    return result;
}

enum cli_exit credentials_read(const struct cli *cli, struct buf *out)
{
    const char *path = cli_value(cli, "credentials");
    enum cli_exit result = CLI_OK;
    buf_init_sensitive(out, FP_LIMIT_CREDENTIALS_JSON + 1024);
    if (path != NULL && strcmp(path, "-") != 0) {
        result = credentials_from_file(path, out);
    } else if (path != NULL || isatty(STDIN_FILENO) == 0) {
        result = credentials_from(STDIN_FILENO, out);
    } else {
        result = credentials_ask(cli, out);
    }
    if (result != CLI_OK) {
        buf_done(out);
    }
    return result;
}
