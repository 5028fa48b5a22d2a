// fishplate init: a directory with all that a server needs to start. Steps that were done before
// are kept, so that it can be repeated after a failure; keys and stores are never made over.
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli_int.h"
#include "cli/hsm.h"
#include "cli/init_operator.h"
#include "cli/passphrase.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "base/limits.h"
#include "config/config_text.h"
#include "config/data_dir.h"
#include "crypto/certificate.h"
#include "crypto/setup.h"
#include "keys/master.h"
#include "link/link.h"
#include "registry/installation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct init {
    const struct cli *cli;              // for output
    char dir[CONFIG_PATH];              // absolute
    int dir_fd;                         // open on it; -1: not yet
    struct config config;               // as fishplate.yaml says
    bool force;                         // --force
    const struct master_source *source; // of the master key
    struct buf passphrase;              // sensitive; empty where the source asks for none
    struct buf link;                    // sensitive; for the first operator; empty: none was made
};

static enum fp_error init_refused(struct fp_note *note, const char *what)
{
    fp_note_set(note, what, "It cannot be made: %m.");
    return errno == EACCES || errno == EPERM || errno == EROFS ? FP_E_PERMISSION_DENIED
                                                               : FP_E_IO_FAILED;
}

// Writes a file whole, under another name first, so that no half of it is ever seen.
static enum fp_error init_write(const struct init *init, const char *name, struct bytes text,
                                mode_t mode, struct fp_note *note)
{
    char temporary[64];
    enum fp_error error = FP_OK;
    int fd = -1;
    snprintf(temporary, sizeof temporary, "%s.new", name);
    (void)unlinkat(init->dir_fd, temporary, 0);
    fd = openat(init->dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return init_refused(note, name);
    }
    if (write(fd, text.ptr, text.len) != (ssize_t)text.len || fchmod(fd, mode) != 0 ||
        fsync(fd) != 0 || renameat(init->dir_fd, temporary, init->dir_fd, name) != 0) {
        error = init_refused(note, name);
        (void)unlinkat(init->dir_fd, temporary, 0);
    }
    close(fd);
    return error;
}

static enum fp_error init_folder(int at, const char *name, mode_t mode, struct fp_note *note)
{
    if (mkdirat(at, name, mode) != 0 && errno != EEXIST) {
        return init_refused(note, name);
    }
    return FP_OK;
}

