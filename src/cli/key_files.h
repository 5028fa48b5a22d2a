// The files of the master key: the one in use, its successor, and the old one that is kept.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_CLI_KEY_FILES_H
#define FP_CLI_KEY_FILES_H

#include "cli/cli_int.h"
#include "keys/master.h"

// fishplate key rotate --customer. In key_customer.c.
enum cli_exit key_rotate_customer(const struct cli *cli);
// A new master key for the running server. In key_online.c.
enum cli_exit key_rotate_online(const struct cli *cli, const struct config *config);

#define KEY_NAME 256 // longest name of a key file

struct key_files {
    int dir_fd;              // folder of the key
    char name[KEY_NAME];     // of the key in it
    char next[KEY_NAME + 8]; // of the new one, until it takes over
    int old_fd;              // open key files; -1: not open
    int new_fd;              // the same
};

enum fp_error key_refused(struct fp_note *note, const char *name);
// Opens the folder and, as old_fd, the key in use. out is to be closed also after a failure.
enum fp_error key_files_open(const struct config *config, struct key_files *out,
                             struct fp_note *note);
// Makes the successor and opens it as new_fd. One that is there already is of an earlier try.
// passphrase: empty where the source asks for none; a token's PIN becomes the key that it wraps.
enum fp_error key_files_make(const struct config *config, struct key_files *files,
                             const struct master_source *source, struct buf *passphrase,
                             struct fp_note *note);
// The successor takes over the name of the configuration, under which a key is there at every
// moment. kept: name that the old one keeps; NULL: none.
enum fp_error key_files_swap(const struct key_files *files, const char *kept, struct fp_note *note);
void key_files_close(const struct key_files *files);

#endif
