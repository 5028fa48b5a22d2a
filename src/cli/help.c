// What the commands are and how each is used.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"

#include <string.h>

static void help_name(const struct cli_command *command, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s%s", command->group, command->verb != NULL ? " " : "",
             command->verb != NULL ? command->verb : "", command->arguments != NULL ? " " : "",
             command->arguments != NULL ? command->arguments : "");
}

static void help_options(FILE *out, const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        char name[64];
        snprintf(name, sizeof name, "--%s%s%s", options->name, options->value != NULL ? " " : "",
                 options->value != NULL ? options->value : "");
        fprintf(out, "  %-24s %s%s\n", name, options->help, options->required ? " (required)" : "");
    }
}

void cli_help(FILE *out)
{
    fputs("fishplate: one API in front of a company's industrial systems\n\n"
          "usage: fishplate COMMAND [options]\n\n",
          out);
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        char name[64];
        help_name(one, name, sizeof name);
        fprintf(out, "  %-24s %s\n", name, one->help);
    }
    fputs("\noptions of every command:\n", out);
    help_options(out, cli_global_options);
    fputs("\nexit codes: 0 done, 1 refused or failed, 2 wrong use or configuration, "
          "3 server not running, 4 not found\n"
          "Begin with: fishplate init --dir DIR, then fishplate serve --dir DIR\n",
          out);
}

void cli_help_command(FILE *out, const struct cli_command *command)
{
    char name[64];
    help_name(command, name, sizeof name);
    fprintf(out, "usage: fishplate %s%s\n\n%s\n", name,
            command->options != NULL ? " [options]" : "", command->help);
    if (command->more != NULL) {
        fprintf(out, "%s\n", command->more);
    }
    if (command->options != NULL) {
        fputs("\noptions:\n", out);
        help_options(out, command->options);
    }
    fputs("\noptions of every command:\n", out);
    help_options(out, cli_global_options);
}

enum cli_exit cli_show_help(const struct cli *cli)
{
    bool found = false;
    if (cli->argument_count == 0) {
        cli_help(stdout);
        return CLI_OK;
    }
    for (const struct cli_command *one = cli_commands; one->group != NULL; one++) {
        if (strcmp(one->group, cli->arguments[0]) == 0 &&
            (cli->argument_count == 1 ||
             (one->verb != NULL && strcmp(one->verb, cli->arguments[1]) == 0))) {
            if (found) {
                fputc('\n', stdout);
            }
            cli_help_command(stdout, one);
            found = true;
        }
    }
    return found ? CLI_OK : cli_usage_error("There is no command \"%s\".", cli->arguments[0]);
}

enum cli_exit cli_version(const struct cli *cli)
{
    if (cli->json) {
        puts("{\"version\":\"" FP_VERSION "\"}");
    } else {
        puts("fishplate " FP_VERSION);
    }
    return CLI_OK;
}
