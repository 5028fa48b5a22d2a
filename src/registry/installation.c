// Opening and making an installation.
// SPDX-License-Identifier: Apache-2.0
#include "registry/installation.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/key_rows.h"
#include "registry/master_rotation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_MAX 1024 // bytes of the file

#define SETTING_KEY_CHECK "key_check"
#define SETTING_AUDIT_KEY "audit_key"
#define SETTING_MAX       65536

// A setting's value in the arena.
static enum fp_error installation_setting(struct store *store, const char *name,
                                          struct arena *arena, struct bytes *out)
{
    struct store_setting row = {0};
    enum fp_error error = store_get_setting(store, name, arena, &row);
    if (error == FP_OK) {
        *out = row.value;
    }
    return error == FP_E_STORE_NOT_FOUND ? FP_E_STORE_INVALID : error;
}

static uint64_t installation_generation(void *ctx)
{
    return store_state(ctx).generation;
}

// A store that is older than a checkpoint of the log was put back: what was revoked since would be
// good again.
static enum fp_error installation_check_age(const struct installation *in, struct fp_note *note)
{
    uint64_t signed_one = audit_health(in->audit).checkpoint_generation;
    uint64_t ours = store_state(in->store).generation;
    if (signed_one > ours) {
        fp_note_set(note, "store.file",
                    "the store is at generation %llu, the audit log has seen it at %llu",
                    (unsigned long long)ours, (unsigned long long)signed_one);
        return FP_E_STORE_ROLLED_BACK;
    }
    return FP_OK;
}

// A rotation of the master key that is not over: both keys are needed.
static enum fp_error installation_check_rotating(const struct installation *in, struct arena *arena,
                                                 bool *rotating_out, struct fp_note *note)
{
    struct store_setting row;
    enum fp_error error = store_get_setting(in->store, MASTER_ROTATION_SETTING, arena, &row);
    *rotating_out = error == FP_OK;
    if (error == FP_OK && in->next != NULL &&
        bytes_equal(row.value, bytes_of(master_id(in->next)->b, KEY_ID_SIZE))) {
        return FP_OK;
    }
    if (error != FP_E_STORE_NOT_FOUND) {
        fp_note_set(
            note, "keys.master_key_file",
            "A rotation of the master key was interrupted: run fishplate key rotate again.");
        return error == FP_OK ? FP_E_KEY_INVALID : error;
    }
    return FP_OK;
}

// The rotation was over, but the key files were not put in place of one another.
static void installation_use_next(struct installation *in, struct bytes check)
{
    if (in->next != NULL &&
        keyring_check(in->next, bytes_of_text(store_id(in->store)), check, NULL) == FP_OK) {
        master_free(in->master);
        in->master = in->next;
    } else {
        master_free(in->next);
    }
    in->next = NULL;
}

// The database's password, as far as there is one: a line of a file that is its owner's alone.
static enum fp_error installation_password(const char *path, uint8_t out[static PASSWORD_MAX],
                                           struct bytes *password_out, struct fp_note *note)
{
    struct stat about = {0};
    ssize_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT) {
        return FP_OK; // the database trusts the socket's other end
    }
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) ||
        (length = read(fd, out, PASSWORD_MAX)) < 0) {
        fp_note_set(note, "store.password_file", "%s cannot be read: %s", path, strerror(errno));
    } else if ((about.st_mode & 077) != 0) {
        fp_note_set(note, "store.password_file", "%s is open to others (mode %04o): chmod 600 it.",
                    path, (unsigned)about.st_mode & 07777u);
        length = -1;
    } else if (length == PASSWORD_MAX) {
        fp_note_set(note, "store.password_file", "%s is too long for a password.", path);
        length = -1;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == '\r')) {
        length--;
    }
    if (length < 0) {
        return FP_E_PERMISSION_DENIED;
    }
    *password_out = bytes_of(out, (size_t)length);
    return FP_OK;
}

static enum fp_error installation_open_keys(struct installation *in, struct arena *arena,
                                            struct fp_note *note)
{
    struct bytes check = {0}, sealed = {0};
    bool rotating = false;
    enum fp_error error = installation_check_rotating(in, arena, &rotating, note);
    error =
        error != FP_OK ? error : installation_setting(in->store, SETTING_KEY_CHECK, arena, &check);
    if (error == FP_OK && !rotating) {
        installation_use_next(in, check);
    }
    if (error == FP_OK) {
        error = keyring_check(in->master, bytes_of_text(store_id(in->store)), check, note);
    }
    if (error == FP_OK) {
        error = keyring_create(in->master, key_rows_ops(), in->store, &in->ring);
    }
    if (error == FP_OK && in->next != NULL) {
        keyring_take_master(in->ring, in->next);
        in->next = NULL;
    }
    if (error == FP_OK) {
        error = installation_setting(in->store, SETTING_AUDIT_KEY, arena, &sealed);
    }
    return error != FP_OK ? error : audit_signer_open(in->ring, sealed, &in->signer);
}

enum fp_error installation_store(const struct config *config, bool create, struct store **out,
                                 struct fp_note *note)
{
    const bool remote = config->store_url[0] != '\0';
    struct store_options options = {.location = remote ? config->store_url : config->store_file,
                                    .create = create};
    uint8_t password[PASSWORD_MAX];
    enum fp_error error = FP_OK;
    if (remote) {
        error =
            installation_password(config->store_password_file, password, &options.password, note);
    }
    if (error == FP_OK) {
        error = store_open(&options, out, note);
    }
    if (error == FP_E_INPUT_INVALID) {
        error = FP_E_CONFIG_INVALID;
    }
    mem_wipe(password, sizeof password);
    return error;
}

