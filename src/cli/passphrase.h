// The passphrase of the master key, and the master key of commands that work without a server.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_PASSPHRASE_H
#define FP_CLI_PASSPHRASE_H

#include "cli/cli_int.h"
#include "keys/master.h"

struct passphrase_ask {
    const char *file;   // "-": a line of standard input; NULL: that, or the terminal
    const char *prompt; // at a terminal
    bool twice;         // a new one: typed twice, and long enough
};
// Appends the passphrase to out, which the caller made sensitive. A note with every failure.
enum fp_error passphrase_read(const struct passphrase_ask *ask, struct buf *out,
                              struct fp_note *note);

// What to ask for.
const char *passphrase_prompt(const struct master_source *source);

// What is needed for the installation's master key, taken before this process becomes the vault's
// user. The passphrase stands in memory that a forked child keeps, unlike a struct secret.
struct passphrase_master {
    int fd;                // of the key's file; -1: not open
    struct buf passphrase; // sensitive; what opens it: passphrase, the key that a token unwrapped,
                           // or nothing
};
// out is to be given to passphrase_master_done() also after a failure.
enum fp_error passphrase_master_reach(const struct cli *cli, const struct config *config,
                                      struct passphrase_master *out, struct fp_note *note);
enum fp_error passphrase_master_open(const struct config *config,
                                     const struct passphrase_master *master,
                                     struct master_key **out, struct fp_note *note);
void passphrase_master_done(struct passphrase_master *master);
// The same for any source.
enum fp_error passphrase_open(const struct master_source *source, int fd, struct bytes passphrase,
                              struct master_key **out, struct fp_note *note);

#endif
