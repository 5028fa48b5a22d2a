// The locked arena: units of 64 bytes with a bitmap beside it, guard pages around it, a canary
// behind each secret. SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include "base/bug.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/random.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECRET_UNIT   64
#define SECRET_UNITS  (FP_LIMIT_SECRET_ARENA / SECRET_UNIT)
#define SECRET_CANARY 16

struct secret_arena {
    uint8_t *base;                      // first unit; NULL: not made
    uint64_t used[SECRET_UNITS / 64];   // one bit a unit
    size_t units_used;                  // set bits
    size_t hint;                        // no free unit before it
    uint8_t canary[SECRET_CANARY];      // random, the same behind every secret
    struct secret_protections protects; // what the kernel gave
};

static struct secret_arena arena;
static pthread_mutex_t arena_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t arena_fork_once = PTHREAD_ONCE_INIT;

// The child has no arena (see secret_map()); it makes its own when it needs one.
static void secret_forked(void)
{
    arena = (struct secret_arena){0};
    (void)pthread_mutex_init(&arena_lock, NULL);
}

static void secret_watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, secret_forked);
}

// Memory that the kernel itself has no mapping of; shared, so it is kept from children by DONTFORK
// where private memory would be wiped.
static bool secret_map_hidden(uint8_t *at, size_t size)
{
    bool done = false;
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, 0u);
    if (fd < 0) {
        return false;
    }
    if (ftruncate(fd, (off_t)size) == 0 &&
        mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED) {
        done = madvise(at, size, MADV_DONTFORK) == 0;
    }
    (void)close(fd);
    if (done) {
        arena.protects = (struct secret_protections){true, true, true, true, size};
    }
#else
    (void)at;
    (void)size;
#endif
    return done;
}

static bool secret_map(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *all = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *at = NULL;
    if (all == MAP_FAILED) {
        return false;
    }
    at = all + page;
    if (!secret_map_hidden(at, size)) {
        if (mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == MAP_FAILED) {
            (void)munmap(all, size + 2 * page);
            return false;
        }
        arena.protects.size = size;
        arena.protects.locked = mlock(at, size) == 0;
        arena.protects.not_dumped = madvise(at, size, MADV_DONTDUMP) == 0;
        arena.protects.not_forked = madvise(at, size, MADV_WIPEONFORK) == 0;
    }
    arena.base = at;
    return true;
}

static enum fp_error secret_setup_locked(void)
{
    if (arena.base == NULL) {
        (void)pthread_once(&arena_fork_once, secret_watch_forks);
        if (!secret_map(FP_LIMIT_SECRET_ARENA)) {
            return FP_E_NO_MEMORY;
        }
        random_bytes(arena.canary, sizeof arena.canary);
    }
    return FP_OK;
}

enum fp_error secret_setup(void)
{
    enum fp_error error = FP_OK;
    (void)pthread_mutex_lock(&arena_lock);
    error = secret_setup_locked();
    (void)pthread_mutex_unlock(&arena_lock);
    return error;
}

struct secret_protections secret_protections(void)
{
    return arena.protects;
}

size_t secret_in_use(void)
{
    size_t used = 0;
    (void)pthread_mutex_lock(&arena_lock);
    used = arena.units_used * SECRET_UNIT;
    (void)pthread_mutex_unlock(&arena_lock);
    return used;
}

static bool secret_unit_used(size_t unit)
{
    return (arena.used[unit / 64] >> (unit % 64) & 1u) != 0;
}

static void secret_units_mark(size_t first, size_t count, bool used)
{
    for (size_t unit = first; unit < first + count; unit++) {
        uint64_t bit = (uint64_t)1 << (unit % 64);
        arena.used[unit / 64] = used ? arena.used[unit / 64] | bit : arena.used[unit / 64] & ~bit;
    }
    arena.units_used = used ? arena.units_used + count : arena.units_used - count;
}

// First fit. Full words are passed over at once.
static bool secret_units_find(size_t count, size_t *first_out)
{
    size_t run = 0, unit = arena.hint;
    while (unit < SECRET_UNITS) {
        if (unit % 64 == 0 && arena.used[unit / 64] == UINT64_MAX) {
            run = 0;
            unit += 64;
            continue;
        }
        run = secret_unit_used(unit) ? 0 : run + 1;
        unit++;
        if (run == count) {
            *first_out = unit - count;
            return true;
        }
    }
    return false;
}

static size_t secret_units_of(size_t len)
{
    return (len + SECRET_CANARY + SECRET_UNIT - 1) / SECRET_UNIT;
}

enum fp_error secret_make(size_t len, struct secret *out)
{
    enum fp_error error = len <= FP_LIMIT_SECRET_SIZE ? FP_OK : FP_E_NO_MEMORY;
    size_t first = 0, count = secret_units_of(len);
    (void)pthread_mutex_lock(&arena_lock);
    if (error == FP_OK) {
        error = secret_setup_locked();
    }
    if (error == FP_OK && !secret_units_find(count, &first)) {
        error = FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        secret_units_mark(first, count, true);
        arena.hint = first == arena.hint ? first + count : arena.hint;
        out->ptr = arena.base + first * SECRET_UNIT;
        out->len = len;
        out->room = len;
        memcpy(out->ptr + len, arena.canary, SECRET_CANARY);
    }
    (void)pthread_mutex_unlock(&arena_lock);
    return error;
}

enum fp_error secret_copy(struct bytes data, struct secret *out)
{
    enum fp_error error = secret_make(data.len, out);
    if (error == FP_OK && data.len != 0) {
        memcpy(out->ptr, data.ptr, data.len);
    }
    return error;
}

enum fp_error secret_random(size_t len, struct secret *out)
{
    enum fp_error error = secret_make(len, out);
    if (error == FP_OK) {
        random_bytes(out->ptr, len);
    }
    return error;
}

void secret_done(struct secret *s)
{
    size_t first = 0, count = 0;
    if (s->ptr == NULL) {
        return;
    }
    count = secret_units_of(s->room);
    (void)pthread_mutex_lock(&arena_lock);
    first = (size_t)(s->ptr - arena.base) / SECRET_UNIT;
    if (arena.base == NULL || s->ptr < arena.base || first + count > SECRET_UNITS ||
        !secret_unit_used(first)) {
        fp_bug("a secret that is none of the arena's");
    }
    if (memcmp(s->ptr + s->room, arena.canary, SECRET_CANARY) != 0) {
        fp_bug("written beyond the end of a secret");
    }
    mem_wipe(s->ptr, count * SECRET_UNIT);
    secret_units_mark(first, count, false);
    arena.hint = first < arena.hint ? first : arena.hint;
    (void)pthread_mutex_unlock(&arena_lock);
    *s = (struct secret){0};
}

void secret_cut(struct secret *s, size_t len)
{
    if (len < s->len) {
        mem_wipe(s->ptr + len, s->len - len);
        s->len = len;
    }
}

struct bytes secret_bytes(const struct secret *s)
{
    return bytes_of(s->ptr, s->len);
}

bool secret_bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool secret_equal(const struct secret *a, struct bytes b)
{
    return secret_bytes_equal(secret_bytes(a), b);
}
