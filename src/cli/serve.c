// fishplate serve: check everything, then become the supervisor.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

enum cli_exit cli_serve(const struct cli *cli)
{
    static struct config config; // lives as long as the server
    struct fp_note note = {0};
    enum cli_exit result = cli_load_config(cli, &config);
    enum fp_error error = FP_OK;
    if (result != CLI_OK) {
        return result;
    }
    error = config_check_files(&config, &note);
    if (error != FP_OK) {
        return cli_note_tell(cli, error, &note);
    }
    if (cli_value(cli, "check-config") != NULL) {
        puts(cli->json ? "{\"ok\":true}" : "OK");
        return CLI_OK;
    }
    return (enum cli_exit)cli->hooks->serve(&config);
}
