// fishplate connector check, list: definitions of platforms.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include "base/json_out.h"
#include "mapping/set.h"

#include <unistd.h>

static const struct cli_column connector_columns[] = {
    {"PLATFORM", "key"},      {"NAME", "name"},     {"PROVEN", "proof"},
    {"VERSIONS", "versions"}, {"DRIVER", "driver"}, {.title = NULL},
};

static void connector_write_warnings(const struct mapping *mapping, struct json_out *j)
{
    json_begin_array(j);
    for (unsigned i = 0; i < mapping->warning_count; i++) {
        const struct mapping_warning *one = &mapping->warnings[i];
        json_begin_object(j);
        json_member_i64(j, "line", one->line);
        json_member_i64(j, "column", one->column);
        json_member_text_c(j, "text", one->text);
        json_end_object(j);
    }
    json_end_array(j);
}

static void connector_tell(const struct cli *cli, const char *path, const struct mapping *mapping)
{
    struct buf text;
    struct json_out j;
    if (!cli->json) {
        for (unsigned i = 0; i < mapping->warning_count; i++) {
            const struct mapping_warning *one = &mapping->warnings[i];
            printf("%s:%u:%u: warning: %s\n", path, one->line, one->column, one->text);
        }
        printf("%s: good: platform %s, proven %s, %u warnings\n", path, mapping->platform,
               mapping_proof_name(mapping->proof), mapping->warning_count);
        return;
    }
    buf_init(&text, 1048576);
    j = json_out_start(&text);
    json_begin_object(&j);
    json_member_bool(&j, "ok", true);
    json_member_text_c(&j, "platform", mapping->platform);
    json_member_text_c(&j, "proof", mapping_proof_name(mapping->proof));
    json_name(&j, "warnings");
    connector_write_warnings(mapping, &j);
    json_end_object(&j);
    puts(buf_text(&text));
    buf_done(&text);
}

enum cli_exit cli_connector_check(const struct cli *cli)
{
    const char *path = cli->arguments[0];
    struct mapping *mapping = NULL;
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    if (access(path, F_OK) != 0) {
        fprintf(stderr, "fishplate: %s: %m\n", path);
        return CLI_NOT_FOUND;
    }
    error = mapping_load_file(path, &mapping, &note);
    if (error == FP_OK) {
        connector_tell(cli, path, mapping);
    } else if (cli->json || note.line == 0) {
        (void)cli_note_tell(cli, error, &note);
    } else {
        fprintf(stderr, "%s:%u:%u: %s\n", path, note.line, note.column, note.text);
    }
    mapping_free(mapping);
    return error == FP_OK ? CLI_OK : CLI_FAILED;
}

// Where a configuration is at hand, its own definitions are listed too.
static enum cli_exit connector_folder(const struct cli *cli, char out[static CONFIG_PATH])
{
    struct config config;
    enum cli_exit result = CLI_OK;
    out[0] = '\0';
    if (cli->config_path != NULL || cli->dir != NULL) {
        result = cli_load_config(cli, &config);
        if (result == CLI_OK) {
            snprintf(out, CONFIG_PATH, "%s", config.connectors_dir);
        }
    }
    return result;
}

enum cli_exit cli_connector_list(const struct cli *cli)
{
    struct mapping_set *set = NULL;
    const struct mapping *mapping = NULL;
    struct fp_note note = {0};
    char folder[CONFIG_PATH];
    struct buf text;
    struct json_out j;
    enum cli_exit result = connector_folder(cli, folder);
    if (result != CLI_OK) {
        return result;
    }
    enum fp_error error = mapping_set_load(folder, &set, &note);
    if (error != FP_OK) {
        return cli_note_tell(cli, error, &note);
    }
    buf_init(&text, 1048576);
    j = json_out_start(&text);
    json_begin_array(&j);
    for (size_t i = 0; (mapping = mapping_set_at(set, i)) != NULL; i++) {
        json_begin_object(&j);
        json_member_text_c(&j, "key", mapping->platform);
        json_member_text_c(&j, "name", mapping->title);
        json_member_text_c(&j, "about", mapping->about);
        json_member_text_c(&j, "versions", mapping->versions);
        json_member_text_c(&j, "driver", mapping->driver);
        json_member_text_c(&j, "proof", mapping_proof_name(mapping->proof));
        json_end_object(&j);
    }
    json_end_array(&j);
    result = cli_print_table(cli, buf_bytes(&text), connector_columns);
    buf_done(&text);
    mapping_set_free(set);
    return result;
}
