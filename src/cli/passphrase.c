// The passphrase of the master key, from the terminal, standard input or a private file; and the
// master key that this process opens with it while no server runs.
// SPDX-License-Identifier: Apache-2.0
#include "cli/passphrase.h"

#include "base/limits.h"
#include "cli/hsm.h"
#include "crypto/setup.h"
#include "registry/installation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Byte by byte: what stands behind the line belongs to whoever reads next.
static enum fp_error passphrase_line(int fd, struct buf *out)
{
    char c = 0;
    ssize_t got = 0;
    while ((got = read(fd, &c, 1)) == 1 && c != '\n') {
        buf_append_byte(out, (uint8_t)c);
    }
    return got < 0 ? FP_E_IO_FAILED : buf_error(out);
}

static enum fp_error passphrase_from_file(const char *path, struct buf *out, struct fp_note *note)
{
    struct stat about;
    enum fp_error error = FP_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &about) != 0) {
        fp_note_set(note, path, "It cannot be opened: %m.");
        error = FP_E_PERMISSION_DENIED;
    } else if (S_ISREG(about.st_mode) && (about.st_mode & 077) != 0) {
        fp_note_set(note, path, "It can be read by others (mode %04o): chmod 600 it first.",
                    (unsigned)(about.st_mode & 07777));
        error = FP_E_KEY_INVALID;
    } else {
        error = passphrase_line(fd, out);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

// Twice, where a slip of the finger would lose everything.
static enum fp_error passphrase_from_terminal(const struct passphrase_ask *ask, struct buf *out,
                                              struct fp_note *note)
{
    struct buf again;
    char prompt[128];
    enum fp_error error = cli_read_hidden(ask->prompt, true, out);
    buf_init_sensitive(&again, FP_LIMIT_PASSPHRASE_MAX);
    if (error == FP_OK && ask->twice) {
        snprintf(prompt, sizeof prompt, "%s, again", ask->prompt);
        error = cli_read_hidden(prompt, true, &again);
        if (error == FP_OK && !bytes_equal(buf_bytes(out), buf_bytes(&again))) {
            fp_note_set(note, "", "The two are not the same.");
            error = FP_E_INPUT_INVALID;
        }
    }
    buf_done(&again);
    return error;
}

enum fp_error passphrase_read(const struct passphrase_ask *ask, struct buf *out,
                              struct fp_note *note)
{
    enum fp_error error = FP_OK;
    if (ask->file != NULL && strcmp(ask->file, "-") != 0) {
        error = passphrase_from_file(ask->file, out, note);
    } else if (ask->file != NULL || isatty(STDIN_FILENO) == 0) {
        error = passphrase_line(STDIN_FILENO, out);
    } else {
        error = passphrase_from_terminal(ask, out, note);
    }
    if (error == FP_OK && ask->twice && out->len < FP_LIMIT_PASSPHRASE_MIN) {
        fp_note_set(note, "", "A passphrase needs at least %u bytes.",
                    (unsigned)FP_LIMIT_PASSPHRASE_MIN);
        error = FP_E_INPUT_INVALID;
    } else if (error != FP_OK && note->text[0] == '\0') {
        fp_note_set(note, "", "No passphrase could be read.");
        error = FP_E_INPUT_INVALID;
    }
    return error;
}

const char *passphrase_prompt(const struct master_source *source)
{
    return source != NULL && source->asks == MASTER_ASKS_TOKEN ? "PIN of the token"
                                                               : "Passphrase of the master key";
}

enum fp_error passphrase_master_reach(const struct cli *cli, const struct config *config,
                                      struct passphrase_master *out, struct fp_note *note)
{
    const struct master_source *source = master_source_find(config->key_source);
    const struct passphrase_ask ask = {cli->passphrase_file, passphrase_prompt(source), false};
    const char *path = config_master_path(config);
    enum fp_error error = crypto_setup();
    *out = (struct passphrase_master){.fd = -1};
    buf_init_sensitive(&out->passphrase, FP_LIMIT_PASSPHRASE_MAX);
    if (error != FP_OK) {
        return error;
    }
    if (path[0] == '\0') {
        fp_note_set(note, "keys.source",
                    "The systemd credential %s is not there: run this with systemd-run --pipe "
                    "--property=LoadCredentialEncrypted=%s",
                    config->key_credential, config->key_credential);
        return FP_E_KEY_INVALID;
    }
    out->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (out->fd < 0) {
        fp_note_set(note, "keys.master_key_file", "It cannot be opened: %m.");
        return FP_E_KEY_INVALID;
    }
    if (source == NULL || source->asks == MASTER_ASKS_NOTHING) {
        return FP_OK;
    }
    error = passphrase_read(&ask, &out->passphrase, note);
    if (error == FP_OK && source->asks == MASTER_ASKS_TOKEN) {
        error = hsm_unwrap(config, out->fd, &out->passphrase, note);
    }
    return error;
}

enum fp_error passphrase_open(const struct master_source *source, int fd, struct bytes passphrase,
                              struct master_key **out, struct fp_note *note)
{
    struct secret secret = {0};
    enum fp_error error = secret_copy(passphrase, &secret);
    if (error == FP_OK) {
        error = master_source_open(source, fd, source->asks ? &secret : NULL, out, note);
    }
    secret_done(&secret);
    return error;
}

enum fp_error passphrase_master_open(const struct config *config,
                                     const struct passphrase_master *master,
                                     struct master_key **out, struct fp_note *note)
{
    const struct master_source *source = master_source_find(config->key_source);
    return source != NULL
               ? passphrase_open(source, master->fd, buf_bytes(&master->passphrase), out, note)
               : FP_E_CONFIG_INVALID;
}

void passphrase_master_done(struct passphrase_master *master)
{
    buf_done(&master->passphrase);
    if (master->fd >= 0) {
        close(master->fd);
    }
    master->fd = -1;
}
