// The table of sources that a master key may come from, and what all of them share: a private file
// with a short text, read from a descriptor and made anew.
// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/limits.h"
#include "crypto/random.h"
#include "keys/keys_int.h"
#include "keys/master.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELD "keys.master_key_file"

// ---- file and credential: the key itself

static enum fp_error plain_check(struct bytes text, struct fp_note *note)
{
    struct master_key *key = NULL;
    enum fp_error error = FP_OK;
    if (master_passphrase_check(text, NULL) == FP_OK) {
        fp_note_set(note, FIELD, "this master key has a passphrase: set keys.source to passphrase");
        return FP_E_KEY_INVALID;
    }
    error = master_text_parse(text, &key, note);
    master_free(key);
    return error;
}

static enum fp_error file_open(struct bytes text, const struct secret *passphrase,
                               struct master_key **out, struct fp_note *note)
{
    (void)passphrase;
    return keys__text_parse("file", text, out, note);
}

static enum fp_error credential_open(struct bytes text, const struct secret *passphrase,
                                     struct master_key **out, struct fp_note *note)
{
    (void)passphrase;
    return keys__text_parse("credential", text, out, note);
}

static enum fp_error plain_make(const struct secret *passphrase, struct secret *text_out,
                                struct key_id *id_out)
{
    struct secret key = {0};
    struct key_id id;
    enum fp_error error = secret_random(MASTER_KEY_SIZE, &key);
    (void)passphrase;
    random_bytes(id.b, sizeof id.b);
    if (error == FP_OK) {
        error = master_text_write(&key, &id, text_out);
    }
    if (error == FP_OK) {
        *id_out = id;
    }
    secret_done(&key);
    return error;
}

// ---- passphrase: the key, wrapped

static enum fp_error passphrase_check(struct bytes text, struct fp_note *note)
{
    struct master_key *key = NULL;
    if (master_text_parse(text, &key, NULL) == FP_OK) {
        master_free(key);
        fp_note_set(note, FIELD, "this master key has no passphrase: set keys.source to file");
        return FP_E_KEY_INVALID;
    }
    return master_passphrase_check(text, note);
}

static enum fp_error passphrase_open(struct bytes text, const struct secret *passphrase,
                                     struct master_key **out, struct fp_note *note)
{
    enum fp_error error = FP_E_INPUT_INVALID;
    if (passphrase == NULL) {
        fp_note_set(note, "", "The master key needs its passphrase.");
        return error;
    }
    error = master_passphrase_open(text, passphrase, out, note);
    return error == FP_E_UNSEAL_FAILED ? FP_E_PASSPHRASE_WRONG : error;
}

static enum fp_error passphrase_make(const struct secret *passphrase, struct secret *text_out,
                                     struct key_id *id_out)
{
    struct buf text;
    struct key_id id;
    enum fp_error error = FP_E_INPUT_INVALID;
    buf_init(&text, FP_LIMIT_KEY_FILE);
    if (passphrase != NULL) {
        error = master_passphrase_create(passphrase, &master_cost_default, &text, &id);
    }
    if (error == FP_OK) {
        error = secret_copy(buf_bytes(&text), text_out);
    }
    if (error == FP_OK) {
        *id_out = id;
    }
    buf_done(&text);
    return error;
}

// ---- pkcs11: the key, wrapped by a token

static enum fp_error hsm_check(struct bytes text, struct fp_note *note)
{
    struct master_hsm unused;
    return master_hsm_read(text, &unused, note);
}

// systemd gives a credential to the unit's user by an access list, whose mask the mode shows as
// the group's: 0440.
const struct master_source master_sources[] = {
    {"file", MASTER_ASKS_NOTHING, 077, plain_check, file_open, plain_make},
    {"credential", MASTER_ASKS_NOTHING, 037, plain_check, credential_open, plain_make},
    {"passphrase", MASTER_ASKS_PASSPHRASE, 077, passphrase_check, passphrase_open, passphrase_make},
    {"pkcs11", MASTER_ASKS_TOKEN, 077, hsm_check, master_hsm_open, NULL},
    {.name = NULL},
};

