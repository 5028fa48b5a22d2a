// The locked arena: what the kernel says of it, wiping, guard pages, canaries, forks, exhaustion.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include "base/limits.h"
#include "crypto/random.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_crypto_secret__copies_and_compares(void **state)
{
    struct secret s = {0}, none = {0};
    (void)state;
    assert_int_equal(secret_copy(BYTES("password"), &s), FP_OK);
    assert_true(secret_equal(&s, BYTES("password")));
    assert_false(secret_equal(&s, BYTES("passwort")));
    assert_false(secret_equal(&s, BYTES("passwor")));
    secret_cut(&s, 4);
    assert_true(secret_equal(&s, BYTES("pass")));
    assert_memory_equal(s.ptr + 4, "\0\0\0\0", 4);
    secret_done(&s);
    secret_done(&s);
    secret_done(&none);
    assert_int_equal(secret_make(0, &s), FP_OK);
    assert_true(secret_equal(&s, BYTES("")));
    secret_done(&s);
    assert_int_equal(secret_in_use(), 0);
}

static void test_crypto_secret__wiped_when_given_back(void **state)
{
    struct secret s = {0};
    const uint8_t *was = NULL;
    static const uint8_t zero[500];
    (void)state;
    assert_int_equal(secret_make(500, &s), FP_OK);
    memset(s.ptr, 0xaa, 500);
    was = s.ptr;
    secret_done(&s);
    assert_memory_equal(was, zero, sizeof zero); // still mapped: it is the arena's
}

static void test_crypto_secret__exhaustion_and_reuse(void **state)
{
    static struct secret many[600];
    size_t made = 0;
    (void)state;
    while (made < 600 && secret_random(8000, &many[made]) == FP_OK) {
        made++;
    }
    assert_in_range(made, 250, 262); // 2 MiB of 8,000 bytes and a canary in units of 64
    for (size_t i = 0; i < made; i += 2) {
        secret_done(&many[i]);
    }
    for (size_t i = 0; i < made; i += 2) {
        assert_int_equal(secret_random(8000, &many[i]), FP_OK);
    }
    for (size_t i = 0; i < made; i++) {
        secret_done(&many[i]);
    }
    assert_int_equal(secret_make(FP_LIMIT_SECRET_SIZE + 1, &many[0]), FP_E_NO_MEMORY);
    assert_int_equal(secret_in_use(), 0);
}

// The flags of the mapping that holds at, as the kernel shows them.
static void vm_flags(const void *at, char *out, size_t size)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false;
    unsigned long first = 0, end = 0;
    out[0] = '\0';
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2) {
            inside = (unsigned long)at >= first && (unsigned long)at < end;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            (void)snprintf(out, size, "%s", line);
        }
    }
    (void)fclose(f);
}

static void test_crypto_secret__protections_are_real(void **state)
{
    struct secret_protections p;
    struct secret s = {0};
    char flags[512];
    (void)state;
    assert_int_equal(secret_copy(BYTES("x"), &s), FP_OK);
    p = secret_protections();
    vm_flags(s.ptr, flags, sizeof flags);
    assert_int_equal(p.locked, strstr(flags, " lo") != NULL);
    assert_int_equal(p.not_dumped, strstr(flags, " dd") != NULL);
    assert_int_equal(p.not_forked, strstr(flags, " wf") != NULL || strstr(flags, " dc") != NULL);
    assert_true(p.not_dumped);
    assert_true(p.not_forked);
    secret_done(&s);
}

// Runs f in a child without a core file; the wait status.
static int in_child(void (*f)(void))
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGBUS, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(2);
        f();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static struct secret inherited;

static void child_reads_inherited(void)
{
    volatile const uint8_t *at = inherited.ptr;
    struct secret own = {0};
    for (size_t i = 0; i < 32; i++) {
        if (at[i] == 0xa5) {
            _exit(1);
        }
    }
    _exit(secret_copy(BYTES("own"), &own) == FP_OK ? 0 : 2);
}

static void child_makes_own(void)
{
    struct secret own = {0};
    if (secret_copy(BYTES("own"), &own) != FP_OK || !secret_equal(&own, BYTES("own"))) {
        _exit(2);
    }
    secret_done(&own);
    _exit(secret_in_use() == 0 ? 0 : 3);
}

static void test_crypto_secret__not_in_forked_children(void **state)
{
    int status = 0;
    (void)state;
    assert_int_equal(secret_make(32, &inherited), FP_OK);
    memset(inherited.ptr, 0xa5, 32);
    status = in_child(child_reads_inherited);
    // zeros (wiped), or nothing there at all
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) || WIFSIGNALED(status) ||
                WEXITSTATUS(status) > 2);
    assert_int_equal(in_child(child_makes_own), 0);
    secret_done(&inherited);
}

static void overrun(void)
{
    struct secret s = {0};
    if (secret_make(10, &s) != FP_OK) {
        _exit(2);
    }
    s.ptr[10] ^= 1;
    secret_done(&s);
}

static void beyond_the_arena(void)
{
    struct secret s = {0};
    volatile uint8_t *at = NULL;
    if (secret_make(10, &s) != FP_OK) {
        _exit(2);
    }
    at = s.ptr;
    for (;; at += 4096) {
        *at = 1; // must meet the guard page
    }
}

static void test_crypto_secret__overruns_are_caught(void **state)
{
    (void)state;
    assert_int_not_equal(in_child(overrun), 0);
    assert_int_not_equal(in_child(beyond_the_arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_secret__copies_and_compares),
        cmocka_unit_test(test_crypto_secret__wiped_when_given_back),
        cmocka_unit_test(test_crypto_secret__exhaustion_and_reuse),
        cmocka_unit_test(test_crypto_secret__protections_are_real),
        cmocka_unit_test(test_crypto_secret__not_in_forked_children),
        cmocka_unit_test(test_crypto_secret__overruns_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
