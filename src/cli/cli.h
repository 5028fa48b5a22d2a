// The command line: one table of commands, each with its options and its function.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_CLI_H
#define FP_CLI_CLI_H

#include "config/config.h"

// What a command's end tells the shell.
enum cli_exit {
    CLI_OK = 0,          // done
    CLI_FAILED = 1,      // refused or went wrong
    CLI_USAGE = 2,       // wrong options, or a configuration that is not valid
    CLI_NOT_RUNNING = 3, // needs a running server
    CLI_NOT_FOUND = 4    // no such application, connection, token, file
};

struct cli_hooks {
    int (*serve)(const struct config *config); // runs the server; returns the exit status
};

int cli_main(int argc, char *argv[], char *const environment[], const struct cli_hooks *hooks);

#endif