static enum fp_error init_open_dir(struct init *init, struct fp_note *note)
{
    const char *dir = init->cli->dir != NULL ? init->cli->dir : ".";
    enum fp_error error = init_folder(AT_FDCWD, dir, 0755, note);
    char real[PATH_MAX];
    if (error != FP_OK) {
        return error;
    }
    if (realpath(dir, real) == NULL || strlen(real) + 32 > sizeof init->dir) {
        return init_refused(note, dir);
    }
    memcpy(init->dir, real, strlen(real) + 1);
    init->dir_fd = open(init->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return init->dir_fd < 0 ? init_refused(note, dir) : FP_OK;
}

static bool init_exists(const struct init *init, const char *name)
{
    return faccessat(init->dir_fd, name, F_OK, 0) == 0;
}

static enum fp_error init_untouched(const struct init *init, struct fp_note *note)
{
    if (init_exists(init, "fishplate.yaml") && !init->force) {
        fp_note_set(note, "fishplate.yaml",
                    "%.200s is a directory of Fishplate already. --force writes its configuration "
                    "and development certificate anew; keys and store stay.",
                    init->dir);
        return FP_E_EXISTS;
    }
    return FP_OK;
}

static enum fp_error init_settings(const struct init *init, struct fp_note *note)
{
    const struct config_setting settings[] = {
        {"data_dir", "data"},
        {"api.listen", "127.0.0.1:8443"},
        {"api.tls.certificate", "tls/cert.pem"},
        {"api.tls.key", "tls/key.pem"},
        {"metrics.listen", "127.0.0.1:9464"},
        {"console.listen", "127.0.0.1:8444"},
        {"keys.source", init->source->name},
        {"keys.master_key_file", "master.key"},
        {"keys.pkcs11.module", cli_value(init->cli, "pkcs11-module")},
        {"keys.pkcs11.token", cli_value(init->cli, "pkcs11-token")},
        {NULL, NULL},
    };
    struct buf text;
    enum fp_error error = FP_OK;
    buf_init(&text, 65536);
    config_write_yaml(settings, &text);
    error = buf_error(&text) != FP_OK
                ? buf_error(&text)
                : init_write(init, "fishplate.yaml", buf_bytes(&text), 0644, note);
    buf_done(&text);
    return error;
}

static enum fp_error init_certificate(const struct init *init, struct fp_note *note)
{
    struct buf certificate, key;
    char hostname[256] = "";
    enum fp_error error = init_folder(init->dir_fd, "tls", 0755, note);
    if (error != FP_OK || (init_exists(init, "tls/cert.pem") && !init->force)) {
        return error;
    }
    buf_init(&certificate, 65536);
    buf_init_sensitive(&key, 65536);
    (void)gethostname(hostname, sizeof hostname - 1);
    error = certificate_make(hostname, clock_wall_ms() / 1000, &certificate, &key);
    if (error == FP_OK) {
        error = init_write(init, "tls/key.pem", buf_bytes(&key), 0600, note);
    }
    if (error == FP_OK) {
        error = init_write(init, "tls/cert.pem", buf_bytes(&certificate), 0644, note);
    }
    buf_done(&certificate);
    buf_done(&key);
    return error;
}

// A key that is there says itself whether it has a passphrase.
static enum fp_error init_source(struct init *init, struct fp_note *note)
{
    const char *name = cli_value(init->cli, "key-source");
    struct secret text = {0};
    int fd = openat(init->dir_fd, "master.key", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    for (const struct master_source *one = master_sources;
         one->name != NULL && name == NULL && fd >= 0; one++) {
        if (master_source_read(one, fd, &text, NULL) == FP_OK) {
            name = one->name;
        }
    }
    secret_done(&text);
    if (fd >= 0) {
        close(fd);
    }
    init->source = master_source_find(name != NULL ? name : "file");
    if (init->source == NULL) {
        fp_note_set(note, "--key-source",
                    "\"%.40s\" is none: file, credential, passphrase or pkcs11.", name);
        return FP_E_CONFIG_INVALID;
    }
    return FP_OK;
}

// Asked for only where it is needed: to make a key, or to make a store with a key that is there.
// First of all, so that a slip leaves nothing behind.
static enum fp_error init_passphrase(struct init *init, struct fp_note *note)
{
    const bool is_new = !init_exists(init, "master.key");
    const struct passphrase_ask ask = {init->cli->passphrase_file, passphrase_prompt(init->source),
                                       is_new && init->source->asks == MASTER_ASKS_PASSPHRASE};
    if (init->source->asks == MASTER_ASKS_NOTHING ||
        (!is_new && init_exists(init, "data/store.db"))) {
        return FP_OK;
    }
    return passphrase_read(&ask, &init->passphrase, note);
}

static enum fp_error init_new_key(struct init *init, struct fp_note *note)
{
    struct secret passphrase = {0};
    struct key_id id;
    enum fp_error error = FP_OK;
    if (init->source->asks == MASTER_ASKS_TOKEN) {
        return hsm_make(&init->config, init->dir_fd, "master.key", &init->passphrase, note);
    }
    error = secret_copy(buf_bytes(&init->passphrase), &passphrase);
    if (error == FP_OK) {
        error = master_source_create(init->source, &passphrase, init->dir_fd, "master.key", &id);
    }
    secret_done(&passphrase);
    return error;
}

// Opens the master key's file, made anew only where there is neither key nor store.
static enum fp_error init_master_key(struct init *init, int *fd_out, struct fp_note *note)
{
    const bool is_new = !init_exists(init, "master.key");
    enum fp_error error = FP_OK;
    if (is_new) {
        if (init->config.store_url[0] == '\0' && access(init->config.store_file, F_OK) == 0) {
            fp_note_set(note, "master.key",
                        "There is a store, but its master key is gone: put the key back. A new one "
                        "would not open it.");
            return FP_E_KEY_INVALID;
        }
        error = init_new_key(init, note);
    }
    if (error != FP_OK) {
        return note->text[0] != '\0' ? error : init_refused(note, "master.key");
    }
    *fd_out = openat(init->dir_fd, "master.key", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (*fd_out < 0) {
        return init_refused(note, "master.key");
    }
    return !is_new && init->source->asks == MASTER_ASKS_TOKEN && init->passphrase.len != 0
               ? hsm_unwrap(&init->config, *fd_out, &init->passphrase, note)
               : FP_OK;
}

// The vault's folders; started as root, they belong to its user, who alone may look in.
static enum fp_error init_data(const struct init *init, struct fp_note *note)
{
    const char *const folders[] = {init->config.data_dir, init->config.audit_dir};
    uid_t uid = init->config.uid_base + LINK_ROOM_VAULT;
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && error == FP_OK; i++) {
        error = init_folder(AT_FDCWD, folders[i], 0700, note);
        if (error == FP_OK && geteuid() == 0 && init->config.uid_base != 0 &&
            chown(folders[i], uid, uid) != 0) {
            error = init_refused(note, folders[i]);
        }
    }
    return error;
}

static enum fp_error init_all(struct init *init, int *master_fd_out, struct fp_note *note)
{
    char path[CONFIG_PATH + 32];
    enum fp_error error = init_open_dir(init, note);
    if (error == FP_OK) {
        error = init_untouched(init, note);
    }
    if (error == FP_OK) {
        error = init_source(init, note);
    }
    if (error == FP_OK) {
        error = init_passphrase(init, note);
    }
    if (error == FP_OK) {
        error = init_settings(init, note);
    }
    if (error == FP_OK) {
        snprintf(path, sizeof path, "%s/fishplate.yaml", init->dir);
        error = config_load(path, init->cli->environment, &init->config, note);
    }
    if (error == FP_OK) {
        error = init_certificate(init, note);
    }
    if (error == FP_OK) {
        error = init_data(init, note);
    }
    return error == FP_OK ? init_master_key(init, master_fd_out, note) : error;
}

// Last, because from here on the process is the vault's user, in its own directory.
static enum fp_error init_store(struct init *init, int master_fd, struct fp_note *note)
{
    struct config config = init->config;
    struct master_key *master = NULL;
    int lock = -1;
    enum fp_error error = FP_OK;
    if (config.store_url[0] == '\0' && access(config.store_file, F_OK) == 0) {
        return FP_OK;
    }
    error = config_lock_data_dir(&config, &lock, note);
    if (error == FP_OK) {
        error = cli_become_vault(&config, note);
    }
    if (error == FP_OK) {
        error =
            passphrase_open(init->source, master_fd, buf_bytes(&init->passphrase), &master, note);
    }
    if (error == FP_OK) {
        error = installation_create(&config, master, note);
        master = NULL; // moved
    }
    if (error == FP_OK && config.console_listen[0] != '\0') {
        error =
            passphrase_open(init->source, master_fd, buf_bytes(&init->passphrase), &master, note);
        error = error == FP_OK ? init_operator_link(&config, master, &init->link, note) : error;
    }
    if (lock >= 0) {
        close(lock);
    }
    return error == FP_E_EXISTS ? FP_OK : error;
}

static void init_tell(struct init *init)
{
    if (init->cli->json) {
        struct buf text;
        struct json_out j;
        buf_init(&text, 65536);
        j = json_out_start(&text);
        json_begin_object(&j);
        json_member_text_c(&j, "directory", init->dir);
        json_member_text_c(&j, "url", init->config.public_url);
        json_member_text_c(&j, "key_source", init->source->name);
        json_member_text_c(&j, "dashboard", init->link.len != 0 ? buf_text(&init->link) : NULL);
        json_end_object(&j);
        puts(buf_text(&text));
        buf_done(&text);
        return;
    }
    printf("%s is ready:\n"
           "  fishplate.yaml  the configuration, every setting explained\n"
           "  master.key      the key above all keys: keep a copy in a safe place, not beside the "
           "store\n"
           "  tls/cert.pem    development certificate, %d days; clients trust it by this file\n"
           "                  (curl --cacert %s/tls/cert.pem). Replace it by your own.\n"
           "  data/           store and audit log\n\n",
           init->dir, CERTIFICATE_DAYS, init->dir);
    if (strcmp(init->source->name, "credential") == 0) {
        printf("Next, encrypt the master key to this machine, and keep no other copy here:\n"
               "  systemd-creds encrypt --name=%s %s/master.key "
               "/etc/credstore.encrypted/%s\n"
               "  shred --remove %s/master.key\n",
               init->config.key_credential, init->dir, init->config.key_credential, init->dir);
        return;
    }
    if (init->link.len != 0) {
        printf("The dashboard, for its first owner (works once, for a day, when the server runs):\n"
               "  %s\n\n",
               buf_text(&init->link));
    }
    printf("Next: fishplate serve --dir %s\n%s", init->dir,
           init->source->asks ? "It starts sealed: then fishplate unseal, with the passphrase.\n"
                              : "");
}

enum cli_exit cli_init(const struct cli *cli)
{
    struct init init = {.cli = cli, .dir_fd = -1, .force = cli_value(cli, "force") != NULL};
    struct fp_note note = {0};
    int master_fd = -1;
    enum fp_error error = crypto_setup();
    buf_init_sensitive(&init.passphrase, FP_LIMIT_PASSPHRASE_MAX);
    buf_init_sensitive(&init.link, CONFIG_PATH + 64);
    if (error == FP_OK) {
        error = init_all(&init, &master_fd, &note);
    }
    if (error == FP_OK) {
        error = init_store(&init, master_fd, &note);
    }
    buf_done(&init.passphrase);
    if (master_fd >= 0) {
        close(master_fd);
    }
    if (init.dir_fd >= 0) {
        close(init.dir_fd);
    }
    if (error != FP_OK) {
        buf_done(&init.link);
        return cli_note_tell(cli, error, &note);
    }
    init_tell(&init);
    buf_done(&init.link);
    return CLI_OK;
}
