// Names that work once: within the window, not beyond twice of it, and no more of them than there
// is room for. Row N6. SPDX-License-Identifier: Apache-2.0
#include "registry/replay.h"

#include "crypto/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WINDOW_S 10

static enum fp_error take(struct replay *replay, uint32_t number, uint64_t now_ms)
{
    uint8_t name[DIGEST_SIZE] = {0};
    memcpy(name, &number, sizeof number);
    return replay_take(replay, name, now_ms);
}

static struct replay *make(uint32_t max)
{
    struct replay *replay = NULL;
    assert_int_equal(replay_create(WINDOW_S, max, &replay), FP_OK);
    return replay;
}

static void test_registry_replay__once_in_its_window(void **state)
{
    // whenever it was taken: it is known for the whole window, and forgotten after two
    (void)state;
    for (uint64_t start = 0; start < 25000; start += 2500) {
        struct replay *replay = make(100);
        assert_int_equal(take(replay, 1, start), FP_OK);
        for (uint64_t later = 0; later < WINDOW_S * 1000; later += 999) {
            assert_int_equal(take(replay, 1, start + later), FP_E_EXISTS);
            assert_int_equal(take(replay, 100 + (uint32_t)later, start + later), FP_OK);
        }
        assert_int_equal(take(replay, 1, start + WINDOW_S * 1000ull - 1), FP_E_EXISTS);
        assert_int_equal(take(replay, 1, start + 2 * WINDOW_S * 1000ull), FP_OK);
        replay_free(replay);
    }
}

static void test_registry_replay__many_and_too_many(void **state)
{
    struct replay *replay = make(5000);
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(take(replay, i, 1000), FP_OK);
    }
    assert_int_equal(take(replay, 5000, 1000), FP_E_SERVICE_UNAVAILABLE);
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(take(replay, i, 2000), FP_E_EXISTS);
    }
    // room again, and nothing of the window is forgotten
    assert_int_equal(take(replay, 5000, 11000), FP_OK);
    assert_int_equal(take(replay, 17, 11000), FP_E_EXISTS);
    replay_free(replay);
    replay_free(NULL);
}

static int begin(void **state)
{
    (void)state;
    return crypto_setup() == FP_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_replay__once_in_its_window),
        cmocka_unit_test(test_registry_replay__many_and_too_many),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
