// Checking a log line by line, and saying what is wrong with it so that people find the place.
// SPDX-License-Identifier: Apache-2.0
#include "audit/audit_verify.h"

#include "audit/audit_verify_int.h"
#include "base/limits.h"
#include "crypto/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const fault_texts[] = {
    [AUDIT_INTACT] = "intact",       [AUDIT_CHANGED] = "changed", [AUDIT_MISSING] = "missing",
    [AUDIT_REORDERED] = "reordered", [AUDIT_CUT] = "cut",         [AUDIT_MALFORMED] = "malformed",
    [AUDIT_SIGNATURE] = "signature",
};

const char *audit_fault_text(enum audit_fault fault)
{
    return (unsigned)fault < sizeof fault_texts / sizeof fault_texts[0] ? fault_texts[fault] : NULL;
}

static void verify_describe(struct audit_finding *f)
{
    unsigned long long seq = f->seq;
    switch (f->fault) {
    case AUDIT_INTACT:
        break;
    case AUDIT_CHANGED:
        (void)snprintf(f->text, sizeof f->text, "record %llu was changed", seq);
        break;
    case AUDIT_MISSING:
        (void)snprintf(f->text, sizeof f->text, "record %llu is missing", seq);
        break;
    case AUDIT_REORDERED:
        (void)snprintf(f->text, sizeof f->text, "record %llu does not stand in its place", seq);
        break;
    case AUDIT_CUT:
        (void)snprintf(f->text, sizeof f->text, "the log is cut off within record %llu", seq);
        break;
    case AUDIT_MALFORMED:
        (void)snprintf(f->text, sizeof f->text,
                       "what stands where record %llu should be is no record", seq);
        break;
    case AUDIT_SIGNATURE:
        (void)snprintf(f->text, sizeof f->text,
                       "the checkpoint in record %llu is not signed by this key, or not for the "
                       "records before it",
                       seq);
        break;
    }
}

// Whether a record of that number stands further down: then records changed places, else it is
// gone.
static enum fp_error verify_look_for(struct audit_reader *reader, uint64_t seq, bool *found_out)
{
    struct bytes text = {0};
    struct audit_line line;
    bool whole = false, found = false;
    enum fp_error error = audit_reader_next(reader, &text, &whole);
    while (error == FP_OK && text.ptr != NULL && !found) {
        found = audit_line_parse(text, &line) == FP_OK && line.seq == seq;
        if (!found) {
            error = audit_reader_next(reader, &text, &whole);
        }
    }
    *found_out = found;
    return error;
}

// Number of the record that must come next.
static uint64_t verify_expected(const struct audit_chain *chain)
{
    return chain->begun ? chain->seq + 1 : chain->first != 0 ? chain->first : 1;
}

// A line that reads well: does it fit? If not, the record to blame is not always this one.
static enum fp_error verify_line(struct audit_chain *chain, struct audit_reader *reader,
                                 const struct audit_line *line, const uint8_t *public_key,
                                 struct audit_finding *f)
{
    uint8_t hash[AUDIT_HASH] = {0};
    bool later = false;
    enum fp_error looked = FP_OK;
    enum fp_error error = audit_chain_take(chain, line, public_key, &f->fault);
    if (error != FP_E_AUDIT_BROKEN) {
        return error;
    }
    f->seq = line->seq;
    if (f->fault == AUDIT_MISSING) {
        f->seq = verify_expected(chain);
        looked = verify_look_for(reader, f->seq, &later);
        f->fault = later ? AUDIT_REORDERED : AUDIT_MISSING;
    } else if (f->fault == AUDIT_CHANGED && chain->begun) {
        // whole in itself, but it stands on another record than the one before it: that one was
        // changed and its hash made anew
        looked = digest_sha256(line->hashed, hash);
        f->seq = memcmp(hash, line->hash, sizeof hash) == 0 && chain->seq != 0
                     ? chain->seq
                     : verify_expected(chain);
    }
    return looked != FP_OK ? looked : error;
}