const struct master_source *master_source_find(const char *name)
{
    for (const struct master_source *one = master_sources; one->name != NULL; one++) {
        if (strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

static enum fp_error source_read_all(int fd, struct secret *out)
{
    struct secret text = {0};
    size_t len = 0;
    enum fp_error error = secret_make(FP_LIMIT_KEY_FILE, &text);
    while (error == FP_OK && len < text.len) {
        ssize_t n = pread(fd, text.ptr + len, text.len - len, (off_t)len);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            error = FP_E_IO_FAILED;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    if (error == FP_OK && len == text.len) {
        error = FP_E_KEY_INVALID; // longer than any key file
    }
    if (error == FP_OK) {
        secret_cut(&text, len);
        *out = text;
        text = (struct secret){0}; // moved
    }
    secret_done(&text);
    return error;
}

static enum fp_error source_file_private(const struct master_source *source, int fd,
                                         struct fp_note *note)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        fp_note_set(note, FIELD, "%s", strerror(errno));
        return FP_E_IO_FAILED;
    }
    if (!S_ISREG(st.st_mode)) {
        fp_note_set(note, FIELD, "the master key file is no regular file");
        return FP_E_KEY_INVALID;
    }
    if ((st.st_mode & source->forbidden) != 0) {
        fp_note_set(note, FIELD,
                    "the master key file has mode %04o: others than its owner may use it; "
                    "set it to 0600",
                    (unsigned)st.st_mode & 07777u);
        return FP_E_KEY_INVALID;
    }
    return FP_OK;
}

enum fp_error master_source_read(const struct master_source *source, int fd,
                                 struct secret *text_out, struct fp_note *note)
{
    struct secret text = {0};
    enum fp_error error = source_file_private(source, fd, note);
    if (error != FP_OK) {
        return error;
    }
    error = source_read_all(fd, &text);
    if (error == FP_OK) {
        error = source->check(secret_bytes(&text), note);
    } else {
        fp_note_set(note, FIELD, "the master key file cannot be read");
    }
    if (error == FP_OK) {
        *text_out = text;
        text = (struct secret){0}; // moved
    }
    secret_done(&text);
    return error;
}

enum fp_error master_source_open(const struct master_source *source, int fd,
                                 const struct secret *passphrase, struct master_key **out,
                                 struct fp_note *note)
{
    struct secret text = {0};
    enum fp_error error = master_source_read(source, fd, &text, note);
    if (error == FP_OK) {
        error = source->open(secret_bytes(&text), passphrase, out, note);
    }
    secret_done(&text);
    return error;
}

static enum fp_error source_write_all(int fd, struct bytes data)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = write(fd, data.ptr + done, data.len - done);
        if (n < 0 && errno != EINTR) {
            return FP_E_IO_FAILED;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? FP_OK : FP_E_IO_FAILED;
}

enum fp_error master_source_write(struct bytes text, int dir_fd, const char *name)
{
    enum fp_error error = FP_OK;
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? FP_E_EXISTS : FP_E_IO_FAILED;
    }
    // the mode must not depend on anybody's umask
    error = fchmod(fd, 0600) == 0 ? source_write_all(fd, text) : FP_E_IO_FAILED;
    if (close(fd) != 0 && error == FP_OK) {
        error = FP_E_IO_FAILED;
    }
    if (error == FP_OK && fsync(dir_fd) != 0) {
        error = FP_E_IO_FAILED;
    }
    if (error != FP_OK) {
        (void)unlinkat(dir_fd, name, 0);
    }
    return error;
}

enum fp_error master_source_create(const struct master_source *source,
                                   const struct secret *passphrase, int dir_fd, const char *name,
                                   struct key_id *id_out)
{
    struct secret text = {0};
    struct key_id id;
    enum fp_error error =
        source->make != NULL ? source->make(passphrase, &text, &id) : FP_E_INPUT_INVALID;
    if (error == FP_OK) {
        error = master_source_write(secret_bytes(&text), dir_fd, name);
    }
    if (error == FP_OK) {
        *id_out = id;
    }
    secret_done(&text);
    return error;
}
