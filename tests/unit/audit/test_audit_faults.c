// Audit or fail: torn ends, full disks, files taken away, out of memory, kills. Nothing that was
// acknowledged is lost, and the log never has a hole. SPDX-License-Identifier: Apache-2.0
#include "audit_world.h"

#include "base/mem.h"
#include "keys/keyring.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static enum fp_error try_append(struct world *w)
{
    const struct audit_record record = a_record(1);
    return audit_append_wait(w->audit, &record);
}

static void test_audit_faults__torn_end_at_every_byte(void **state)
{
    struct world *w = *state;
    size_t len = 0, last = 0;
    char *text = NULL;
    world_open(w);
    append(w, 2);
    world_close(w);
    text = file_read(w, FIRST_FILE, &len);
    for (size_t i = 0; i + 1 < len; i++) {
        last = text[i] == '\n' ? i + 1 : last;
    }
    for (size_t cut = last; cut <= len; cut++) {
        struct audit_finding f;
        char *now = NULL;
        size_t now_len = 0;
        world_empty(w);
        file_write(w, FIRST_FILE, text, cut);
        world_open(w);
        append(w, 1);
        world_close(w);
        f = verify(w, FP_OK);
        now = file_read(w, FIRST_FILE, &now_len);
        assert_memory_equal(now, text, cut == len ? len : last);
        assert_int_equal(strstr(now, "log.recovered") != NULL, cut != last && cut != len);
        assert_true(f.records >= 8);
        free(now);
    }
    free(text);
}

// What a crash can leave where pages reached the disk out of order.
static void test_audit_faults__hole_of_zeros(void **state)
{
    struct world *w = *state;
    size_t len = 0;
    char *text = NULL, cut[200];
    struct stat st;
    world_open(w);
    append(w, 20);
    world_close(w);
    text = file_read(w, FIRST_FILE, &len);
    memset(text + len - 1000, 0, 900);
    file_write(w, FIRST_FILE, text, len);
    world_open(w);
    append(w, 1);
    world_close(w);
    (void)verify(w, FP_OK);
    // what was cut off is kept
    text[len - 1000] = '\0';
    (void)snprintf(cut, sizeof cut, "%s/cut-%020u-%zu.bin", w->dir, 1u,
                   (size_t)(strrchr(text, '\n') + 1 - text));
    assert_int_equal(stat(cut, &st), 0);
    assert_int_equal(st.st_size, len - (size_t)(strrchr(text, '\n') + 1 - text));
    free(text);
}

