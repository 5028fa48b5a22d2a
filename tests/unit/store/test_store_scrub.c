// Erasing leaves nothing behind: what a row held before is in none of the store's files after a
// scrub, wherever tables were split, moved or logged meanwhile. Row N5.
// SPDX-License-Identifier: Apache-2.0
#include "store_world.h"

#include "base/bytes.h"

#define CUSTOMERS 3000
#define ERASED    500

// A wrapped key that no other customer's could be mistaken for: 92 bytes, the first 24 random
// enough to look for.
static void key_of(unsigned number, uint8_t out[static 92])
{
    uint64_t x = 0x9e3779b97f4a7c15u * (number + 1);
    for (size_t i = 0; i < 92; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = (uint8_t)(x >> 32);
    }
}

static struct store_data_key row_of(unsigned number, const uint8_t *wrapped, size_t len)
{
    struct store_data_key row = {.key_version = 1,
                                 .wrapped = bytes_of(wrapped, len),
                                 .state = STORE_KEY_ACTIVE,
                                 .created_ms = 1,
                                 .version = 1};
    // a scattered order: pages are split in the middle and rows move between them
    (void)snprintf(row.customer, sizeof row.customer, "cus_%08x", number * 2654435761u);
    return row;
}

static void fill(struct world *w)
{
    for (unsigned i = 0; i < CUSTOMERS; i += 30) {
        struct store_batch *batch = store_batch_create(w->store);
        assert_non_null(batch);
        for (unsigned k = i; k < i + 30; k++) {
            uint8_t wrapped[92];
            key_of(k, wrapped);
            struct store_data_key row = row_of(k, wrapped, sizeof wrapped);
            store_insert_data_key(batch, &row);
        }
        assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    }
}

static bool holds(const uint8_t *text, size_t len, const uint8_t *needle, size_t needle_len)
{
    return memmem(text, len, needle, needle_len) != NULL;
}

// How many of the first `count` customers' keys are somewhere in the files of the store. Any 24
// bytes of a key would do; its beginning, middle and end are looked for.
static unsigned found(struct world *w, unsigned from, unsigned count)
{
    static uint8_t content[16 << 20];
    unsigned hits = 0;
    DIR *dir = opendir(w->dir);
    struct dirent *entry = NULL;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[400];
        ssize_t got = 0;
        size_t len = 0;
        int fd = -1;
        (void)snprintf(path, sizeof path, "%s/%s", w->dir, entry->d_name);
        fd = entry->d_name[0] != '.' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        while (fd >= 0 && (got = read(fd, content + len, sizeof content - len)) > 0) {
            len += (size_t)got;
        }
        assert_true(len < sizeof content);
        if (fd >= 0) {
            (void)close(fd);
        }
        for (unsigned k = from; k < from + count; k++) {
            uint8_t wrapped[92];
            key_of(k, wrapped);
            hits += holds(content, len, wrapped, 24) || holds(content, len, wrapped + 34, 24) ||
                            holds(content, len, wrapped + 68, 24)
                        ? 1
                        : 0;
        }
    }
    (void)closedir(dir);
    return hits;
}

static void erase(struct world *w, unsigned count, bool scrub)
{
    struct store_batch *batch = store_batch_create(w->store);
    assert_non_null(batch);
    for (unsigned k = 0; k < count; k++) {
        struct store_data_key row = row_of(k, NULL, 0);
        row.state = STORE_KEY_DESTROYED;
        store_update_data_key(batch, &row);
    }
    if (scrub) {
        store_scrub(batch);
    }
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
}

static void test_store_scrub__nothing_left(void **state)
{
    struct world *w = *state;
    fill(w);
    assert_true(found(w, 0, ERASED) >= ERASED); // the search finds what is there
    erase(w, ERASED, true);
    assert_int_equal(found(w, 0, ERASED), 0);
    assert_true(found(w, ERASED, 100) >= 100); // the others are untouched
}

// Without it the log still holds them: the scrub is what takes them out.
static void test_store_scrub__needed(void **state)
{
    struct world *w = *state;
    fill(w);
    erase(w, ERASED, false);
    assert_true(found(w, 0, ERASED) > 0);
    struct store_batch *batch = store_batch_create(w->store);
    assert_non_null(batch);
    store_scrub(batch);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    assert_int_equal(found(w, 0, ERASED), 0);
}

// A read that does not end keeps the log: the caller hears of it, and its rows are written all the
// same.
static void test_store_scrub__held_up(void **state)
{
    struct world *w = *state;
    struct store_data_key row = {0};
    struct store_batch *batch = store_batch_create(w->store);
    uint8_t wrapped[92];
    key_of(1, wrapped);
    row = row_of(1, wrapped, sizeof wrapped);
    assert_non_null(batch);
    store_insert_data_key(batch, &row);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    assert_int_equal(store_read_begin(w->store), FP_OK);
    assert_int_equal(store_get_data_key(w->store, row.customer, 1, w->arena, &row), FP_OK);
    batch = store_batch_create(w->store);
    assert_non_null(batch);
    row.wrapped = (struct bytes){0};
    row.state = STORE_KEY_DESTROYED;
    store_update_data_key(batch, &row);
    store_scrub(batch);
    assert_int_equal(store_submit_wait(w->store, batch), FP_E_STORE_UNAVAILABLE);
    store_read_end(w->store);
    assert_int_equal(store_get_data_key(w->store, row.customer, 1, w->arena, &row), FP_OK);
    assert_int_equal(row.state, STORE_KEY_DESTROYED);
    batch = store_batch_create(w->store);
    assert_non_null(batch);
    store_scrub(batch);
    assert_int_equal(store_submit_wait(w->store, batch), FP_OK);
    assert_int_equal(found(w, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_store_scrub__nothing_left, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_store_scrub__needed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_store_scrub__held_up, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
