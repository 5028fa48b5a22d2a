// Entry of the command line.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include "cli/cli_int.h"

#include <stdarg.h>
#include <string.h>

static enum cli_exit cli_help_of_group(const struct cli *cli, int argc, char *argv[])
{
    (void)cli;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            struct cli group = {.arguments = {argv[i]}, .argument_count = 1};
            return cli_show_help(&group);
        }
    }
    cli_help(stdout);
    return CLI_OK;
}

int cli_main(int argc, char *argv[], char *const environment[], const struct cli_hooks *hooks)
{
    struct cli cli = {.hooks = hooks, .environment = environment};
    enum cli_exit result = CLI_OK;
    if (argc <= 1) {
        cli_help(stdout);
        return CLI_OK;
    }
    result = cli_parse(&cli, argc, argv);
    if (result != CLI_OK) {
        return (int)result;
    }
    if (cli.command == NULL) {
        return (int)cli_help_of_group(&cli, argc, argv);
    }
    if (cli.help) {
        cli_help_command(stdout, cli.command);
        return CLI_OK;
    }
    result = cli.command->run(&cli);
    if (fflush(stdout) != 0 && result == CLI_OK) {
        fputs("fishplate: the output could not be written.\n", stderr);
        result = CLI_FAILED;
    }
    return (int)result;
}

enum cli_exit cli_usage_error(const char *format, ...)
{
    va_list arguments;
    fputs("fishplate: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nfishplate help lists the commands and their options.\n", stderr);
    return CLI_USAGE;
}
