// Which records of the audit log a command is about: its options --request, --since and so on.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_AUDIT_FILTER_H
#define FP_CLI_AUDIT_FILTER_H

#include "cli/cli_int.h"

#include "audit/audit_line.h"
#include "base/clock.h"

#define AUDIT_FILTER_TEXTS 6

struct audit_filter {
    struct audit_filter_text {
        const char *member;      // of a record
        const char *value;       // that it must have; borrowed
        struct buf needle;       // both as they stand in a line
    } texts[AUDIT_FILTER_TEXTS]; // those given
    size_t count;                // of them
    const char *action;          // one, or all behind "token."; NULL: any
    char since[CLOCK_TEXT];      // from then on; "": from the first
    char until[CLOCK_TEXT];      // before then; "": to the last
};

// From the options that the command has. CLI_USAGE when the user was told what is wrong.
enum cli_exit audit_filter_read(const struct cli *cli, struct audit_filter *out);
void audit_filter_done(struct audit_filter *filter);
bool audit_filter_takes(const struct audit_filter *filter, struct bytes text,
                        const struct audit_line *line);

#endif
