// The master key in a file: four lines of text with a checksum, readable by its owner alone.
// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"
#include "keys/master.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_HEAD "fishplate-master-key-1"

// One line "name digits" with exactly len bytes of hex.
static enum fp_error file_line(struct bytes *rest, const char *name, uint8_t *out, size_t len)
{
    struct bytes line;
    size_t name_len = strlen(name);
    if (!bytes_split(rest, '\n', &line) || line.len != name_len + 1 + 2 * len ||
        !bytes_starts_with(line, bytes_of_text(name)) || line.ptr[name_len] != ' ') {
        return FP_E_KEY_INVALID;
    }
    return hex_decode(bytes_slice(line, name_len + 1, line.len), out, len) == FP_OK
               ? FP_OK
               : FP_E_KEY_INVALID;
}

// The lines before "check" must give its digest.
static enum fp_error file_check(struct bytes text, struct bytes before_check, struct bytes *rest)
{
    uint8_t expected[DIGEST_SIZE] = {0}, actual[DIGEST_SIZE] = {0};
    struct bytes covered = bytes_of(text.ptr, text.len - before_check.len);
    enum fp_error error = file_line(rest, "check", expected, sizeof expected);
    if (error == FP_OK) {
        error = digest_sha256(covered, actual);
    }
    if (error == FP_OK && (memcmp(expected, actual, sizeof actual) != 0 || rest->len != 0)) {
        error = FP_E_KEY_INVALID;
    }
    return error;
}

enum fp_error master_text_parse(struct bytes text, struct master_key **out, struct fp_note *note)
{
    struct bytes rest = text, line, before_check;
    struct key_id id = {0};
    struct secret key = {0};
    enum fp_error error = FP_OK;
    unsigned row = 1;
    if (!bytes_split(&rest, '\n', &line) || !bytes_equal_text(line, FILE_HEAD)) {
        error = FP_E_KEY_INVALID;
    }
    if (error == FP_OK) {
        row = 2;
        error = file_line(&rest, "id", id.b, sizeof id.b);
    }
    if (error == FP_OK) {
        row = 3;
        error = secret_make(MASTER_KEY_SIZE, &key);
    }
    if (error == FP_OK) {
        error = file_line(&rest, "key", key.ptr, key.len);
    }
    if (error == FP_OK) {
        row = 4;
        before_check = rest;
        error = file_check(text, before_check, &rest);
    }
    if (error == FP_E_KEY_INVALID) {
        fp_note_set(note, "keys.master_key_file",
                    row == 1   ? "this is not a master key file of Fishplate"
                    : row == 4 ? "the checksum of the master key file does not fit: it is damaged"
                               : "the master key file is damaged");
        if (note != NULL) {
            note->line = row;
        }
    }
    if (error == FP_OK) {
        error = master_from_key("file", &key, id, out);
    }
    secret_done(&key);
    return error;
}

enum fp_error master_text_write(const struct secret *key, const struct key_id *id,
                                struct secret *out)
{
    uint8_t check[DIGEST_SIZE];
    struct secret text = {0};
    struct buf b;
    enum fp_error error = FP_OK;
    if (key->len != MASTER_KEY_SIZE) {
        return FP_E_KEY_INVALID;
    }
    buf_init_sensitive(&b, FP_LIMIT_KEY_FILE);
    buf_append_text(&b, FILE_HEAD "\nid ");
    hex_append(&b, bytes_of(id->b, sizeof id->b));
    buf_append_text(&b, "\nkey ");
    hex_append(&b, secret_bytes(key));
    buf_append_byte(&b, '\n');
    error = buf_error(&b);
    if (error == FP_OK) {
        error = digest_sha256(buf_bytes(&b), check);
    }
    if (error == FP_OK) {
        buf_append_text(&b, "check ");
        hex_append(&b, bytes_of(check, sizeof check));
        buf_append_byte(&b, '\n');
        error = buf_error(&b);
    }
    if (error == FP_OK) {
        error = secret_copy(buf_bytes(&b), &text);
    }
    if (error == FP_OK) {
        *out = text;
    }
    buf_done(&b);
    return error;
}

static enum fp_error file_read_all(int fd, struct secret *out)
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

enum fp_error master_file_read(int fd, struct master_key **out, struct fp_note *note)
{
    struct stat st;
    struct secret text = {0};
    enum fp_error error = FP_OK;
    if (fstat(fd, &st) != 0) {
        fp_note_set(note, "keys.master_key_file", "%s", strerror(errno));
        return FP_E_IO_FAILED;
    }
    if (!S_ISREG(st.st_mode)) {
        fp_note_set(note, "keys.master_key_file", "the master key file is no regular file");
        return FP_E_KEY_INVALID;
    }
    if ((st.st_mode & 077) != 0) {
        fp_note_set(note, "keys.master_key_file",
                    "the master key file has mode %04o: others than its owner may use it; "
                    "set it to 0600",
                    (unsigned)st.st_mode & 07777u);
        return FP_E_KEY_INVALID;
    }
    error = file_read_all(fd, &text);
    if (error == FP_OK) {
        error = master_text_parse(secret_bytes(&text), out, note);
    } else {
        fp_note_set(note, "keys.master_key_file", "the master key file cannot be read");
    }
    secret_done(&text);
    return error;
}

static enum fp_error file_write_all(int fd, struct bytes data)
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

enum fp_error master_file_create(int dir_fd, const char *name, struct key_id *id_out)
{
    struct secret key = {0}, text = {0};
    struct key_id id;
    int fd = -1;
    enum fp_error error = secret_random(MASTER_KEY_SIZE, &key);
    random_bytes(id.b, sizeof id.b);
    if (error == FP_OK) {
        error = master_text_write(&key, &id, &text);
    }
    if (error == FP_OK) {
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
            error = errno == EEXIST ? FP_E_EXISTS : FP_E_IO_FAILED;
        } else {
            // the mode must not depend on anybody's umask
            error =
                fchmod(fd, 0600) == 0 ? file_write_all(fd, secret_bytes(&text)) : FP_E_IO_FAILED;
            if (close(fd) != 0 && error == FP_OK) {
                error = FP_E_IO_FAILED;
            }
            if (error == FP_OK && fsync(dir_fd) != 0) {
                error = FP_E_IO_FAILED;
            }
            if (error != FP_OK) {
                (void)unlinkat(dir_fd, name, 0);
            }
        }
    }
    if (error == FP_OK) {
        *id_out = id;
    }
    secret_done(&text);
    secret_done(&key);
    return error;
}