static void test_audit_faults__tampered_log_does_not_open(void **state)
{
    struct world *w = *state;
    struct fp_note note = {0};
    size_t len = 0;
    char *text = NULL, *at = NULL;
    world_open(w);
    append(w, 3);
    world_close(w);
    text = file_read(w, FIRST_FILE, &len);
    at = strstr(text, "req_1");
    assert_non_null(at);
    at[4] = '2';
    file_write(w, FIRST_FILE, text, len);
    assert_int_equal(audit_open(&w->options, &w->audit, &note), FP_E_AUDIT_BROKEN);
    assert_non_null(strstr(note.text, "record 3 was changed"));
    assert_non_null(strstr(note.text, FIRST_FILE));
    free(text);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_audit_faults__full_disk(void **state)
{
    struct world *w = *state;
    struct audit_health health;
    char *text = NULL;
    size_t len = 0, now = 0;
    (void)signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    append(w, 3);
    text = file_read(w, FIRST_FILE, &len);
    free(text);
    limit_files(len + 100); // within the next record
    for (int i = 0; i < 5; i++) {
        assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    }
    health = audit_health(w->audit);
    assert_int_equal(health.state, FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(health.os_error, EFBIG);
    assert_int_equal(health.refused, 5);
    text = file_read(w, FIRST_FILE, &now);
    free(text);
    assert_int_equal(now, len); // nothing half written stays
    limit_files(RLIM_INFINITY);
    assert_int_equal(try_append(w), FP_OK);
    assert_int_equal(audit_health(w->audit).state, FP_OK);
    world_close(w);
    (void)verify(w, FP_OK);
    text = file_read(w, FIRST_FILE, &len);
    assert_non_null(strstr(text, "\"action\":\"log.gap\""));
    assert_non_null(strstr(text, "{\"refused\":5,\"os_error\":27}"));
    free(text);
}

static void test_audit_faults__probe_finds_the_way_back(void **state)
{
    struct world *w = *state;
    (void)signal(SIGXFSZ, SIG_IGN);
    world_open(w);
    limit_files(1);
    assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    audit_probe(w->audit);
    audit_wait(w->audit);
    assert_int_equal(audit_health(w->audit).state, FP_E_AUDIT_UNAVAILABLE);
    limit_files(RLIM_INFINITY);
    audit_probe(w->audit);
    audit_wait(w->audit);
    assert_int_equal(audit_health(w->audit).state, FP_OK);
    audit_probe(w->audit); // nothing to do
    append(w, 1);
    world_close(w);
    (void)verify(w, FP_OK);
}

static void test_audit_faults__file_removed_or_replaced(void **state)
{
    struct world *w = *state;
    char path[200], aside[200];
    size_t len = 0;
    char *text = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, FIRST_FILE);
    (void)snprintf(aside, sizeof aside, "%s/aside", w->dir);
    world_open(w);
    append(w, 2);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(audit_health(w->audit).os_error, ENOENT);
    text = file_read(w, "aside", &len);
    file_write(w, FIRST_FILE, text, len); // a copy is not the file
    assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(audit_health(w->audit).os_error, ESTALE);
    assert_int_equal(rename(aside, path), 0);
    assert_int_equal(try_append(w), FP_OK);
    file_write(w, FIRST_FILE, text, len - 10); // cut under us
    assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(try_append(w), FP_E_AUDIT_UNAVAILABLE);
    free(text);
    world_close(w);
}

static void test_audit_faults__folder_missing(void **state)
{
    struct world *w = *state;
    struct fp_note note = {0};
    w->options.dir = "/tmp/fishplate-none";
    assert_int_equal(audit_open(&w->options, &w->audit, &note), FP_E_IO_FAILED);
    assert_non_null(strstr(note.text, "/tmp/fishplate-none"));
}

static void test_audit_faults__out_of_memory(void **state)
{
    struct world *w = *state;
    enum fp_error error = FP_E_NO_MEMORY;
    unsigned long n = 0;
    while (error != FP_OK) {
        world_empty(w); // what failed attempts wrote costs the next one allocations
        mem_fail_at(++n);
        error = audit_open(&w->options, &w->audit, NULL);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY || error == FP_E_AUDIT_UNAVAILABLE);
        assert_true(n < 200);
    }
    world_close(w);
    w->options.checkpoint_records = 1; // each record is signed at once
    world_open(w);
    for (n = 0, error = FP_E_NO_MEMORY; error != FP_OK;) {
        mem_fail_at(++n);
        error = try_append(w);
        mem_fail_at(0);
        assert_true(error == FP_OK || error == FP_E_NO_MEMORY || error == FP_E_AUDIT_UNAVAILABLE);
        assert_true(n < 100);
    }
    append(w, 3);
    world_close(w);
    (void)verify(w, FP_OK);
}

static struct keyring_row system_row;

static enum fp_error find_system(void *ctx, const char *customer, uint32_t version,
                                 struct keyring_row *out)
{
    (void)ctx;
    *out = system_row;
    return strcmp(customer, KEYRING_SYSTEM) == 0 && version <= 1 ? FP_OK : FP_E_STORE_NOT_FOUND;
}

static enum fp_error reserve_none(void *ctx, const char *customer, uint32_t version, uint64_t count)
{
    (void)ctx;
    (void)customer;
    (void)version;
    (void)count;
    return FP_OK;
}