enum fp_error audit__verify(struct audit_chain *chain, struct audit_reader *reader,
                            const uint8_t *public_key, struct audit_finding *finding)
{
    struct audit_finding *f = finding;
    struct audit_line line;
    struct bytes text = {0};
    bool whole = false;
    enum fp_error error = audit_reader_next(reader, &text, &whole);
    while (error == FP_OK && text.ptr != NULL) {
        f->line = reader->line;
        f->offset = reader->offset;
        if (audit_line_parse(text, &line) != FP_OK || !whole) {
            f->seq = verify_expected(chain);
            f->fault = whole ? AUDIT_MALFORMED : AUDIT_CUT;
            error = FP_E_AUDIT_BROKEN;
        } else {
            error = verify_line(chain, reader, &line, public_key, f);
        }
        if (error == FP_OK) {
            f->first_seq = f->records == 0 ? chain->seq : f->first_seq;
            f->records++;
            error = audit_reader_next(reader, &text, &whole);
        }
    }
    f->last_seq = chain->seq;
    f->signed_seq = chain->signed_seq;
    memcpy(f->last_hash, chain->hash, sizeof f->last_hash);
    verify_describe(f);
    return error;
}

enum fp_error audit_verify_reaches(struct audit_finding *finding, uint64_t seq)
{
    if (finding->fault != AUDIT_INTACT || finding->last_seq >= seq) {
        return FP_OK;
    }
    finding->fault = AUDIT_CUT;
    finding->seq = finding->last_seq + 1;
    (void)snprintf(finding->text, sizeof finding->text,
                   "record %llu and all behind it are cut off: the log must reach to %llu",
                   (unsigned long long)finding->seq, (unsigned long long)seq);
    return FP_E_AUDIT_BROKEN;
}

enum fp_error audit_verify_bytes(struct bytes data, const uint8_t *public_key,
                                 struct audit_finding *out)
{
    struct audit_chain chain = {0};
    struct audit_reader reader;
    enum fp_error error = audit_reader_init(&reader, -1, data);
    *out = (struct audit_finding){0};
    if (error == FP_OK) {
        error = audit__verify(&chain, &reader, public_key, out);
    }
    audit_reader_done(&reader);
    return error;
}

// One file into the chain; a file that cannot be opened is FP_E_IO_FAILED.
static enum fp_error verify_file_at(int dir_fd, const char *name, struct audit_chain *chain,
                                    const uint8_t *public_key, struct audit_finding *out)
{
    struct audit_reader reader = {0};
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    enum fp_error error =
        fd >= 0 ? audit_reader_init(&reader, fd, bytes_of(NULL, 0)) : FP_E_IO_FAILED;
    (void)snprintf(out->file, sizeof out->file, "%s", name);
    if (!chain->begun) {
        chain->first = audit_segment_first(name);
    }
    if (error == FP_OK) {
        error = audit__verify(chain, &reader, public_key, out);
    }
    audit_reader_done(&reader);
    if (fd >= 0) {
        (void)close(fd);
    }
    return error;
}

enum fp_error audit_verify_file(const char *path, const uint8_t *public_key,
                                struct audit_finding *out)
{
    struct audit_chain chain = {0};
    const char *name = strrchr(path, '/');
    enum fp_error error = FP_OK;
    *out = (struct audit_finding){0};
    error = verify_file_at(AT_FDCWD, path, &chain, public_key, out);
    (void)snprintf(out->file, sizeof out->file, "%s", name != NULL ? name + 1 : path);
    return error;
}

enum fp_error audit_verify_dir(const char *dir, const uint8_t *public_key,
                               struct audit_finding *out)
{
    struct audit_chain chain = {0};
    struct buf names;
    size_t count = 0;
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum fp_error error = FP_E_IO_FAILED;
    *out = (struct audit_finding){0};
    buf_init(&names, 64u << 20);
    if (dir_fd >= 0) {
        error = audit_segment_names(dir_fd, &names, &count);
    }
    for (size_t i = 0; i < count && error == FP_OK; i++) {
        error = verify_file_at(dir_fd, (const char *)names.ptr + i * AUDIT_SEGMENT_NAME, &chain,
                               public_key, out);
        if (error == FP_E_AUDIT_BROKEN && out->fault == AUDIT_CUT && i + 1 < count) {
            out->fault = AUDIT_MALFORMED; // only the last file may end within a line
            verify_describe(out);
        }
    }
    buf_done(&names);
    if (dir_fd >= 0) {
        (void)close(dir_fd);
    }
    return error;
}
