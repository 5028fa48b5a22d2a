// Credentials of a source system for `connection create`: never from the command line's words,
// which other users can see. SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_CREDENTIALS_H
#define FP_CLI_CREDENTIALS_H

#include "cli/cli_int.h"

// A JSON object, from --credentials FILE (mode 0600) or -, or asked for field by field as the
// platform's definition says. out is sensitive; the caller ends it when CLI_OK was returned.
enum cli_exit credentials_read(const struct cli *cli, struct buf *out);

#endif