enum fp_error installation_master(const struct config *config, int fd,
                                  const struct secret *passphrase, struct master_key **out,
                                  struct fp_note *note)
{
    const struct master_source *source = master_source_find(config->key_source);
    if (source == NULL) {
        fp_note_set(note, "keys.source", "There is no such source of a master key.");
        return FP_E_CONFIG_INVALID;
    }
    return master_source_open(source, fd, passphrase, out, note);
}

enum fp_error installation_open(const struct config *config, struct master_key *master,
                                struct installation *out, struct fp_note *note)
{
    return installation_open_both(config, master, NULL, out, note);
}

enum fp_error installation_open_both(const struct config *config, struct master_key *master,
                                     struct master_key *next, struct installation *out,
                                     struct fp_note *note)
{
    struct installation in = {.master = master, .next = next};
    struct audit_options audit = {.dir = config->audit_dir};
    struct registry_parts parts = {0};
    struct arena *arena = arena_create(SETTING_MAX * 2, true);
    enum fp_error error = arena != NULL ? FP_OK : FP_E_NO_MEMORY;
    error = error != FP_OK ? error : installation_store(config, false, &in.store, note);
    error = error != FP_OK ? error : installation_open_keys(&in, arena, note);
    if (error == FP_OK) {
        audit.signer = in.signer;
        audit.generation = installation_generation;
        audit.generation_ctx = in.store;
        error = audit_open(&audit, &in.audit, note);
    }
    error = error != FP_OK ? error : installation_check_age(&in, note);
    if (error == FP_OK) {
        parts = (struct registry_parts){in.store, in.ring, in.audit, config};
        error = registry_create(&parts, &in.registry);
    }
    arena_free(arena);
    if (error != FP_OK) {
        installation_close(&in);
        if (note != NULL && note->text[0] == '\0') {
            fp_note_set(note, "", "%s", fp_error_row(error)->message);
        }
        return error;
    }
    *out = in;
    return FP_OK;
}

void installation_close(struct installation *installation)
{
    if (installation->registry != NULL) {
        registry_flush_usage(installation->registry);
        registry_settle(installation->registry);
    }
    audit_close(installation->audit);
    store_close(installation->store);
    registry_free(installation->registry);
    audit_signer_free(installation->signer);
    keyring_free(installation->ring);
    master_free(installation->master);
    master_free(installation->next);
    *installation = (struct installation){0};
}

// The installation's own key, the proof of which master key it belongs to, and the audit key, all
// in one batch.
static enum fp_error installation_fill(struct installation *in)
{
    struct keyring_row key = {0};
    uint8_t check[KEYRING_CHECK_SIZE];
    struct store_data_key key_row = {0};
    struct store_setting check_row = {.name = SETTING_KEY_CHECK};
    struct store_setting audit_row = {.name = SETTING_AUDIT_KEY};
    struct store_batch *batch = store_batch_create(in->store);
    struct buf sealed;
    enum fp_error error = batch != NULL ? FP_OK : FP_E_NO_MEMORY;
    buf_init(&sealed, SETTING_MAX);
    error =
        error != FP_OK ? error : keyring_create(in->master, key_rows_ops(), in->store, &in->ring);
    error = error != FP_OK ? error : keyring_make(in->ring, KEYRING_SYSTEM, 1, &key);
    if (error == FP_OK) {
        // first, so that what seals under it finds its row
        key_rows_fill(&key, clock_wall_ms(), &key_row);
        store_insert_data_key(batch, &key_row);
        error = audit_signer_create(in->ring, &sealed);
    }
    if (error == FP_OK) {
        error = keyring_check_make(in->master, bytes_of_text(store_id(in->store)), check);
    }
    if (error == FP_OK) {
        check_row.value = bytes_of(check, sizeof check);
        audit_row.value = buf_bytes(&sealed);
        store_insert_setting(batch, &check_row);
        store_insert_setting(batch, &audit_row);
        error = store_submit_wait(in->store, batch);
    } else {
        store_batch_free(batch);
    }
    buf_done(&sealed);
    return error;
}

// Everything but the master key, which is moved out.
static struct master_key *installation_keep_master(struct installation *in)
{
    struct master_key *master = in->master;
    in->master = NULL; // moved
    installation_close(in);
    return master;
}

enum fp_error installation_create(const struct config *config, struct master_key *master,
                                  struct fp_note *note)
{
    struct fp_note why = {0};
    struct installation in = {.master = master};
    struct audit_record record = {.action = AUDIT_STORE_INIT, .actor = AUDIT_BY_COMMAND};
    enum fp_error error = installation_store(config, false, &in.store, &why);
    if (error == FP_OK) {
        fp_note_set(note, "store.file", "There is a store already: %s.",
                    config->store_url[0] != '\0' ? config->store_url : config->store_file);
        installation_close(&in);
        return FP_E_EXISTS;
    }
    if (error != FP_E_STORE_NOT_FOUND) {
        fp_note_set(note, why.field, "%s",
                    why.text[0] != '\0' ? why.text : fp_error_row(error)->message);
        installation_close(&in);
        return error;
    }
    error = installation_store(config, true, &in.store, note);
    error = error != FP_OK ? error : installation_fill(&in);
    if (error != FP_OK) {
        installation_close(&in);
        return error;
    }
    master = installation_keep_master(&in);
    error = installation_open(config, master, &in, note);
    error = error != FP_OK ? error : audit_append_wait(in.audit, &record);
    installation_close(&in);
    return error;
}
