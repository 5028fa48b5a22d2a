// An audit log in a folder of its own, with a signer made from a fixed seed.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_TESTS_AUDIT_WORLD_H
#define FP_TESTS_AUDIT_WORLD_H

#include "audit/audit.h"
#include "audit/audit_signer.h"
#include "audit/audit_verify.h"
#include "crypto/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char dir[64];                 // of the log
    struct audit_options options; // to open it with
    struct audit_signer *signer;  // fixed
    struct audit *audit;          // open, or NULL
};

static inline int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(crypto_setup(), FP_OK);
    // in memory where there is such a folder: thousands of syncs would test the disk's patience
    (void)snprintf(w->dir, sizeof w->dir, "%s/fishplate-audit-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(audit_signer_from_seed(BYTES("0123456789abcdef0123456789abcdef"), &w->signer),
                     FP_OK);
    w->options = (struct audit_options){.dir = w->dir, .signer = w->signer};
    *state = w;
    return 0;
}

static inline void world_open(struct world *w)
{
    struct fp_note note = {0};
    enum fp_error error = audit_open(&w->options, &w->audit, &note);
    if (error != FP_OK) {
        fail_msg("audit_open: %s: %s", fp_error_code(error), note.text);
    }
}

static inline void world_close(struct world *w)
{
    audit_close(w->audit);
    w->audit = NULL;
}

static inline void world_empty(struct world *w)
{
    DIR *dir = opendir(w->dir);
    struct dirent *entry = NULL;
    char path[400];
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(dir);
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;
    world_close(w);
    world_empty(w);
    (void)rmdir(w->dir);
    audit_signer_free(w->signer);
    free(w);
    return secret_in_use() == 0 ? 0 : -1;
}

static inline struct audit_record a_record(unsigned n)
{
    static char id[32];
    (void)snprintf(id, sizeof id, "req_%u", n);
    return (struct audit_record){.action = AUDIT_CREDENTIAL_USE,
                                 .actor = AUDIT_BY_CONNECTION,
                                 .actor_id = BYTES("con_1"),
                                 .customer = BYTES("cus_1"),
                                 .connection = BYTES("con_1"),
                                 .request_id = bytes_of_text(id),
                                 .address = BYTES("192.0.2.1"),
                                 .detail = BYTES("{\"operation\":\"erp.vendors.list\"}")};
}

static inline void append(struct world *w, unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        const struct audit_record record = a_record(n);
        assert_int_equal(audit_append_wait(w->audit, &record), FP_OK);
    }
}

// The only file of the log, whole.
static inline char *file_read(const struct world *w, const char *name, size_t *len_out)
{
    char path[200];
    struct stat st;
    char *text = NULL;
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    text = calloc(1, (size_t)st.st_size + 1);
    assert_non_null(text);
    assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
    (void)close(fd);
    *len_out = (size_t)st.st_size;
    return text;
}

static inline void file_write(const struct world *w, const char *name, const void *text, size_t len)
{
    char path[200];
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    (void)close(fd);
}

#define FIRST_FILE "audit-00000000000000000001.jsonl"

static inline struct audit_finding verify(const struct world *w, enum fp_error expected)
{
    struct audit_finding finding;
    enum fp_error error = audit_verify_dir(w->dir, audit_signer_public(w->signer), &finding);
    if (error != expected) {
        fail_msg("verify: %s, %s", fp_error_code(error), finding.text);
    }
    return finding;
}

#endif
