// fishplate key passphrase: the same master key under another passphrase. The store is not touched.
// SPDX-License-Identifier: Apache-2.0
#include "cli/key_files.h"
#include "cli/passphrase.h"

#include "base/limits.h"
#include "config/data_dir.h"
#include "crypto/setup.h"

#include <string.h>
#include <unistd.h>

struct key_passphrases {
    struct buf before; // sensitive, as the next
    struct buf after;  // typed twice
};

static enum fp_error passphrases_ask(const struct cli *cli, struct key_passphrases *out,
                                     struct fp_note *note)
{
    const struct passphrase_ask old = {cli->passphrase_file, "Passphrase of the master key", false};
    const struct passphrase_ask new = {cli_value(cli, "new-passphrase-file"), "New passphrase",
                                       true};
    enum fp_error error = passphrase_read(&old, &out->before, note);
    return error == FP_OK ? passphrase_read(&new, &out->after, note) : error;
}

// The text of the key in use, wrapped anew, in a file of its own.
static enum fp_error passphrases_wrap(struct key_files *files,
                                      const struct key_passphrases *passphrases,
                                      struct fp_note *note)
{
    struct secret text = {0}, before = {0}, after = {0};
    struct buf changed;
    enum fp_error error =
        master_source_read(master_source_find("passphrase"), files->old_fd, &text, note);
    buf_init(&changed, FP_LIMIT_KEY_FILE);
    if (error == FP_OK) {
        error = secret_copy(buf_bytes(&passphrases->before), &before);
    }
    if (error == FP_OK) {
        error = secret_copy(buf_bytes(&passphrases->after), &after);
    }
    if (error == FP_OK) {
        error = master_passphrase_change(secret_bytes(&text), &before, &after, &changed);
        error = error == FP_E_UNSEAL_FAILED ? FP_E_PASSPHRASE_WRONG : error;
    }
    if (error == FP_OK) {
        error = master_source_write(buf_bytes(&changed), files->dir_fd, files->next);
    }
    if (error == FP_E_EXISTS) {
        fp_note_set(note, files->next,
                    "It is there: finish the rotation of the master key first, or remove it.");
    }
    buf_done(&changed);
    secret_done(&text);
    secret_done(&before);
    secret_done(&after);
    return error;
}

static enum fp_error key_passphrase(const struct cli *cli, const struct config *config,
                                    struct fp_note *note)
{
    struct key_passphrases passphrases;
    struct key_files files = {.dir_fd = -1, .old_fd = -1, .new_fd = -1};
    enum fp_error error = FP_OK;
    buf_init_sensitive(&passphrases.before, FP_LIMIT_PASSPHRASE_MAX);
    buf_init_sensitive(&passphrases.after, FP_LIMIT_PASSPHRASE_MAX);
    if (strcmp(config->key_source, "passphrase") != 0) {
        fp_note_set(note, "keys.source",
                    "The master key has no passphrase: fishplate key rotate --to-source "
                    "passphrase makes one that has.");
        error = FP_E_CONFIG_INVALID;
    }
    error = error == FP_OK ? crypto_setup() : error;
    error = error == FP_OK ? key_files_open(config, &files, note) : error;
    error = error == FP_OK ? passphrases_ask(cli, &passphrases, note) : error;
    error = error == FP_OK ? passphrases_wrap(&files, &passphrases, note) : error;
    error = error == FP_OK ? key_files_swap(&files, NULL, note) : error;
    key_files_close(&files);
    buf_done(&passphrases.before);
    buf_done(&passphrases.after);
    return error;
}

enum cli_exit cli_key_passphrase(const struct cli *cli)
{
    struct config config;
    struct fp_note note = {0};
    int lock = -1;
    enum cli_exit result = cli_load_config(cli, &config);
    enum fp_error error = FP_OK;
    if (result != CLI_OK) {
        return result;
    }
    error = config_lock_data_dir(&config, &lock, &note);
    if (error == FP_OK) {
        error = key_passphrase(cli, &config, &note);
    }
    if (lock >= 0) {
        close(lock);
    }
    if (error != FP_OK) {
        return cli_note_tell(cli, error, &note);
    }
    puts(cli->json ? "{\"changed\":true}"
                   : "The master key has the new passphrase. Copies of its file made before open "
                     "with the old one.");
    return CLI_OK;
}
