// Where the configuration is: --config, --dir, or one of the usual places.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <unistd.h>

static const char *const usual_places[] = {
    "fishplate.yaml",
    "/etc/fishplate/fishplate.yaml",
    "/var/lib/fishplate/fishplate.yaml",
};

static bool settings_find(const struct cli *cli, char *out, size_t size)
{
    if (cli->config_path != NULL) {
        return snprintf(out, size, "%s", cli->config_path) < (int)size;
    }
    if (cli->dir != NULL) {
        return snprintf(out, size, "%s/fishplate.yaml", cli->dir) < (int)size;
    }
    for (size_t i = 0; i < sizeof usual_places / sizeof usual_places[0]; i++) {
        if (access(usual_places[i], F_OK) == 0) {
            return snprintf(out, size, "%s", usual_places[i]) < (int)size;
        }
    }
    return false;
}

bool cli_settings_path(const struct cli *cli, char out[static CONFIG_PATH])
{
    return settings_find(cli, out, CONFIG_PATH);
}

enum cli_exit cli_load_config(const struct cli *cli, struct config *out)
{
    char path[CONFIG_PATH * 2];
    struct fp_note note = {0};
    enum fp_error error = FP_OK;
    if (!settings_find(cli, path, sizeof path)) {
        return cli_usage_error("There is no configuration here, in /etc/fishplate or "
                               "/var/lib/fishplate: name it with --config FILE or --dir DIR, or "
                               "make one with fishplate init --dir DIR.");
    }
    error = config_load(path, cli->environment, out, &note);
    if (error == FP_OK) {
        return CLI_OK;
    }
    if (!cli->json && note.line != 0) {
        // the form that editors and terminals jump to
        fprintf(stderr, "%s:%u:%u: %s%s%s\n", path, note.line, note.column, note.field,
                note.field[0] != '\0' ? ": " : "", note.text);
        return CLI_USAGE;
    }
    return cli_note_tell(cli, error, &note);
}
