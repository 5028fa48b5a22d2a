// The master key as it stands in a file or a systemd credential: four lines of text with a
// checksum. SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "keys/keys_int.h"
#include "keys/master.h"

#include <string.h>

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
    return keys__text_parse("file", text, out, note);
}

enum fp_error keys__text_parse(const char *source, struct bytes text, struct master_key **out,
                               struct fp_note *note)
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
        error = master_from_key(source, &key, id, out);
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

enum fp_error master_file_read(int fd, struct master_key **out, struct fp_note *note)
{
    return master_source_open(master_source_find("file"), fd, NULL, out, note);
}

enum fp_error master_file_create(int dir_fd, const char *name, struct key_id *id_out)
{
    return master_source_create(master_source_find("file"), NULL, dir_fd, name, id_out);
}