static void test_audit_faults__sealed_signer(void **state)
{
    static const struct keyring_ops ops = {find_system, reserve_none};
    struct secret key = {0};
    struct master_key *master = NULL;
    struct keyring *ring = NULL;
    struct audit_signer *one = NULL, *two = NULL;
    struct buf sealed;
    (void)state;
    buf_init(&sealed, 1024);
    assert_int_equal(secret_random(MASTER_KEY_SIZE, &key), FP_OK);
    assert_int_equal(master_from_key("test", &key, (struct key_id){{1}}, &master), FP_OK);
    assert_int_equal(keyring_create(master, &ops, NULL, &ring), FP_OK);
    assert_int_equal(keyring_make(ring, KEYRING_SYSTEM, 1, &system_row), FP_OK);
    assert_int_equal(audit_signer_create(ring, &sealed), FP_OK);
    assert_int_equal(audit_signer_open(ring, buf_bytes(&sealed), &one), FP_OK);
    assert_int_equal(audit_signer_open(ring, buf_bytes(&sealed), &two), FP_OK);
    assert_memory_equal(audit_signer_public(one), audit_signer_public(two), SIGN_PUBLIC_SIZE);
    audit_signer_free(two);
    sealed.ptr[sealed.len - 20] ^= 1;
    assert_int_equal(audit_signer_open(ring, buf_bytes(&sealed), &two), FP_E_UNSEAL_FAILED);
    audit_signer_free(one);
    keyring_free(ring);
    master_free(master);
    secret_done(&key);
    buf_done(&sealed);
}

// The child appends and says each number that was acknowledged; it is killed at any moment.
static void child_appends(const struct world *w, int out)
{
    struct world own = *w;
    struct fp_note note = {0};
    own.options.checkpoint_records = 7;
    own.options.segment_bytes = 20000;
    if (audit_open(&own.options, &own.audit, &note) != FP_OK) {
        _exit(3);
    }
    for (uint32_t n = 0;; n++) {
        const struct audit_record record = a_record(n);
        uint64_t seq = 0;
        if (audit_append_wait(own.audit, &record) != FP_OK) {
            _exit(4);
        }
        seq = audit_health(own.audit).last_seq;
        if (write(out, &seq, sizeof seq) != (ssize_t)sizeof seq) {
            _exit(5);
        }
    }
}

static void test_audit_faults__killed_under_load(void **state)
{
    struct world *w = *state;
    uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 20; round++) {
        int fds[2], status = 0;
        uint64_t seq = 0, target = acknowledged + 3 + round * 7 % 50;
        pid_t pid = -1;
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)close(fds[0]);
            child_appends(w, fds[1]);
        }
        (void)close(fds[1]);
        while (acknowledged < target && read(fds[0], &seq, sizeof seq) == (ssize_t)sizeof seq) {
            acknowledged = seq;
        }
        (void)kill(pid, SIGKILL);
        while (read(fds[0], &seq, sizeof seq) == (ssize_t)sizeof seq) {
            acknowledged = seq; // what it still said before it died counts
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        (void)close(fds[0]);
        {
            struct audit_finding f;
            enum fp_error error = audit_verify_dir(w->dir, audit_signer_public(w->signer), &f);
            // whole, or with nothing but an unfinished last line
            assert_true(error == FP_OK || f.fault == AUDIT_CUT);
            assert_true(f.last_seq >= acknowledged);
        }
    }
    world_open(w);
    append(w, 1);
    world_close(w);
    assert_true(verify(w, FP_OK).last_seq > acknowledged);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_audit_faults__##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(torn_end_at_every_byte),
        CASE(hole_of_zeros),
        CASE(tampered_log_does_not_open),
        CASE(full_disk),
        CASE(probe_finds_the_way_back),
        CASE(file_removed_or_replaced),
        CASE(folder_missing),
        CASE(out_of_memory),
        CASE(sealed_signer),
        CASE(killed_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
